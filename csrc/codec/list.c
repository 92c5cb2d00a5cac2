/* Lists of several blocks end with a table that is searched before anything is decoded.
 * What it says is checked against each block that is decoded: the values lie above the
 * block's base and end on the next block's. */
#include "codec/list.h"

#include <assert.h>
#include <string.h>

enum { ENTRY_BYTES = 8 };

static uint32_t n_blocks_of(uint32_t n) {
    return n / PM_BLOCK + (n % PM_BLOCK != 0);
}

static uint32_t block_count(uint32_t n, uint32_t block) {
    uint32_t left = n - block * PM_BLOCK;
    return left < PM_BLOCK ? left : PM_BLOCK;
}

static size_t table_bytes(uint32_t n) {
    return n > PM_BLOCK ? ((size_t)n_blocks_of(n) - 1) * ENTRY_BYTES : 0;
}

/* ---- writing ---- */

static void encode_values(pm_buf *out, const uint32_t *values, size_t n,
                          uint32_t base) {
    uint32_t gaps[PM_BLOCK];
    for (size_t i = 0; i < n; i++) {
        gaps[i] = values[i] - base - 1;
        base = values[i];
    }
    pm_block_encode(out, gaps, n);
}

static void put_block(pm_list_writer *l, pm_buf *out, const uint32_t *values,
                      const uint32_t *payload, size_t n) {
    size_t before = out->n;
    if (l->bytes > 0) {
        pm_buf_put_u32(&l->table, l->last);
        pm_buf_put_u32(&l->table, (uint32_t)l->bytes);
        /* no list of 2^31 positions comes near; failing beats a wrong table */
        out->failed |= l->bytes > UINT32_MAX;
    }
    encode_values(out, values, n, l->last);
    if (l->has_payload) {
        pm_block_encode(out, payload, n);
    }
    l->last = values[n - 1];
    l->bytes += out->n - before;
}

void pm_list_writer_init(pm_list_writer *l) {
    pm_buf_init(&l->table);
    pm_list_begin(l, false);
}

void pm_list_writer_release(pm_list_writer *l) {
    pm_buf_release(&l->table);
}

void pm_list_begin(pm_list_writer *l, bool has_payload) {
    l->has_payload = has_payload;
    l->n = l->held = 0;
    l->last = UINT32_MAX;
    l->bytes = 0;
    pm_buf_clear(&l->table);
}

/* Fills up the block that is held. */
static size_t hold(pm_list_writer *l, const uint32_t *values, const uint32_t *payload,
                   size_t n) {
    n = n < PM_BLOCK - l->held ? n : PM_BLOCK - l->held;
    memcpy(l->values + l->held, values, n * sizeof *values);
    if (l->has_payload) {
        memcpy(l->payload + l->held, payload, n * sizeof *payload);
    }
    l->held += (uint32_t)n;
    return n;
}

void pm_list_put(pm_list_writer *l, pm_buf *out, const uint32_t *values,
                 const uint32_t *payload, size_t n) {
    assert(n <= UINT32_MAX - l->n);
    l->n += (uint32_t)n;
    for (size_t at = 0, took; at < n; at += took) {
        const uint32_t *beside = l->has_payload ? payload + at : NULL;
        if (l->held == 0 && n - at >= PM_BLOCK) {
            took = PM_BLOCK;
            put_block(l, out, values + at, beside, PM_BLOCK);
            continue;
        }
        took = hold(l, values + at, beside, n - at);
        if (l->held == PM_BLOCK) {
            put_block(l, out, l->values, l->payload, PM_BLOCK);
            l->held = 0;
        }
    }
}

void pm_list_end(pm_list_writer *l, pm_buf *out) {
    if (l->held > 0) {
        put_block(l, out, l->values, l->payload, l->held);
        l->held = 0;
    }
    out->failed |= l->table.failed;
    pm_buf_put(out, l->table.p, l->table.n);
}

/* Of several blocks; nothing is held: the last one goes straight to its place too. */
static void encode_long(pm_buf *out, const uint32_t *values, const uint32_t *payload,
                        size_t n) {
    pm_list_writer l;
    pm_list_writer_init(&l);
    pm_list_begin(&l, payload != NULL);
    for (size_t at = 0; at < n; at += PM_BLOCK) {
        put_block(&l, out, values + at, payload != NULL ? payload + at : NULL,
                  n - at < PM_BLOCK ? n - at : PM_BLOCK);
    }
    pm_list_end(&l, out);
    pm_list_writer_release(&l);
}

void pm_list_encode(pm_buf *out, const uint32_t *values, const uint32_t *payload,
                    size_t n) {
    assert(n <= UINT32_MAX);
    if (n > PM_BLOCK) {
        encode_long(out, values, payload, n);
    } else if (n > 0) {
        encode_values(out, values, n, UINT32_MAX);
        if (payload != NULL) {
            pm_block_encode(out, payload, n);
        }
    }
}

/* ---- reading one block ---- */

/* What the table says of a block but the first, in a list whose bytes hold a table. */
static const uint8_t *table_entry(const pm_list *l, uint32_t block) {
    size_t from_end = (size_t)(n_blocks_of(l->n) - block) * ENTRY_BYTES;
    return l->bytes.p + (l->bytes.n - from_end);
}

static uint32_t table_base(const pm_list *l, uint32_t block) {
    return pm_load32(table_entry(l, block));
}

/* The first of `block` in [lo, n_blocks) whose successor's base reaches target;
 * base(lo) < target is given. Gallops, since walks are mostly short. On a damaged table
 * (not ascending) still some block of the range. */
static uint32_t find_block(const pm_list *l, uint32_t lo, uint32_t n_blocks,
                           uint32_t target) {
    uint32_t step = 1;
    uint32_t hi = lo + 1;
    while (hi < n_blocks && table_base(l, hi) < target) {
        lo = hi;
        step *= 2;
        hi = n_blocks - lo > step ? lo + step : n_blocks;
    }
    while (hi - lo > 1) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (table_base(l, middle) < target) {
            lo = middle;
        } else {
            hi = middle;
        }
    }
    return lo;
}

/* A cursor on a block < n_blocks, which cannot leave the blocks, and its base. Only the
 * first block has base "-1". */
static bool open_block(const pm_list *l, uint32_t block, uint32_t *base, pm_cursor *c) {
    size_t table = table_bytes(l->n);
    if (table > l->bytes.n) {
        return false;
    }
    *c = pm_cursor_of((pm_bytes){l->bytes.p, l->bytes.n - table});
    *base = UINT32_MAX;
    if (block == 0) {
        return true;
    }
    const uint8_t *entry = table_entry(l, block);
    *base = pm_load32(entry);
    (void)pm_cursor_take(c, pm_load32(entry + 4));
    return !c->bad && *base != UINT32_MAX;
}

/* out[i] > out[i - 1] shows that no sum wrapped: each gap is in [1, 2^32]. */
static bool is_increasing(const uint32_t *values, size_t n, uint32_t base) {
    bool good = values[0] >= base + 1;
    for (size_t i = 1; i < n; i++) {
        good &= values[i] > values[i - 1];
    }
    return good;
}

/* Values of one block, above base and below UINT32_MAX. Where no gap exceeds 2^24, all
 * of them together are at most 2^32, so they wrap once at most, and then the last value
 * lies below the first possible one: no need to look at each. */
static bool decode_values(pm_cursor *c, size_t n, uint32_t base, uint32_t *out) {
    uint32_t bound = pm_block_decode_bound(c, n, out);
    if (c->bad) {
        return false;
    }
    pm_kernels_get()->prefix_sum(out, n, base);
    uint32_t last = out[n - 1];
    if (bound < UINT32_C(1) << 24) {
        return last != UINT32_MAX && last >= base + 1;
    }
    return last != UINT32_MAX && is_increasing(out, n, base);
}

/* The table's word for where the block ends. The first block is read without a look at
 * the table, which mostly lies in other memory: the word is compared by whoever goes on
 * to the next block. */
static bool ends_on_next_base(const pm_list *l, uint32_t block, uint32_t last) {
    return block == 0 || block + 1 >= n_blocks_of(l->n) ||
           table_base(l, block + 1) == last;
}

/* Number of values < target in a full block (padded with UINT32_MAX), without a branch
 * that depends on them: first in steps of 16, then one by one. */
static uint32_t count_less(const uint32_t values[PM_BLOCK], uint32_t target) {
    uint32_t steps = 0;
    for (uint32_t i = 15; i < PM_BLOCK - 1; i += 16) {
        steps += values[i] < target;
    }
    const uint32_t *rest = values + (size_t)16 * steps;
    uint32_t less = 16 * steps;
    for (uint32_t i = 0; i < 16; i++) {
        less += rest[i] < target;
    }
    return less;
}

/* ---- walking ---- */

static bool stop(pm_list_iter *it, bool bad) {
    it->block = it->n_blocks;
    it->at = it->count = 0;
    it->bad |= bad;
    return false;
}

/* Whether a block with this base may follow what is decoded: not below a value that was
 * passed, and right behind the block before it. */
static bool follows(const pm_list_iter *it, uint32_t block, uint32_t base) {
    if (it->count == 0 || block <= it->block) {
        return true;
    }
    uint32_t last = it->values[it->count - 1];
    return block == it->block + 1 ? base == last : base >= last;
}

/* Decodes the block into it->values, padded. */
static bool load_values(pm_list_iter *it, uint32_t block) {
    uint32_t base;
    pm_cursor c;
    uint32_t count = block_count(it->list.n, block);
    if (!open_block(&it->list, block, &base, &c) || !follows(it, block, base) ||
        !decode_values(&c, count, base, it->values) ||
        !ends_on_next_base(&it->list, block, it->values[count - 1])) {
        return false;
    }
    memset(it->values + count, 0xff, (PM_BLOCK - count) * sizeof *it->values);
    it->count = count;
    it->block = block;
    it->at = 0;
    it->payload_at = it->list.has_payload ? c.p : NULL;
    it->payload_decoded = false;
    return true;
}

bool pm_list_iter_load(pm_list_iter *it, uint32_t block) {
    if (it->bad || block >= it->n_blocks) {
        return stop(it, false);
    }
    return load_values(it, block) || stop(it, true);
}

/* Stands nowhere; the values are not touched. */
static void reset(pm_list_iter *it, pm_list list) {
    it->list = list;
    it->n_blocks = n_blocks_of(list.n);
    it->payload_at = NULL;
    it->payload_decoded = false;
    it->bad = false;
    stop(it, false);
}

void pm_list_iter_init(pm_list_iter *it, pm_list list) {
    reset(it, list);
    (void)pm_list_iter_load(it, 0);
}

uint32_t pm_list_iter_payload(pm_list_iter *it) {
    if (it->at >= it->count || it->payload_at == NULL) {
        return 0;
    }
    if (!it->payload_decoded) {
        size_t at = (size_t)(it->payload_at - it->list.bytes.p);
        size_t end = it->list.bytes.n - table_bytes(it->list.n);
        pm_cursor c = pm_cursor_of((pm_bytes){it->payload_at, end - at});
        pm_block_decode(&c, it->count, it->payload);
        if (c.bad) {
            stop(it, true);
            return 0;
        }
        it->payload_decoded = true;
    }
    return it->payload[it->at];
}

uint32_t pm_list_iter_advance(pm_list_iter *it, uint32_t target) {
    uint32_t value = pm_list_iter_value(it);
    if (value >= target) { /* at the end too: the end's value is the largest */
        return value;
    }
    if (target > it->values[it->count - 1]) {
        uint32_t next = it->block + 1;
        if (next >= it->n_blocks) {
            stop(it, false);
            return UINT32_MAX;
        }
        if (!pm_list_iter_load(it, find_block(&it->list, next, it->n_blocks, target))) {
            return UINT32_MAX;
        }
        if (target > it->values[it->count - 1]) { /* beyond the last block */
            stop(it, false);
            return UINT32_MAX;
        }
    }
    it->at = count_less(it->values, target);
    return it->values[it->at];
}

uint32_t pm_list_iter_rank(const pm_list_iter *it) {
    return it->at < it->count ? it->block * PM_BLOCK + it->at : it->list.n;
}

/* ---- whole lists ---- */

bool pm_list_decode(pm_list list, uint32_t *out) {
    uint32_t n_blocks = n_blocks_of(list.n);
    uint32_t last = UINT32_MAX;
    size_t end = 0; /* blocks follow each other without a gap, up to the table */
    for (uint32_t block = 0; block < n_blocks; block++) {
        uint32_t base;
        pm_cursor c;
        uint32_t count = block_count(list.n, block);
        uint32_t *to = out + (size_t)block * PM_BLOCK;
        if (!open_block(&list, block, &base, &c) || base != last ||
            (block > 0 && pm_load32(table_entry(&list, block) + 4) != end) ||
            !decode_values(&c, count, base, to)) {
            return false;
        }
        if (list.has_payload) {
            pm_block_skip(&c, count);
        }
        if (c.bad) {
            return false;
        }
        last = to[count - 1];
        end = (size_t)(c.p - list.bytes.p);
    }
    return end == list.bytes.n - table_bytes(list.n);
}

uint32_t pm_list_rank(pm_list list, uint32_t target, bool *bad) {
    pm_list_iter it;
    reset(&it, list);
    if (list.n == 0 || target == 0) {
        return 0;
    }
    uint32_t block = 0;
    if (list.n > PM_BLOCK && table_bytes(list.n) <= list.bytes.n &&
        table_base(&list, 1) < target) {
        block = find_block(&list, 1, it.n_blocks, target);
    }
    if (!pm_list_iter_load(&it, block)) {
        *bad = true;
        return 0;
    }
    return block * PM_BLOCK + count_less(it.values, target);
}

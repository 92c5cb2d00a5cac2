/* Lists of several blocks start with a table that is searched before anything is
 * decoded. What it says is checked against each block that is decoded: the values lie
 * above the block's base and end on the next block's. */
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
    return n > PM_BLOCK ? (size_t)n_blocks_of(n) * ENTRY_BYTES : 0;
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

/* The table's room is kept as an offset: the buffer moves while the blocks are
 * written. */
static void put_entry(pm_buf *out, size_t table, size_t table_end, uint32_t block,
                      uint32_t base) {
    size_t offset = out->n - table_end;
    /* no list of 2^31 positions comes near; failing beats a wrong table */
    if (offset > UINT32_MAX) {
        out->failed = true;
    }
    if (!out->failed) {
        uint32_t entry[2] = {base, (uint32_t)offset};
        memcpy(out->p + table + (size_t)block * ENTRY_BYTES, entry, sizeof entry);
    }
}

void pm_list_encode(pm_buf *out, const uint32_t *values, const uint32_t *payload,
                    size_t n) {
    assert(n <= UINT32_MAX);
    size_t table = out->n;
    size_t table_size = table_bytes((uint32_t)n);
    if (pm_buf_room(out, table_size) == NULL) {
        return;
    }
    pm_buf_grew(out, table_size);
    uint32_t base = UINT32_MAX;
    for (size_t lo = 0; lo < n; lo += PM_BLOCK) {
        size_t count = n - lo < PM_BLOCK ? n - lo : PM_BLOCK;
        if (table_size > 0) {
            put_entry(out, table, table + table_size, (uint32_t)(lo / PM_BLOCK), base);
        }
        encode_values(out, values + lo, count, base);
        if (payload != NULL) {
            pm_block_encode(out, payload + lo, count);
        }
        base = values[lo + count - 1];
    }
}

/* ---- reading one block ---- */

/* Base of a block of a list whose table is known to be there. */
static uint32_t table_base(const pm_list *l, uint32_t block) {
    return pm_load32(l->bytes.p + (size_t)block * ENTRY_BYTES);
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

/* A cursor on a block < n_blocks, and its base. Only the first block may have base
 * "-1". */
static bool open_block(const pm_list *l, uint32_t block, uint32_t *base, pm_cursor *c) {
    size_t table = table_bytes(l->n);
    if (table > l->bytes.n) {
        return false;
    }
    *c = pm_cursor_of(l->bytes);
    *base = UINT32_MAX;
    if (table == 0) {
        return true;
    }
    const uint8_t *entry = l->bytes.p + (size_t)block * ENTRY_BYTES;
    *base = pm_load32(entry);
    (void)pm_cursor_take(c, table);
    (void)pm_cursor_take(c, pm_load32(entry + 4));
    return !c->bad && (block == 0) == (*base == UINT32_MAX);
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

/* The table's word for where the block ends. */
static bool ends_on_next_base(const pm_list *l, uint32_t block, uint32_t last) {
    return block + 1 >= n_blocks_of(l->n) || table_base(l, block + 1) == last;
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

/* Decodes the block into it->values, padded; not below floor (a value that was passed,
 * or 0). */
static bool load_values(pm_list_iter *it, uint32_t block, uint32_t floor) {
    uint32_t base;
    pm_cursor c;
    uint32_t count = block_count(it->list.n, block);
    if (!open_block(&it->list, block, &base, &c) || base < floor ||
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
    bool forward = it->count > 0 && block > it->block;
    uint32_t floor = forward ? it->values[it->count - 1] : 0;
    return load_values(it, block, floor) || stop(it, true);
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
        const uint8_t *end = it->list.bytes.p + it->list.bytes.n;
        pm_cursor c =
            pm_cursor_of((pm_bytes){it->payload_at, (size_t)(end - it->payload_at)});
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
    const uint8_t *expected = NULL; /* blocks follow each other without a gap */
    for (uint32_t block = 0; block < n_blocks; block++) {
        uint32_t base;
        pm_cursor c;
        uint32_t count = block_count(list.n, block);
        uint32_t *to = out + (size_t)block * PM_BLOCK;
        if (!open_block(&list, block, &base, &c) || base != last ||
            (block > 0 && c.p != expected) || !decode_values(&c, count, base, to)) {
            return false;
        }
        if (list.has_payload) {
            pm_block_skip(&c, count);
        }
        if (c.bad) {
            return false;
        }
        last = to[count - 1];
        expected = c.p;
    }
    return true;
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

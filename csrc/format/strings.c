/* Front coding (Witten, Moffat & Bell 1999, section 4.1). A search compares the block
 * heads by halves, then walks one block without rebuilding its strings: what is shared
 * with the string before decides most comparisons. */
#include "format/strings.h"

enum { BLOCK_STRINGS = PM_STRINGS_BLOCK, NIBBLE = 15, DRAIN_BYTES = 1 << 14 };

int pm_bytes_compare(pm_bytes a, pm_bytes b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* ---- writing ---- */

static size_t common_prefix(pm_bytes a, pm_bytes b) {
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.p[i] == b.p[i]) {
        i++;
    }
    return i;
}

static void put_follower(pm_buf *out, pm_bytes before, pm_bytes item) {
    size_t shared = common_prefix(before, item), rest = item.n - shared;
    size_t high = shared < NIBBLE ? shared : NIBBLE,
           low = rest < NIBBLE ? rest : NIBBLE;
    pm_buf_put_u8(out, (uint8_t)(high << 4 | low));
    if (high == NIBBLE) {
        pm_buf_put_varint(out, shared - NIBBLE);
    }
    if (low == NIBBLE) {
        pm_buf_put_varint(out, rest - NIBBLE);
    }
    if (rest > 0) {
        pm_buf_put(out, item.p + shared, rest);
    }
}

static void put_head(pm_buf *out, pm_bytes item) {
    pm_buf_put_varint(out, item.n);
    pm_buf_put(out, item.p, item.n);
}

void pm_strings_encode(pm_buf *out, const pm_bytes *items, size_t n) {
    if (n >= UINT32_MAX) {
        out->failed = true;
        return;
    }
    size_t n_blocks = (n + BLOCK_STRINGS - 1) / BLOCK_STRINGS;
    pm_buf_put_u32(out, (uint32_t)n);
    size_t offsets = out->n;
    if (pm_buf_room(out, n_blocks * 4) == NULL) {
        return;
    }
    pm_buf_grew(out, n_blocks * 4);
    size_t first = out->n;
    for (size_t i = 0; i < n && !out->failed; i++) {
        if (i % BLOCK_STRINGS != 0) {
            put_follower(out, items[i - 1], items[i]);
            continue;
        }
        uint32_t offset = (uint32_t)(out->n - first);
        memcpy(out->p + offsets + i / BLOCK_STRINGS * 4, &offset, sizeof offset);
        put_head(out, items[i]);
        out->failed |= out->n - first > UINT32_MAX;
    }
}

static void drain(pm_spool *to, pm_buf *from, size_t most) {
    if (from->n > most) {
        pm_spool_put(to, from->p, from->n);
        from->n = 0;
    }
}

static pm_status spool_blocks(pm_spool *offsets, pm_spool *blocks,
                              const pm_bytes *items, const uint32_t *order, size_t n,
                              pm_error *err) {
    pm_bytes before = {NULL, 0};
    pm_buf out;
    pm_buf_init(&out);
    for (size_t i = 0; i < n; i++) {
        pm_bytes item = items[order != NULL ? order[i] : i];
        if (i % BLOCK_STRINGS == 0) {
            pm_spool_put_u32(offsets, (uint32_t)(blocks->n + out.n));
            put_head(&out, item);
        } else {
            put_follower(&out, before, item);
        }
        before = item;
        drain(blocks, &out, DRAIN_BYTES);
    }
    drain(blocks, &out, 0);
    pm_status status = pm_buf_status(&out, err);
    pm_buf_release(&out);
    if (status == PM_OK && (n >= UINT32_MAX || blocks->n > UINT32_MAX)) {
        return pm_fail(err, PM_LIMIT,
                       "the different words, keys or values of a segment take more "
                       "than 4 GB");
    }
    return status;
}

void pm_strings_write(pm_container_writer *w, const pm_bytes *items,
                      const uint32_t *order, size_t n) {
    uint32_t count = (uint32_t)n;
    pm_spool offsets, blocks;
    pm_error err;
    pm_spool_init(&offsets, w->scratch);
    pm_spool_init(&blocks, w->scratch);
    pm_status status = spool_blocks(&offsets, &blocks, items, order, n, &err);
    if (status != PM_OK) {
        pm_container_fail(w, status, &err);
    }
    pm_container_put(w, &count, sizeof count);
    pm_container_put_spool(w, &offsets);
    pm_container_put_spool(w, &blocks);
    pm_spool_release(&offsets);
    pm_spool_release(&blocks);
}

/* ---- reading ---- */

/* One string as it stands in a block: shared bytes of the one before, then rest. */
typedef struct entry {
    size_t shared;
    pm_bytes rest;
} entry;

static bool read_entry(pm_cursor *c, bool is_head, entry *out) {
    if (is_head) {
        *out = (entry){0, pm_cursor_string(c)};
        return !c->bad;
    }
    uint8_t head = pm_cursor_u8(c);
    uint64_t shared = head >> 4, rest = head & NIBBLE;
    if (shared == NIBBLE) {
        shared += pm_cursor_varint(c);
    }
    if (rest == NIBBLE) {
        rest += pm_cursor_varint(c);
    }
    /* A sum that wraps is small or larger than what is left; either way it is checked
     * here or by the caller. */
    if (c->bad || rest > pm_cursor_left(c) || shared > UINT32_MAX) {
        c->bad = true;
        return false;
    }
    *out = (entry){(size_t)shared, {c->p, (size_t)rest}};
    c->p += rest;
    return true;
}

static uint32_t block_count(const pm_strings *s) {
    return (uint32_t)(((uint64_t)s->n + BLOCK_STRINGS - 1) / BLOCK_STRINGS);
}

static bool open_block(const pm_strings *s, uint32_t block, pm_cursor *out) {
    size_t lo = pm_load32(s->offsets.p + (size_t)block * 4);
    size_t hi = s->blocks.n;
    if (block + 1 < block_count(s)) {
        hi = pm_load32(s->offsets.p + (size_t)(block + 1) * 4);
    }
    if (lo > hi || hi > s->blocks.n) {
        return false;
    }
    *out = pm_cursor_of((pm_bytes){s->blocks.p + lo, hi - lo});
    return true;
}

bool pm_strings_open(pm_bytes bytes, uint32_t n, pm_strings *out) {
    memset(out, 0, sizeof *out);
    pm_cursor c = pm_cursor_of(bytes);
    uint32_t count = pm_cursor_u32(&c);
    uint64_t offsets = ((uint64_t)count + BLOCK_STRINGS - 1) / BLOCK_STRINGS * 4;
    if (c.bad || (n != UINT32_MAX && count != n) || offsets > pm_cursor_left(&c)) {
        return false;
    }
    out->offsets = (pm_bytes){c.p, (size_t)offsets};
    out->blocks = (pm_bytes){c.p + offsets, pm_cursor_left(&c) - (size_t)offsets};
    out->n = count;
    return true;
}

/* Applies an entry to the text of the string before. */
static bool follow(pm_buf *text, const entry *e) {
    if (e->shared > text->n) {
        return false;
    }
    text->n = e->shared;
    pm_buf_put(text, e->rest.p, e->rest.n);
    return !text->failed;
}

bool pm_strings_get(const pm_strings *s, uint32_t i, pm_buf *out) {
    pm_buf_clear(out);
    pm_cursor c;
    if (i >= s->n || !open_block(s, i / BLOCK_STRINGS, &c)) {
        return false;
    }
    for (uint32_t k = 0; k <= i % BLOCK_STRINGS; k++) {
        entry e;
        if (!read_entry(&c, k == 0, &e) || !follow(out, &e)) {
            return false;
        }
    }
    return true;
}

/* Strings of the block that are < key, given that its head is <= key. same: bytes that
 * key has in common with the current string, all of which are smaller than it. A string
 * that shares more than that with its predecessor is smaller too; one that shares less
 * is larger, as the list is sorted. */
static bool search_block(const pm_strings *s, uint32_t block, pm_bytes key,
                         uint32_t *rank, bool *equal) {
    pm_cursor c;
    if (!open_block(s, block, &c)) {
        return false;
    }
    uint32_t first = block * BLOCK_STRINGS, left = s->n - first;
    uint32_t count = left < BLOCK_STRINGS ? left : BLOCK_STRINGS;
    size_t same = 0, length = 0;
    *equal = false;
    for (*rank = first; *rank < first + count; (*rank)++) {
        entry e;
        if (!read_entry(&c, *rank == first, &e) || e.shared > length) {
            return false;
        }
        length = e.shared + e.rest.n;
        if (e.shared > same) {
            continue;
        }
        if (e.shared < same) {
            return true;
        }
        pm_bytes tail = {key.p + same, key.n - same};
        size_t more = common_prefix(e.rest, tail);
        same += more;
        if (more == e.rest.n && more < tail.n) {
            continue; /* a proper prefix of the key */
        }
        if (more == tail.n || e.rest.p[more] > tail.p[more]) {
            *equal = more == tail.n && more == e.rest.n;
            return true;
        }
    }
    return true;
}

/* Last block in [lo, hi) whose head is <= key; lo where none is. */
static bool search_heads(const pm_strings *s, pm_bytes key, uint32_t lo, uint32_t hi,
                         uint32_t *block) {
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        pm_cursor c;
        entry head;
        if (!open_block(s, mid, &c) || !read_entry(&c, true, &head)) {
            return false;
        }
        if (pm_bytes_compare(head.rest, key) <= 0) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    *block = lo;
    return true;
}

bool pm_strings_find_between(const pm_strings *s, pm_bytes key, uint32_t lo,
                             uint32_t hi, uint32_t *rank, bool *equal) {
    *rank = 0;
    *equal = false;
    uint32_t block, n_blocks = block_count(s);
    hi = hi < n_blocks ? hi : n_blocks;
    if (lo >= hi) {
        return s->n == 0;
    }
    if (key.n == 0) {
        key.p = s->blocks.p; /* the caller may have given none */
    }
    return search_heads(s, key, lo, hi, &block) &&
           search_block(s, block, key, rank, equal);
}

bool pm_strings_find(const pm_strings *s, pm_bytes key, pm_buf *scratch, uint32_t *rank,
                     bool *equal) {
    (void)scratch;
    return pm_strings_find_between(s, key, 0, UINT32_MAX, rank, equal);
}

/* ---- walking ---- */

void pm_strings_iter_init(pm_strings_iter *it, const pm_strings *s, uint32_t i) {
    it->list = *s;
    it->i = i;
    it->at = (pm_cursor){NULL, NULL, false};
    it->bad = false;
    pm_buf_init(&it->text);
    if (i < s->n && i % BLOCK_STRINGS != 0) { /* stands behind string i - 1 */
        it->i = i - i % BLOCK_STRINGS;
        while (it->i < i && pm_strings_iter_next(it)) {
        }
    }
}

bool pm_strings_iter_next(pm_strings_iter *it) {
    if (it->bad || it->i >= it->list.n) {
        return false;
    }
    bool is_head = it->i % BLOCK_STRINGS == 0;
    if (is_head) {
        it->text.n = 0;
        it->bad = !open_block(&it->list, it->i / BLOCK_STRINGS, &it->at);
    }
    entry e;
    it->bad = it->bad || !read_entry(&it->at, is_head, &e) || !follow(&it->text, &e);
    it->i++;
    return !it->bad;
}

void pm_strings_iter_release(pm_strings_iter *it) {
    pm_buf_release(&it->text);
}

static bool verify_offsets(const pm_strings *s) {
    uint32_t n_blocks = block_count(s);
    if (n_blocks == 0) {
        return s->blocks.n == 0;
    }
    return pm_load32(s->offsets.p) == 0;
}

bool pm_strings_verify(const pm_strings *s, bool sorted, pm_buf *scratch,
                       pm_cancel *cancel) {
    pm_strings_iter it;
    pm_strings_iter_init(&it, s, 0);
    pm_buf_clear(scratch);
    bool good = verify_offsets(s);
    for (uint32_t i = 0; i < s->n && good; i++) {
        good = !pm_cancel_tick(cancel, 50) && pm_strings_iter_next(&it);
        if (good && sorted) {
            good = i == 0 ||
                   pm_bytes_compare(pm_buf_bytes(scratch), pm_buf_bytes(&it.text)) < 0;
            pm_buf_clear(scratch);
            pm_buf_put(scratch, it.text.p, it.text.n);
            good = good && !scratch->failed;
        }
        bool ends_block = i % BLOCK_STRINGS == BLOCK_STRINGS - 1 || i + 1 == s->n;
        good = good && (!ends_block || pm_cursor_left(&it.at) == 0);
    }
    scratch->failed = scratch->failed || it.text.failed;
    pm_strings_iter_release(&it);
    return good;
}

/* A sorted string list with two permutations of fixed width, each the inverse of the
 * other: one load either way. */
#include "format/dict.h"

#include "base/sys.h"
#include "format/strsort.h"

enum { DICT_SORTED = 1, WRITE_HEADS = 128 };

/* ---- writing ---- */

typedef struct plan {
    const pm_bytes *strings; /* of rank r: strings[via[r]], strings[r] without via */
    const uint32_t *via, *order;
    uint32_t n;
} plan;

static pm_bytes string_of(const plan *p, size_t rank) {
    return p->strings[p->via != NULL ? p->via[rank] : rank];
}

static pm_status check_increasing(const plan *p, bool sorted_here, pm_error *err) {
    for (uint32_t r = 1; r < p->n; r++) {
        if (pm_bytes_compare(string_of(p, r - 1), string_of(p, r)) < 0) {
            continue;
        }
        if (!sorted_here) {
            return pm_fail(err, PM_INTERNAL, "strings %u and %u do not increase", r - 1,
                           r);
        }
        pm_status status = pm_fail(err, PM_DUPLICATE, "items %u and %u are equal",
                                   p->order[r - 1], p->order[r]);
        if (err != NULL) {
            err->offset = p->order[r];
        }
        return status;
    }
    return PM_OK;
}

/* ranks: room for n. */
static void write_maps(pm_container_writer *w, const plan *p, uint32_t *ranks) {
    bool is_sorted = true;
    for (uint32_t r = 0; r < p->n; r++) {
        is_sorted = is_sorted && p->order[r] == r;
        ranks[p->order[r]] = r;
    }
    uint8_t flags = is_sorted ? DICT_SORTED : 0;
    pm_container_put(w, &flags, sizeof flags);
    if (!is_sorted) {
        pm_packed_write(w, p->order, p->n, p->n - 1);
        pm_packed_write(w, ranks, p->n, p->n - 1);
    }
}

/* The first eight bytes as a number that compares as they do. */
static uint64_t head_of(pm_bytes s) {
    uint8_t bytes[8] = {0};
    if (s.n > 0) {
        memcpy(bytes, s.p, s.n < sizeof bytes ? s.n : sizeof bytes);
    }
    return __builtin_bswap64(pm_load64(bytes));
}

static void write_heads(pm_container_writer *w, const plan *p) {
    uint64_t heads[WRITE_HEADS];
    size_t held = 0;
    for (size_t r = 0; r < p->n; r += PM_STRINGS_BLOCK) {
        heads[held++] = head_of(string_of(p, r));
        if (held == WRITE_HEADS) {
            pm_container_put(w, heads, sizeof heads);
            held = 0;
        }
    }
    pm_container_put(w, heads, held * sizeof *heads);
}

static pm_status write_section(pm_container_writer *w, uint32_t section, const plan *p,
                               bool sorted_here, pm_error *err) {
    PM_TRY(check_increasing(p, sorted_here, err));
    uint32_t *ranks = pm_calloc(p->n, sizeof *ranks); /* order may come from damage */
    if (ranks == NULL) {
        return pm_fail_nomem(err, p->n * sizeof *ranks);
    }
    pm_container_begin(w, section, PM_SECTION_REQUIRED);
    write_maps(w, p, ranks);
    pm_free(ranks);
    write_heads(w, p);
    pm_strings_write(w, p->strings, p->via, p->n);
    pm_container_end(w);
    return pm_container_status(w, err);
}

pm_status pm_dict_write_sorted(pm_container_writer *w, uint32_t section,
                               const pm_bytes *sorted, const uint32_t *order,
                               uint32_t n, pm_error *err) {
    plan p = {sorted, NULL, order, n};
    return write_section(w, section, &p, false, err);
}

pm_status pm_dict_write(pm_container_writer *w, uint32_t section, const pm_bytes *items,
                        const uint32_t *order, uint32_t n, pm_error *err) {
    plan p = {items, order, order, n};
    if (order != NULL) {
        return write_section(w, section, &p, false, err);
    }
    uint32_t *found = pm_alloc_array(n, sizeof *found);
    if (found == NULL) {
        return pm_fail_nomem(err, n * sizeof *found);
    }
    p.via = p.order = found;
    pm_status status = pm_strings_sort(items, n, found, err);
    if (status == PM_OK) {
        status = write_section(w, section, &p, true, err);
    }
    pm_free(found);
    return status;
}

/* ---- reading ---- */

bool pm_dict_open(pm_bytes bytes, uint32_t n, pm_dict *out) {
    memset(out, 0, sizeof *out);
    pm_cursor c = pm_cursor_of(bytes);
    uint8_t flags = pm_cursor_u8(&c);
    pm_dict d = {.is_sorted = flags == DICT_SORTED, .n = n};
    bool good = !c.bad && flags <= DICT_SORTED;
    if (good && !d.is_sorted) {
        good = pm_packed_open(&c, n, &d.items) && pm_packed_open(&c, n, &d.ranks);
    }
    d.n_heads = (uint32_t)(((uint64_t)n + PM_STRINGS_BLOCK - 1) / PM_STRINGS_BLOCK);
    d.heads = pm_cursor_take(&c, (size_t)d.n_heads * 8);
    if (!good || d.heads == NULL ||
        !pm_strings_open((pm_bytes){c.p, pm_cursor_left(&c)}, n, &d.sorted)) {
        return false;
    }
    *out = d;
    return true;
}

static uint32_t mapped(const pm_dict *d, const pm_packed *map, uint32_t i) {
    if (i >= d->n) {
        return UINT32_MAX;
    }
    uint64_t to = d->is_sorted ? i : pm_packed_get(map, i);
    return to < d->n ? (uint32_t)to : UINT32_MAX;
}

uint32_t pm_dict_item(const pm_dict *d, uint32_t rank) {
    return mapped(d, &d->items, rank);
}

uint32_t pm_dict_rank(const pm_dict *d, uint32_t item) {
    return mapped(d, &d->ranks, item);
}

bool pm_dict_get(const pm_dict *d, uint32_t i, pm_buf *out) {
    return pm_strings_get(&d->sorted, pm_dict_rank(d, i), out);
}

/* Number of heads < value; without branches that depend on what is read. */
static uint32_t heads_below(const pm_dict *d, uint64_t value) {
    uint32_t at = 0, n = d->n_heads;
    while (n > 1) {
        uint32_t half = n / 2;
        at += pm_load64(d->heads + (size_t)(at + half - 1) * 8) < value ? half : 0;
        n -= half;
    }
    return at + (n == 1 && pm_load64(d->heads + (size_t)at * 8) < value);
}

bool pm_dict_search(const pm_dict *d, pm_bytes key, uint32_t *rank, bool *equal) {
    uint64_t head = head_of(key);
    uint32_t lo = heads_below(d, head), hi = lo;
    if (lo < d->n_heads && pm_load64(d->heads + (size_t)lo * 8) == head) {
        hi = head < UINT64_MAX ? heads_below(d, head + 1) : d->n_heads;
    }
    lo = lo > 0 ? lo - 1 : 0;
    return pm_strings_find_between(&d->sorted, key, lo, hi > lo ? hi : lo + 1, rank,
                                   equal);
}

bool pm_dict_find(const pm_dict *d, pm_bytes key, pm_buf *scratch, uint32_t *item) {
    (void)scratch;
    uint32_t rank;
    bool equal;
    if (!pm_dict_search(d, key, &rank, &equal) || !equal) {
        return false;
    }
    *item = pm_dict_item(d, rank);
    return *item != UINT32_MAX;
}

/* Makes text the least string above all that begin with it; false where there is
 * none. */
static bool successor(pm_buf *text) {
    while (text->n > 0 && text->p[text->n - 1] == 0xff) {
        text->n--;
    }
    if (text->n == 0) {
        return false;
    }
    text->p[text->n - 1]++;
    return true;
}

pm_range pm_dict_prefix(const pm_dict *d, pm_bytes prefix, pm_buf *scratch) {
    pm_range none = {0, 0}, r = {0, d->n};
    bool equal;
    pm_buf_clear(scratch);
    pm_buf_put(scratch, prefix.p, prefix.n);
    if (scratch->failed || !pm_dict_search(d, prefix, &r.lo, &equal)) {
        return none;
    }
    if (successor(scratch) &&
        !pm_dict_search(d, pm_buf_bytes(scratch), &r.hi, &equal)) {
        return none;
    }
    return r.lo <= r.hi ? r : none;
}

bool pm_dict_verify(const pm_dict *d, pm_buf *scratch, pm_cancel *cancel) {
    for (uint32_t r = 0; r < d->n; r++) {
        uint32_t item = pm_dict_item(d, r);
        if (pm_cancel_tick(cancel, 20) || item == UINT32_MAX ||
            pm_dict_rank(d, item) != r) {
            return false;
        }
    }
    for (uint32_t i = 0; i < d->n_heads; i++) {
        if (pm_cancel_tick(cancel, 50) ||
            !pm_strings_get(&d->sorted, i * PM_STRINGS_BLOCK, scratch) ||
            pm_load64(d->heads + (size_t)i * 8) != head_of(pm_buf_bytes(scratch))) {
            return false;
        }
    }
    return pm_strings_verify(&d->sorted, true, scratch, cancel);
}

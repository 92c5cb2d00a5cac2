/* Most significant digit first, where a digit is eight bytes: each run of strings that
 * are equal so far is sorted by its next eight bytes, then split into shorter runs.
 * Within a run: least significant digit first radix sort (as in Kärkkäinen & Rantala
 * 2008, caching the digit beside the string's number), or insertion where it is short.
 * Runs wait in a list, one for each depth, so nothing recurses on what the strings
 * hold. */
#include <string.h>

#include "base/sys.h"
#include "format/strsort.h"

enum { DIGIT = 8, SHORT_RUN = 32 };

/* A string's next digit, padded with zeros; left: bytes of it that are the string's
 * own, DIGIT + 1 where more follow. A string that ends is smaller than one that has a
 * zero byte there: (digit, left) orders them. */
typedef struct entry {
    uint64_t digit;
    uint32_t left, item;
} entry;

typedef struct run {
    size_t lo, hi;
} run;

typedef struct runs {
    run *at;
    size_t n, capacity;
} runs;

static uint64_t load_digit(const uint8_t *p, size_t n) {
    uint8_t bytes[DIGIT] = {0};
    memcpy(bytes, p, n);
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_bswap64(v); /* first byte most significant */
}

static void load_run(entry *e, size_t n, const pm_bytes *items, size_t depth) {
    for (size_t i = 0; i < n; i++) {
        pm_bytes s = items[e[i].item];
        size_t left = s.n - depth;
        e[i].left = left > DIGIT ? DIGIT + 1 : (uint32_t)left;
        e[i].digit =
            left > 0 ? load_digit(s.p + depth, left > DIGIT ? DIGIT : left) : 0;
    }
}

static bool is_less(const entry *a, const entry *b) {
    return a->digit < b->digit || (a->digit == b->digit && a->left < b->left);
}

static void insertion_sort(entry *e, size_t n) {
    for (size_t i = 1; i < n; i++) {
        entry moving = e[i];
        size_t at = i;
        while (at > 0 && is_less(&moving, &e[at - 1])) {
            e[at] = e[at - 1];
            at--;
        }
        e[at] = moving;
    }
}

/* Byte k of an entry's sort key, least significant first: left, then the digit's
 * bytes. */
static unsigned key_byte(const entry *e, unsigned k) {
    return k == 0 ? e->left : (unsigned)(e->digit >> (8 * (k - 1)) & 0xff);
}

/* One stable pass by key byte k; false where all are equal there, and nothing was
 * moved. */
static bool radix_pass(const entry *from, entry *to, size_t n, unsigned k,
                       size_t counts[256]) {
    if (counts[key_byte(&from[0], k)] == n) {
        return false;
    }
    size_t sum = 0;
    for (unsigned v = 0; v < 256; v++) {
        size_t count = counts[v];
        counts[v] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) {
        to[counts[key_byte(&from[i], k)]++] = from[i];
    }
    return true;
}

static void radix_sort(entry *e, size_t n, entry *scratch) {
    size_t counts[DIGIT + 1][256];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k <= DIGIT; k++) {
            counts[k][key_byte(&e[i], k)]++;
        }
    }
    entry *from = e, *to = scratch;
    for (unsigned k = 0; k <= DIGIT; k++) {
        if (radix_pass(from, to, n, k, counts[k])) {
            entry *swap = from;
            from = to;
            to = swap;
        }
    }
    if (from != e) {
        memcpy(e, from, n * sizeof *e);
    }
}

/* Adds the runs of strings that are equal so far and go on. */
static bool split(const entry *e, run r, runs *out) {
    for (size_t lo = r.lo; lo < r.hi;) {
        size_t hi = lo + 1;
        while (hi < r.hi && e[hi].digit == e[lo].digit && e[hi].left == e[lo].left) {
            hi++;
        }
        if (hi - lo > 1 && e[lo].left > DIGIT) {
            if (!PM_GROW(out->at, out->n, out->capacity, 1)) {
                return false;
            }
            out->at[out->n++] = (run){lo, hi};
        }
        lo = hi;
    }
    return true;
}

static bool sort_depth(entry *e, entry *scratch, const pm_bytes *items, size_t depth,
                       const runs *todo, runs *next) {
    for (size_t i = 0; i < todo->n; i++) {
        run r = todo->at[i];
        size_t n = r.hi - r.lo;
        load_run(e + r.lo, n, items, depth);
        if (n <= SHORT_RUN) {
            insertion_sort(e + r.lo, n);
        } else {
            radix_sort(e + r.lo, n, scratch);
        }
        if (!split(e, r, next)) {
            return false;
        }
    }
    return true;
}

static bool sort_entries(entry *e, entry *scratch, const pm_bytes *items, size_t n) {
    runs todo = {0}, next = {0};
    bool good = PM_GROW(todo.at, todo.n, todo.capacity, 1);
    if (good) {
        todo.at[todo.n++] = (run){0, n};
    }
    for (size_t depth = 0; good && todo.n > 0; depth += DIGIT) {
        next.n = 0;
        good = sort_depth(e, scratch, items, depth, &todo, &next);
        runs swap = todo;
        todo = next;
        next = swap;
    }
    pm_free(todo.at);
    pm_free(next.at);
    return good;
}

pm_status pm_strings_sort(const pm_bytes *items, size_t n, uint32_t *order,
                          pm_error *err) {
    if (n == 0) {
        return PM_OK;
    }
    entry *e = pm_alloc_array(n, 2 * sizeof *e);
    if (e == NULL) {
        return pm_fail_nomem(err, n * 2 * sizeof *e);
    }
    for (size_t i = 0; i < n; i++) {
        e[i].item = (uint32_t)i;
    }
    bool good = sort_entries(e, e + n, items, n);
    for (size_t i = 0; i < n && good; i++) {
        order[i] = e[i].item;
    }
    pm_free(e);
    return good ? PM_OK : pm_fail_nomem(err, n * sizeof(run));
}

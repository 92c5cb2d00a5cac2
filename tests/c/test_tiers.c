/* Plans of merges: what they promise of any sequence of segments, and what they cost and
 * leave over the life of an index. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "index/tiers.h"

enum { MAX_ENTRIES = 4000, FIELDS = 2, MANY = 0x7fffffff };

static uint32_t random_below(uint64_t *state, uint32_t n) {
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % n);
}

static uint64_t live_of(const pm_entry *e) {
    return e->n_tokens - e->dead_tokens;
}

static uint64_t positions_of(const pm_entry *e) {
    return live_of(e) + (uint64_t)(e->n_docs - e->n_dead) * FIELDS;
}

static unsigned tier_of(uint64_t tokens) {
    unsigned tier = 0;
    for (uint64_t limit = PM_TIER_TOKENS; tokens >= limit; limit *= PM_TIER_WIDTH) {
        tier++;
    }
    return tier;
}

static pm_entry entry_of(uint64_t n_tokens, uint64_t dead_tokens) {
    pm_entry e = {.n_tokens = n_tokens, .dead_tokens = dead_tokens};
    e.n_docs = (uint32_t)(n_tokens / 400) + 1 + (dead_tokens > 0);
    e.n_dead = dead_tokens > 0;
    return e;
}

/* ---- one plan ---- */

static bool is_mostly_dead(const pm_entry *e) {
    return 2 * e->dead_tokens > e->n_tokens;
}

static void check_ranges(const pm_entry *e, uint32_t n, uint64_t max,
                         const pm_tier_range *r, uint32_t n_ranges) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < n_ranges; i++) {
        uint64_t sum = 0;
        CHECK(r[i].lo >= at && r[i].lo < r[i].hi && r[i].hi <= n);
        at = r[i].hi;
        for (uint32_t k = r[i].lo; k < r[i].hi; k++) {
            sum += positions_of(&e[k]);
        }
        CHECK(r[i].hi - r[i].lo > 1 ? sum <= max : is_mostly_dead(&e[r[i].lo]));
    }
    for (uint32_t i = 0, k = 0; i < n; i++) { /* none is forgotten */
        while (k < n_ranges && r[k].hi <= i) {
            k++;
        }
        CHECK(!is_mostly_dead(&e[i]) || (k < n_ranges && r[k].lo <= i));
    }
}

/* What a commit makes of the ranges; returns the tokens that were written. */
static uint64_t apply(pm_entry *e, uint32_t *n, const pm_tier_range *r,
                      uint32_t n_ranges) {
    uint64_t written = 0;
    uint32_t out = 0, i = 0;
    for (uint32_t k = 0; i < *n;) {
        if (k == n_ranges || i < r[k].lo) {
            e[out++] = e[i++];
            continue;
        }
        pm_entry merged = {.n_docs = 0};
        for (; i < r[k].hi; i++) {
            merged.n_tokens += live_of(&e[i]);
            merged.n_docs += e[i].n_docs - e[i].n_dead;
        }
        written += merged.n_tokens;
        e[out++] = merged;
        k++;
    }
    *n = out;
    return written;
}

static uint64_t plan_and_apply(pm_entry *e, uint32_t *n, uint64_t max) {
    static pm_tier_range r[MAX_ENTRIES];
    uint32_t n_ranges = pm_tiers_plan(e, *n, FIELDS, max, r);
    check_ranges(e, *n, max, r, n_ranges);
    uint64_t written = apply(e, n, r, n_ranges);
    CHECK(pm_tiers_plan(e, *n, FIELDS, max, r) == 0);
    return written;
}

/* Where positions set no limit: of neighbours up to a tier fewer than eight are of it,
 * and before a larger one stands one of them at most. */
static void check_few(const pm_entry *e, uint32_t n) {
    for (unsigned tier = 0; tier < 12; tier++) {
        unsigned run = 0, of_tier = 0;
        for (uint32_t i = 0; i < n; i++) {
            unsigned t = tier_of(live_of(&e[i]));
            CHECK(t <= tier || run < 2);
            run = t > tier ? 0 : run + 1;
            of_tier = t > tier ? 0 : of_tier + (t == tier);
            CHECK(of_tier < PM_TIER_WIDTH);
        }
    }
}

static uint64_t random_size(uint64_t *state) {
    return random_below(state, 1u << (4 + random_below(state, 24)));
}

static void test_plan_random_sequences_keeps_promises(void) {
    static pm_entry e[MAX_ENTRIES];
    uint64_t state = 4;
    for (int round = 0; round < 3000; round++) {
        uint32_t n = random_below(&state, 60);
        uint64_t max = round % 3 == 0 ? 1u << (10 + random_below(&state, 20)) : MANY;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t size = random_size(&state);
            bool has_dead = size > 0 && random_below(&state, 4) == 0;
            e[i] =
                entry_of(size, has_dead ? random_below(&state, (uint32_t)size) + 1 : 0);
        }
        plan_and_apply(e, &n, max);
        if (max == MANY) {
            check_few(e, n);
        }
    }
}

/* ---- the life of an index ---- */

typedef struct life {
    uint32_t n, most;
    uint64_t added, written;
} life;

static unsigned tiers_of(uint64_t tokens) {
    return tier_of(tokens) + 1;
}

static life live(uint32_t n_commits, uint64_t (*size)(uint32_t i, uint64_t *state)) {
    static pm_entry e[MAX_ENTRIES];
    uint64_t state = n_commits;
    life l = {0};
    for (uint32_t i = 0; i < n_commits; i++) {
        uint64_t tokens = size(i, &state);
        CHECK(l.n < MAX_ENTRIES);
        e[l.n++] = entry_of(tokens, 0);
        l.added += tokens;
        l.written += tokens + plan_and_apply(e, &l.n, UINT64_MAX);
        l.most = l.n > l.most ? l.n : l.most;
        check_few(e, l.n);
    }
    CHECK(l.most <= 15 * tiers_of(l.added));
    /* twice a tier, and what tier 0 costs: a part of its limit for each commit */
    CHECK(l.written <=
          (1 + 2 * tiers_of(l.added)) * l.added + (uint64_t)n_commits * PM_TIER_TOKENS);
    return l;
}

static uint64_t equal_size(uint32_t i, uint64_t *state) {
    (void)i;
    (void)state;
    return 40000;
}

static uint64_t any_size(uint32_t i, uint64_t *state) {
    (void)i;
    return random_size(state);
}

/* One of the higher tier after each seven of the lower: what eight alone would let
 * grow without bound. */
static uint64_t ruler_size(uint32_t i, uint64_t *state) {
    uint64_t size = PM_TIER_TOKENS / 2;
    (void)state;
    for (i++; i % PM_TIER_WIDTH == 0 && size < UINT64_C(1) << 30; i /= PM_TIER_WIDTH) {
        size *= PM_TIER_WIDTH;
    }
    return size;
}

static uint64_t big_first_size(uint32_t i, uint64_t *state) {
    (void)state;
    return i == 0 ? UINT64_C(1) << 40 : 1000;
}

static uint64_t growing_size(uint32_t i, uint64_t *state) {
    (void)state;
    return 1000 * (uint64_t)i * i;
}

static void test_life_of_any_kind_costs_and_leaves_little(void) {
    life equal = live(1000, equal_size);
    CHECK(equal.most < 30 && equal.written < 6 * equal.added);
    live(3000, any_size);
    live(3000, ruler_size);
    live(2000, growing_size);
    life first = live(2000, big_first_size);
    CHECK(first.written - first.added < UINT64_C(1) << 30); /* the first stays */
}

/* ---- optimize ---- */

static void test_all_is_as_few_as_fit(void) {
    pm_tier_range r[8];
    pm_entry e[5] = {entry_of(1000, 0), entry_of(500, 0), entry_of(900, 10),
                     entry_of(2000, 0), entry_of(100, 0)};
    CHECK(pm_tiers_all(e, 5, FIELDS, MANY, false, r) == 1 && r[0].lo == 0 &&
          r[0].hi == 5);
    CHECK(pm_tiers_all(e, 5, FIELDS, 1600, false, r) == 2);
    CHECK(r[0].lo == 0 && r[0].hi == 2 && r[1].lo == 2 && r[1].hi == 3);
    CHECK(pm_tiers_all(e, 5, FIELDS, 1600, true, r) == 4);
    CHECK(pm_tiers_all(e, 1, FIELDS, MANY, false, r) == 0);
    CHECK(pm_tiers_all(e, 1, FIELDS, MANY, true, r) == 1);
    CHECK(pm_tiers_all(e + 2, 1, FIELDS, MANY, false, r) == 1);
    CHECK(pm_tiers_all(e, 0, FIELDS, MANY, true, r) == 0);
}

int main(void) {
    test_plan_random_sequences_keeps_promises();
    test_life_of_any_kind_costs_and_leaves_little();
    test_all_is_as_few_as_fit();
    puts("tiers: ok");
    return 0;
}

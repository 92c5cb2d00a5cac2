/* The plan is made on groups of entries, at first one each: merges are tried out on
 * them from the lowest tier up, until none is left to do. Groups of several entries are
 * the ranges. Sums are made anew for each look: entries are few. */
#include "index/tiers.h"

typedef struct plan {
    const pm_entry *entries;
    uint64_t n_fields, max_positions;
    pm_tier_range *groups; /* in order, without gaps */
    uint32_t n;
} plan;

static uint64_t live_tokens(const pm_entry *e) {
    return e->n_tokens - e->dead_tokens;
}

static uint64_t positions_of(const plan *p, uint32_t group) {
    uint64_t sum = 0;
    for (uint32_t i = p->groups[group].lo; i < p->groups[group].hi; i++) {
        const pm_entry *e = &p->entries[i];
        sum += live_tokens(e) + (uint64_t)(e->n_docs - e->n_dead) * p->n_fields;
    }
    return sum;
}

static unsigned tier_of(const plan *p, uint32_t group) {
    uint64_t sum = 0;
    unsigned tier = 0;
    for (uint32_t i = p->groups[group].lo; i < p->groups[group].hi; i++) {
        sum += live_tokens(&p->entries[i]);
    }
    for (sum /= PM_TIER_TOKENS; sum > 0; sum /= PM_TIER_WIDTH) {
        tier++;
    }
    return tier;
}

/* Groups [lo, hi) become one. */
static void join(plan *p, uint32_t lo, uint32_t hi) {
    p->groups[lo].hi = p->groups[hi - 1].hi;
    for (uint32_t i = hi; i < p->n; i++) {
        p->groups[lo + 1 + i - hi] = p->groups[i];
    }
    p->n -= hi - lo - 1;
}

/* How far from lo, below hi, groups fit into one segment: at least one does. */
static uint32_t fitting(const plan *p, uint32_t lo, uint32_t hi) {
    uint64_t sum = positions_of(p, lo);
    uint32_t i = lo + 1;
    while (i < hi && (sum += positions_of(p, i)) <= p->max_positions) {
        i++;
    }
    return i;
}

/* Joins neighbours of [lo, hi) as far as they fit. Whether any did. */
static bool pack(plan *p, uint32_t lo, uint32_t hi) {
    bool any = false;
    for (; lo < hi; lo++) {
        uint32_t end = fitting(p, lo, hi);
        if (end - lo > 1) {
            join(p, lo, end);
            hi -= end - lo - 1;
            any = true;
        }
    }
    return any;
}

/* Joins the first eight groups of a tier in [lo, hi) that fit into one segment, and
 * what else fits behind them. None of the groups is of a higher tier. */
static bool join_eight(plan *p, uint32_t lo, uint32_t hi, unsigned tier) {
    uint64_t sum = 0;
    unsigned of_tier = 0;
    for (uint32_t i = lo; i < hi; i++) {
        sum += positions_of(p, i);
        of_tier += tier_of(p, i) == tier;
        while (sum > p->max_positions && lo <= i) {
            sum -= positions_of(p, lo);
            of_tier -= tier_of(p, lo) == tier;
            lo++;
        }
        if (of_tier == PM_TIER_WIDTH) {
            join(p, lo, fitting(p, lo, hi));
            return true;
        }
    }
    return false;
}

/* One step at the groups up to a tier; whether something was joined. */
static bool step(plan *p, unsigned tier) {
    for (uint32_t lo = 0; lo < p->n; lo++) {
        uint32_t hi = lo;
        while (hi < p->n && tier_of(p, hi) <= tier) {
            hi++;
        }
        if (hi - lo > 1 &&
            (join_eight(p, lo, hi, tier) || (hi < p->n && pack(p, lo, hi)))) {
            return true;
        }
        lo = hi;
    }
    return false;
}

static unsigned highest_tier(const plan *p) {
    unsigned highest = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        unsigned tier = tier_of(p, i);
        highest = tier > highest ? tier : highest;
    }
    return highest;
}

static plan begin(const pm_entry *entries, uint32_t n, uint32_t n_fields,
                  uint64_t max_positions, pm_tier_range *out) {
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (pm_tier_range){i, i + 1};
    }
    return (plan){entries, n_fields, max_positions, out, n};
}

/* Keeps the groups that are to be written; returns how many. */
static uint32_t keep(plan *p, bool (*alone)(const pm_entry *e)) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const pm_tier_range g = p->groups[i];
        if (g.hi - g.lo > 1 || alone(&p->entries[g.lo])) {
            p->groups[n++] = g;
        }
    }
    return n;
}

static bool is_mostly_dead(const pm_entry *e) {
    return e->dead_tokens > e->n_tokens / 2;
}

static bool has_dead(const pm_entry *e) {
    return e->n_dead > 0;
}

static bool any(const pm_entry *e) {
    (void)e;
    return true;
}

uint32_t pm_tiers_plan(const pm_entry *entries, uint32_t n, uint32_t n_fields,
                       uint64_t max_positions, pm_tier_range *out) {
    plan p = begin(entries, n, n_fields, max_positions, out);
    for (unsigned tier = 0; tier <= highest_tier(&p);) {
        tier = step(&p, tier) ? 0 : tier + 1;
    }
    return keep(&p, is_mostly_dead);
}

uint32_t pm_tiers_all(const pm_entry *entries, uint32_t n, uint32_t n_fields,
                      uint64_t max_positions, bool all, pm_tier_range *out) {
    plan p = begin(entries, n, n_fields, max_positions, out);
    (void)pack(&p, 0, n);
    return keep(&p, all ? any : has_dead);
}

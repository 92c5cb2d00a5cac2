/* Sets are joined by a window that only moves forward over the second; the pairs that
 * pass it are charged to the budget. Minimal spans by one pass from the right. */
#include "query/span.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "query/tree.h"

void pm_spans_release(pm_spans *s) {
    pm_free(s->at);
    *s = (pm_spans){0};
}

bool pm_spans_add(pm_spans *s, pm_span span) {
    if (s->n == s->capacity && !PM_GROW(s->at, s->n, s->capacity, 1)) {
        return false;
    }
    s->at[s->n++] = span;
    return true;
}

static int compare_taken(const pm_span *x, const pm_span *y) {
    for (uint32_t i = 0; i < x->n_taken && i < y->n_taken; i++) {
        pm_taken a = x->taken[i], b = y->taken[i];
        if (a.lo != b.lo) {
            return a.lo < b.lo ? -1 : 1;
        }
        if (a.hi != b.hi) {
            return a.hi < b.hi ? -1 : 1;
        }
    }
    return (x->n_taken > y->n_taken) - (x->n_taken < y->n_taken);
}

int pm_parts_compare(const pm_taken *a, const pm_taken *b, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (a[i].lo != b[i].lo) {
            return a[i].lo < b[i].lo ? -1 : 1; /* PM_END, absent, is the greatest */
        }
        if (a[i].hi != b[i].hi) {
            return a[i].hi < b[i].hi ? -1 : 1;
        }
    }
    return 0;
}

static int compare(const void *a, const void *b) {
    const pm_span *x = a, *y = b;
    if (x->lo != y->lo) {
        return x->lo < y->lo ? -1 : 1;
    }
    if (x->hi != y->hi) {
        return x->hi < y->hi ? -1 : 1;
    }
    if (x->weight != y->weight) {
        return x->weight < y->weight ? -1 : 1;
    }
    return compare_taken(x, y);
}

static bool sorted(const pm_spans *s) {
    for (size_t i = 1; i < s->n; i++) {
        if (compare(&s->at[i - 1], &s->at[i]) >= 0) {
            return false;
        }
    }
    return true;
}

void pm_spans_settle(pm_spans *s, uint32_t n_parts) {
    if (s->n < 2 || sorted(s)) {
        return;
    }
    qsort(s->at, s->n, sizeof *s->at, compare);
    size_t n = 1;
    for (size_t i = 1; i < s->n; i++) {
        pm_span *last = &s->at[n - 1];
        if (compare(last, &s->at[i]) != 0) {
            s->at[n++] = s->at[i];
        } else if (n_parts > 0 &&
                   pm_parts_compare(s->at[i].parts, last->parts, n_parts) < 0) {
            *last = s->at[i];
        }
    }
    s->n = n;
}

/* From the right: a span stays if it ends before every span that begins at or after its
 * start. */
void pm_spans_minimal(pm_spans *s) {
    size_t to = s->n;
    pm_pos least = PM_END;
    for (size_t i = s->n; i-- > 0;) {
        bool first_of_start = i == 0 || s->at[i - 1].lo != s->at[i].lo;
        if (first_of_start && s->at[i].hi < least) {
            least = s->at[i].hi;
            s->at[--to] = s->at[i];
        }
    }
    s->n -= to;
    if (to > 0) {
        memmove(s->at, s->at + to, s->n * sizeof *s->at);
    }
}

/* The same for entries that share a span: all of them stay, or none. */
static void keep_minimal_entries(pm_spans *s) {
    size_t to = s->n;
    pm_pos least = PM_END;
    for (size_t end = s->n, first; end > 0; end = first) {
        first = end - 1;
        while (first > 0 && s->at[first - 1].lo == s->at[end - 1].lo) {
            first--;
        }
        size_t same = first;
        while (same < end && s->at[same].hi == s->at[first].hi) {
            same++;
        }
        if (s->at[first].hi < least) {
            least = s->at[first].hi;
            to -= same - first;
            memmove(s->at + to, s->at + first, (same - first) * sizeof *s->at);
        }
    }
    s->n -= to;
    if (to > 0) {
        memmove(s->at, s->at + to, s->n * sizeof *s->at);
    }
}

/* Start of the later minus last token of the earlier; 0 where they interleave. */
static uint32_t distance(const pm_span *a, const pm_span *b) {
    if (a->hi <= b->lo) {
        return b->lo - (a->hi - 1);
    }
    return b->hi <= a->lo ? a->lo - (b->hi - 1) : 0;
}

static bool too_far(const pm_span *a, const pm_span *b, const pm_rule *rule) {
    return rule->n != PM_NEAR_ANY_DISTANCE && distance(a, b) > (uint32_t)rule->n;
}

static bool in_one_zone(const pm_rule *rule, pm_pos lo, pm_pos hi) {
    pm_pos from, to;
    if (rule->scope == PM_SCOPE_FIELD) {
        return true;
    }
    pm_zone zone =
        rule->scope == PM_SCOPE_SENTENCE ? PM_ZONE_SENTENCE : PM_ZONE_PARAGRAPH;
    return pm_zone_at(rule->zones, zone, lo, NULL, &from, &to) && hi <= to;
}

static bool share_token(const pm_span *a, const pm_span *b) {
    uint32_t i = 0, j = 0;
    while (i < a->n_taken && j < b->n_taken) {
        if (a->taken[i].hi <= b->taken[j].lo) {
            i++;
        } else if (b->taken[j].hi <= a->taken[i].lo) {
            j++;
        } else {
            return true;
        }
    }
    return false;
}

/* The joint span; false in *fits where the rule forbids it. */
static bool join_pair(const pm_span *a, const pm_span *b, const pm_rule *rule,
                      pm_span *out) {
    out->lo = a->lo < b->lo ? a->lo : b->lo;
    out->hi = a->hi > b->hi ? a->hi : b->hi;
    out->weight = a->weight + b->weight;
    if (rule->ordered && a->hi > b->lo) {
        return false;
    }
    if (too_far(a, b, rule)) {
        return false;
    }
    if (rule->extra != UINT32_MAX &&
        out->hi - out->lo > (uint64_t)out->weight + rule->extra) {
        return false;
    }
    return !share_token(a, b) && in_one_zone(rule, out->lo, out->hi);
}

static bool merge_taken(const pm_span *a, const pm_span *b, pm_arena *arena,
                        pm_span *out) {
    out->n_taken = a->n_taken + b->n_taken;
    out->taken = a->n_taken > 0 ? a->taken : b->taken;
    if (a->n_taken == 0 || b->n_taken == 0) {
        return true;
    }
    pm_taken *all = pm_arena_alloc(arena, out->n_taken * sizeof *all);
    if (all == NULL) {
        return false;
    }
    uint32_t i = 0, j = 0, n = 0;
    while (i < a->n_taken || j < b->n_taken) {
        bool from_a =
            j == b->n_taken || (i < a->n_taken && a->taken[i].lo < b->taken[j].lo);
        all[n++] = from_a ? a->taken[i++] : b->taken[j++];
    }
    out->taken = all;
    return true;
}

static bool merge_parts(const pm_span *a, const pm_span *b, uint32_t n, pm_arena *arena,
                        pm_span *out) {
    out->parts = NULL;
    if (n == 0) {
        return true;
    }
    pm_taken *parts = pm_arena_alloc(arena, n * sizeof *parts);
    if (parts == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = a->parts[i].lo != PM_END ? a->parts[i] : b->parts[i];
    }
    out->parts = parts;
    return true;
}

static uint32_t longest(const pm_spans *s) {
    uint32_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        n = s->at[i].hi - s->at[i].lo > n ? s->at[i].hi - s->at[i].lo : n;
    }
    return n;
}

/* How far from the other span's edge a partner may begin or end: from the distance, or
 * from the tokens to spare. */
static uint64_t reach(const pm_rule *rule, const pm_spans *a, const pm_spans *b) {
    uint64_t by_distance =
        rule->n == PM_NEAR_ANY_DISTANCE ? UINT32_MAX : (uint64_t)rule->n;
    uint64_t by_extra = rule->extra == UINT32_MAX
                            ? UINT32_MAX
                            : (uint64_t)rule->extra + longest(a) + longest(b) + 1;
    return by_distance < by_extra ? by_distance : by_extra;
}

/* For each a, the b that begin from (a.lo - reach - longest b) to (a.hi + reach): a
 * window that only moves forward. */
pm_status pm_spans_join(const pm_spans *a, const pm_spans *b, const pm_rule *rule,
                        pm_arena *arena, pm_budget *budget, pm_spans *out,
                        pm_error *err) {
    uint64_t far = reach(rule, a, b), back = far + longest(b);
    size_t from = 0;
    for (size_t i = 0; i < a->n; i++) {
        const pm_span *x = &a->at[i];
        while (from < b->n && (uint64_t)b->at[from].lo + back < x->lo) {
            from++;
        }
        for (size_t j = from; j < b->n && b->at[j].lo <= x->hi + far; j++) {
            pm_span joint;
            if (budget->left-- == 0) {
                budget->left = 0;
                return pm_fail(err, PM_LIMIT,
                               "more pairs of spans in one document than the limit");
            }
            if (!join_pair(x, &b->at[j], rule, &joint)) {
                continue;
            }
            if (!merge_taken(x, &b->at[j], arena, &joint) ||
                !merge_parts(x, &b->at[j], rule->n_parts, arena, &joint) ||
                !pm_spans_add(out, joint)) {
                return pm_fail_nomem(err, sizeof joint);
            }
        }
    }
    pm_spans_settle(out, rule->n_parts);
    return PM_OK;
}

/* ---- NOT W/ ---- */

/* Whether b's tokens are known and all among a's. */
static bool is_made_of(const pm_span *b, const pm_span *a) {
    uint32_t tokens = 0;
    for (uint32_t i = 0, j = 0; i < b->n_taken; i++) {
        tokens += b->taken[i].hi - b->taken[i].lo;
        for (pm_pos p = b->taken[i].lo; p < b->taken[i].hi; p++) {
            while (j < a->n_taken && a->taken[j].hi <= p) {
                j++;
            }
            if (j == a->n_taken || a->taken[j].lo > p) {
                return false;
            }
        }
    }
    return tokens == b->weight;
}

static bool is_near(const pm_span *a, const pm_span *b, const pm_rule *rule) {
    bool behind = a->hi <= b->lo;
    if (rule->ordered && !behind) {
        return false;
    }
    if (too_far(a, b, rule)) {
        return false;
    }
    return in_one_zone(rule, a->lo < b->lo ? a->lo : b->lo,
                       a->hi > b->hi ? a->hi : b->hi);
}

/* Whether some b of [from, n) is near x and not of its own making. */
static pm_status meets(const pm_span *x, const pm_spans *b, size_t from,
                       const pm_rule *rule, pm_budget *budget, bool *out,
                       pm_error *err) {
    uint64_t far = rule->n == PM_NEAR_ANY_DISTANCE ? UINT32_MAX : (uint64_t)rule->n;
    *out = false;
    for (size_t j = from; j < b->n && b->at[j].lo <= x->hi + far && !*out; j++) {
        if (budget->left-- == 0) {
            budget->left = 0;
            return pm_fail(err, PM_LIMIT,
                           "more pairs of spans in one document than the limit");
        }
        *out = is_near(x, &b->at[j], rule) && !is_made_of(&b->at[j], x);
    }
    return PM_OK;
}

pm_status pm_spans_avoid(pm_spans *a, const pm_spans *b, const pm_rule *rule,
                         pm_budget *budget, pm_error *err) {
    uint64_t far = rule->n == PM_NEAR_ANY_DISTANCE ? UINT32_MAX : (uint64_t)rule->n,
             back = far + longest(b);
    size_t from = 0, kept = 0;
    keep_minimal_entries(a);
    for (size_t i = 0; i < a->n; i++) {
        bool met;
        while (from < b->n && (uint64_t)b->at[from].lo + back < a->at[i].lo) {
            from++;
        }
        PM_TRY(meets(&a->at[i], b, from, rule, budget, &met, err));
        if (!met) {
            a->at[kept++] = a->at[i];
        }
    }
    a->n = kept;
    return PM_OK;
}

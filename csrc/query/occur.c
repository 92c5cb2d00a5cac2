/* A leaf of several tokens is driven by its rarest one: the others are looked up beside
 * it in the stream, or sought in their own lists, whichever is estimated to cost
 * less. */
#include "query/occur.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- positions of an id set ---- */

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Merges two increasing arrays into out. */
static void merge_two(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b,
                      uint32_t *out) {
    size_t i = 0, j = 0;
    while (i < n_a && j < n_b) {
        *out++ = a[i] <= b[j] ? a[i++] : b[j++];
    }
    memcpy(out, a + i, (n_a - i) * sizeof *out);
    memcpy(out + (n_a - i), b + j, (n_b - j) * sizeof *out);
}

/* Positions of the set in group g, appended to out; returns how many. */
static uint32_t gather(const pm_segment *seg, const pm_idset *ids, pm_group g,
                       pm_list_iter *it, uint32_t *out) {
    uint32_t n = 0;
    pm_list_iter_init(it, pm_postings_positions(&seg->postings, &seg->lexicon, g));
    for (pm_pos p = pm_list_iter_value(it); p != PM_END; p = pm_list_iter_next(it)) {
        if (ids->whole || pm_idset_has(ids, pm_stream_at(&seg->stream, p))) {
            out[n++] = p;
        }
    }
    return n;
}

/* Many lists: gathered one behind another, then sorted. Few: merged pairwise as they
 * come. */
static pm_status gather_groups(pm_occ *o, uint64_t room, pm_arena *arena,
                               pm_cancel *cancel, pm_error *err) {
    enum { FEW = 8 };
    uint32_t *all = pm_arena_array(arena, (size_t)room + 1, sizeof *all);
    uint32_t *spare = o->ids->n_groups <= FEW
                          ? pm_arena_array(arena, (size_t)room + 1, sizeof *spare)
                          : all;
    pm_list_iter *it = pm_arena_alloc(arena, sizeof *it);
    if (all == NULL || spare == NULL || it == NULL) {
        return pm_fail_nomem(err, (size_t)room * sizeof *all);
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->ids->n_groups; i++) {
        pm_list list = pm_postings_positions(&o->seg->postings, &o->seg->lexicon,
                                             o->ids->groups[i]);
        if (list.n > room - n) {
            break; /* damage */
        }
        if (pm_cancel_tick(cancel, list.n)) {
            return pm_fail(err, PM_CANCELLED, "interrupted");
        }
        uint32_t more = gather(o->seg, o->ids, o->ids->groups[i], it, all + n);
        if (spare != all && n > 0 && more > 0) {
            merge_two(all, n, all + n, more, spare);
            uint32_t *swap = all;
            all = spare;
            spare = swap;
        }
        n += more;
    }
    if (spare == all) {
        qsort(all, n, sizeof *all, by_value);
    }
    o->merged = all;
    o->n_merged = n;
    return PM_OK;
}

/* Positions of a set that many tokens belong to: read off the stream. */
static pm_status scan_stream(pm_occ *o, uint64_t room, pm_arena *arena,
                             pm_cancel *cancel, pm_error *err) {
    enum { BATCH = 1024 };
    uint32_t ids[BATCH], n = 0, n_positions = o->seg->info.n_positions;
    uint32_t *all = pm_arena_array(arena, (size_t)room + 1, sizeof *all);
    if (all == NULL) {
        return pm_fail_nomem(err, (size_t)room * sizeof *all);
    }
    for (pm_pos lo = 0; lo < n_positions; lo += BATCH) {
        pm_pos hi = n_positions - lo > BATCH ? lo + BATCH : n_positions;
        if (pm_cancel_tick(cancel, BATCH * 2)) {
            return pm_fail(err, PM_CANCELLED, "interrupted");
        }
        pm_stream_decode(&o->seg->stream, lo, hi, ids);
        for (pm_pos p = lo; p < hi; p++) {
            if (n < room && pm_idset_has(o->ids, ids[p - lo])) {
                all[n++] = p;
            }
        }
    }
    o->merged = all;
    o->n_merged = n;
    return PM_OK;
}

/* Sorting costs about 250 ns a position of the set, reading 2 ns one of the segment. */
static pm_status merge_groups(pm_occ *o, pm_arena *arena, pm_cancel *cancel,
                              pm_error *err) {
    enum { DENSE = 128 };
    uint64_t room = 0, n_positions = o->seg->info.n_positions;
    for (uint32_t i = 0; i < o->ids->n_groups; i++) {
        room += pm_lexicon_ids_count(
            &o->seg->lexicon,
            pm_lexicon_group_ids(&o->seg->lexicon, o->ids->groups[i]));
    }
    room = room > n_positions ? n_positions : room; /* damaged counts */
    if (o->ids->count > n_positions / DENSE) {
        return scan_stream(o, room, arena, cancel, err);
    }
    return gather_groups(o, room, arena, cancel, err);
}

/* The stream around a position that is about to be looked at comes into the cache: the
 * list knows it some steps before. A miss costs 100 ns here, and a walk over a list is
 * one after another without this. */
static inline void fetch_ahead(const pm_occ *o) {
    enum { AHEAD = 16 };
    const pm_list_iter *it = o->list;
    if (it->at + AHEAD < it->count &&
        it->values[it->at + AHEAD] < o->seg->info.n_positions) {
        __builtin_prefetch(o->seg->stream.codes +
                           2 * (size_t)it->values[it->at + AHEAD]);
    }
}

/* The list iterator's first position >= target that belongs to the set. */
static pm_pos seek_list(pm_occ *o, pm_pos target) {
    pm_list_iter *it = o->list;
    pm_pos p = pm_list_iter_value(it);
    if (p < target) {
        p = pm_list_iter_next(it); /* mostly the one */
        p = p < target ? pm_list_iter_advance(it, target) : p;
    }
    while (!o->ids->whole && p != PM_END &&
           !pm_idset_has(o->ids, pm_stream_at(&o->seg->stream, p))) {
        fetch_ahead(o);
        p = pm_list_iter_next(it);
    }
    fetch_ahead(o);
    return p;
}

/* Galloping from where it stands. */
static pm_pos seek_merged(pm_occ *o, pm_pos target) {
    uint32_t lo = o->at, step = 1;
    while (lo + step < o->n_merged && o->merged[lo + step] < target) {
        lo += step;
        step *= 2;
    }
    uint32_t hi = lo + step < o->n_merged ? lo + step : o->n_merged;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (o->merged[mid] < target) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    o->at = lo;
    return lo < o->n_merged ? o->merged[lo] : PM_END;
}

static pm_pos seek_any(const pm_occ *o, pm_pos target) {
    while (target < o->seg->info.n_positions &&
           pm_stream_at(&o->seg->stream, target) == PM_END) {
        target++;
    }
    return target < o->seg->info.n_positions ? target : PM_END;
}

static pm_pos seek(pm_occ *o, pm_pos target) {
    if (o->ids->any) {
        return seek_any(o, target);
    }
    if (o->list != NULL) {
        return seek_list(o, target);
    }
    return o->merged != NULL ? seek_merged(o, target) : PM_END;
}

pm_pos pm_occ_seek(pm_occ *o, pm_pos target) {
    if (o->pos < target) {
        o->pos = seek(o, target);
    }
    return o->pos;
}

pm_status pm_occ_init(pm_occ *o, const pm_segment *seg, const pm_idset *ids,
                      pm_arena *arena, pm_cancel *cancel, pm_error *err) {
    *o = (pm_occ){.seg = seg, .ids = ids};
    if (!ids->any && ids->n_groups == 1) {
        o->list = pm_arena_alloc(arena, sizeof *o->list);
        if (o->list == NULL) {
            return pm_fail_nomem(err, sizeof *o->list);
        }
        pm_list_iter_init(o->list, pm_postings_positions(&seg->postings, &seg->lexicon,
                                                         ids->groups[0]));
    } else if (!ids->any && ids->n_groups > 1) {
        PM_TRY(merge_groups(o, arena, cancel, err));
    }
    o->pos = seek(o, 0);
    return PM_OK;
}

/* ---- tokens in a row ---- */

/* Cost of looking at one position. */
static const double ns_stream_check = 6.0; /* a neighbour in the stream, from memory */
/* an element of a list, decoded and compared by the scalar merge */
static const double ns_merge_step = 2.5;

enum { ARM_UNREAD, ARM_FREE, ARM_STREAM, ARM_MERGE };

/* PRESSMARK_ARM, read from the environment once: threads that read it at the same time
 * store the same value. */
static int forced_arm(void) {
    static atomic_int known = ARM_UNREAD;
    int arm = atomic_load_explicit(&known, memory_order_relaxed);
    if (arm == ARM_UNREAD) {
        const char *name = getenv("PRESSMARK_ARM");
        arm = name != NULL && strcmp(name, "stream") == 0  ? ARM_STREAM
              : name != NULL && strcmp(name, "merge") == 0 ? ARM_MERGE
                                                           : ARM_FREE;
        atomic_store_explicit(&known, arm, memory_order_relaxed);
    }
    return arm;
}

pm_arm pm_plan_sequence(const pm_idset *sets, uint32_t n, uint32_t rarest) {
    int forced = forced_arm();
    if (forced != ARM_FREE) {
        return forced == ARM_STREAM ? PM_ARM_STREAM : PM_ARM_MERGE;
    }
    double check = ns_stream_check * (double)sets[rarest].count, stream = 0, merge = 0;
    for (uint32_t i = 0; i < n; i++) {
        stream += i == rarest ? 0 : check;
        merge += sets[i].any ? check : ns_merge_step * (double)sets[i].count;
    }
    return stream <= merge ? PM_ARM_STREAM : PM_ARM_MERGE;
}

static bool neighbours_match(const pm_bound_sequence *s, pm_pos start) {
    for (uint32_t i = 0; i < s->n; i++) {
        if (i != s->rarest &&
            !pm_idset_has(&s->sets[i], pm_stream_at(&s->seg->stream, start + i))) {
            return false;
        }
    }
    return true;
}

/* Whether every other token's positions hold start + i; if not, *start is moved to
 * where that may next be so. */
static bool others_meet(pm_bound_sequence *s, pm_pos *start) {
    for (uint32_t i = 0; i < s->n; i++) {
        if (i == s->rarest) {
            continue;
        }
        pm_pos p = pm_occ_seek(&s->occs[i], *start + i);
        if (p != *start + i) {
            *start = p == PM_END ? PM_END : p - i;
            return false;
        }
    }
    return true;
}

/* First place of the sequence that starts at or after target. */
static pm_pos sequence_seek(pm_bound_sequence *s, pm_pos target) {
    pm_occ *rare = &s->occs[s->rarest];
    if (s->n == 1) {
        return s->pos = pm_occ_seek(rare, target);
    }
    while (target < PM_END - s->n) {
        pm_pos p = pm_occ_seek(rare, target + s->rarest);
        if (p == PM_END) {
            break;
        }
        pm_pos start = p - s->rarest;
        if (s->arm == PM_ARM_STREAM ? neighbours_match(s, start)
                                    : others_meet(s, &start)) {
            return s->pos = start;
        }
        target = s->arm == PM_ARM_STREAM || start == p - s->rarest ? start + 1 : start;
    }
    return s->pos = PM_END;
}

static uint32_t rarest_of(const pm_idset *sets, uint32_t n) {
    uint32_t rarest = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (sets[rarest].any || (!sets[i].any && sets[i].count < sets[rarest].count)) {
            rarest = i;
        }
    }
    return rarest;
}

static pm_status sequence_bind(pm_bound_sequence *s, const pm_segment *seg,
                               const pm_sequence *q, const pm_limits *limits,
                               pm_arena *arena, pm_cancel *cancel, pm_error *err) {
    pm_idset *sets = pm_arena_array(arena, q->n, sizeof *sets);
    *s = (pm_bound_sequence){.n = q->n, .sets = sets, .seg = seg, .pos = PM_END};
    s->occs = pm_arena_array(arena, q->n, sizeof *s->occs);
    if (sets == NULL || s->occs == NULL) {
        return pm_fail_nomem(err, q->n * sizeof *sets);
    }
    for (uint32_t i = 0; i < q->n; i++) {
        PM_TRY(
            pm_idset_resolve(seg, &q->slots[i], limits, arena, cancel, &sets[i], err));
    }
    s->rarest = rarest_of(sets, q->n);
    s->arm = pm_plan_sequence(sets, q->n, s->rarest);
    if (sets[s->rarest].count == 0) {
        s->occs[s->rarest] =
            (pm_occ){.seg = seg, .ids = &sets[s->rarest], .pos = PM_END};
        s->arm = PM_ARM_STREAM;
        return PM_OK;
    }
    for (uint32_t i = 0; i < q->n; i++) {
        if (i == s->rarest || s->arm == PM_ARM_MERGE) {
            PM_TRY(pm_occ_init(&s->occs[i], seg, &sets[i], arena, cancel, err));
        }
    }
    sequence_seek(s, 0);
    return PM_OK;
}

/* ---- elements ---- */

/* Stands on the least (start, end) of the sequences' current places. */
static pm_pos settle(pm_bound_element *b) {
    if (b->n == 1) {
        b->end = b->sequences[0].pos + b->sequences[0].n;
        return b->pos = b->sequences[0].pos;
    }
    b->pos = PM_END;
    b->end = PM_END;
    for (uint32_t i = 0; i < b->n; i++) {
        const pm_bound_sequence *s = &b->sequences[i];
        if (s->pos < b->pos ||
            (s->pos == b->pos && s->pos != PM_END && s->pos + s->n < b->end)) {
            b->pos = s->pos;
            b->end = s->pos + s->n;
        }
    }
    return b->pos;
}

pm_status pm_element_bind(pm_bound_element *b, const pm_segment *seg,
                          const pm_element *e, const pm_limits *limits, pm_arena *arena,
                          pm_cancel *cancel, pm_error *err) {
    *b = (pm_bound_element){.n = e->n, .one_length = true};
    b->sequences = pm_arena_array(arena, e->n, sizeof *b->sequences);
    if (b->sequences == NULL) {
        return pm_fail_nomem(err, e->n * sizeof *b->sequences);
    }
    for (uint32_t i = 0; i < e->n; i++) {
        pm_bound_sequence *s = &b->sequences[i];
        PM_TRY(sequence_bind(s, seg, &e->sequences[i], limits, arena, cancel, err));
        b->cost += s->sets[s->rarest].count;
        b->one_length = b->one_length && s->n == b->sequences[0].n;
    }
    settle(b);
    return PM_OK;
}

pm_pos pm_element_seek(pm_bound_element *b, pm_pos target) {
    if (b->pos >= target) {
        return b->pos;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->sequences[i].pos < target) {
            sequence_seek(&b->sequences[i], target);
        }
    }
    return settle(b);
}

/* Sequences that stand on the same span count once: all of them move on. */
pm_pos pm_element_next(pm_bound_element *b) {
    for (uint32_t i = 0; i < b->n; i++) {
        pm_bound_sequence *s = &b->sequences[i];
        if (s->pos == b->pos && s->pos != PM_END && s->pos + s->n == b->end) {
            sequence_seek(s, s->pos + 1);
        }
    }
    return settle(b);
}

bool pm_elements_meet(const pm_bound_element *a, const pm_bound_element *b) {
    for (uint32_t i = 0; i < a->n; i++) {
        for (uint32_t j = 0; j < b->n; j++) {
            const pm_bound_sequence *s = &a->sequences[i], *t = &b->sequences[j];
            for (uint32_t k = 0; k < s->n * t->n; k++) {
                if (pm_idset_meet(&s->sets[k / t->n], &t->sets[k % t->n])) {
                    return true;
                }
            }
        }
    }
    return false;
}

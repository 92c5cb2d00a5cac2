/* A group's positions are those of its group in each input, moved; an input's group
 * list is walked once, in the order of the result's groups. Where the stems were made
 * by another version, the forms of one group may belong to several now, or those of
 * several to one: such groups are scattered, and their positions are gathered from the
 * streams, as many at a time as the memory holds, before any list is written. */
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "index/merge_inner.h"

enum {
    POSITION_NS = 4,
    LIST_NS = 200,
    GATHER_NS = 10,
    GATHER_SHARE = 16, /* a quarter of the memory, four bytes a position */
    LEAST_GATHERED = 1 << 16
};

typedef struct lists { /* of one input: which of its groups each group has */
    pm_spool pairs;    /* u32 group of the result, increasing; u32 group of the input */
    const uint32_t *at;
    size_t n, i;
    size_t run; /* where the last position lay */
} lists;

typedef struct gathered { /* a scattered group: where its positions go */
    uint32_t at, end;
} gathered;

typedef struct posting {
    pm_merging *g;
    pm_error *err;
    lists *lists;        /* [n_inputs] */
    uint64_t *scattered; /* bits over groups */
    /* Only where there are scattered groups: */
    gathered *places;     /* [n_groups] */
    uint32_t *met_groups; /* [n_ids] group of each id met */
    uint32_t n_gathered;
    pm_spool positions; /* of all scattered groups */
    const uint32_t *position_at;
    uint32_t taken; /* of them */
    pm_postings_writer *to;
} posting;

/* ---- which lists ---- */

/* from[group of the result] and to[group of the input], both PM_END so far. */
static pm_status pair_groups(posting *p, pm_merge_source *in, uint32_t *from,
                             uint32_t *to) {
    const uint32_t *pairs;
    PM_TRY(pm_merge_u32s(&in->groups, &pairs, p->err));
    for (uint64_t i = 0; i < in->groups.n / 8; i++) {
        uint32_t group = p->g->words.groups[pairs[2 * i]], old = pairs[2 * i + 1];
        if (to[old] != PM_END && to[old] != group) { /* forms part */
            pm_bits_set(p->scattered, group);
            pm_bits_set(p->scattered, to[old]);
        }
        if (from[group] != PM_END && from[group] != old) { /* forms meet */
            pm_bits_set(p->scattered, group);
        }
        to[old] = group;
        from[group] = old;
    }
    return PM_OK;
}

static pm_status find_lists(posting *p, pm_merge_source *in, lists *l) {
    uint32_t n_groups = p->g->words.n_groups, n_old = in->s->info.n_groups;
    uint32_t *from = pm_alloc_array((size_t)n_groups + n_old, sizeof *from);
    if (from == NULL) {
        return pm_fail_nomem(p->err, ((size_t)n_groups + n_old) * sizeof *from);
    }
    memset(from, 0xff, ((size_t)n_groups + n_old) * sizeof *from);
    pm_status status = pair_groups(p, in, from, from + n_groups);
    for (uint32_t group = 0; status == PM_OK && group < n_groups; group++) {
        if (from[group] != PM_END) {
            pm_spool_put_u32(&l->pairs, group);
            pm_spool_put_u32(&l->pairs, from[group]);
        }
    }
    pm_free(from);
    PM_TRY(status);
    PM_TRY(pm_merge_u32s(&l->pairs, &l->at, p->err));
    l->n = (size_t)(l->pairs.n / 8);
    return PM_OK;
}

static pm_status find_all_lists(posting *p) {
    size_t n_inputs = p->g->m->n_inputs, n_words = pm_bits_words(p->g->words.n_groups);
    p->lists = pm_calloc(n_inputs, sizeof *p->lists);
    p->scattered = pm_calloc(n_words, sizeof *p->scattered);
    if (p->lists == NULL || p->scattered == NULL) {
        return pm_fail_nomem(p->err, n_inputs * sizeof *p->lists);
    }
    for (size_t i = 0; i < n_inputs; i++) {
        pm_spool_init(&p->lists[i].pairs, &p->g->scratch);
        PM_TRY(find_lists(p, &p->g->sources[i], &p->lists[i]));
        PM_TRY(pm_merge_tick(p->g, p->g->words.n_groups * 4, p->err));
    }
    return PM_OK;
}

/* ---- scattered groups ---- */

/* Gives scattered groups their places, one after the other. */
static void place_groups(posting *p) {
    const pm_merge_words *words = &p->g->words;
    uint32_t at = 0;
    for (uint32_t group = 0; group < words->n_groups; group++) {
        bool is = pm_bits_get(p->scattered, group);
        p->places[group] = (gathered){at, is ? at + words->totals[group] : at};
        at = p->places[group].end;
    }
    p->n_gathered = at;
}

/* Of one input, those whose place is in [lo, hi). */
static pm_status gather_source(posting *p, const pm_merge_source *in,
                               const uint32_t *map, uint32_t lo, uint32_t hi,
                               uint32_t *out) {
    uint32_t ids[PM_MERGE_PIECE], n_ids = in->s->info.n_ids;
    pm_merge_walk walk;
    pm_pos at;
    pm_merge_walk_init(&walk, in);
    for (size_t n; (n = pm_merge_walk_next(&walk, ids, &at)) > 0;) {
        PM_TRY(pm_merge_tick(p->g, (uint32_t)n * GATHER_NS, p->err));
        for (size_t i = 0; i < n; i++) {
            uint32_t group = ids[i] < n_ids ? map[ids[i]] : PM_END;
            if (group == PM_END || !pm_bits_get(p->scattered, group)) {
                continue;
            }
            gathered *place = &p->places[group];
            if (place->at == place->end) {
                return pm_merge_damaged(in, p->err, "words are counted too seldom");
            }
            if (place->at >= lo && place->at < hi) {
                out[place->at - lo] = at + (uint32_t)i;
            }
            place->at++;
        }
    }
    return PM_OK;
}

static pm_status gather(posting *p, uint32_t lo, uint32_t hi, uint32_t *out) {
    pm_status status = PM_OK;
    place_groups(p);
    for (size_t i = 0; status == PM_OK && i < p->g->m->n_inputs; i++) {
        pm_merge_source *in = &p->g->sources[i];
        uint32_t *map;
        PM_TRY(pm_merge_map(in, p->met_groups, &map, p->err));
        status = gather_source(p, in, map, lo, hi, out);
        pm_free(map);
    }
    for (uint32_t group = 0; status == PM_OK && group < p->g->words.n_groups; group++) {
        if (p->places[group].at != p->places[group].end) {
            status = pm_merge_damaged(&p->g->sources[0], p->err,
                                      "words are counted too often");
        }
    }
    return status;
}

/* Ids of a form met are numbered in a row, so its group is that of each. */
static pm_status find_met_groups(posting *p) {
    const pm_merge_words *words = &p->g->words;
    p->places = pm_alloc_array(words->n_groups, sizeof *p->places);
    p->met_groups = pm_alloc_array(words->n_ids, sizeof *p->met_groups);
    if (p->places == NULL || p->met_groups == NULL) {
        return pm_fail_nomem(p->err, words->n_ids * sizeof *p->met_groups);
    }
    for (uint32_t f = 0; f < words->n_forms; f++) {
        for (uint32_t id = words->first_id[f]; id < words->first_id[f + 1]; id++) {
            p->met_groups[id] = words->groups[f];
        }
    }
    return PM_OK;
}

static pm_status gather_all(posting *p) {
    uint32_t n_groups = p->g->words.n_groups;
    if (pm_bits_next(p->scattered, n_groups, 0) == n_groups) {
        return PM_OK;
    }
    PM_TRY(find_met_groups(p));
    place_groups(p);
    size_t most = p->g->m->memory_bytes / GATHER_SHARE;
    most = most > LEAST_GATHERED ? most : LEAST_GATHERED;
    uint32_t step = most < p->n_gathered ? (uint32_t)most : p->n_gathered;
    uint32_t *out = pm_alloc_array(step, sizeof *out);
    pm_status status = out != NULL ? PM_OK : pm_fail_nomem(p->err, step * sizeof *out);
    for (uint32_t lo = 0; status == PM_OK && lo < p->n_gathered; lo += step) {
        uint32_t n = p->n_gathered - lo < step ? p->n_gathered - lo : step;
        status = gather(p, lo, lo + n, out);
        pm_spool_put(&p->positions, out, n * sizeof *out);
    }
    pm_free(out);
    PM_TRY(status);
    return pm_merge_u32s(&p->positions, &p->position_at, p->err);
}

/* ---- one list ---- */

/* The first run that ends beyond a position, from the given one on, by doubled steps;
 * the last where none does. */
static size_t next_run(const pm_merge_source *in, size_t run, uint32_t position) {
    size_t lo = run, step = 1;
    while (lo + step < in->n_runs && in->runs[lo + step].hi <= position) {
        lo += step;
        step *= 2;
    }
    size_t hi = lo + step < in->n_runs ? lo + step : in->n_runs - 1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (in->runs[mid].hi <= position) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* Moves the live ones of n increasing positions to out; returns how many. */
static size_t move_live(const pm_merge_source *in, size_t *run, const uint32_t *values,
                        size_t n, uint32_t *out) {
    size_t moved = 0;
    const pm_merge_run *now = &in->runs[*run];
    if (values[0] >= now->lo && values[n - 1] < now->hi) {
        for (size_t i = 0; i < n; i++) {
            out[i] = values[i] + now->shift;
        }
        return n;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t value = values[i];
        if (value >= in->runs[*run].hi) {
            *run = next_run(in, *run, value);
        }
        const pm_merge_run *r = &in->runs[*run];
        if (value >= r->lo && value < r->hi) {
            out[moved++] = value + r->shift;
        }
    }
    return moved;
}

/* Puts what the input's group has; *left: how many the group may still have. */
static pm_status put_list(posting *p, const pm_merge_source *in, pm_group group,
                          uint64_t *left) {
    pm_list list = pm_postings_positions(&in->s->postings, &in->s->lexicon, group);
    pm_list_iter it;
    uint32_t out[PM_BLOCK];
    size_t run = 0;
    pm_list_iter_init(&it, list);
    while (it.count > 0) {
        if (it.values[it.count - 1] >= in->s->info.n_positions) {
            return pm_merge_damaged(in, p->err, "a word stands behind the end");
        }
        size_t n = move_live(in, &run, it.values, it.count, out);
        if (n > *left) {
            return pm_merge_damaged(in, p->err, "a word has too many positions");
        }
        pm_postings_put(p->to, out, n);
        *left -= n;
        PM_TRY(pm_merge_tick(p->g, PM_BLOCK * POSITION_NS, p->err));
        (void)pm_list_iter_load(&it, it.block + 1);
    }
    return PM_OK;
}

static pm_status put_group(posting *p, pm_group group) {
    uint64_t left = p->g->words.totals[group];
    bool scattered = pm_bits_get(p->scattered, group);
    pm_postings_group(p->to, left);
    if (scattered) {
        pm_postings_put(p->to, p->position_at + p->taken, (size_t)left);
        p->taken += (uint32_t)left;
        left = 0;
    }
    for (size_t i = 0; i < p->g->m->n_inputs; i++) {
        lists *l = &p->lists[i];
        if (l->i < l->n && l->at[2 * l->i] == group) {
            uint32_t old = l->at[2 * l->i++ + 1];
            if (!scattered) {
                PM_TRY(put_list(p, &p->g->sources[i], old, &left));
                PM_TRY(pm_merge_tick(p->g, LIST_NS, p->err));
            }
        }
    }
    return left == 0 ? PM_OK
                     : pm_merge_damaged(&p->g->sources[0], p->err,
                                        "a word has too few positions");
}

/* ---- the whole ---- */

static pm_status put_groups(posting *p) {
    const uint32_t *unit_starts;
    PM_TRY(pm_merge_u32s(&p->g->unit_starts, &unit_starts, p->err));
    PM_TRY(pm_postings_begin(p->g->w, p->g->words.n_groups, p->g->n_docs, unit_starts,
                             p->g->n_fields, &p->to, p->err));
    pm_status status = PM_OK;
    for (pm_group group = 0; status == PM_OK && group < p->g->words.n_groups; group++) {
        status = put_group(p, group);
    }
    pm_error ignored;
    pm_status ended = pm_postings_end(p->to, status == PM_OK ? p->err : &ignored);
    return status != PM_OK ? status : ended;
}

static void release(posting *p) {
    for (size_t i = 0; p->lists != NULL && i < p->g->m->n_inputs; i++) {
        pm_spool_release(&p->lists[i].pairs);
    }
    pm_spool_release(&p->positions);
    pm_free(p->lists);
    pm_free(p->scattered);
    pm_free(p->places);
    pm_free(p->met_groups);
}

pm_status pm_merge_postings(pm_merging *g, pm_error *err) {
    posting p = {.g = g, .err = err};
    pm_status status = PM_OK;
    pm_spool_init(&p.positions, &g->scratch);
    PM_GO(find_all_lists(&p));
    PM_GO(gather_all(&p));
    PM_GO(put_groups(&p));
out:
    release(&p);
    return status;
}

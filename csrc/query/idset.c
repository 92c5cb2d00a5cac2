/* Atoms of a matcher are looked up in the lexicon one by one; the ranges found are then
 * sorted and united, and turned into bits where there are many. Case classes and stem
 * groups are ranges of ids, which is why most words need a single one. */
#include "query/idset.h"

#include <stdlib.h>
#include <string.h>

#include "codec/bitset.h"
#include "query/fuzzy.h"

typedef struct resolver {
    const pm_segment *seg;
    const pm_lexicon *lex;
    const pm_limits *limits;
    pm_arena *arena;
    pm_cancel *cancel;
    pm_error *err;
    pm_buf text;
    pm_range *found; /* malloc'ed while collecting */
    size_t n_found, capacity;
    size_t n_forms;
    /* one bit a form, set where it differs from its accentless key; made when first
     * needed */
    uint64_t *accented;
} resolver;

static pm_status add_range(resolver *r, pm_range ids) {
    if (ids.lo >= ids.hi) {
        return PM_OK;
    }
    if (!PM_GROW(r->found, r->n_found, r->capacity, 1)) {
        return pm_fail_nomem(r->err, sizeof *r->found);
    }
    r->found[r->n_found++] = ids;
    return PM_OK;
}

static pm_status count_form(resolver *r, const pm_atom *atom) {
    if (++r->n_forms <= r->limits->expansions) {
        return PM_OK;
    }
    return pm_fail(r->err, PM_LIMIT,
                   "'%.*s' stands for more than %u words; add letters or raise "
                   "pm.limits.expansions",
                   (int)atom->text.n, (const char *)atom->text.p,
                   r->limits->expansions);
}

/* Reads a surface into r->text; *out tells whether it could be. */
static pm_status read_surface(resolver *r, pm_id id, bool *out) {
    *out = pm_lexicon_surface(r->lex, id, &r->text);
    return *out ? PM_OK : pm_buf_status(&r->text, r->err);
}

/* Ids of a range, narrowed to surfaces that begin with the sign. */
static pm_status add_signed(resolver *r, pm_range ids, char sign) {
    if (sign == 0) {
        return add_range(r, ids);
    }
    for (pm_id id = ids.lo; id < ids.hi; id++) {
        bool read;
        PM_TRY(read_surface(r, id, &read));
        if (read && r->text.n > 0 && r->text.p[0] == (uint8_t)sign) {
            PM_TRY(add_range(r, (pm_range){id, id + 1}));
        }
    }
    return PM_OK;
}

static pm_status add_form(resolver *r, const pm_atom *atom, pm_form f) {
    pm_range ids = atom->case_lo == 0 && atom->case_hi == PM_CASE_ACRONYM
                       ? pm_lexicon_form_ids(r->lex, f)
                       : pm_lexicon_case_ids(r->lex, f, atom->case_lo, atom->case_hi);
    return add_signed(r, ids, atom->sign);
}

static pm_status add_bare_forms(resolver *r, const pm_atom *atom) {
    pm_range refs = pm_lexicon_find_bare_form(r->lex, atom->text, &r->text);
    for (uint32_t i = refs.lo; i < refs.hi; i++) {
        PM_TRY(add_form(r, atom, pm_lexicon_bare_form_ref(r->lex, i)));
    }
    return PM_OK;
}

static pm_status add_bare_groups(resolver *r, const pm_atom *atom) {
    pm_range refs = pm_lexicon_find_bare_stem(r->lex, atom->text, &r->text);
    for (uint32_t i = refs.lo; i < refs.hi; i++) {
        PM_TRY(add_signed(
            r, pm_lexicon_group_ids(r->lex, pm_lexicon_bare_stem_ref(r->lex, i)),
            atom->sign));
    }
    return PM_OK;
}

static pm_status add_surface(resolver *r, const pm_atom *atom) {
    pm_form f;
    if (!pm_lexicon_find_form(r->lex, atom->text, &r->text, &f)) {
        return PM_OK;
    }
    pm_range ids = pm_lexicon_form_ids(r->lex, f);
    for (pm_id id = ids.lo; id < ids.hi; id++) {
        bool read;
        PM_TRY(read_surface(r, id, &read));
        if (read && r->text.n == atom->surface.n &&
            memcmp(r->text.p, atom->surface.p, r->text.n) == 0) {
            PM_TRY(add_range(r, (pm_range){id, id + 1}));
        }
    }
    return PM_OK;
}

static pm_status mark_accented(resolver *r) {
    r->accented =
        pm_arena_array(r->arena, pm_bits_words(r->lex->n_forms), sizeof *r->accented);
    if (r->accented == NULL) {
        return pm_fail_nomem(r->err, r->lex->n_forms / 8);
    }
    for (uint32_t i = 0; i < r->lex->n_bare_form_refs; i++) {
        pm_form f = pm_lexicon_bare_form_ref(r->lex, i);
        if (f < r->lex->n_forms) {
            pm_bits_set(r->accented, f);
        }
    }
    return PM_OK;
}

/* Whether a form that matched stands for itself: under an accentless pattern (or fuzzy
 * word) one with accents does not, its key decides. */
static pm_status stands_for_itself(resolver *r, const pm_atom *atom, pm_form f,
                                   bool *out) {
    *out = true;
    if (atom->kind != PM_ATOM_BARE_PATTERN && atom->kind != PM_ATOM_BARE_FUZZY) {
        return PM_OK;
    }
    if (r->accented == NULL) {
        PM_TRY(mark_accented(r));
    }
    *out = f >= r->lex->n_forms || !pm_bits_get(r->accented, f);
    return PM_OK;
}

/* Forms of the sorted list whose text matches, from the pattern's literal prefix on. */
static pm_status add_pattern(resolver *r, const pm_atom *atom) {
    size_t n = 0;
    while (n < atom->text.n && atom->text.p[n] != '*' && atom->text.p[n] != '?') {
        n++;
    }
    pm_range ranks = pm_lexicon_prefix(r->lex, (pm_bytes){atom->text.p, n}, &r->text);
    PM_TRY(pm_buf_status(&r->text, r->err));
    pm_strings_iter it;
    pm_status status = PM_OK;
    pm_strings_iter_init(&it, &r->lex->forms, ranks.lo);
    for (uint32_t rank = ranks.lo; rank < ranks.hi && pm_strings_iter_next(&it);
         rank++) {
        if (pm_cancel_tick(r->cancel, 50)) {
            status = pm_fail(r->err, PM_CANCELLED, "interrupted");
            goto out;
        }
        if (!pm_pattern_match(atom->text, pm_buf_bytes(&it.text))) {
            continue;
        }
        pm_form f = pm_lexicon_ranked_form(r->lex, rank);
        bool itself;
        PM_GO(stands_for_itself(r, atom, f, &itself));
        if (itself) {
            PM_GO(count_form(r, atom));
            PM_GO(add_form(
                r, &(pm_atom){.case_hi = PM_CASE_ACRONYM, .sign = atom->sign}, f));
        }
    }
    PM_GO(pm_buf_status(&it.text, r->err));
out:
    pm_strings_iter_release(&it);
    return status;
}

/* Forms with that accentless key. */
static pm_status add_key_forms(resolver *r, const pm_atom *atom, uint32_t key) {
    const pm_atom whole = {.case_hi = PM_CASE_ACRONYM, .sign = atom->sign};
    pm_range refs = pm_lexicon_bare_form_refs(r->lex, key);
    for (uint32_t i = refs.lo; i < refs.hi; i++) {
        PM_TRY(count_form(r, atom));
        PM_TRY(add_form(r, &whole, pm_lexicon_bare_form_ref(r->lex, i)));
    }
    return PM_OK;
}

/* The same over the accentless keys of forms with accents. */
static pm_status add_bare_pattern(resolver *r, const pm_atom *atom) {
    pm_strings_iter it;
    pm_status status = PM_OK;
    pm_strings_iter_init(&it, &r->lex->bare_forms, 0);
    for (uint32_t key = 0; pm_strings_iter_next(&it); key++) {
        if (pm_pattern_match(atom->text, pm_buf_bytes(&it.text))) {
            PM_GO(add_key_forms(r, atom, key));
        }
    }
    PM_GO(pm_buf_status(&it.text, r->err));
out:
    pm_strings_iter_release(&it);
    return status;
}

/* ---- fuzzy words ---- */

/* The sorted list's strings near the word, each by its number. */
static pm_status
add_fuzzy_list(resolver *r, const pm_atom *atom, const pm_strings *list,
               pm_status (*add)(resolver *, const pm_atom *, uint32_t)) {
    pm_fuzzy fuzzy;
    pm_strings_iter it;
    pm_status status = PM_OK;
    pm_strings_iter_init(&it, list, 0);
    PM_GO(pm_fuzzy_init(&fuzzy, atom->text, atom->distance, r->arena, r->err));
    for (uint32_t i = 0; pm_strings_iter_next(&it); i++) {
        if (pm_cancel_tick(r->cancel, 20)) {
            status = pm_fail(r->err, PM_CANCELLED, "interrupted");
            goto out;
        }
        if (pm_fuzzy_match(&fuzzy, pm_buf_bytes(&it.text))) {
            PM_GO(add(r, atom, i));
        }
    }
    PM_GO(pm_buf_status(&it.text, r->err));
out:
    pm_strings_iter_release(&it);
    return status;
}

static pm_status add_ranked_form(resolver *r, const pm_atom *atom, uint32_t rank) {
    pm_form f = pm_lexicon_ranked_form(r->lex, rank);
    bool itself;
    PM_TRY(stands_for_itself(r, atom, f, &itself));
    if (!itself) {
        return PM_OK;
    }
    PM_TRY(count_form(r, atom));
    return add_form(r, &(pm_atom){.case_hi = PM_CASE_ACRONYM, .sign = atom->sign}, f);
}

/* Surfaces are not sorted: all are looked at. */
static pm_status add_surface_pattern(resolver *r, const pm_atom *atom) {
    pm_surface_iter it;
    pm_status status = PM_OK;
    pm_surface_iter_init(&it, r->lex);
    while (pm_surface_iter_next(&it)) {
        if (pm_cancel_tick(r->cancel, 50)) {
            status = pm_fail(r->err, PM_CANCELLED, "interrupted");
            goto out;
        }
        if (pm_pattern_match(atom->text, pm_buf_bytes(&it.text))) {
            PM_GO(count_form(r, atom));
            PM_GO(add_range(r, (pm_range){it.id, it.id + 1}));
        }
    }
    PM_GO(pm_buf_status(&it.text, r->err));
out:
    pm_surface_iter_release(&it);
    return status;
}

static pm_status add_atom(resolver *r, const pm_atom *atom) {
    uint32_t at;
    switch (atom->kind) {
    case PM_ATOM_GROUP:
        return pm_lexicon_find_group(r->lex, atom->text, &r->text, &at)
                   ? add_signed(r, pm_lexicon_group_ids(r->lex, at), atom->sign)
                   : PM_OK;
    case PM_ATOM_FORM:
        return pm_lexicon_find_form(r->lex, atom->text, &r->text, &at)
                   ? add_form(r, atom, at)
                   : PM_OK;
    case PM_ATOM_BARE_GROUPS:
        return add_bare_groups(r, atom);
    case PM_ATOM_BARE_FORMS:
        return add_bare_forms(r, atom);
    case PM_ATOM_SURFACE:
        return add_surface(r, atom);
    case PM_ATOM_PATTERN:
        return add_pattern(r, atom);
    case PM_ATOM_BARE_PATTERN:
        PM_TRY(add_pattern(r, atom));
        return add_bare_pattern(r, atom);
    case PM_ATOM_SURFACE_PATTERN:
        return add_surface_pattern(r, atom);
    case PM_ATOM_FUZZY:
        return add_fuzzy_list(r, atom, &r->lex->forms, add_ranked_form);
    case PM_ATOM_BARE_FUZZY:
        PM_TRY(add_fuzzy_list(r, atom, &r->lex->forms, add_ranked_form));
        return add_fuzzy_list(r, atom, &r->lex->bare_forms, add_key_forms);
    }
    return pm_fail(r->err, PM_INTERNAL, "unknown kind of atom");
}

static int by_lo(const void *a, const void *b) {
    const pm_range *x = a, *y = b;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Sorts and joins the ranges found, into the arena. */
static pm_status settle_ranges(resolver *r, pm_idset *out) {
    if (r->n_found > 1) {
        qsort(r->found, r->n_found, sizeof *r->found, by_lo);
    }
    out->ranges = pm_arena_array(r->arena, r->n_found, sizeof *out->ranges);
    if (out->ranges == NULL) {
        return pm_fail_nomem(r->err, r->n_found * sizeof *out->ranges);
    }
    for (size_t i = 0; i < r->n_found; i++) {
        pm_range *last = out->n_ranges > 0 ? &out->ranges[out->n_ranges - 1] : NULL;
        if (last != NULL && r->found[i].lo <= last->hi) {
            last->hi = r->found[i].hi > last->hi ? r->found[i].hi : last->hi;
        } else {
            out->ranges[out->n_ranges++] = r->found[i];
        }
    }
    return PM_OK;
}

static pm_status settle_bits(resolver *r, pm_idset *out) {
    enum { FEW = 4 };
    if (out->n_ranges <= FEW) {
        return PM_OK;
    }
    out->n_ids = r->lex->n_ids;
    out->bits = pm_arena_array(r->arena, pm_bits_words(out->n_ids), sizeof *out->bits);
    if (out->bits == NULL) {
        return pm_fail_nomem(r->err, out->n_ids / 8);
    }
    for (uint32_t i = 0; i < out->n_ranges; i++) {
        for (pm_id id = out->ranges[i].lo; id < out->ranges[i].hi; id++) {
            pm_bits_set(out->bits, id);
        }
    }
    return PM_OK;
}

/* The groups that the ranges touch, and whether they cover them. */
static pm_status settle_groups(resolver *r, pm_idset *out) {
    size_t capacity = 0;
    uint64_t covered = 0;
    for (uint32_t i = 0; i < out->n_ranges; i++) {
        out->count += pm_lexicon_ids_count(r->lex, out->ranges[i]);
    }
    pm_group *groups = NULL;
    for (uint32_t i = 0; i < out->n_ranges; i++) {
        pm_id id = out->ranges[i].lo;
        while (id < out->ranges[i].hi) {
            pm_group g = pm_lexicon_form_group(r->lex, pm_lexicon_id_form(r->lex, id));
            pm_range ids = pm_lexicon_group_ids(r->lex, g);
            if (ids.hi <= id) {
                break; /* damage */
            }
            if (out->n_groups == 0 || groups[out->n_groups - 1] != g) {
                if (!PM_GROW(groups, out->n_groups, capacity, 1)) {
                    pm_free(groups);
                    return pm_fail_nomem(r->err, sizeof *groups);
                }
                groups[out->n_groups++] = g;
                covered += pm_lexicon_ids_count(r->lex, ids);
            }
            id = ids.hi;
        }
    }
    out->whole = covered == out->count;
    out->groups = pm_arena_array(r->arena, out->n_groups, sizeof *out->groups);
    if (out->groups != NULL && out->n_groups > 0) {
        memcpy(out->groups, groups, out->n_groups * sizeof *groups);
    }
    pm_free(groups);
    return out->groups == NULL ? pm_fail_nomem(r->err, 0) : PM_OK;
}

static pm_status settle(resolver *r, pm_idset *out) {
    PM_TRY(settle_ranges(r, out));
    PM_TRY(settle_bits(r, out));
    return settle_groups(r, out);
}

pm_status pm_idset_resolve(const pm_segment *seg, const pm_matcher *m,
                           const pm_limits *limits, pm_arena *arena, pm_cancel *cancel,
                           pm_idset *out, pm_error *err) {
    *out = (pm_idset){.any = m->any};
    if (m->any) {
        out->count = seg->info.n_tokens;
        return PM_OK;
    }
    resolver r = {.seg = seg,
                  .lex = &seg->lexicon,
                  .limits = limits,
                  .arena = arena,
                  .cancel = cancel,
                  .err = err};
    pm_status status = PM_OK;
    pm_buf_init(&r.text);
    for (uint32_t i = 0; i < m->n_atoms; i++) {
        PM_GO(add_atom(&r, &m->atoms[i]));
    }
    PM_GO(settle(&r, out));
out:
    pm_free(r.found);
    pm_buf_release(&r.text);
    return status;
}

bool pm_idset_search(const pm_idset *s, pm_id id) {
    if (s->any) {
        return id != PM_END;
    }
    if (s->bits != NULL) {
        return id < s->n_ids && pm_bits_get(s->bits, id);
    }
    for (uint32_t i = 0; i < s->n_ranges; i++) {
        if (id - s->ranges[i].lo < s->ranges[i].hi - s->ranges[i].lo) {
            return true;
        }
    }
    return false;
}

bool pm_idset_meet(const pm_idset *a, const pm_idset *b) {
    if (a->any || b->any) {
        return true;
    }
    uint32_t i = 0, j = 0;
    while (i < a->n_ranges && j < b->n_ranges) {
        if (a->ranges[i].hi <= b->ranges[j].lo) {
            i++;
        } else if (b->ranges[j].hi <= a->ranges[i].lo) {
            j++;
        } else {
            return true;
        }
    }
    return false;
}

/* Occurrences of ids in live documents. */
static uint64_t live_count(const pm_part *part, pm_range ids) {
    const pm_removals *removals = part->has_removals ? &part->removals : NULL;
    uint64_t all = pm_lexicon_ids_count(&part->segment.lexicon, ids),
             dead = pm_removals_ids(removals, ids);
    return all > dead ? all - dead : 0;
}

uint64_t pm_matcher_left_out(const pm_part *part, const pm_matcher *m,
                             pm_buf *scratch) {
    const pm_lexicon *lex = &part->segment.lexicon;
    pm_form f;
    if (!m->is_name || m->n_atoms == 0 ||
        !pm_lexicon_find_form(lex, m->atoms[0].text, scratch, &f)) {
        return 0;
    }
    uint64_t all = live_count(part, pm_lexicon_form_ids(lex, f));
    uint64_t in = live_count(
        part, pm_lexicon_case_ids(lex, f, m->atoms[0].case_lo, PM_CASE_ACRONYM));
    return all > in ? all - in : 0;
}

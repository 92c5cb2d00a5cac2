/* Words are met in the bytewise order of their forms, all inputs walked as one; each
 * distinct form is stemmed again (140 ns), which spares a look-up of each group's stem
 * and is right whatever made the inputs' stems. Then stems are sorted, groups ranked
 * by falling occurrences, and the forms laid out by rank: within a group they are in
 * order already. */
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "format/recipe.h"
#include "format/strmerge.h"
#include "format/strsort.h"
#include "index/merge_inner.h"
#include "text/utf8.h"

enum {
    MAX_FORM_BYTES = 16 * PM_MAX_TOKEN_CODE_POINTS, /* folding adds a little */
    MAX_CASE = PM_CASE_ACRONYM,
    MANY_CANDIDATES = 64,
    FORM_NS = 400,
    LOOP_FORMS = 1024,
    STEP_NS = 10,
    ID_NS = 2
};

/* ---- state ---- */

typedef struct candidate { /* an id of an input, of the form at hand */
    uint32_t source, id, count;
    uint32_t at, n; /* key: case class, one byte, then the surface */
} candidate;

typedef struct wording {
    pm_merging *g;
    pm_error *err;
    pm_stemmer *stemmer;
    /* of the form at hand */
    pm_buf form, other, keys;
    candidate *candidates;
    size_t n_candidates, candidates_capacity;
    uint64_t total;
    /* by form met; a stem (accentless form) that is the form itself is empty */
    pm_merge_strings forms, stems, bare_forms;
    pm_spool form_totals; /* u32 */
    const uint32_t *form_total;
    /* by id met */
    pm_merge_strings id_surfaces;
    pm_spool id_counts, id_cases; /* u32, u8 */
    uint32_t n_forms, n_ids;
    /* what is numbered: */
    uint32_t *order;   /* [n_forms] forms met in final order */
    uint32_t *places;  /* [n_forms] where each form met stands in it */
    uint32_t *ends;    /* [n_groups] where each group's forms end in it */
    uint32_t *stem_of; /* [n_groups] a form met that has the group's stem */
    uint32_t n_groups;
} wording;

static const pm_merge_source *source_of(const wording *w, uint32_t i) {
    return &w->g->sources[i];
}

static bool is_ascii(pm_bytes s) {
    uint8_t all = 0;
    for (size_t i = 0; i < s.n; i++) {
        all |= s.p[i];
    }
    return all < 0x80;
}

/* ---- live counts ---- */

static pm_status count_source(pm_merging *g, pm_merge_source *in, uint32_t *counts,
                              pm_error *err) {
    uint32_t ids[PM_MERGE_PIECE], n_ids = in->s->info.n_ids;
    pm_merge_walk walk;
    pm_pos at;
    pm_merge_walk_init(&walk, in);
    for (size_t n; (n = pm_merge_walk_next(&walk, ids, &at)) > 0;) {
        PM_TRY(pm_merge_tick(g, (uint32_t)n * ID_NS, err));
        for (size_t i = 0; i < n; i++) {
            if (ids[i] < n_ids) {
                counts[ids[i]]++;
            } else if (ids[i] != PM_END) {
                return pm_merge_damaged(in, err, "the stream has an unknown word");
            }
        }
    }
    pm_spool_put(&in->count_spool, counts, n_ids * sizeof *counts);
    return pm_merge_u32s(&in->count_spool, &in->counts, err);
}

static pm_status count_sources(pm_merging *g, pm_error *err) {
    pm_status status = PM_OK;
    for (size_t i = 0; status == PM_OK && i < g->m->n_inputs; i++) {
        pm_merge_source *in = &g->sources[i];
        if (in->n_docs == in->s->info.n_docs) {
            continue;
        }
        uint32_t *counts = pm_calloc(in->s->info.n_ids, sizeof *counts);
        status = counts != NULL
                     ? count_source(g, in, counts, err)
                     : pm_fail_nomem(err, in->s->info.n_ids * sizeof *counts);
        pm_free(counts);
    }
    return status;
}

static uint32_t live_count(const pm_merge_source *in, pm_id id) {
    return in->counts != NULL ? in->counts[id]
                              : pm_lexicon_id_count(&in->s->lexicon, id);
}

/* ---- meeting words ---- */

/* Makes other the surface of an id of the form at hand. */
static bool make_surface(wording *w, const pm_lexicon *lex, pm_id id) {
    if (pm_bitmap_get(&lex->spelled, id)) {
        return pm_lexicon_surface(lex, id, &w->other);
    }
    pm_buf_clear(&w->other);
    pm_buf_put(&w->other, w->form.p, w->form.n);
    return pm_recipe_apply((unsigned)pm_packed_get(&lex->recipes, id), &w->other);
}

static pm_status add_candidate(wording *w, uint32_t source, pm_id id, uint32_t count) {
    const pm_lexicon *lex = &source_of(w, source)->s->lexicon;
    if (!PM_GROW(w->candidates, w->n_candidates, w->candidates_capacity, 1)) {
        return pm_fail_nomem(w->err, w->n_candidates * sizeof *w->candidates);
    }
    size_t at = w->keys.n;
    unsigned case_class = pm_lexicon_id_case(lex, id);
    bool good = make_surface(w, lex, id) && w->other.n <= MAX_FORM_BYTES &&
                case_class <= MAX_CASE;
    PM_TRY(pm_buf_status(&w->other, w->err));
    if (!good) {
        return pm_merge_damaged(source_of(w, source), w->err,
                                "a surface cannot be made");
    }
    pm_buf_put_u8(&w->keys, (uint8_t)case_class);
    pm_buf_put(&w->keys, w->other.p, w->other.n);
    w->candidates[w->n_candidates++] = (candidate){.source = source,
                                                   .id = id,
                                                   .count = count,
                                                   .at = (uint32_t)at,
                                                   .n = (uint32_t)(w->keys.n - at)};
    w->total += count;
    return pm_buf_status(&w->keys, w->err);
}

/* The live ids of one input's form. */
static pm_status add_form(wording *w, uint32_t source, uint32_t rank) {
    pm_merge_source *in = &w->g->sources[source];
    const pm_lexicon *lex = &in->s->lexicon;
    pm_form form = pm_lexicon_ranked_form(lex, rank);
    pm_range ids = pm_lexicon_form_ids(lex, form);
    pm_group group = pm_lexicon_form_group(lex, form);
    size_t before = w->n_candidates;
    in->n_seen += ids.hi - ids.lo;
    if (ids.lo == ids.hi || group == PM_END || in->n_seen > lex->n_ids) {
        return pm_merge_damaged(in, w->err, "forms do not tile the words");
    }
    for (pm_id id = ids.lo; id < ids.hi; id++) {
        uint32_t count = live_count(in, id);
        if (count > 0) {
            PM_TRY(add_candidate(w, source, id, count));
        }
        PM_TRY(pm_merge_tick(w->g, FORM_NS / 2, w->err));
    }
    if (w->n_candidates > before) {
        pm_spool_put_u32(&in->groups, w->n_forms);
        pm_spool_put_u32(&in->groups, group);
    }
    return PM_OK;
}

static pm_bytes key_of(const wording *w, const candidate *c) {
    return (pm_bytes){w->keys.p + c->at, c->n};
}

static int compare_candidates(const wording *w, const candidate *a,
                              const candidate *b) {
    return pm_bytes_compare(key_of(w, a), key_of(w, b));
}

/* Equal ones stay in order. */
static void sort_few(wording *w) {
    candidate *a = w->candidates;
    for (size_t i = 1; i < w->n_candidates; i++) {
        candidate x = a[i];
        size_t j = i;
        for (; j > 0 && compare_candidates(w, &a[j - 1], &x) > 0; j--) {
            a[j] = a[j - 1];
        }
        a[j] = x;
    }
}

static pm_status sort_many(wording *w) {
    size_t n = w->n_candidates;
    pm_status status = PM_OK;
    pm_bytes *keys = pm_alloc_array(n, sizeof *keys);
    uint32_t *order = pm_alloc_array(n, sizeof *order);
    candidate *sorted = pm_alloc_array(n, sizeof *sorted);
    if (keys == NULL || order == NULL || sorted == NULL) {
        status = pm_fail_nomem(w->err, n * sizeof *sorted);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        keys[i] = key_of(w, &w->candidates[i]);
    }
    PM_GO(pm_strings_sort(keys, n, order, w->err));
    for (size_t i = 0; i < n; i++) {
        sorted[i] = w->candidates[order[i]];
    }
    memcpy(w->candidates, sorted, n * sizeof *sorted);
out:
    pm_free(keys);
    pm_free(order);
    pm_free(sorted);
    return status;
}

/* Numbers the ids of the form at hand: those of several inputs with one surface are
 * one. */
static pm_status put_ids(wording *w) {
    for (size_t i = 0; i < w->n_candidates;) {
        const candidate *c = &w->candidates[i];
        const uint8_t *key = w->keys.p + c->at;
        uint64_t count = 0;
        PM_TRY(pm_merge_strings_put(&w->id_surfaces, (pm_bytes){key + 1, c->n - 1},
                                    w->err));
        pm_spool_put(&w->id_cases, key, 1);
        do {
            const candidate *x = &w->candidates[i];
            pm_spool *ids = &w->g->sources[x->source].ids;
            pm_spool_put_u32(ids, x->id);
            pm_spool_put_u32(ids, w->n_ids);
            count += x->count;
            i++;
        } while (i < w->n_candidates &&
                 compare_candidates(w, c, &w->candidates[i]) == 0);
        pm_spool_put_u32(&w->id_counts, (uint32_t)count);
        w->n_ids++;
    }
    return PM_OK;
}

/* A stem, or an accentless form, unless it is the form itself. */
static pm_status put_other(wording *w, pm_merge_strings *to, bool differs) {
    size_t n = differs ? w->other.n : 0;
    return pm_merge_strings_put(to, (pm_bytes){w->other.p, n}, w->err);
}

static pm_status put_form(wording *w) {
    pm_bytes form = pm_buf_bytes(&w->form);
    PM_TRY(pm_merge_strings_put(&w->forms, form, w->err));
    pm_buf_clear(&w->other);
    PM_TRY(pm_stem(w->stemmer, form.p, form.n, &w->other, w->err));
    PM_TRY(
        put_other(w, &w->stems, pm_bytes_compare(pm_buf_bytes(&w->other), form) != 0));
    bool changed = false;
    pm_buf_clear(&w->other);
    if (!is_ascii(form)) {
        PM_TRY(pm_unaccent(w->g->m->analyzer, form.p, form.n, &w->other, &changed,
                           w->err));
    }
    PM_TRY(put_other(w, &w->bare_forms, changed));
    pm_spool_put_u32(&w->g->words.first_ids, w->n_ids);
    pm_spool_put_u32(&w->form_totals, (uint32_t)w->total);
    if (w->n_candidates > MANY_CANDIDATES) {
        PM_TRY(sort_many(w));
    } else {
        sort_few(w);
    }
    PM_TRY(put_ids(w));
    w->n_forms++;
    return PM_OK;
}

/* The string at hand in all inputs that have it; *more: another follows. */
static pm_status meet_form(wording *w, pm_strmerge *forms, bool *more) {
    pm_buf_clear(&w->form);
    pm_buf_clear(&w->keys);
    pm_buf_put(&w->form, forms->text.p, forms->text.n);
    PM_TRY(pm_buf_status(&w->form, w->err));
    if (w->form.n > MAX_FORM_BYTES || !pm_utf8_valid(pm_buf_bytes(&w->form))) {
        return pm_merge_damaged(source_of(w, forms->list), w->err,
                                "a form is longer than any, or not valid UTF-8");
    }
    w->n_candidates = 0;
    w->total = 0;
    do {
        PM_TRY(add_form(w, forms->list, forms->rank));
        *more = pm_strmerge_next(forms);
    } while (*more && !forms->is_new);
    PM_TRY(pm_merge_tick(w->g, FORM_NS, w->err));
    if (w->total > w->g->n_tokens) {
        return pm_merge_damaged(source_of(w, 0), w->err,
                                "words are counted more often than there are tokens");
    }
    return w->n_candidates > 0 ? put_form(w) : PM_OK;
}

static pm_status meet_all(wording *w, pm_strmerge *forms) {
    for (size_t i = 0; i < w->g->m->n_inputs; i++) {
        pm_strmerge_add(forms, &w->g->sources[i].s->lexicon.forms);
    }
    bool more = pm_strmerge_next(forms);
    while (more) {
        PM_TRY(meet_form(w, forms, &more));
    }
    pm_status status = pm_strmerge_status(forms);
    return status == PM_NOMEM ? pm_fail_nomem(w->err, 0)
           : status != PM_OK
               ? pm_merge_damaged(source_of(w, forms->list), w->err,
                                  "forms cannot be read, or are out of order")
               : PM_OK;
}

static pm_status meet_words(wording *w) {
    pm_strmerge forms = {0};
    PM_TRY(pm_stemmer_new(w->g->m->analyzer, &w->stemmer, w->err));
    PM_TRY(pm_strmerge_init(&forms, (uint32_t)w->g->m->n_inputs, w->err));
    pm_status status = meet_all(w, &forms);
    pm_strmerge_release(&forms);
    PM_TRY(status);
    PM_TRY(pm_merge_strings_view(&w->forms, w->err));
    PM_TRY(pm_merge_strings_view(&w->stems, w->err));
    PM_TRY(pm_merge_strings_view(&w->bare_forms, w->err));
    PM_TRY(pm_merge_strings_view(&w->id_surfaces, w->err));
    pm_merge_words *words = &w->g->words;
    pm_spool_put_u32(&words->first_ids, w->n_ids);
    PM_TRY(pm_merge_u32s(&words->first_ids, &words->first_id, w->err));
    return pm_merge_u32s(&w->form_totals, &w->form_total, w->err);
}

/* ---- numbering ---- */

static pm_bytes stem_of(const wording *w, uint32_t form) {
    pm_bytes stem = pm_merge_strings_get(&w->stems, form);
    return stem.n > 0 ? stem : pm_merge_strings_get(&w->forms, form);
}

/* order: forms met by stem. Gives each its group's number in the order of stems. */
static pm_status sort_stems(wording *w, uint32_t *order) {
    pm_spool refs;
    pm_bytes bytes;
    pm_spool_init(&refs, &w->g->scratch);
    for (uint32_t f = 0; f < w->n_forms; f++) {
        pm_bytes stem = stem_of(w, f);
        pm_spool_put(&refs, &stem, sizeof stem);
    }
    pm_status status = pm_spool_view(&refs, &bytes, w->err);
    if (status == PM_OK) {
        status = pm_strings_sort((const pm_bytes *)(const void *)bytes.p, w->n_forms,
                                 order, w->err);
    }
    pm_spool_release(&refs);
    return status;
}

typedef struct ranked { /* a group in the order of stems */
    uint32_t total, n_forms, form;
} ranked;

/* Numbers groups in the order of stems; returns how many. */
static pm_status find_groups(wording *w, const uint32_t *order, ranked *groups) {
    uint32_t *group_of = w->g->words.groups, n = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < w->n_forms; i++) {
        uint32_t f = order[i];
        if (i == 0 || pm_bytes_compare(stem_of(w, order[i - 1]), stem_of(w, f)) != 0) {
            groups[n++] = (ranked){0, 0, f};
        }
        group_of[f] = n - 1;
        groups[n - 1].total += w->form_total[f];
        groups[n - 1].n_forms++;
        total += w->form_total[f];
    }
    w->n_groups = n;
    return total == w->g->n_tokens
               ? PM_OK
               : pm_merge_damaged(source_of(w, 0), w->err,
                                  "words are not counted as often as there are tokens");
}

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Groups by falling total, ties by stem; ranks[group] is where each comes. */
static pm_status rank_groups(wording *w, const ranked *groups, uint32_t *ranks) {
    uint32_t n = w->n_groups, at = 0;
    uint64_t *keys = pm_alloc_array(n, sizeof *keys);
    if (keys == NULL) {
        return pm_fail_nomem(w->err, n * sizeof *keys);
    }
    for (uint32_t u = 0; u < n; u++) {
        keys[u] = (uint64_t)(UINT32_MAX - groups[u].total) << 32 | u;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (uint32_t r = 0; r < n; r++) {
        const ranked *u = &groups[(uint32_t)keys[r]];
        ranks[(uint32_t)keys[r]] = r;
        w->g->words.totals[r] = u->total;
        w->stem_of[r] = u->form;
        w->ends[r] = at; /* until the forms are scattered */
        at += u->n_forms;
    }
    pm_free(keys);
    return PM_OK;
}

/* Forms met to their places, in bytewise order within each group. */
static void scatter_forms(wording *w, const uint32_t *ranks) {
    uint32_t *group_of = w->g->words.groups;
    for (uint32_t f = 0; f < w->n_forms; f++) {
        group_of[f] = ranks[group_of[f]];
        w->order[w->ends[group_of[f]]++] = f;
    }
}

static void number_ids(wording *w) {
    const pm_merge_words *words = &w->g->words;
    uint32_t id = 0;
    for (uint32_t i = 0; i < w->n_forms; i++) {
        uint32_t f = w->order[i];
        w->places[f] = i;
        for (uint32_t met = words->first_id[f]; met < words->first_id[f + 1]; met++) {
            words->ids[met] = id++;
        }
    }
}

static pm_status number_groups(wording *w, uint32_t *ranks, ranked *groups) {
    pm_merge_words *words = &w->g->words;
    PM_TRY(sort_stems(w, w->order));
    PM_TRY(find_groups(w, w->order, groups));
    words->totals = pm_alloc_array(w->n_groups, sizeof *words->totals);
    w->ends = pm_alloc_array(w->n_groups, sizeof *w->ends);
    w->stem_of = pm_alloc_array(w->n_groups, sizeof *w->stem_of);
    if (words->totals == NULL || w->ends == NULL || w->stem_of == NULL) {
        return pm_fail_nomem(w->err, w->n_groups * sizeof *w->ends);
    }
    PM_TRY(rank_groups(w, groups, ranks));
    scatter_forms(w, ranks);
    number_ids(w);
    words->n_groups = w->n_groups;
    words->n_forms = w->n_forms;
    words->n_ids = w->n_ids;
    return PM_OK;
}

static pm_status number_words(wording *w) {
    pm_merge_words *words = &w->g->words;
    size_t n = w->n_forms;
    words->ids = pm_alloc_array(w->n_ids, sizeof *words->ids);
    words->groups = pm_alloc_array(n, sizeof *words->groups);
    w->order = pm_alloc_array(n, sizeof *w->order);
    w->places = pm_alloc_array(n, sizeof *w->places);
    uint32_t *ranks = pm_alloc_array(n, sizeof *ranks);
    ranked *groups = pm_alloc_array(n, sizeof *groups);
    pm_status status = PM_OK;
    if (words->ids == NULL || words->groups == NULL || w->order == NULL ||
        w->places == NULL || ranks == NULL || groups == NULL) {
        status = pm_fail_nomem(w->err, n * sizeof *groups);
    } else {
        status = number_groups(w, ranks, groups);
    }
    pm_free(ranks);
    pm_free(groups);
    return status;
}

/* ---- writing ---- */

typedef struct tables { /* what pm_lexicon_data points to */
    pm_spool group_forms, form_ids, id_counts, id_cases;
    pm_spool stems, forms, surfaces, bare_stems, bare_forms;
    pm_merge_strings bare_stem_texts;
} tables;

static void tables_init(tables *t, const pm_scratch *scratch) {
    pm_spool *const all[] = {&t->group_forms, &t->form_ids,   &t->id_counts,
                             &t->id_cases,    &t->stems,      &t->forms,
                             &t->surfaces,    &t->bare_stems, &t->bare_forms};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        pm_spool_init(all[i], scratch);
    }
    pm_merge_strings_init(&t->bare_stem_texts, scratch);
}

static void tables_release(tables *t) {
    pm_spool *const all[] = {&t->group_forms, &t->form_ids,   &t->id_counts,
                             &t->id_cases,    &t->stems,      &t->forms,
                             &t->surfaces,    &t->bare_stems, &t->bare_forms};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        pm_spool_release(all[i]);
    }
    pm_merge_strings_release(&t->bare_stem_texts);
}

static void put_string(pm_spool *to, pm_bytes s) {
    pm_spool_put(to, &s, sizeof s);
}

static pm_status put_final_ids(wording *w, tables *t) {
    const uint32_t *counts, *first_id = w->g->words.first_id;
    pm_bytes cases;
    PM_TRY(pm_merge_u32s(&w->id_counts, &counts, w->err));
    PM_TRY(pm_spool_view(&w->id_cases, &cases, w->err));
    uint32_t id = 0;
    for (uint32_t i = 0; i < w->n_forms; i++) {
        uint32_t f = w->order[i], n = first_id[f + 1] - first_id[f];
        pm_spool_put_u32(&t->form_ids, id);
        put_string(&t->forms, pm_merge_strings_get(&w->forms, f));
        put_string(&t->bare_forms, pm_merge_strings_get(&w->bare_forms, f));
        for (uint32_t met = first_id[f]; met < first_id[f + 1]; met++) {
            put_string(&t->surfaces, pm_merge_strings_get(&w->id_surfaces, met));
        }
        pm_spool_put(&t->id_counts, counts + first_id[f], n * sizeof *counts);
        pm_spool_put(&t->id_cases, cases.p + first_id[f], n);
        id += n;
        if (i % LOOP_FORMS == 0) {
            PM_TRY(pm_merge_tick(w->g, LOOP_FORMS * 50, w->err));
        }
    }
    pm_spool_put_u32(&t->form_ids, id);
    return PM_OK;
}

static pm_status put_final_groups(wording *w, tables *t) {
    pm_spool_put_u32(&t->group_forms, 0);
    for (uint32_t r = 0; r < w->n_groups; r++) {
        pm_bytes stem = stem_of(w, w->stem_of[r]);
        bool changed = false;
        pm_buf_clear(&w->other);
        if (!is_ascii(stem)) {
            PM_TRY(pm_unaccent(w->g->m->analyzer, stem.p, stem.n, &w->other, &changed,
                               w->err));
        }
        PM_TRY(put_other(w, &t->bare_stem_texts, changed));
        put_string(&t->stems, stem);
        pm_spool_put_u32(&t->group_forms, w->ends[r]);
        PM_TRY(pm_merge_tick(w->g, STEP_NS, w->err));
    }
    PM_TRY(pm_merge_strings_view(&t->bare_stem_texts, w->err));
    for (uint32_t r = 0; r < w->n_groups; r++) {
        put_string(&t->bare_stems, pm_merge_strings_get(&t->bare_stem_texts, r));
    }
    return PM_OK;
}

/* Forms were met in bytewise order, so their dictionary need not be sorted. */
static pm_status write_lexicon(wording *w, pm_lexicon_data *d) {
    uint32_t *form_order = pm_alloc_array(w->n_forms, sizeof *form_order);
    if (form_order == NULL) {
        return pm_fail_nomem(w->err, w->n_forms * sizeof *form_order);
    }
    for (uint32_t i = 0; i < w->n_forms; i++) {
        form_order[w->order[i]] = i;
    }
    d->form_order = form_order;
    pm_status status = pm_lexicon_write(w->g->w, d, w->err);
    pm_free(form_order);
    return status;
}

static pm_status write_tables(wording *w, tables *t) {
    pm_lexicon_data d = {
        .n_groups = w->n_groups, .n_forms = w->n_forms, .n_ids = w->n_ids};
    pm_bytes cases;
    PM_TRY(put_final_ids(w, t));
    PM_TRY(put_final_groups(w, t));
    PM_TRY(pm_merge_u32s(&t->group_forms, &d.group_forms, w->err));
    PM_TRY(pm_merge_u32s(&t->form_ids, &d.form_ids, w->err));
    PM_TRY(pm_merge_u32s(&t->id_counts, &d.id_counts, w->err));
    PM_TRY(pm_spool_view(&t->id_cases, &cases, w->err));
    d.id_cases = cases.p;
    PM_TRY(pm_merge_refs(&t->stems, &d.stems, w->err));
    PM_TRY(pm_merge_refs(&t->forms, &d.forms, w->err));
    PM_TRY(pm_merge_refs(&t->surfaces, &d.surfaces, w->err));
    PM_TRY(pm_merge_refs(&t->bare_stems, &d.bare_stems, w->err));
    PM_TRY(pm_merge_refs(&t->bare_forms, &d.bare_forms, w->err));
    d.form_order = w->places;
    return write_lexicon(w, &d);
}

static pm_status write_words(wording *w) {
    tables *t = pm_calloc(1, sizeof *t);
    if (t == NULL) {
        return pm_fail_nomem(w->err, sizeof *t);
    }
    tables_init(t, &w->g->scratch);
    pm_status status = write_tables(w, t);
    tables_release(t);
    pm_free(t);
    return status;
}

/* ---- the whole ---- */

static void wording_init(wording *w, pm_merging *g, pm_error *err) {
    const pm_scratch *scratch = &g->scratch;
    w->g = g;
    w->err = err;
    pm_merge_strings_init(&w->forms, scratch);
    pm_merge_strings_init(&w->stems, scratch);
    pm_merge_strings_init(&w->bare_forms, scratch);
    pm_merge_strings_init(&w->id_surfaces, scratch);
    pm_spool_init(&w->form_totals, scratch);
    pm_spool_init(&w->id_counts, scratch);
    pm_spool_init(&w->id_cases, scratch);
}

static void wording_release(wording *w) {
    pm_merge_strings_release(&w->forms);
    pm_merge_strings_release(&w->stems);
    pm_merge_strings_release(&w->bare_forms);
    pm_merge_strings_release(&w->id_surfaces);
    pm_spool_release(&w->form_totals);
    pm_spool_release(&w->id_counts);
    pm_spool_release(&w->id_cases);
    pm_buf_release(&w->form);
    pm_buf_release(&w->other);
    pm_buf_release(&w->keys);
    pm_free(w->candidates);
    pm_free(w->order);
    pm_free(w->places);
    pm_free(w->ends);
    pm_free(w->stem_of);
    pm_stemmer_free(w->stemmer);
}

pm_status pm_merge_lexicon(pm_merging *g, pm_error *err) {
    wording *w = pm_calloc(1, sizeof *w);
    if (w == NULL) {
        return pm_fail_nomem(err, sizeof *w);
    }
    wording_init(w, g, err);
    pm_status status = PM_OK;
    PM_GO(count_sources(g, err));
    PM_GO(meet_words(w));
    PM_GO(number_words(w));
    PM_GO(write_words(w));
out:
    wording_release(w);
    pm_free(w);
    return status;
}

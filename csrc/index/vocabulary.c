/* Three steps. Unite (parallel, split by hash): each part takes the words whose hash
 * falls into it from all dictionaries, and folds and stems those that are new to it.
 * Group (one thread): a hash table of stems, groups sorted by frequency. Lay out: terms
 * scattered to their groups, each group sorted by form, case and surface, and numbered.
 * A surface that came in two kinds but folds alike becomes one id here: its terms stand
 * side by side. */
#include "index/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/sys.h"

enum {
    SLAB_BYTES = 64 << 10,
    TICK_WORDS = 256,
    WORD_NS = 400,
    TERM_NS = 60,
    SMALL_GROUP = 12,
    SMALL_SORT = 16
};

typedef struct term { /* a distinct surface and kind */
    const uint8_t *surface, *form, *stem;
    uint32_t surface_bytes, form_bytes, stem_bytes;
    uint32_t shape, count;
    uint32_t stem_hash; /* until it is grouped */
    uint32_t group;     /* in order of meeting, then of frequency */
    uint32_t id;
    uint8_t case_class;
} term;

typedef struct group { /* terms of one stem */
    const term *first;
    uint64_t count;
    uint32_t n_terms;
} group;

typedef struct pm_vocabulary_part {
    pm_arena arena;
    uint8_t *at, *end; /* free bytes of the slab */
    term *terms;       /* [capacity] */
    size_t n, capacity;
    uint32_t *table; /* term number + 1 by hash; NULL where there is one dictionary */
    size_t mask;
    pm_stemmer *stemmer;
    pm_buf scratch;
} part;

typedef struct making {
    pm_vocabulary *v;
    pm_surfaces *const *dictionaries;
    unsigned n_dictionaries, threads;
    const pm_analyzer *an;
    pm_cancel *cancel;
    size_t n_terms;
    group *groups; /* in order of meeting */
    size_t n_groups;
    uint32_t *ranks; /* [n_groups] */
    term **order;    /* [n_terms] by rank of group */
} making;

static bool is_ascii(const uint8_t *p, size_t n) {
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= p[i];
    }
    return all < 0x80;
}

static pm_bytes surface_of(const term *t) {
    return (pm_bytes){t->surface, t->surface_bytes};
}
static pm_bytes form_of(const term *t) {
    return (pm_bytes){t->form, t->form_bytes};
}
static pm_bytes stem_of(const term *t) {
    return (pm_bytes){t->stem, t->stem_bytes};
}

/* ---- uniting ---- */

static unsigned part_of(const making *m, uint32_t hash) {
    return (unsigned)((uint64_t)(hash * 0x9e3779b1u) * m->v->n_parts >> 32);
}

/* A copy in the part's slab: small strings, so not one allocation each. */
static const uint8_t *keep(part *p, const uint8_t *bytes, size_t n) {
    if (n > (size_t)(p->end - p->at)) {
        size_t slab = n > SLAB_BYTES ? n : SLAB_BYTES;
        p->at = pm_arena_alloc(&p->arena, slab);
        p->end = p->at != NULL ? p->at + slab : NULL;
        if (p->at == NULL) {
            return NULL;
        }
    }
    uint8_t *to = p->at;
    memcpy(to, bytes, n);
    p->at += n;
    return to;
}

/* Folds and stems a term, once for all its occurrences. */
static pm_status analyse(const making *m, part *p, term *t, pm_error *err) {
    pm_buf *b = &p->scratch;
    pm_buf_clear(b);
    PM_TRY(pm_fold(m->an, t->surface, t->surface_bytes, t->shape & 15, b, err));
    size_t n = b->n;
    t->form_bytes = (uint32_t)n;
    t->form = keep(p, b->p, n);
    if (t->form == NULL) {
        return pm_fail_nomem(err, SLAB_BYTES);
    }
    pm_buf_clear(b);
    PM_TRY(pm_stem(p->stemmer, t->form, n, b, err));
    t->stem_bytes = (uint32_t)b->n;
    bool same = b->n == n && memcmp(b->p, t->form, n) == 0;
    t->stem = same ? t->form : keep(p, b->p, b->n);
    if (t->stem == NULL) {
        return pm_fail_nomem(err, SLAB_BYTES);
    }
    t->stem_hash = (uint32_t)pm_hash64(t->stem, t->stem_bytes);
    t->case_class = (uint8_t)pm_case_class(t->surface, t->surface_bytes);
    return PM_OK;
}

/* The slot of a word in the part's table. */
static uint32_t *slot_of(const part *p, pm_bytes surface, uint32_t shape,
                         uint32_t hash) {
    size_t i = hash & p->mask;
    for (; p->table[i] != 0; i = (i + 1) & p->mask) {
        const term *t = &p->terms[p->table[i] - 1];
        if (t->shape == shape && memcmp(t->surface, surface.p, surface.n) == 0) {
            break;
        }
    }
    return &p->table[i];
}

static pm_status unite_word(const making *m, part *p, pm_bytes s, const pm_surface *w,
                            uint32_t *number, pm_error *err) {
    if (p->table != NULL) {
        uint32_t *slot = slot_of(p, s, w->shape, w->hash);
        if (*slot != 0) {
            p->terms[*slot - 1].count += w->count;
            *number = *slot - 1;
            return PM_OK;
        }
        *slot = (uint32_t)p->n + 1;
    }
    term *t = &p->terms[p->n];
    *t = (term){.surface = s.p,
                .surface_bytes = (uint32_t)s.n,
                .shape = w->shape,
                .count = w->count};
    *number = (uint32_t)p->n++;
    return analyse(m, p, t, err);
}

/* Workers look at the flag alone; on one thread the caller's poll must be called from
 * here. */
static bool must_stop(const making *m) {
    return m->threads == 1 ? pm_cancel_tick(m->cancel, TICK_WORDS * WORD_NS)
                           : pm_cancel_stopped(m->cancel);
}

static pm_status unite_dictionary(const making *m, part *p, unsigned number, unsigned d,
                                  pm_error *err) {
    const pm_surfaces *dictionary = m->dictionaries[d];
    for (size_t i = 0; i < dictionary->n; i++) {
        const pm_surface *w = &dictionary->words[i];
        if (i % TICK_WORDS == 0 && must_stop(m)) {
            return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
        if (w->count > 0 && part_of(m, w->hash) == number) {
            PM_TRY(unite_word(m, p, pm_surface_bytes(dictionary, w), w,
                              &m->v->numbers[d][i].id, err));
        }
    }
    return PM_OK;
}

/* Terms of a part at most: words that several dictionaries share are counted for
 * each. */
static size_t count_words(const making *m, unsigned number) {
    size_t n = 0;
    for (unsigned d = 0; d < m->n_dictionaries; d++) {
        for (size_t i = 0; i < m->dictionaries[d]->n; i++) {
            const pm_surface *w = &m->dictionaries[d]->words[i];
            n += w->count > 0 && part_of(m, w->hash) == number;
        }
    }
    return n;
}

static pm_status make_table(part *p, size_t n, pm_error *err) {
    size_t slots = 16;
    while (slots < 2 * n) {
        slots *= 2;
    }
    p->mask = slots - 1;
    p->table = pm_pages_alloc(slots, sizeof *p->table);
    return p->table != NULL ? PM_OK : pm_fail_nomem(err, slots * sizeof *p->table);
}

static void free_table(part *p) {
    pm_pages_free(p->table, p->mask + 1, sizeof *p->table);
    p->table = NULL;
}

static pm_status unite_part(void *ctx, size_t number, unsigned worker, pm_error *err) {
    making *m = ctx;
    part *p = &m->v->parts[number];
    (void)worker;
    size_t n = count_words(m, (unsigned)number);
    p->capacity = n;
    p->terms = pm_pages_alloc(n, sizeof *p->terms);
    if (p->terms == NULL) {
        return pm_fail_nomem(err, n * sizeof *p->terms);
    }
    PM_TRY(pm_stemmer_new(m->an, &p->stemmer, err));
    if (m->n_dictionaries > 1) {
        PM_TRY(make_table(p, n, err));
    }
    for (unsigned d = 0; d < m->n_dictionaries; d++) {
        PM_TRY(unite_dictionary(m, p, (unsigned)number, d, err));
    }
    free_table(p);
    return PM_OK;
}

/* ---- grouping ---- */

/* For loops on the calling thread. */
static pm_status tick(const making *m, pm_error *err) {
    return pm_cancel_tick(m->cancel, TERM_NS)
               ? pm_fail(err, PM_CANCELLED, "cancelled by the caller")
               : PM_OK;
}

static void group_term(making *m, uint32_t *table, size_t mask, term *t) {
    size_t i = t->stem_hash & mask;
    for (; table[i] != 0; i = (i + 1) & mask) {
        const term *f = m->groups[table[i] - 1].first;
        if (f->stem_hash == t->stem_hash && f->stem_bytes == t->stem_bytes &&
            memcmp(f->stem, t->stem, t->stem_bytes) == 0) {
            break;
        }
    }
    if (table[i] == 0) {
        m->groups[m->n_groups] = (group){t, 0, 0};
        table[i] = (uint32_t)++m->n_groups;
    }
    group *g = &m->groups[table[i] - 1];
    g->count += t->count;
    g->n_terms++;
    t->group = table[i] - 1;
}

static pm_status group_terms(making *m, pm_error *err) {
    size_t slots = 16;
    while (slots < 2 * m->n_terms) {
        slots *= 2;
    }
    uint32_t *table = pm_calloc(slots, sizeof *table);
    m->groups = pm_alloc_array(m->n_terms, sizeof *m->groups);
    if (table == NULL || m->groups == NULL) {
        pm_free(table);
        return pm_fail_nomem(err, slots * sizeof *table);
    }
    pm_status status = PM_OK;
    for (unsigned p = 0; p < m->v->n_parts; p++) {
        for (size_t i = 0; i < m->v->parts[p].n && status == PM_OK; i++) {
            group_term(m, table, slots - 1, &m->v->parts[p].terms[i]);
            status = tick(m, err);
        }
    }
    pm_free(table);
    return status;
}

/* Groups by falling count, ties by stem: 16 bytes of key decide nearly all
 * comparisons. */
typedef struct group_key {
    uint64_t count, head; /* head: the stem's first 8 bytes, big-endian */
    const group *group;
} group_key;

static uint64_t head_of(const term *t) {
    uint8_t bytes[8] = {0};
    memcpy(bytes, t->stem, t->stem_bytes < 8 ? t->stem_bytes : 8);
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | bytes[i];
    }
    return v;
}

static int compare_groups(const void *a, const void *b) {
    const group_key *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    if (x->head != y->head) {
        return x->head < y->head ? -1 : 1;
    }
    return pm_bytes_compare(stem_of(x->group->first), stem_of(y->group->first));
}

static void insert_keys(group_key *keys, size_t n) {
    for (size_t i = 1; i < n; i++) {
        group_key k = keys[i];
        size_t j = i;
        for (; j > 0 && compare_groups(&keys[j - 1], &k) > 0; j--) {
            keys[j] = keys[j - 1];
        }
        keys[j] = k;
    }
}

/* Merges the sorted [lo, mid) and [mid, hi) of from. */
static pm_status merge_keys(const making *m, const group_key *from, group_key *to,
                            size_t lo, size_t mid, size_t hi, pm_error *err) {
    for (size_t a = lo, b = mid, i = lo; i < hi; i++) {
        bool left = b == hi || (a < mid && compare_groups(&from[a], &from[b]) <= 0);
        to[i] = left ? from[a++] : from[b++];
        PM_TRY(tick(m, err));
    }
    return PM_OK;
}

/* Merge sort from the bottom up, for it can be interrupted. *keys and *scratch, both of
 * n, may change places. */
static pm_status sort_keys(const making *m, group_key **keys, group_key **scratch,
                           size_t n, pm_error *err) {
    for (size_t lo = 0; lo < n; lo += SMALL_SORT) {
        insert_keys(*keys + lo, n - lo < SMALL_SORT ? n - lo : SMALL_SORT);
        PM_TRY(tick(m, err));
    }
    for (size_t width = SMALL_SORT; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = n - lo < width ? n : lo + width;
            size_t hi = n - mid < width ? n : mid + width;
            PM_TRY(merge_keys(m, *keys, *scratch, lo, mid, hi, err));
        }
        group_key *swap = *keys;
        *keys = *scratch;
        *scratch = swap;
    }
    return PM_OK;
}

/* Ranks of the groups, and where each begins in lexicon order. */
static pm_status rank_groups(making *m, pm_error *err) {
    pm_vocabulary *v = m->v;
    size_t n = m->n_groups;
    group_key *keys = pm_pages_alloc(n, sizeof *keys),
              *scratch = pm_pages_alloc(n, sizeof *scratch);
    pm_bytes *stems = pm_arena_array(&v->words, n, sizeof *stems);
    v->group_starts = pm_arena_array(&v->arena, n + 1, sizeof *v->group_starts);
    m->ranks = pm_alloc_array(n, sizeof *m->ranks);
    pm_status status = PM_OK;
    if (keys == NULL || scratch == NULL || stems == NULL || v->group_starts == NULL ||
        m->ranks == NULL) {
        status = pm_fail_nomem(err, n * sizeof *keys);
        goto out;
    }
    for (size_t g = 0; g < n; g++) {
        keys[g] =
            (group_key){m->groups[g].count, head_of(m->groups[g].first), &m->groups[g]};
    }
    PM_GO(sort_keys(m, &keys, &scratch, n, err));
    for (size_t r = 0; r < n; r++) {
        m->ranks[keys[r].group - m->groups] = (uint32_t)r;
        stems[r] = stem_of(keys[r].group->first);
        v->group_starts[r + 1] = v->group_starts[r] + keys[r].count;
    }
    v->lexicon.n_groups = (uint32_t)n;
    v->lexicon.stems = stems;
out:
    pm_pages_free(keys, n, sizeof *keys);
    pm_pages_free(scratch, n, sizeof *scratch);
    return status;
}

/* ---- laying out ---- */

static int compare_terms(const void *a, const void *b) {
    const term *x = *(const term *const *)a, *y = *(const term *const *)b;
    int by_form = pm_bytes_compare(form_of(x), form_of(y));
    if (by_form != 0) {
        return by_form;
    }
    if (x->case_class != y->case_class) {
        return x->case_class < y->case_class ? -1 : 1;
    }
    return pm_bytes_compare(surface_of(x), surface_of(y));
}

static void sort_terms(term **terms, size_t n) {
    if (n > SMALL_GROUP) {
        qsort(terms, n, sizeof *terms, compare_terms);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        term *t = terms[i];
        size_t j = i;
        for (; j > 0 && compare_terms(&terms[j - 1], &t) > 0; j--) {
            terms[j] = terms[j - 1];
        }
        terms[j] = t;
    }
}

/* Scatters the terms to their groups' places; ends[rank] is where each group ends. */
static void scatter_terms(making *m, size_t *ends) {
    size_t at = 0;
    for (size_t g = 0; g < m->n_groups; g++) {
        ends[m->ranks[g]] = m->groups[g].n_terms;
    }
    for (size_t r = 0; r < m->n_groups; r++) {
        size_t n = ends[r];
        ends[r] = at;
        at += n;
    }
    for (unsigned p = 0; p < m->v->n_parts; p++) {
        for (size_t i = 0; i < m->v->parts[p].n; i++) {
            term *t = &m->v->parts[p].terms[i];
            t->group = m->ranks[t->group];
            m->order[ends[t->group]++] = t;
        }
    }
}

typedef struct tables { /* of pm_lexicon_data, writable */
    uint32_t *group_forms, *form_ids, *id_counts, *id_groups;
    uint8_t *id_cases;
    pm_bytes *forms, *surfaces;
    uint32_t n_forms, n_ids;
} tables;

static pm_status make_tables(making *m, tables *t, pm_error *err) {
    pm_arena *a = &m->v->words;
    size_t n = m->n_terms;
    *t = (tables){.group_forms =
                      pm_arena_array(a, m->n_groups + 1, sizeof *t->group_forms),
                  .form_ids = pm_arena_array(a, n + 1, sizeof *t->form_ids),
                  .id_counts = pm_arena_array(a, n, sizeof *t->id_counts),
                  .id_groups = pm_arena_array(&m->v->arena, n, sizeof *t->id_groups),
                  .id_cases = pm_arena_array(a, n, sizeof *t->id_cases),
                  .forms = pm_arena_array(a, n, sizeof *t->forms),
                  .surfaces = pm_arena_array(a, n, sizeof *t->surfaces)};
    bool ok = t->group_forms != NULL && t->form_ids != NULL && t->id_counts != NULL &&
              t->id_groups != NULL && t->id_cases != NULL && t->forms != NULL &&
              t->surfaces != NULL;
    return ok ? PM_OK : pm_fail_nomem(err, n * sizeof *t->forms);
}

/* Numbers a group's terms, which are sorted. */
static void number_group(tables *t, term **terms, size_t n, uint32_t rank) {
    t->group_forms[rank] = t->n_forms;
    for (size_t i = 0; i < n; i++) {
        term *x = terms[i];
        bool same_form =
            i > 0 && pm_bytes_compare(form_of(x), form_of(terms[i - 1])) == 0;
        if (same_form &&
            pm_bytes_compare(surface_of(x), surface_of(terms[i - 1])) == 0) {
            x->id = t->n_ids - 1;
            t->id_counts[x->id] += x->count;
            continue;
        }
        if (!same_form) {
            t->forms[t->n_forms] = form_of(x);
            t->form_ids[t->n_forms++] = t->n_ids;
        }
        x->id = t->n_ids++;
        t->surfaces[x->id] = surface_of(x);
        t->id_counts[x->id] = x->count;
        t->id_cases[x->id] = x->case_class;
        t->id_groups[x->id] = rank;
    }
}

static void publish_tables(pm_vocabulary *v, const tables *t) {
    t->group_forms[v->lexicon.n_groups] = t->n_forms;
    t->form_ids[t->n_forms] = t->n_ids;
    v->lexicon.n_forms = t->n_forms;
    v->lexicon.n_ids = t->n_ids;
    v->lexicon.group_forms = t->group_forms;
    v->lexicon.form_ids = t->form_ids;
    v->lexicon.id_counts = t->id_counts;
    v->lexicon.id_cases = t->id_cases;
    v->lexicon.forms = t->forms;
    v->lexicon.surfaces = t->surfaces;
    v->id_groups = t->id_groups;
}

static pm_status lay_out(making *m, pm_error *err) {
    tables t;
    PM_TRY(make_tables(m, &t, err));
    size_t *ends = pm_arena_array(&m->v->words, m->n_groups, sizeof *ends);
    m->order = pm_alloc_array(m->n_terms, sizeof *m->order);
    if (ends == NULL || m->order == NULL) {
        return pm_fail_nomem(err, m->n_terms * sizeof *m->order);
    }
    scatter_terms(m, ends);
    size_t at = 0;
    for (uint32_t r = 0; r < m->n_groups; r++) {
        sort_terms(m->order + at, ends[r] - at);
        number_group(&t, m->order + at, ends[r] - at, r);
        at = ends[r];
        PM_TRY(tick(m, err));
    }
    publish_tables(m->v, &t);
    return PM_OK;
}

/* Accentless keys of those strings that are not their own. */
static pm_status strip_accents(const making *m, const pm_bytes *strings, uint32_t n,
                               const pm_bytes **out, pm_error *err) {
    part *p = &m->v->parts[0]; /* its slab and buffer are free for use */
    pm_bytes *bare = pm_arena_array(&m->v->words, n, sizeof *bare);
    if (bare == NULL) {
        return pm_fail_nomem(err, n * sizeof *bare);
    }
    *out = bare;
    for (uint32_t i = 0; i < n; i++) {
        PM_TRY(tick(m, err));
        if (is_ascii(strings[i].p, strings[i].n)) {
            continue;
        }
        bool changed = false;
        pm_buf_clear(&p->scratch);
        PM_TRY(
            pm_unaccent(m->an, strings[i].p, strings[i].n, &p->scratch, &changed, err));
        if (changed) {
            bare[i] = (pm_bytes){keep(p, p->scratch.p, p->scratch.n), p->scratch.n};
            if (bare[i].p == NULL) {
                return pm_fail_nomem(err, SLAB_BYTES);
            }
        }
    }
    return PM_OK;
}

/* ---- the whole ---- */

static pm_status number_dictionary(void *ctx, size_t d, unsigned worker,
                                   pm_error *err) {
    const making *m = ctx;
    const pm_surfaces *dictionary = m->dictionaries[d];
    pm_number *numbers = m->v->numbers[d];
    (void)worker;
    (void)err;
    for (size_t i = 0; i < dictionary->n; i++) {
        if (dictionary->words[i].count > 0) {
            unsigned p = part_of(m, dictionary->words[i].hash);
            const term *t = &m->v->parts[p].terms[numbers[i].id];
            numbers[i] = (pm_number){t->id, t->group};
        }
    }
    return PM_OK;
}

static pm_status prepare(making *m, pm_error *err) {
    pm_vocabulary *v = m->v;
    v->n_parts = 0;
    v->parts = pm_arena_array(&v->arena, m->threads, sizeof *v->parts);
    v->numbers = pm_arena_array(&v->arena, m->n_dictionaries, sizeof *v->numbers);
    if (v->parts == NULL || v->numbers == NULL) {
        return pm_fail_nomem(err, m->threads * sizeof *v->parts);
    }
    v->n_parts = m->threads;
    for (unsigned d = 0; d < m->n_dictionaries; d++) {
        v->numbers[d] =
            pm_arena_alloc(&v->arena, m->dictionaries[d]->n * sizeof **v->numbers);
        if (v->numbers[d] == NULL) {
            return pm_fail_nomem(err, m->dictionaries[d]->n * sizeof **v->numbers);
        }
    }
    return PM_OK;
}

static pm_status count_terms(making *m, pm_error *err) {
    for (unsigned p = 0; p < m->v->n_parts; p++) {
        m->n_terms += m->v->parts[p].n;
    }
    return m->n_terms < PM_END
               ? PM_OK
               : pm_fail(err, PM_LIMIT, "more than 2^32 distinct words in a segment");
}

static pm_status make(making *m, pm_error *err) {
    pm_vocabulary *v = m->v;
    PM_TRY(prepare(m, err));
    PM_TRY(pm_parallel_for(v->n_parts, m->threads, unite_part, m, m->cancel, err));
    PM_TRY(count_terms(m, err));
    PM_TRY(group_terms(m, err));
    PM_TRY(rank_groups(m, err));
    PM_TRY(lay_out(m, err));
    PM_TRY(strip_accents(m, v->lexicon.stems, v->lexicon.n_groups,
                         &v->lexicon.bare_stems, err));
    PM_TRY(strip_accents(m, v->lexicon.forms, v->lexicon.n_forms,
                         &v->lexicon.bare_forms, err));
    return pm_parallel_for(m->n_dictionaries, m->threads, number_dictionary, m,
                           m->cancel, err);
}

static void release_terms(pm_vocabulary *v) {
    for (unsigned p = 0; p < v->n_parts; p++) {
        pm_pages_free(v->parts[p].terms, v->parts[p].capacity, sizeof(term));
        v->parts[p].terms = NULL;
        free_table(&v->parts[p]);
        pm_buf_release(&v->parts[p].scratch);
        if (v->parts[p].stemmer != NULL) {
            pm_stemmer_free(v->parts[p].stemmer);
            v->parts[p].stemmer = NULL;
        }
    }
}

pm_status pm_vocabulary_make(pm_vocabulary *v, pm_surfaces *const *dictionaries,
                             unsigned n_dictionaries, const pm_analyzer *an,
                             unsigned threads, pm_cancel *cancel, pm_error *err) {
    memset(v, 0, sizeof *v);
    pm_arena_init(&v->words);
    pm_arena_init(&v->arena);
    making m = {.v = v,
                .dictionaries = dictionaries,
                .n_dictionaries = n_dictionaries,
                .threads = threads,
                .an = an,
                .cancel = cancel};
    pm_status status = make(&m, err);
    pm_free(m.groups);
    pm_free(m.ranks);
    pm_free(m.order);
    release_terms(v);
    return status;
}

void pm_vocabulary_drop_words(pm_vocabulary *v) {
    for (unsigned p = 0; p < v->n_parts; p++) {
        pm_arena_release(&v->parts[p].arena);
    }
    pm_arena_release(&v->words);
    v->lexicon = (pm_lexicon_data){.n_groups = v->lexicon.n_groups,
                                   .n_forms = v->lexicon.n_forms,
                                   .n_ids = v->lexicon.n_ids};
}

void pm_vocabulary_release(pm_vocabulary *v) {
    release_terms(v);
    pm_vocabulary_drop_words(v);
    pm_arena_release(&v->arena);
    memset(v, 0, sizeof *v);
}

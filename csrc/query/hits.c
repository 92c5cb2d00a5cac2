/* Segments one after the other; what they find is appended under the snapshot's
 * document numbers. Hits keep positions alone: texts and offsets are made when asked
 * for. */
#include "query/hits.h"

#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "query/hits_inner.h"

pm_status pm_hits_interrupted(pm_error *err) {
    return pm_fail(err, PM_CANCELLED, "interrupted");
}

/* ---- which documents may answer ---- */

void pm_where_free(const pm_snapshot *s, uint64_t **bits) {
    for (uint32_t i = 0; bits != NULL && i < s->n_parts; i++) {
        pm_free(bits[i]);
    }
    pm_free(bits);
}

static pm_status filter_bits(const pm_snapshot *s, const pm_plan *plan,
                             const pm_part *part, pm_cancel *cancel, uint64_t **out,
                             pm_error *err) {
    pm_eval e;
    size_t n = pm_bits_words(part->segment.info.n_docs);
    pm_status status =
        pm_eval_run(&e, plan, part, NULL, true, PM_WANT_DOCS, cancel, err);
    (void)s;
    if (status == PM_OK) {
        *out = pm_alloc_array(n + 1, sizeof **out);
        if (*out == NULL) {
            status = pm_fail_nomem(err, n * sizeof **out);
        } else {
            memcpy(*out, pm_eval_docs(&e), n * sizeof **out);
        }
    }
    pm_eval_release(&e);
    return status;
}

/* Keeps of the part's bits those of the increasing list docs. */
static pm_status list_bits(const pm_part *part, const uint32_t *docs, size_t n_docs,
                           uint64_t **bits, pm_error *err) {
    uint32_t n = part->segment.info.n_docs;
    uint64_t *listed = pm_calloc(pm_bits_words(n) + 1, sizeof *listed);
    if (listed == NULL) {
        return pm_fail_nomem(err, n / 8);
    }
    for (size_t i = 0; i < n_docs; i++) {
        uint32_t local = docs[i] - part->doc_base;
        if (local < n && (*bits == NULL || pm_bits_get(*bits, local))) {
            pm_bits_set(listed, local);
        }
    }
    pm_free(*bits);
    *bits = listed;
    return PM_OK;
}

static pm_status where_parts(const pm_snapshot *s, const pm_where *where,
                             const pm_plan *plan, pm_cancel *cancel, uint64_t **bits,
                             pm_error *err) {
    for (uint32_t i = 0; i < s->n_parts; i++) {
        if (plan != NULL) {
            PM_TRY(filter_bits(s, plan, &s->parts[i], cancel, &bits[i], err));
        }
        if (where->docs != NULL) {
            PM_TRY(list_bits(&s->parts[i], where->docs, where->n_docs, &bits[i], err));
        }
    }
    return PM_OK;
}

pm_status pm_where_bits(const pm_snapshot *s, const pm_where *where,
                        const pm_limits *limits, pm_cancel *cancel, uint64_t ***out,
                        pm_error *err) {
    pm_plan *plan = NULL;
    *out = pm_calloc((size_t)s->n_parts + 1, sizeof **out);
    if (*out == NULL) {
        return pm_fail_nomem(err, s->n_parts * sizeof **out);
    }
    if (where == NULL) {
        return PM_OK;
    }
    pm_status status = where->filter == NULL
                           ? PM_OK
                           : pm_plan_new(s, where->filter, limits, &plan, err);
    if (status == PM_OK) {
        status = where_parts(s, where, plan, cancel, *out, err);
    }
    pm_plan_free(plan);
    if (status != PM_OK) {
        pm_where_free(s, *out);
        *out = NULL;
    }
    return status;
}

/* ---- answers ---- */

static void answer_unref(pm_answer *a) {
    if (a == NULL || atomic_fetch_sub(&a->refs, 1) != 1) {
        return;
    }
    pm_where_free(a->snapshot, a->allowed);
    for (uint32_t i = 0; i < a->n_notes; i++) {
        pm_free(a->notes[i]);
    }
    pm_free(a->notes);
    pm_plan_free(a->plan);
    pm_snapshot_unref(a->snapshot);
    pm_free(a);
}

static pm_status add_note(pm_answer *a, const char *text, pm_error *err) {
    size_t capacity = a->n_notes, n = strlen(text) + 1;
    char *copy = pm_alloc(n);
    if (copy == NULL || !PM_GROW(a->notes, a->n_notes, capacity, 1)) {
        pm_free(copy);
        return pm_fail_nomem(err, n);
    }
    memcpy(copy, text, n);
    a->notes[a->n_notes++] = copy;
    return PM_OK;
}

/* "'us' in lower case: 1,204 times; write us for all", for each name that leaves
 * something out. */
static pm_status note_name(pm_answer *a, const pm_matcher *m, pm_buf *scratch,
                           pm_error *err) {
    uint64_t left_out = 0;
    for (uint32_t i = 0; i < a->snapshot->n_parts; i++) {
        left_out += pm_matcher_left_out(&a->snapshot->parts[i].segment, m, scratch);
    }
    if (left_out == 0 || m->n_atoms == 0) {
        return PM_OK;
    }
    pm_bytes form = m->atoms[0].text;
    pm_buf_clear(scratch);
    pm_buf_printf(scratch,
                  "'%s' is read as a name: '%.*s' in other letter case is left out "
                  "(%llu %s); write %.*s for all",
                  m->word, (int)form.n, (const char *)form.p,
                  (unsigned long long)left_out, left_out == 1 ? "time" : "times",
                  (int)form.n, (const char *)form.p);
    pm_buf_put_u8(scratch, 0);
    PM_TRY(pm_buf_status(scratch, err));
    return add_note(a, (const char *)scratch->p, err);
}

static pm_status note_leaf(pm_answer *a, const pm_leaf *leaf, pm_buf *scratch,
                           pm_error *err) {
    for (uint32_t i = 0; i < leaf->n_elements; i++) {
        const pm_sequence *first = leaf->elements[i].sequences;
        for (uint32_t k = 0; k < first->n; k++) {
            if (first->slots[k].is_name) {
                PM_TRY(note_name(a, &first->slots[k], scratch, err));
            }
        }
    }
    return PM_OK;
}

static pm_status note_names(pm_answer *a, pm_error *err) {
    pm_buf scratch;
    pm_status status = PM_OK;
    pm_buf_init(&scratch);
    for (uint32_t i = 0; status == PM_OK && i < a->plan->n_leaves; i++) {
        status = note_leaf(a, a->plan->leaves[i], &scratch, err);
    }
    pm_buf_release(&scratch);
    return status;
}

static pm_status fill_answer(pm_answer *a, const pm_query *query, const pm_where *where,
                             const pm_limits *limits, pm_cancel *cancel,
                             pm_error *err) {
    PM_TRY(pm_plan_new(a->snapshot, query, limits, &a->plan, err));
    PM_TRY(pm_where_bits(a->snapshot, where, limits, cancel, &a->allowed, err));
    for (uint32_t i = 0; i < query->n_notes; i++) {
        PM_TRY(add_note(a, query->notes[i], err));
    }
    return note_names(a, err);
}

static pm_status answer_new(pm_snapshot *s, const pm_query *query,
                            const pm_where *where, const pm_limits *limits,
                            pm_cancel *cancel, pm_answer **out, pm_error *err) {
    pm_answer *a = pm_calloc(1, sizeof *a);
    if (a == NULL) {
        return pm_fail_nomem(err, sizeof *a);
    }
    atomic_init(&a->refs, 1);
    a->snapshot = pm_snapshot_ref(s);
    pm_status status = fill_answer(a, query, where, limits, cancel, err);
    if (status != PM_OK) {
        answer_unref(a);
        return status;
    }
    *out = a;
    return PM_OK;
}

/* ---- hits ---- */

pm_hits *pm_hits_ref(pm_hits *h) {
    atomic_fetch_add(&h->refs, 1);
    return h;
}

void pm_hits_unref(pm_hits *h) {
    if (h == NULL || atomic_fetch_sub(&h->refs, 1) != 1) {
        return;
    }
    pm_free(h->docs);
    pm_free(h->lo);
    pm_free(h->hi);
    answer_unref(h->answer);
    pm_free(h);
}

/* Hits of one segment become those of the snapshot. */
static pm_status append_part(pm_hits *h, const pm_part *part, pm_found *f,
                             size_t *capacity, pm_error *err) {
    size_t lo_capacity = *capacity, hi_capacity = *capacity;
    if (!PM_GROW(h->docs, h->n, *capacity, f->n_hits) ||
        !PM_GROW(h->lo, h->n, lo_capacity, f->n_hits) ||
        !PM_GROW(h->hi, h->n, hi_capacity, f->n_hits)) {
        return pm_fail_nomem(err, f->n_hits * sizeof *h->docs);
    }
    if (f->n_hits > 0) {
        memcpy(h->lo + h->n, f->lo, f->n_hits * sizeof *f->lo);
        memcpy(h->hi + h->n, f->hi, f->n_hits * sizeof *f->hi);
    }
    for (size_t d = 0; d < f->n_docs; d++) {
        for (uint32_t i = 0; i < f->counts[d]; i++) {
            h->docs[h->n++] = part->doc_base + f->docs[d];
        }
    }
    h->n_docs += f->n_docs;
    return PM_OK;
}

/* Names the documents that were left out. */
static pm_status note_skipped(pm_answer *a, const pm_eval *e, pm_error *err) {
    pm_buf key, note;
    pm_status status = PM_OK;
    pm_buf_init(&key);
    pm_buf_init(&note);
    for (pm_doc d = 0; e->skipped != NULL && d < e->part->segment.info.n_docs; d++) {
        if (!pm_bits_get(e->skipped, d)) {
            continue;
        }
        PM_GO(pm_doc_key(e->part, d, &key, err));
        pm_buf_clear(&note);
        pm_buf_printf(&note,
                      "document '%.*s' is left out: more than %llu pairs of spans",
                      (int)(key.n < 200 ? key.n : 200), (const char *)key.p,
                      (unsigned long long)a->plan->limits.pairs);
        pm_buf_put_u8(&note, 0);
        PM_GO(pm_buf_status(&note, err));
        PM_GO(add_note(a, (const char *)note.p, err));
    }
out:
    pm_buf_release(&note);
    pm_buf_release(&key);
    return status;
}

static pm_status find_part(pm_hits *h, const pm_part *part, const uint64_t *allowed,
                           pm_cancel *cancel, size_t *capacity, pm_error *err) {
    pm_eval e;
    pm_found found = {0};
    pm_status status = pm_eval_run(&e, h->answer->plan, part, allowed, true,
                                   PM_WANT_SPANS, cancel, err);
    if (status == PM_OK) {
        status = note_skipped(h->answer, &e, err);
    }
    if (status == PM_OK) {
        status = pm_eval_hits(&e, &found, err);
    }
    if (status == PM_OK) {
        status = append_part(h, part, &found, capacity, err);
    }
    pm_found_release(&found);
    pm_eval_release(&e);
    return status;
}

pm_status pm_hits_new(pm_snapshot *idx, const pm_query *query, const pm_where *where,
                      const pm_limits *limits, pm_cancel *cancel, pm_hits **out,
                      pm_error *err) {
    size_t capacity = 0;
    pm_hits *h = pm_calloc(1, sizeof *h);
    if (h == NULL) {
        return pm_fail_nomem(err, sizeof *h);
    }
    atomic_init(&h->refs, 1);
    pm_status status = answer_new(idx, query, where, limits, cancel, &h->answer, err);
    for (uint32_t i = 0; status == PM_OK && i < idx->n_parts; i++) {
        status =
            find_part(h, &idx->parts[i], h->answer->allowed[i], cancel, &capacity, err);
    }
    if (status != PM_OK) {
        pm_hits_unref(h);
        return status;
    }
    *out = h;
    return PM_OK;
}

size_t pm_hits_count(const pm_hits *h) {
    return h->n;
}
size_t pm_hits_documents(const pm_hits *h) {
    return h->n_docs;
}
const uint32_t *pm_hits_docs(const pm_hits *h) {
    return h->docs;
}
size_t pm_hits_n_notes(const pm_hits *h) {
    return h->answer->n_notes;
}
const char *pm_hits_note(const pm_hits *h, size_t i) {
    return h->answer->notes[i];
}

static void copy_rows(const pm_hits *h, const size_t *rows, size_t n, pm_hits *to) {
    for (size_t i = 0; i < n; i++) {
        to->docs[i] = h->docs[rows[i]];
        to->lo[i] = h->lo[rows[i]];
        to->hi[i] = h->hi[rows[i]];
        to->n_docs += i == 0 || to->docs[i] != to->docs[i - 1];
    }
    to->n = n;
}

pm_status pm_hits_select(const pm_hits *h, const size_t *rows, size_t n, pm_hits **out,
                         pm_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (rows[i] >= h->n || (i > 0 && rows[i] <= rows[i - 1])) {
            return pm_fail(err, PM_INVALID, "rows must increase and lie below %zu",
                           h->n);
        }
    }
    pm_hits *to = pm_calloc(1, sizeof *to);
    if (to == NULL) {
        return pm_fail_nomem(err, sizeof *to);
    }
    atomic_init(&to->refs, 1);
    atomic_fetch_add(&h->answer->refs, 1);
    to->answer = h->answer;
    to->docs = pm_alloc_array(n, sizeof *to->docs);
    to->lo = pm_alloc_array(n, sizeof *to->lo);
    to->hi = pm_alloc_array(n, sizeof *to->hi);
    if (to->docs == NULL || to->lo == NULL || to->hi == NULL) {
        pm_hits_unref(to);
        return pm_fail_nomem(err, n * sizeof *to->docs);
    }
    copy_rows(h, rows, n, to);
    *out = to;
    return PM_OK;
}

/* ---- counts ---- */

static pm_status count_part(const pm_answer *a, uint32_t i, bool documents_only,
                            pm_cancel *cancel, pm_counts *out, pm_error *err) {
    pm_eval e;
    pm_found found = {0};
    pm_status status =
        pm_eval_run(&e, a->plan, &a->snapshot->parts[i], a->allowed[i], true,
                    documents_only ? PM_WANT_DOCS : PM_WANT_SPANS, cancel, err);
    if (status == PM_OK && documents_only) {
        out->documents += pm_kernels_get()->popcount(pm_eval_docs(&e), e.n_words);
    } else if (status == PM_OK) {
        status = pm_eval_hits(&e, &found, err);
        out->hits += found.n_hits;
        out->documents += found.n_docs;
    }
    pm_found_release(&found);
    pm_eval_release(&e);
    return status;
}

pm_status pm_count(pm_snapshot *idx, const pm_query *query, const pm_where *where,
                   const pm_limits *limits, bool documents_only, pm_cancel *cancel,
                   pm_counts *out, pm_error *err) {
    pm_answer *a = NULL;
    *out = (pm_counts){0};
    PM_TRY(answer_new(idx, query, where, limits, cancel, &a, err));
    pm_status status = PM_OK;
    for (uint32_t i = 0; status == PM_OK && i < idx->n_parts; i++) {
        status = count_part(a, i, documents_only, cancel, out, err);
    }
    answer_unref(a);
    return status;
}

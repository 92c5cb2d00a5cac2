/* Segments one after the other; what they find is appended under the snapshot's
 * document numbers. Hits keep positions alone: texts and offsets are made when asked
 * for. */
#include "query/hits.h"

#include <string.h>

#include "base/sys.h"
#include "codec/cpu.h"
#include "query/hits_inner.h"

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
    pm_answer_unref(h->answer);
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

static pm_status find_part(pm_hits *h, const pm_part *part, const uint64_t *allowed,
                           pm_cancel *cancel, size_t *capacity, pm_error *err) {
    pm_eval e;
    pm_found found = {0};
    pm_status status = pm_eval_run(&e, h->answer->plan, part, allowed, true,
                                   PM_WANT_SPANS, cancel, err);
    if (status == PM_OK) {
        status = pm_answer_note_skipped(h->answer, &e, err);
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
    pm_status status =
        pm_answer_new(idx, query, where, limits, cancel, &h->answer, err);
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
    PM_TRY(pm_answer_new(idx, query, where, limits, cancel, &a, err));
    pm_status status = PM_OK;
    for (uint32_t i = 0; status == PM_OK && i < idx->n_parts; i++) {
        status = count_part(a, i, documents_only, cancel, out, err);
    }
    pm_answer_unref(a);
    return status;
}

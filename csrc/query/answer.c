/* What hits share: the plan, the documents that may answer, and the notes for a person. */
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

static pm_status filter_bits(const pm_plan *plan, const pm_part *part,
                             pm_cancel *cancel, uint64_t **out, pm_error *err) {
    pm_eval e;
    size_t n = pm_bits_words(part->segment.info.n_docs);
    pm_status status =
        pm_eval_run(&e, plan, part, NULL, true, PM_WANT_DOCS, cancel, err);
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
        if (local < n && pm_where_has(part, *bits, local)) {
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
            PM_TRY(filter_bits(plan, &s->parts[i], cancel, &bits[i], err));
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

void pm_answer_unref(pm_answer *a) {
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
        left_out += pm_matcher_left_out(&a->snapshot->parts[i], m, scratch);
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

pm_status pm_answer_new(pm_snapshot *s, const pm_query *query, const pm_where *where,
                        const pm_limits *limits, pm_cancel *cancel, pm_answer **out,
                        pm_error *err) {
    pm_answer *a = pm_calloc(1, sizeof *a);
    if (a == NULL) {
        return pm_fail_nomem(err, sizeof *a);
    }
    atomic_init(&a->refs, 1);
    a->snapshot = pm_snapshot_ref(s);
    pm_status status = fill_answer(a, query, where, limits, cancel, err);
    if (status != PM_OK) {
        pm_answer_unref(a);
        return status;
    }
    *out = a;
    return PM_OK;
}

/* Names the documents that were left out. */
pm_status pm_answer_note_skipped(pm_answer *a, const pm_eval *e, pm_error *err) {
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

pm_status pm_doc_key(const pm_part *part, pm_doc local, pm_buf *out, pm_error *err) {
    pm_buf_clear(out);
    if (pm_keys_get(&part->segment.keys, local, out)) {
        return PM_OK;
    }
    PM_TRY(pm_buf_status(out, err));
    return pm_fail_corrupt(err, part->segment.file.blob.name, PM_NO_OFFSET,
                           "the key of document %u cannot be read", local);
}

/* One walk over the documents' tokens, with a count for each id of the segment and, for
 * each group with a document list, the last document that had it. The few that lose
 * anything are gathered afterwards, so that they come in order. */
#include "format/losses.h"

#include <string.h>

#include "base/sys.h"

enum {
    STREAM = PM_FOURCC('S', 'T', 'R', 'M'),
    BATCH = 1024,
    TOKEN_NS = 20 /* an id's group is two ranks away */
};

typedef struct walk {
    const pm_segment *s;
    pm_cancel *cancel;
    uint64_t tokens;
    uint32_t *id_counts;    /* [n_ids] */
    uint32_t *group_counts; /* [groups with a document list] */
    pm_doc *last_docs;      /* of each such group: 1 + the last document that has it */
    uint32_t listed_ids;    /* ids below this have a group with a document list */
} walk;

static pm_status walk_init(walk *w, const pm_segment *s, pm_error *err) {
    uint32_t n_groups = s->postings.n_doc_lists;
    w->id_counts = pm_calloc((size_t)s->info.n_ids + 1, sizeof *w->id_counts);
    w->group_counts = pm_calloc((size_t)n_groups + 1, sizeof *w->group_counts);
    w->last_docs = pm_calloc((size_t)n_groups + 1, sizeof *w->last_docs);
    if (w->id_counts == NULL || w->group_counts == NULL || w->last_docs == NULL) {
        return pm_fail_nomem(err, ((size_t)s->info.n_ids + 1) * sizeof *w->id_counts);
    }
    if (n_groups > 0) {
        w->listed_ids = pm_lexicon_group_ids(&s->lexicon, n_groups - 1).hi;
    }
    return PM_OK;
}

static void count_document(walk *w, pm_doc doc, pm_id id) {
    const pm_lexicon *lex = &w->s->lexicon;
    pm_group g = pm_lexicon_form_group(lex, pm_lexicon_id_form(lex, id));
    if (g < w->s->postings.n_doc_lists && w->last_docs[g] != doc + 1) {
        w->last_docs[g] = doc + 1;
        w->group_counts[g]++;
    }
}

static pm_status walk_tokens(walk *w, pm_doc doc, pm_pos lo, pm_pos hi, pm_error *err) {
    uint32_t ids[BATCH];
    for (pm_pos at = lo; at < hi; at += BATCH) {
        uint32_t n = hi - at < BATCH ? hi - at : BATCH;
        if (pm_cancel_tick(w->cancel, n * TOKEN_NS)) {
            return pm_fail(err, PM_CANCELLED,
                           "counting what deletions take away was cancelled");
        }
        pm_stream_decode(&w->s->stream, at, at + n, ids);
        for (uint32_t i = 0; i < n; i++) {
            if (ids[i] >= w->s->info.n_ids) {
                return pm_section_corrupt(
                    &w->s->file, STREAM, 2 * ((uint64_t)at + i), err,
                    "position %u: expected a token of document %u, found id %u of %u",
                    at + i, doc, ids[i], w->s->info.n_ids);
            }
            w->id_counts[ids[i]]++;
            if (ids[i] < w->listed_ids) {
                count_document(w, doc, ids[i]);
            }
        }
    }
    return PM_OK;
}

static pm_status walk_document(walk *w, pm_doc doc, pm_error *err) {
    const pm_bounds *b = &w->s->bounds;
    for (uint32_t f = 0; f < b->n_fields; f++) {
        pm_pos lo = pm_bounds_start(b, doc * b->n_fields + f),
               hi = pm_bounds_end(b, doc * b->n_fields + f);
        PM_TRY(walk_tokens(w, doc, lo, hi, err));
        w->tokens += hi - lo;
    }
    return PM_OK;
}

static pm_status walk_dead(walk *w, const uint64_t *dead, uint32_t *n_dead,
                           pm_error *err) {
    uint32_t n = w->s->info.n_docs;
    for (pm_doc d = pm_bits_next(dead, n, 0); d < n; d = pm_bits_next(dead, n, d + 1)) {
        ++*n_dead;
        PM_TRY(walk_document(w, d, err));
    }
    return PM_OK;
}

/* The numbers below n with a count, and their counts. */
static pm_status gather(const uint32_t *counts, uint32_t n, uint32_t **numbers,
                        uint32_t **losses, uint32_t *n_out, pm_error *err) {
    size_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        m += counts[i] > 0;
    }
    *numbers = pm_alloc_array(m, sizeof **numbers);
    *losses = pm_alloc_array(m, sizeof **losses);
    if (*numbers == NULL || *losses == NULL) {
        return pm_fail_nomem(err, m * sizeof **numbers);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (counts[i] > 0) {
            (*numbers)[*n_out] = i;
            (*losses)[(*n_out)++] = counts[i];
        }
    }
    return PM_OK;
}

pm_status pm_losses_count(pm_losses *l, const pm_segment *s, const uint64_t *dead,
                          pm_cancel *cancel, pm_error *err) {
    walk w = {.s = s, .cancel = cancel};
    *l = (pm_losses){.n_docs = s->info.n_docs};
    pm_status status = walk_init(&w, s, err);
    if (status == PM_OK) {
        status = walk_dead(&w, dead, &l->n_dead, err);
    }
    l->dead_tokens = w.tokens;
    if (status == PM_OK) {
        status =
            gather(w.id_counts, s->info.n_ids, &l->ids, &l->id_losses, &l->n_ids, err);
    }
    if (status == PM_OK) {
        status = gather(w.group_counts, s->postings.n_doc_lists, &l->groups,
                        &l->group_losses, &l->n_groups, err);
    }
    pm_free(w.id_counts);
    pm_free(w.group_counts);
    pm_free(w.last_docs);
    if (status != PM_OK) {
        pm_losses_release(l);
    }
    return status;
}

void pm_losses_release(pm_losses *l) {
    pm_free(l->ids);
    pm_free(l->id_losses);
    pm_free(l->groups);
    pm_free(l->group_losses);
    memset(l, 0, sizeof *l);
}

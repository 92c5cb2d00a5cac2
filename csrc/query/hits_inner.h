/* What hits are made of, for query/ and analysis/ alone. */
#ifndef PM_QUERY_HITS_INNER_H
#define PM_QUERY_HITS_INNER_H

#include "query/eval.h"
#include "query/hits.h"
#include "query/locate.h"

/* What hits share with the hits selected from them. */
typedef struct pm_answer {
    atomic_uint refs; /* counts owners; only the thread that takes it to 0 frees */
    pm_snapshot *snapshot;
    pm_plan *plan;
    /* one a part: bits of the documents that the caller let through, NULL: all that
     * live */
    uint64_t **allowed;
    uint32_t n_notes;
    char **notes;
} pm_answer;

/* One owner more than none; *out is the caller's. PM_NOMEM, or what the plan or the filter
 * gives. */
pm_status pm_answer_new(pm_snapshot *s, const pm_query *query, const pm_where *where,
                        const pm_limits *limits, pm_cancel *cancel, pm_answer **out,
                        pm_error *err) PM_MUST_CHECK;
void pm_answer_unref(pm_answer *a);
/* Names the documents that a segment's evaluation left out. */
pm_status pm_answer_note_skipped(pm_answer *a, const pm_eval *e,
                                 pm_error *err) PM_MUST_CHECK;

struct pm_hits {
    atomic_uint refs; /* as above */
    pm_answer *answer;
    size_t n, n_docs;
    uint32_t *docs;  /* over the whole snapshot, increasing */
    pm_pos *lo, *hi; /* positions in the document's segment */
};

/* Bits of the live documents that where lets through, one array a part (NULL entries:
 * all that live), pm_alloc'ed. */
pm_status pm_where_bits(const pm_snapshot *s, const pm_where *where,
                        const pm_limits *limits, pm_cancel *cancel, uint64_t ***out,
                        pm_error *err) PM_MUST_CHECK;
void pm_where_free(const pm_snapshot *s, uint64_t **bits);
/* Whether a part's document is among them. */
static inline bool pm_where_has(const pm_part *part, const uint64_t *bits, pm_doc d) {
    return bits != NULL ? pm_bits_get(bits, d) : pm_part_lives(part, d);
}

/* Replaces out's content with a document's key. */
pm_status pm_doc_key(const pm_part *part, pm_doc local, pm_buf *out,
                     pm_error *err) PM_MUST_CHECK;
/* Part and unit of hit i. */
const pm_part *pm_hits_place(const pm_hits *h, size_t i, pm_unit *unit);
pm_status pm_hits_interrupted(pm_error *err);

#endif

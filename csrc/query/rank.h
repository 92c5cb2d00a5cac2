/* The best k documents by BM25, or by a column. Public through pressmark.h. */
#ifndef PM_QUERY_RANK_H
#define PM_QUERY_RANK_H

#include "query/hits.h"

typedef struct pm_rank_options {
    double k1, b;
    bool all;              /* plain words: every word must be there */
    const double *weights; /* one a text field, or NULL: all 1 */
    /* "score", "newest", "oldest", or a metadata column ('-' in front: falling) */
    const char *sort;
} pm_rank_options;
/* doc (I64 number), score (F64), key (STR): the first k by falling score, ties by order
 * of indexing. *total: matching documents. */
pm_status pm_search(pm_snapshot *idx, const pm_query *query, const pm_where *where,
                    size_t k, const pm_rank_options *options, const pm_limits *limits,
                    pm_cancel *cancel, pm_table **out, uint64_t *total,
                    pm_error *err) PM_MUST_CHECK;
/* What makes a document's score: operand (STR, canonical text), frequency (F64: hits,
 * by their fields' weights), documents (I64: how many have the operand), idf, boost,
 * length, mean_length (F64: of documents in tokens, weighted), score (F64): one row for
 * each operand that counts there. The scores add up to the document's exactly; no row
 * where it does not match. */
pm_status pm_explain_score(pm_snapshot *idx, const pm_query *query, uint32_t doc,
                           const pm_rank_options *options, const pm_limits *limits,
                           pm_cancel *cancel, pm_table **out,
                           pm_error *err) PM_MUST_CHECK;

#endif

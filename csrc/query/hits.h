/* Every hit of a query over a snapshot: as arrays, as a table, by groups. Public
 * through pressmark.h. */
#ifndef PM_QUERY_HITS_H
#define PM_QUERY_HITS_H

#include "base/table.h"
#include "index/snapshot.h"
#include "query/parse.h"

/* Which documents may answer: those of the filter (a query of PM_PARSE_FILTER, or NULL)
 * and, if docs is given, of this increasing list. */
typedef struct pm_where {
    const pm_query *filter;
    const uint32_t *docs;
    size_t n_docs;
} pm_where;

/* Every hit of a query, in order of documents, fields, start, end. Shared; holds a
 * reference to the index. */
typedef struct pm_hits pm_hits;
/* Finds them all. The caller owns *out: pm_hits_unref. Memory: 12 bytes a hit. */
pm_status pm_hits_new(pm_snapshot *idx, const pm_query *query, const pm_where *where,
                      const pm_limits *limits, pm_cancel *cancel, pm_hits **out,
                      pm_error *err) PM_MUST_CHECK;
pm_hits *pm_hits_ref(pm_hits *h);
void pm_hits_unref(pm_hits *h);
/* Numbers of hits, and of documents with one. */
size_t pm_hits_count(const pm_hits *h);
size_t pm_hits_documents(const pm_hits *h);
/* Rows of h, by number, as hits of their own. */
pm_status pm_hits_select(const pm_hits *h, const size_t *rows, size_t n, pm_hits **out,
                         pm_error *err) PM_MUST_CHECK;
/* What a person should know of the answer, i below n_notes; borrowed. */
size_t pm_hits_n_notes(const pm_hits *h);
const char *pm_hits_note(const pm_hits *h, size_t i);
/* doc, field (STR), start, end (I64, code points; token numbers in the field where no
 * text is kept), text (STR; null without text). */
pm_status pm_hits_table(const pm_hits *h, pm_cancel *cancel, pm_table **out,
                        pm_error *err) PM_MUST_CHECK;
/* Document numbers, one a hit. Borrowed. */
const uint32_t *pm_hits_docs(const pm_hits *h);
/* Parts of the hits [first, first + n): hit, leaf (I64), start, end (I64, or null where
 * the leaf takes no part), one row for each hit and positive leaf in reading order.
 * Offsets as in pm_hits_table. Finding the parts of many hits at once costs little more
 * than of one. */
pm_status pm_hits_parts(const pm_hits *h, size_t first, size_t n, pm_table **out,
                        pm_error *err) PM_MUST_CHECK;
/* Hits and documents by the values of a metadata column, or "doc", "field": value
 * (STR), hits, documents, tokens, all_documents (I64; the last two: of the group, over
 * documents that `where` lets through). Documents without a value are a row with a null
 * value, last. A document with several values counts in each. Rows by falling hits,
 * then value. */
pm_status pm_hits_by(const pm_hits *h, const char *column, pm_table **out,
                     pm_error *err) PM_MUST_CHECK;

/* Hits and documents without keeping the hits. */
typedef struct pm_counts {
    uint64_t hits, documents;
} pm_counts;
/* documents_only: hits stays 0, and documents are left at their first hit. */
pm_status pm_count(pm_snapshot *idx, const pm_query *query, const pm_where *where,
                   const pm_limits *limits, bool documents_only, pm_cancel *cancel,
                   pm_counts *out, pm_error *err) PM_MUST_CHECK;

#endif

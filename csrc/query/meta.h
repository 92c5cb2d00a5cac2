/* Metadata terms and ranges: which documents of a segment satisfy outlet:bbc,
 * date:2020-01, size:10..20. Values compare by the column's kind: strings whole and
 * case-folded (with * and ? as wildcards), numbers by value, dates by the period that
 * is named. */
#ifndef PM_QUERY_META_H
#define PM_QUERY_META_H

#include "index/snapshot.h"
#include "query/tree.h"

/* Sets bits (zeroed by the caller). A column that no segment has is PM_FIELD; one that
 * only this segment lacks matches nothing. */
pm_status pm_meta_docs(const pm_snapshot *snapshot, const pm_part *part,
                       const pm_node *node, uint64_t *bits,
                       pm_error *err) PM_MUST_CHECK;

#endif

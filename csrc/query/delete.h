/* Documents deleted by what is known of them. */
#ifndef PM_QUERY_DELETE_H
#define PM_QUERY_DELETE_H

#include "index/writer.h"
#include "query/parse.h"

/* Deletes the documents of the session's state (what it added included) that a filter,
 * text of PM_PARSE_FILTER, lets through. *n_deleted: how many. Errors of the text as
 * pm_parse's. A session without a document lets no column be named but the date. */
pm_status pm_delete_where(pm_writer *w, const char *filter, size_t n_bytes,
                          const pm_limits *limits, uint64_t *n_deleted,
                          pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;

#endif

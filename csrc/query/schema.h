/* Queries parsed against the names that an index knows. */
#ifndef PM_QUERY_SCHEMA_H
#define PM_QUERY_SCHEMA_H

#include "index/snapshot.h"
#include "query/parse.h"

/* pm_parse with the index's text fields and the metadata columns of all segments. */
pm_status pm_parse_for(const pm_snapshot *s, const char *text, size_t n_bytes,
                       pm_parse_mode mode, const pm_limits *limits, pm_query *out,
                       pm_error *err) PM_MUST_CHECK;
/* The same where $name may stand for one of these. */
pm_status pm_parse_with(const pm_snapshot *s, const char *text, size_t n_bytes,
                        pm_parse_mode mode, const pm_limits *limits,
                        const pm_named *named, uint32_t n_named, pm_query *out,
                        pm_error *err) PM_MUST_CHECK;

#endif

/* From a set of deleted documents to the sidecar that says so: what they take away is
 * counted from their part of the token stream, so that statistics are those of the live
 * documents at once, and a merge later changes nothing. */
#ifndef PM_INDEX_DELETION_H
#define PM_INDEX_DELETION_H

#include "base/task.h"
#include "format/removals.h"
#include "index/commit.h"

/* Writes <dir>/<name>; dead: bits over the segment's documents, at least one set, all
 * deletions so far. Fills removals, n_dead, dead_tokens of entry. Cost: the tokens of
 * the deleted documents. */
pm_status pm_deletion_write(const char *dir, const char *name, const pm_segment *s,
                            const uint64_t *dead, pm_cancel *cancel, pm_entry *entry,
                            pm_error *err) PM_MUST_CHECK;

#endif

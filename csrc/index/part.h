/* One segment of a snapshot with its deletions: opened, held against what the manifest
 * says, its live documents marked. */
#ifndef PM_INDEX_PART_H
#define PM_INDEX_PART_H

#include "index/snapshot.h"

/* m: the facts that all segments share (language, fields, fingerprint, store). dead: bits
 * of documents that are dead beside those of the entry's sidecar; NULL: none. On failure
 * nothing is left open; PM_IO with ENOENT where a file is not there. doc_base and
 * token_base are the caller's. */
pm_status pm_part_open(pm_part *part, const char *dir, const pm_manifest *m,
                       const pm_entry *e, const uint64_t *dead, pm_map_mode mode,
                       pm_error *err) PM_MUST_CHECK;
void pm_part_close(pm_part *part); /* safe on zeros */

#endif

/* What snapshots and verify share: both read files that a manifest names, without a lock,
 * while writers publish, sweep, or exchange the whole index. */
#ifndef PM_INDEX_READING_H
#define PM_INDEX_READING_H

#include "index/manifest.h"
#include "text/analyzer.h"

/* The analyzer of the index's language: PM_TOO_NEW where this build has none. */
pm_status pm_reading_analyzer(const pm_manifest *m, pm_analyzer **out,
                              pm_error *err) PM_MUST_CHECK;
static inline bool pm_reading_same_place(const pm_stat *a, const pm_stat *b) {
    return a->device == b->device && a->inode == b->inode;
}
/* Whether a failure may be of others' making, so that reading the manifest again helps:
 * another directory stands at the path than before, or a file is missing and the
 * manifest there names other files than m. Published files do not change: within one
 * directory, what is damaged is. */
bool pm_reading_was_overtaken(pm_status status, const pm_error *err, const char *path,
                              const pm_stat *before, const pm_manifest *m);
/* A file that is named and missing is damage: makes PM_CORRUPT of PM_IO with ENOENT. */
pm_status pm_reading_name_missing(pm_status status, pm_error *err) PM_MUST_CHECK;

#endif

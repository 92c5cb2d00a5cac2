/* How an index appears: built in a directory beside its place, then put there by one
 * rename (or one exchange with what stood there). Before that nothing at the path
 * changes; what fails is removed. */
#ifndef PM_INDEX_PUBLISH_H
#define PM_INDEX_PUBLISH_H

#include "index/builder.h"
#include "index/manifest.h"

typedef struct pm_site {
    char *path; /* where the index will stand, without a trailing '/' */
    /* where it is built: <path>.building-<pid>-<n>; NULL once published or removed */
    char *directory;
    pm_if_exists if_exists;
} pm_site;

/* PM_EXISTS where something stands at path and may not be replaced, PM_FOREIGN where it
 * is no index. Makes the directory. */
pm_status pm_site_open(pm_site *s, const char *path, pm_if_exists if_exists,
                       pm_error *err) PM_MUST_CHECK;
/* All files are written and synced; writes the manifest, then publishes. An index that
 * is replaced is locked meanwhile: PM_LOCKED where a writer has it for longer than a
 * short wait. On failure the path is as it was, but for the lock's file. */
pm_status pm_site_publish(pm_site *s, const pm_manifest *m, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;
/* Removes the directory, unless it was published. Safe on zeros. */
void pm_site_close(pm_site *s);

#endif

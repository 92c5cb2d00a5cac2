/* The sidecar of one segment, made of its deleted documents. */
#include "index/deletion.h"

#include <stdio.h>

#include "base/sys.h"

enum { MAX_PATH_BYTES = 4096 };

pm_status pm_deletion_write(const char *dir, const char *name, const pm_segment *s,
                            const uint64_t *dead, pm_cancel *cancel, pm_entry *entry,
                            pm_error *err) {
    char path[MAX_PATH_BYTES];
    pm_losses losses;
    pm_manifest_file file = {.size = 0};
    PM_TRY(pm_path_join(path, sizeof path, dir, name, err));
    PM_TRY(pm_losses_count(&losses, s, dead, cancel, err));
    pm_status status =
        pm_removals_write(path, &losses, dead, &file.size, &file.hash, err);
    if (status == PM_OK) {
        snprintf(file.name, sizeof file.name, "%s", name);
        entry->removals = file;
        entry->n_dead = losses.n_dead;
        entry->dead_tokens = losses.dead_tokens;
    }
    pm_losses_release(&losses);
    return status;
}

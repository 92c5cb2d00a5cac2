/* From a draft to a segment file: words ordered, stream renumbered, positions inverted, sections
 * written. */
#ifndef PM_INDEX_SEAL_H
#define PM_INDEX_SEAL_H

#include "base/task.h"
#include "format/container.h"
#include "index/draft.h"
#include "index/metadata.h"

typedef struct pm_positions { /* memory for the inversion, kept from segment to segment */
    uint32_t *at;
    size_t capacity;
} pm_positions;

typedef struct pm_seal {
    pm_draft *draft; /* of one document at least; its text is released once written; its stream is
                        renumbered in place */
    pm_surfaces *const *dictionaries; /* by worker; counted for this draft alone */
    unsigned n_dictionaries, threads;
    const pm_analyzer *analyzer;
    const char *const *fields;
    const pm_metadata_view *metadata;
    pm_positions *positions;
    pm_cancel *cancel;
} pm_seal;

/* Writes the file, synced; its size and hash. On failure there is no file. */
pm_status pm_seal_write(const pm_seal *s, const char *path, uint64_t *size, pm_hash128 *hash,
                        pm_error *err) PM_MUST_CHECK;

#endif

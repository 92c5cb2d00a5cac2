/* From a draft to a segment file: words ordered, stream renumbered, positions inverted,
 * sections written. */
#ifndef PM_INDEX_SEAL_H
#define PM_INDEX_SEAL_H

#include "base/task.h"
#include "format/container.h"
#include "index/draft.h"
#include "index/metadata.h"

typedef struct pm_seal {
    pm_draft *draft; /* of one document at least; its stream is renumbered in place */
    pm_surfaces *const *dictionaries; /* by worker; counted for this draft alone */
    unsigned n_dictionaries, threads;
    const pm_analyzer *analyzer;
    const char *const *fields;
    const pm_bytes *keys; /* of its documents */
    const pm_metadata_view *metadata;
    pm_cancel *cancel;
} pm_seal;

/* Most memory that pm_seal_finish takes while it writes words and places, or keys of
 * key_bytes: beside the draft and the dictionaries, whose slots are given back. */
uint64_t pm_seal_memory(const pm_draft *d, pm_surfaces *const *dictionaries,
                        unsigned n_dictionaries, uint64_t key_bytes, unsigned threads);

/* A segment file begins; where text is stored, the caller puts each chunk's compressed
 * text next, in order. */
pm_status pm_seal_begin(pm_container_writer *w, const char *path, bool store,
                        pm_error *err) PM_MUST_CHECK;
/* Writes all the rest, syncs and closes; the file's size and hash. On failure there is
 * no file. */
pm_status pm_seal_finish(const pm_seal *s, pm_container_writer *w, uint64_t *size,
                         pm_hash128 *hash, pm_error *err) PM_MUST_CHECK;

#endif

/* Several segments become one: their live documents, in order, as if they had been
 * indexed together. The bytes are those that a build of the same rows in one go would
 * have written, so that neither spilling nor merging can change an answer. Nothing is
 * tokenised again. Memory: spools (base/spool.h), a buffer a list, and about 50 bytes for
 * each distinct word of the result; never as much as a segment. */
#ifndef PM_INDEX_MERGE_H
#define PM_INDEX_MERGE_H

#include "base/spool.h"
#include "base/task.h"
#include "format/segment.h"
#include "index/manifest.h"
#include "text/analyzer.h"

typedef struct pm_merge_input {
    const pm_segment *segment;
    const uint64_t *live; /* bits over its documents; NULL: all */
} pm_merge_input;

typedef struct pm_merge {
    const char *dir;  /* where the file and the scratch files go */
    const char *name; /* of the file to be */
    const pm_merge_input *inputs;
    size_t n_inputs;
    const pm_analyzer *analyzer;
    bool restem; /* stems are made anew from the folded forms, and the file gets the
                    analyzer's fingerprint */
    /* Columns without a value are kept (last), else left out; a float column that has
     * ints alone becomes an int column unless last. Order of columns: as in the list,
     * others after them by first appearance. */
    bool last;
    const char *const *column_order;
    size_t n_column_order;
    unsigned threads;
    size_t memory_bytes;
    pm_cancel *cancel;
} pm_merge;

/* At least one live document; all inputs have the same language, fields and store.
 * *n_docs, *n_tokens: of the result. PM_LIMIT where it would have more than
 * PM_MAX_POSITIONS positions. On failure there is no file. Inputs are hostile: damage
 * is PM_CORRUPT, never a crash. */
pm_status pm_merge_write(const pm_merge *m, pm_manifest_file *file, uint32_t *n_docs,
                         uint64_t *n_tokens, pm_error *err) PM_MUST_CHECK;

#endif

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

typedef struct pm_merge_column {
    const char *name;
    pm_value_kind kind;
} pm_merge_column;

typedef struct pm_merge {
    const char *dir;  /* where the file and the scratch files go */
    const char *name; /* of the file to be */
    const pm_merge_input *inputs;
    size_t n_inputs;
    const pm_analyzer *analyzer;
    bool restem; /* stems are made anew from the folded forms, and the file gets the
                    analyzer's fingerprint */
    /* The columns that are known, in order; others follow by first appearance. Each
     * column of an input has its kind there, but for an int column where another input
     * has floats: that becomes one of floats. last (no documents follow): the columns
     * of the list are all there, with or without a value, of the list's kind. Else
     * columns without a value are left out. */
    bool last;
    const pm_merge_column *columns;
    size_t n_columns;
    /* As the inputs were built with, 0: PM_MAX_POSITIONS: where chunks of text end
     * (index/cut.h) depends on it. */
    uint32_t segment_tokens;
    /* Blocks of text whose documents are all live are copied as they are, wherever they
     * come to stand, if they are half full: a merge of segments that were not cut from
     * one build then takes half the time, since their blocks would have to be compressed
     * anew. The texts are the same; their sections' bytes depend on what was merged. */
    bool keep_blocks;
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

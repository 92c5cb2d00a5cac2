/* From rows to a published index: tokenises on several threads, within a stated amount
 * of memory (index/intake.h), writes segment files beside the final place and publishes
 * them by one rename. The bytes depend on rows and options alone, never on threads or
 * memory. A failed or abandoned build leaves nothing behind, and an index that stood at
 * the path untouched. */
#ifndef PM_INDEX_BUILDER_H
#define PM_INDEX_BUILDER_H

#include "base/task.h"
#include "format/columns.h"

typedef enum pm_if_exists { PM_EXISTS_RAISE, PM_EXISTS_REPLACE } pm_if_exists;

typedef struct pm_build_options {
    const char *lang;
    const char *const *fields; /* names of the text fields, 1 .. PM_MAX_FIELDS */
    uint32_t n_fields;
    const char *date_column; /* "" for none */
    const char *key_column;  /* "" for row numbers */
    bool store;              /* keep the original text */
    unsigned threads;        /* 0: all processors */
    uint32_t segment_tokens; /* positions of a segment at most; 0: PM_MAX_POSITIONS */
    /* anonymous memory beyond that at the call, from 64 MB; 0: 1 GB */
    uint64_t memory_bytes;
    uint32_t retain; /* generations kept; 0: 3 */
    pm_if_exists if_exists;
} pm_build_options;

typedef struct pm_cell {
    uint32_t column; /* from pm_builder_column */
    /* borrowed during the call; kind must be the column's (PM_VALUE_TIME in a date
     * column) */
    pm_value value;
} pm_cell;

typedef struct pm_row {
    pm_bytes key; /* valid UTF-8, 1 to 65,535 bytes */
    /* n_fields, UTF-8 or nearly (sanitised, counted), each below 1 GB; n == 0 for
     * none */
    const pm_bytes *texts;
    const pm_cell *cells; /* by column, several values of one column in a row */
    size_t n_cells;
} pm_row;

typedef struct pm_builder pm_builder;

/* path: the index directory to be; PM_EXISTS at once if it stands and may not be
 * replaced. The temporary directory is made here. */
pm_status pm_builder_new(const char *path, const pm_build_options *options,
                         pm_builder **out, pm_error *err) PM_MUST_CHECK;
/* A metadata column, known from here on; documents before have no value. An int column
 * becomes float when asked for as float; asking for a float column as int leaves it
 * float, and its cells may be ints; another change of kind is PM_INVALID. A segment
 * sealed while a column held ints only has it as int. */
pm_status pm_builder_column(pm_builder *b, const char *name, pm_value_kind kind,
                            uint32_t *column, pm_error *err) PM_MUST_CHECK;
/* Adds rows [0, n) in order. *n_added: how many were added; on PM_DUPLICATE, PM_INVALID
 * or PM_LIMIT (a document too large for a segment) the row at fault is number *n_added,
 * nothing of it was added, and the builder goes on: the caller may skip the row and
 * call again. On PM_NOMEM, PM_IO, PM_CANCELLED the builder is dead: free it. */
pm_status pm_builder_add(pm_builder *b, const pm_row *rows, size_t n, size_t *n_added,
                         pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
/* Of the rows so far: characters that became U+FFFD; bytes of their texts as valid
 * UTF-8. */
uint64_t pm_builder_replaced(const pm_builder *b);
uint64_t pm_builder_docs(const pm_builder *b);
uint64_t pm_builder_text_bytes(const pm_builder *b);
/* Seals, writes, publishes. */
pm_status pm_builder_finish(pm_builder *b, pm_cancel *cancel,
                            pm_error *err) PM_MUST_CHECK;
/* Releases; without a finish the temporary directory goes. */
void pm_builder_free(pm_builder *b);

#endif

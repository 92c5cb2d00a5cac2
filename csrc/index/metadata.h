/* The metadata of the documents that no file holds yet, and the columns that are
 * known. */
#ifndef PM_INDEX_METADATA_H
#define PM_INDEX_METADATA_H

#include "base/arena.h"
#include "index/builder.h"

enum {
    PM_MAX_META_BYTES = 1 << 30, /* of one document */
    PM_MAX_NAME_BYTES = 65535
};

typedef struct pm_metadata {
    struct pm_draft_column *columns;
    size_t n_columns, columns_capacity;
    uint32_t n_docs;
    pm_arena strings; /* values */
    uint64_t string_bytes;
    pm_arena names;    /* of columns */
    uint64_t replaced; /* characters of values that became U+FFFD */
} pm_metadata;

/* Names of columns and text fields are valid UTF-8 of 1 to 65,535 bytes. */
pm_status pm_check_name(const char *what, const char *name,
                        pm_error *err) PM_MUST_CHECK;

void pm_metadata_init(pm_metadata *m);
void pm_metadata_release(pm_metadata *m);
/* As pm_builder_column. */
pm_status pm_metadata_column(pm_metadata *m, const char *name, pm_value_kind kind,
                             uint32_t *column, pm_error *err) PM_MUST_CHECK;
const char *pm_metadata_name(const pm_metadata *m, size_t i);
pm_value_kind pm_metadata_kind(const pm_metadata *m, size_t i);
/* Whether the cells of a row may be added. *bytes: what they count as in a chunk
 * (index/cut.h). */
pm_status pm_metadata_check(const pm_metadata *m, const pm_row *row, uint64_t *bytes,
                            pm_error *err) PM_MUST_CHECK;
/* Adds a row that was checked. */
pm_status pm_metadata_add(pm_metadata *m, const pm_row *row,
                          pm_error *err) PM_MUST_CHECK;

/* Columns of the first n_docs documents. */
typedef struct pm_metadata_view {
    pm_arena arena;
    uint32_t n_docs, n_columns;
    pm_column_data *columns;
} pm_metadata_view;
/* last: no documents follow. Columns without a value are left out of all segments but
 * the last, and a float column that has only ints in a segment is an int column there:
 * what a segment holds must not depend on when columns became known. */
pm_status pm_metadata_look(pm_metadata *m, uint32_t n_docs, bool last,
                           pm_metadata_view *out, pm_error *err) PM_MUST_CHECK;
void pm_metadata_view_release(pm_metadata_view *v); /* safe on zeros */
/* Bytes in use, and what look and pm_columns_write take besides. */
uint64_t pm_metadata_memory(const pm_metadata *m);
uint64_t pm_metadata_seal_memory(const pm_metadata *m);
/* Forgets the values of the first n_docs documents. */
pm_status pm_metadata_advance(pm_metadata *m, uint32_t n_docs,
                              pm_error *err) PM_MUST_CHECK;

#endif

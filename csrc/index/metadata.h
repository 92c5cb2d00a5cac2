/* Keys of all documents of a build, without duplicates, and the metadata of those that
 * no segment holds yet. */
#ifndef PM_INDEX_METADATA_H
#define PM_INDEX_METADATA_H

#include "base/arena.h"
#include "index/builder.h"

enum {
    PM_MAX_KEY_BYTES = 65535,
    PM_MAX_META_BYTES = 1 << 30 /* of one document */
};

typedef struct pm_metadata {
    pm_buf key_bytes;
    uint64_t *key_ends; /* [n_docs] */
    size_t n_docs, key_ends_capacity;
    /* hash << 32 | document + 1, 0: free; open addressing by the hash */
    uint64_t *table;
    size_t table_size;
    struct pm_draft_column *columns;
    size_t n_columns, columns_capacity;
    size_t first_doc;  /* documents in sealed segments */
    pm_arena strings;  /* values of the documents after them */
    pm_arena names;    /* of columns */
    uint64_t replaced; /* characters of values that became U+FFFD */
} pm_metadata;

void pm_metadata_init(pm_metadata *m);
void pm_metadata_release(pm_metadata *m);
/* As pm_builder_column. */
pm_status pm_metadata_column(pm_metadata *m, const char *name, pm_value_kind kind,
                             uint32_t *column, pm_error *err) PM_MUST_CHECK;
/* Whether a row may be added: its key and the kinds of its cells. *bytes: about what
 * its metadata takes. */
pm_status pm_metadata_check(const pm_metadata *m, const pm_row *row, uint64_t *bytes,
                            pm_error *err) PM_MUST_CHECK;
/* Adds a row that was checked. */
pm_status pm_metadata_add(pm_metadata *m, const pm_row *row,
                          pm_error *err) PM_MUST_CHECK;

/* Keys and columns of the next segment, the n_docs documents from first_doc on. */
typedef struct pm_metadata_view {
    pm_arena arena;
    uint32_t n_docs, n_columns;
    pm_bytes *keys;
    pm_column_data *columns;
} pm_metadata_view;
/* last: no documents follow. Columns without a value are left out of all segments but
 * the last, and a float column that has only ints in a segment is an int column there:
 * what a segment holds must not depend on when columns became known. */
pm_status pm_metadata_look(pm_metadata *m, uint32_t n_docs, bool last,
                           pm_metadata_view *out, pm_error *err) PM_MUST_CHECK;
void pm_metadata_view_release(pm_metadata_view *v); /* safe on zeros */
/* The segment of n_docs documents is sealed: forgets their values. */
pm_status pm_metadata_advance(pm_metadata *m, uint32_t n_docs,
                              pm_error *err) PM_MUST_CHECK;

#endif

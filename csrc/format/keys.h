/* Document keys: key of a document, document of a key.
 *
 * Section KEYS: a dictionary (format/dict.h) of the keys, by document. */
#ifndef PM_FORMAT_KEYS_H
#define PM_FORMAT_KEYS_H

#include "base/types.h"
#include "format/container.h"
#include "format/dict.h"

/* PM_DUPLICATE: two documents have one key; offset is the later document. */
pm_status pm_keys_write(pm_container_writer *w, const pm_bytes *keys, uint32_t n_docs,
                        pm_error *err) PM_MUST_CHECK;

/* The same for keys in sorted order: order[r] is the document of sorted[r]. Memory: 4
 * bytes a document (pm_keys_write: 40), and the container writer's scratch. */
pm_status pm_keys_write_sorted(pm_container_writer *w, const pm_bytes *sorted,
                               const uint32_t *order, uint32_t n_docs,
                               pm_error *err) PM_MUST_CHECK;

typedef struct pm_keys {
    const pm_container *file;
    pm_dict dict;
    uint32_t n_docs;
} pm_keys;
pm_status pm_keys_open(pm_keys *k, const pm_container *file, uint32_t n_docs,
                       pm_error *err) PM_MUST_CHECK;
/* Strictly increasing: no duplicates. */
pm_status pm_keys_verify(const pm_keys *k, pm_cancel *cancel,
                         pm_error *err) PM_MUST_CHECK;
/* Replaces out's content; false for d out of range or damage. */
bool pm_keys_get(const pm_keys *k, pm_doc d, pm_buf *out);
pm_status pm_keys_find(const pm_keys *k, pm_bytes key, pm_doc *out,
                       pm_error *err) PM_MUST_CHECK; /* *out = PM_END: not there */

#endif

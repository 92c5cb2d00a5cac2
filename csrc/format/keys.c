/* The keys' dictionary, with its failures put into words. */
#include "format/keys.h"

#include <inttypes.h>

enum { SECTION = PM_FOURCC('K', 'E', 'Y', 'S') };

pm_status pm_keys_write(pm_container_writer *w, const pm_bytes *keys, uint32_t n_docs,
                        pm_error *err) {
    return pm_dict_write(w, SECTION, keys, NULL, n_docs, err);
}

pm_status pm_keys_write_sorted(pm_container_writer *w, const pm_bytes *sorted,
                               const uint32_t *order, uint32_t n_docs, pm_error *err) {
    return pm_dict_write_sorted(w, SECTION, sorted, order, n_docs, err);
}

pm_status pm_keys_open(pm_keys *k, const pm_container *file, uint32_t n_docs,
                       pm_error *err) {
    memset(k, 0, sizeof *k);
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, SECTION, &bytes, err));
    if (!pm_dict_open(bytes, n_docs, &k->dict)) {
        return pm_section_corrupt(file, SECTION, 0, err,
                                  "expected a dictionary of %" PRIu32
                                  " keys, which does not fit into %zu bytes",
                                  n_docs, bytes.n);
    }
    k->file = file;
    k->n_docs = n_docs;
    return PM_OK;
}

pm_status pm_keys_verify(const pm_keys *k, pm_cancel *cancel, pm_error *err) {
    pm_buf scratch;
    pm_buf_init(&scratch);
    bool good = pm_dict_verify(&k->dict, &scratch, cancel), failed = scratch.failed;
    pm_buf_release(&scratch);
    if (failed) {
        return pm_fail_nomem(err, 0);
    }
    PM_TRY(pm_cancel_check(cancel, 0, err));
    return good ? PM_OK
                : pm_section_corrupt(
                      k->file, SECTION, 0, err,
                      "keys are not sorted and different, or their maps do not fit");
}

bool pm_keys_get(const pm_keys *k, pm_doc d, pm_buf *out) {
    return pm_dict_get(&k->dict, d, out);
}

pm_status pm_keys_find(const pm_keys *k, pm_bytes key, pm_doc *out, pm_error *err) {
    uint32_t rank;
    bool equal;
    *out = PM_END;
    if (!pm_dict_search(&k->dict, key, &rank, &equal)) {
        return pm_section_corrupt(k->file, SECTION, 0, err,
                                  "a block of keys cannot be decoded");
    }
    if (equal) {
        *out = pm_dict_item(&k->dict, rank);
        if (*out == PM_END) {
            return pm_section_corrupt(k->file, SECTION, 0, err,
                                      "key %" PRIu32 " leads to no document", rank);
        }
    }
    return PM_OK;
}

/* Keys that are numbers: an index without a key column counts its documents. */
#include "query/hits_inner.h"
#include "query/listing.h"

enum { MOST_DIGITS = 18 }; /* more would not fit */

/* The number that a key is, or -1. */
static int64_t number_of(pm_bytes key) {
    int64_t n = 0;
    if (key.n == 0 || key.n > MOST_DIGITS) {
        return -1;
    }
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < '0' || key.p[i] > '9') {
            return -1;
        }
        n = 10 * n + (key.p[i] - '0');
    }
    return n;
}

pm_status pm_index_greatest_key(const pm_snapshot *idx, int64_t *out, pm_cancel *cancel,
                                pm_error *err) {
    pm_status status = PM_OK;
    pm_buf key;
    pm_buf_init(&key);
    *out = -1;
    for (uint32_t p = 0; status == PM_OK && p < idx->n_parts; p++) {
        const pm_part *part = &idx->parts[p];
        for (pm_doc d = 0; status == PM_OK && d < part->segment.info.n_docs; d++) {
            if (!pm_part_lives(part, d)) {
                continue;
            }
            if (pm_cancel_tick(cancel, 100)) {
                status = pm_fail(err, PM_CANCELLED, "cancelled");
                break;
            }
            status = pm_doc_key(part, d, &key, err);
            int64_t number = status == PM_OK ? number_of(pm_buf_bytes(&key)) : -1;
            *out = number > *out ? number : *out;
        }
    }
    pm_buf_release(&key);
    return status;
}

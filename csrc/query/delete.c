/* The filter is answered on a view of the session; what it lets through is deleted by
 * number, a batch at a time. */
#include "query/delete.h"

#include "base/sys.h"
#include "codec/bitset.h"
#include "query/hits_inner.h"
#include "query/schema.h"

typedef struct batch {
    pm_writer *w;
    const pm_snapshot *view;
    uint32_t docs[1024];
    size_t n;
    uint64_t n_deleted;
    pm_cancel *cancel;
} batch;

static pm_status delete_batch(batch *b, pm_error *err) {
    PM_TRY(pm_writer_delete_docs(b->w, b->view, b->docs, b->n, b->cancel, err));
    b->n_deleted += b->n;
    b->n = 0;
    return PM_OK;
}

/* bits: of the documents that the filter lets through, NULL: all. */
static pm_status delete_part(batch *b, const pm_part *part, const uint64_t *bits,
                             pm_error *err) {
    for (pm_doc d = 0; d < part->segment.info.n_docs; d++) {
        const bool is_live = part->live == NULL || pm_bits_get(part->live, d);
        if (!is_live || (bits != NULL && !pm_bits_get(bits, d))) {
            continue;
        }
        b->docs[b->n++] = part->doc_base + d;
        if (b->n == sizeof b->docs / sizeof *b->docs) {
            PM_TRY(delete_batch(b, err));
        }
    }
    return PM_OK;
}

static pm_status delete_matching(batch *b, const pm_query *filter,
                                 const pm_limits *limits, pm_error *err) {
    const pm_where where = {.filter = filter};
    uint64_t **bits;
    PM_TRY(pm_where_bits(b->view, &where, limits, b->cancel, &bits, err));
    pm_status status = PM_OK;
    for (uint32_t i = 0; status == PM_OK && i < b->view->n_parts; i++) {
        status = delete_part(b, &b->view->parts[i], bits[i], err);
    }
    pm_where_free(b->view, bits);
    return status == PM_OK ? delete_batch(b, err) : status;
}

pm_status pm_delete_where(pm_writer *w, const char *filter, size_t n_bytes,
                          const pm_limits *limits, uint64_t *n_deleted,
                          pm_cancel *cancel, pm_error *err) {
    pm_snapshot *view;
    pm_query query;
    *n_deleted = 0;
    PM_TRY(pm_writer_view(w, cancel, &view, err));
    pm_status status =
        pm_parse_for(view, filter, n_bytes, PM_PARSE_FILTER, limits, &query, err);
    if (status == PM_OK) {
        batch b = {.w = w, .view = view, .cancel = cancel};
        status = delete_matching(&b, &query, limits, err);
        *n_deleted = b.n_deleted;
        pm_query_release(&query);
    }
    pm_snapshot_unref(view);
    return status;
}

/* What a generation holds, as a reader sees it: its documents, in order, and the answers
 * to a few queries. Two states are compared field by field; the documents can also be
 * told from a list of rows, without an index. */
#ifndef PM_TESTS_INDEX_STATE_H
#define PM_TESTS_INDEX_STATE_H

#include "index_corpus.h"
#include "pressmark.h"

enum { STATE_QUERIES = 4 };
static const char *const state_queries[STATE_QUERIES] = {
    "missile", "\"the US\"", "Iran W/5 (base OR strike)", "title:NATO AND NOT the"};

typedef struct index_state {
    uint64_t generation;
    uint32_t n_docs;
    uint64_t documents; /* hash of keys and texts */
    pm_counts counts[STATE_QUERIES];
} index_state;

static inline void state_put(pm_buf *b, pm_bytes bytes) {
    pm_buf_printf(b, "%zu:", bytes.n);
    if (bytes.n > 0) {
        pm_buf_put(b, bytes.p, bytes.n);
    }
}

static inline pm_status state_document(const pm_snapshot *s, uint32_t doc,
                                       index_state *out, pm_buf *all, pm_buf *scratch,
                                       pm_error *err) {
    pm_doc local;
    const pm_part *part = pm_snapshot_part(s, doc, &local);
    if (part->live != NULL && !pm_bits_get(part->live, local)) {
        return PM_OK;
    }
    if (!pm_keys_get(&part->segment.keys, local, scratch)) {
        PM_TRY(pm_buf_status(scratch, err));
        return pm_fail(err, PM_CORRUPT, "document %u has no key", doc);
    }
    out->n_docs++;
    state_put(all, pm_buf_bytes(scratch));
    for (uint32_t f = 0; f < s->manifest.n_fields; f++) {
        pm_buf_clear(scratch);
        PM_TRY(pm_index_text(s, doc, f, scratch, err));
        state_put(all, pm_buf_bytes(scratch));
    }
    return PM_OK;
}

static inline pm_status state_documents(const pm_snapshot *s, index_state *out,
                                        pm_error *err) {
    pm_buf all, scratch;
    pm_status status = PM_OK;
    pm_buf_init(&all);
    pm_buf_init(&scratch);
    for (uint32_t d = 0; d < s->n_docs && status == PM_OK; d++) {
        status = state_document(s, d, out, &all, &scratch, err);
    }
    if (status == PM_OK) {
        status = pm_buf_status(&all, err);
    }
    out->documents = pm_hash64(all.p, all.n);
    pm_buf_release(&scratch);
    pm_buf_release(&all);
    return status;
}

static inline pm_status state_count(pm_snapshot *s, const char *text, pm_counts *out,
                                    pm_error *err) {
    pm_query q;
    PM_TRY(pm_index_parse(s, text, strlen(text), PM_PARSE_STRICT, &pm_limits_default,
                          NULL, 0, &q, err));
    pm_status status = pm_count(s, &q, NULL, &pm_limits_default, false, NULL, out, err);
    pm_query_release(&q);
    return status;
}

/* Everything that an open snapshot answers. */
static inline pm_status state_of(pm_snapshot *s, index_state *out, pm_error *err) {
    memset(out, 0, sizeof *out);
    out->generation = s->generation;
    PM_TRY(state_documents(s, out, err));
    for (size_t i = 0; i < STATE_QUERIES; i++) {
        PM_TRY(state_count(s, state_queries[i], &out->counts[i], err));
    }
    return PM_OK;
}

/* Of a generation, 0: the newest. */
static inline pm_status state_read(const char *path, uint64_t generation,
                                   index_state *out, pm_error *err) {
    pm_snapshot *s;
    PM_TRY(pm_snapshot_open(path, generation, PM_MAP_AUTO, &s, err));
    pm_status status = state_of(s, out, err);
    pm_snapshot_unref(s);
    return status;
}

/* All but the generation's number. */
static inline bool state_same(const index_state *a, const index_state *b) {
    return a->n_docs == b->n_docs && a->documents == b->documents &&
           memcmp(a->counts, b->counts, sizeof a->counts) == 0;
}

#endif

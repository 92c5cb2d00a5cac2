/* Encodes position and document lists. Groups are cut into chunks of about equal work;
 * a round of chunks is encoded in parallel, each into its own buffer, then put to the
 * file in order and the buffers are used again. So the bytes do not depend on threads,
 * and memory is a round's. Cost: 1 to 2 ns a position for each of the two sections. */
#include "format/doc_map.h"
#include "format/postings.h"

#include "base/sys.h"
#include "base/task.h"

enum {
    POSITIONS = PM_FOURCC('P', 'O', 'S', 'I'),
    DOCUMENTS = PM_FOURCC('D', 'O', 'C', 'S'),
    CHUNK_WORK = 1 << 18, /* positions; a list more counts as LIST_WORK */
    LIST_WORK = 16,
    ROUND_CHUNKS = 4 /* for each thread */
};

/* ---- documents of positions ---- */

/* Documents and frequencies - 1 of a list of n positions; returns how many
 * documents. */
static uint32_t collect_docs(const pm_doc_map *m, const uint32_t *positions, size_t n,
                             uint32_t *docs, uint32_t *repeats) {
    uint32_t df = 0, last = PM_END;
    for (size_t i = 0; i < n; i++) {
        uint32_t doc = pm_doc_map_at(m, positions[i]);
        df += doc != last;
        docs[df - 1] = doc;
        repeats[df - 1] = (uint32_t)i; /* last position of the document */
        last = doc;
    }
    for (uint32_t k = df; k-- > 1;) {
        repeats[k] -= repeats[k - 1] + 1;
    }
    return df;
}

/* ---- lists ---- */

typedef struct chunk {
    uint32_t lo, hi; /* groups */
    pm_buf out;
} chunk;

/* One section being written. */
typedef struct encoder {
    const pm_postings_data *data;
    const pm_doc_map *map; /* NULL: positions */
    uint32_t n_lists;
    uint32_t *sizes; /* bytes of each list */
    uint32_t *dfs;   /* documents only */
    /* documents only: for each thread a list's documents and frequencies */
    uint32_t *scratch;
    size_t scratch_size;
    chunk *chunks;
    size_t max_chunks;
} encoder;

static void put_impact(const pm_doc_map *m, const uint32_t *docs,
                       const uint32_t *repeats, size_t n, pm_buf *out) {
    uint8_t codes[PM_BLOCK];
    for (size_t i = 0; i < n; i++) {
        codes[i] = m->length_codes[docs[i]];
    }
    pm_impact impact = pm_impact_choose(repeats, codes, n, m->average);
    pm_buf_put(out, &impact, sizeof impact);
}

static void encode_docs(const encoder *e, uint32_t group, unsigned worker,
                        pm_buf *out) {
    const uint64_t *starts = e->data->starts;
    uint32_t *docs = e->scratch + 2 * worker * e->scratch_size,
             *repeats = docs + e->scratch_size;
    uint32_t df =
        collect_docs(e->map, e->data->positions + starts[group],
                     (size_t)(starts[group + 1] - starts[group]), docs, repeats);
    e->dfs[group] = df;
    pm_list_encode(out, docs, repeats, df);
    for (size_t at = 0; at < df; at += PM_BLOCK) {
        put_impact(e->map, docs + at, repeats + at,
                   df - at < PM_BLOCK ? df - at : PM_BLOCK, out);
    }
}

static pm_status encode_chunk(void *ctx, size_t i, unsigned worker, pm_error *err) {
    const encoder *e = ctx;
    chunk *c = &e->chunks[i];
    pm_buf_clear(&c->out);
    for (uint32_t group = c->lo; group < c->hi; group++) {
        const uint64_t *starts = e->data->starts + group;
        size_t before = c->out.n;
        if (e->map != NULL) {
            encode_docs(e, group, worker, &c->out);
        } else if (starts[1] > starts[0]) {
            pm_list_encode(&c->out, e->data->positions + starts[0], NULL,
                           (size_t)(starts[1] - starts[0]));
        }
        if (c->out.n - before > UINT32_MAX) {
            return pm_fail(err, PM_LIMIT, "the list of group %u exceeds 4 GB", group);
        }
        e->sizes[group] = (uint32_t)(c->out.n - before);
    }
    return pm_buf_status(&c->out, err);
}

/* Cuts groups from lo on into chunks; returns how many. */
static size_t plan_round(encoder *e, uint32_t lo) {
    const uint64_t *starts = e->data->starts;
    size_t n = 0;
    for (; n < e->max_chunks && lo < e->n_lists; n++) {
        uint32_t hi = lo;
        for (uint64_t work = 0; hi < e->n_lists && work < CHUNK_WORK; hi++) {
            work += starts[hi + 1] - starts[hi] + LIST_WORK;
        }
        e->chunks[n].lo = lo;
        e->chunks[n].hi = hi;
        lo = hi;
    }
    return n;
}

static pm_status put_lists(pm_container_writer *w, encoder *e, pm_error *err) {
    for (uint32_t lo = 0; lo < e->n_lists;) {
        size_t n = plan_round(e, lo);
        PM_TRY(pm_parallel_for(n, e->data->threads, encode_chunk, e, w->cancel, err));
        for (size_t i = 0; i < n; i++) {
            pm_container_put(w, e->chunks[i].out.p, e->chunks[i].out.n);
        }
        lo = e->chunks[n - 1].hi;
    }
    return PM_OK;
}

/* What follows the lists: their offsets, documents of each, bytes of all. */
static void put_tables(pm_container_writer *w, const encoder *e) {
    pm_framing frames;
    uint64_t at = 0;
    pm_frames_begin(&frames, w->scratch);
    for (uint32_t i = 0; i < e->n_lists; i++) {
        pm_frames_put(&frames, at);
        at += e->sizes[i];
    }
    pm_frames_put(&frames, at);
    pm_frames_finish_to(&frames, w);
    if (e->dfs != NULL) {
        pm_frames_begin(&frames, w->scratch);
        for (uint32_t i = 0; i < e->n_lists; i++) {
            pm_frames_put(&frames, e->dfs[i]);
        }
        pm_frames_finish_to(&frames, w);
    }
    pm_container_put(w, &at, sizeof at);
}

static void encoder_release(encoder *e) {
    for (size_t i = 0; e->chunks != NULL && i < e->max_chunks; i++) {
        pm_buf_release(&e->chunks[i].out);
    }
    pm_free(e->chunks);
    pm_free(e->scratch);
    pm_free(e->dfs);
    pm_free(e->sizes);
}

/* Lists of the first n_lists groups; with a map, of documents. */
static pm_status encoder_init(encoder *e, const pm_postings_data *d,
                              const pm_doc_map *map, uint32_t n_lists, pm_error *err) {
    unsigned threads = d->threads > 0 ? d->threads : 1;
    *e = (encoder){.data = d, .map = map, .n_lists = n_lists};
    e->max_chunks = (size_t)ROUND_CHUNKS * threads;
    e->chunks = pm_calloc(e->max_chunks, sizeof *e->chunks);
    e->sizes = pm_alloc_array((size_t)n_lists + 1, sizeof *e->sizes);
    bool failed = e->chunks == NULL || e->sizes == NULL;
    if (map != NULL) {
        uint64_t longest = n_lists > 0 ? d->starts[1] - d->starts[0] : 0;
        e->scratch_size = (size_t)(longest < d->n_docs ? longest : d->n_docs);
        e->dfs = pm_alloc_array((size_t)n_lists + 1, sizeof *e->dfs);
        e->scratch =
            pm_alloc_array(2 * threads * e->scratch_size + 1, sizeof *e->scratch);
        failed = failed || e->dfs == NULL || e->scratch == NULL;
    }
    if (failed) {
        encoder_release(e);
        return pm_fail_nomem(err, 8 * ((size_t)n_lists + threads * e->scratch_size));
    }
    return PM_OK;
}

static pm_status write_positions(pm_container_writer *w, const pm_postings_data *d,
                                 pm_error *err) {
    encoder e;
    pm_status status = PM_OK;
    PM_TRY(encoder_init(&e, d, NULL, d->n_groups, err));
    pm_container_begin(w, POSITIONS, PM_SECTION_REQUIRED);
    PM_GO(put_lists(w, &e, err));
    put_tables(w, &e);
    pm_container_end(w);
out:
    encoder_release(&e);
    return status;
}

static pm_status write_docs(pm_container_writer *w, const pm_postings_data *d,
                            pm_error *err) {
    pm_doc_map map;
    encoder e;
    uint32_t n = 0;
    while (n < d->n_groups && d->starts[n + 1] - d->starts[n] >= PM_DOC_LIST_MIN) {
        n++;
    }
    PM_TRY(
        pm_doc_map_init(&map, d->unit_starts, d->n_docs, d->n_fields, w->scratch, err));
    pm_status status = encoder_init(&e, d, &map, n, err);
    if (status != PM_OK) {
        pm_doc_map_release(&map);
        return status;
    }
    pm_container_begin(w, DOCUMENTS, PM_SECTION_REQUIRED);
    PM_GO(put_lists(w, &e, err));
    put_tables(w, &e);
    pm_container_put(w, &n, 4);
    pm_container_end(w);
out:
    encoder_release(&e);
    pm_doc_map_release(&map);
    return status;
}

pm_status pm_postings_write(pm_container_writer *w, const pm_postings_data *d,
                            pm_error *err) {
    PM_TRY(write_positions(w, d, err));
    return write_docs(w, d, err);
}

/* Writes postings whose positions come piece by piece. POSI goes to the file as it comes.
 * Documents are found on the way, through a map; their lists wait in a spool for their
 * section. Memory: three blocks, and 8 to 12 bytes for each block of the current
 * list. */
#include "format/doc_map.h"
#include "format/postings.h"

#include "base/sys.h"

enum {
    POSITIONS = PM_FOURCC('P', 'O', 'S', 'I'),
    DOCUMENTS = PM_FOURCC('D', 'O', 'C', 'S'),
    PIECE = 64 * PM_BLOCK, /* positions encoded at once */
    DRAIN_BYTES = 1 << 16  /* held before they are handed on */
};

/* Lists of one section, as far as they are made. */
typedef struct lists {
    pm_list_writer current;
    pm_buf out;          /* made and not handed on */
    pm_framing offsets;  /* of the lists */
    uint64_t at, before; /* bytes of all lists; of those before the current one */
} lists;

/* Documents of the current list. */
typedef struct doc_block {
    pm_doc doc;    /* that holds the last position */
    uint32_t tf;   /* 0: there is none */
    uint32_t held; /* documents before it that are in no block yet */
    uint32_t docs[PM_BLOCK], repeats[PM_BLOCK];
    uint8_t length_codes[PM_BLOCK];
} doc_block;

struct pm_postings_writer {
    pm_container_writer *w;
    pm_doc_map map;
    uint32_t n_positions;                /* of the segment */
    uint32_t n_groups, n_begun, n_lists; /* groups; lists of documents */
    uint64_t missing;                    /* positions of the current group */
    uint32_t next;                       /* least position that may come */
    bool has_docs;                       /* the current group */
    lists positions, docs;
    pm_framing dfs;
    pm_spool doc_bytes;
    pm_buf impacts; /* of the current list */
    doc_block block;
    pm_status status;
    pm_error error;
};

/* ---- lists ---- */

static void lists_init(lists *l, const pm_scratch *scratch) {
    pm_list_writer_init(&l->current);
    pm_buf_init(&l->out);
    pm_frames_begin(&l->offsets, scratch);
    l->at = l->before = 0;
}

static void lists_release(lists *l) {
    pm_list_writer_release(&l->current);
    pm_buf_release(&l->out);
    pm_frames_release(&l->offsets);
}

static void list_begin(lists *l, bool has_payload) {
    l->before = l->at;
    pm_frames_put(&l->offsets, l->at);
    pm_list_begin(&l->current, has_payload);
}

static void list_put(lists *l, const uint32_t *values, const uint32_t *payload,
                     size_t n) {
    size_t before = l->out.n;
    pm_list_put(&l->current, &l->out, values, payload, n);
    l->at += l->out.n - before;
}

static void list_end(lists *l, const pm_buf *tail) {
    size_t before = l->out.n;
    pm_list_end(&l->current, &l->out);
    if (tail != NULL) {
        l->out.failed |= tail->failed;
        pm_buf_put(&l->out, tail->p, tail->n);
    }
    l->at += l->out.n - before;
}

/* ---- documents ---- */

static void fail(pm_postings_writer *p, const char *what, uint32_t position) {
    if (p->status == PM_OK) {
        p->status =
            pm_fail(&p->error, PM_INTERNAL, "list %u of %u, before position %u: %s",
                    p->n_begun, p->n_groups, position, what);
    }
}

/* Hands documents on as a block; whole ones but for a list's last. */
static void put_block(pm_postings_writer *p) {
    doc_block *b = &p->block;
    pm_impact impact =
        pm_impact_choose(b->repeats, b->length_codes, b->held, p->map.average);
    list_put(&p->docs, b->docs, b->repeats, b->held);
    pm_buf_put(&p->impacts, &impact, sizeof impact);
    b->held = 0;
}

/* The document's last position has come. */
static void close_doc(pm_postings_writer *p) {
    doc_block *b = &p->block;
    if (b->tf == 0) {
        return;
    }
    b->docs[b->held] = b->doc;
    b->repeats[b->held] = b->tf - 1;
    b->length_codes[b->held] = p->map.length_codes[b->doc];
    b->tf = 0;
    if (++b->held == PM_BLOCK) {
        put_block(p);
    }
}

/* Documents of n <= PM_BLOCK positions, one after the other: docs[k], k in [1, ..], has
 * the positions [ends[k - 1], ends[k]); the first ends[0] belong to docs[0], the one
 * that was open before. Returns the last k. */
static uint32_t find_docs(const pm_doc_map *m, const uint32_t *positions, size_t n,
                          uint32_t *docs, uint32_t *ends) {
    uint32_t k = 0;
    ends[0] = 0;
    for (size_t i = 0; i < n; i++) {
        pm_doc doc = pm_doc_map_at(m, positions[i]);
        k += doc != docs[k];
        docs[k] = doc;
        ends[k] = (uint32_t)i + 1;
    }
    return k;
}

static void put_docs(pm_postings_writer *p, const uint32_t *positions, size_t n) {
    uint32_t docs[PM_BLOCK + 1], ends[PM_BLOCK + 1];
    doc_block *b = &p->block;
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < PM_BLOCK ? n - at : PM_BLOCK;
        docs[0] = b->doc;
        uint32_t last = find_docs(&p->map, positions + at, m, docs, ends);
        b->tf += ends[0];
        for (uint32_t k = 1; k <= last; k++) {
            close_doc(p);
            b->doc = docs[k];
            b->tf = ends[k] - ends[k - 1];
        }
    }
}

/* ---- groups ---- */

static void drain_positions(pm_postings_writer *p, size_t most) {
    pm_buf *out = &p->positions.out;
    if (out->n > most) {
        pm_container_put(p->w, out->p, out->n);
        out->n = 0;
    }
}

static void drain_docs(pm_postings_writer *p, size_t most) {
    pm_buf *out = &p->docs.out;
    if (out->n > most) {
        pm_spool_put(&p->doc_bytes, out->p, out->n);
        out->n = 0;
    }
}

static void end_group(pm_postings_writer *p) {
    if (p->missing > 0) {
        fail(p, "positions are missing", p->next);
    }
    list_end(&p->positions, NULL);
    if (!p->has_docs) {
        return;
    }
    close_doc(p);
    if (p->block.held > 0) {
        put_block(p);
    }
    list_end(&p->docs, &p->impacts);
    pm_frames_put(&p->dfs, p->docs.current.n);
    pm_buf_clear(&p->impacts);
}

pm_status pm_postings_begin(pm_container_writer *w, uint32_t n_groups, uint32_t n_docs,
                            const uint32_t *unit_starts, uint32_t n_fields,
                            pm_postings_writer **out, pm_error *err) {
    pm_postings_writer *p = pm_alloc(sizeof *p);
    *out = NULL;
    if (p == NULL) {
        return pm_fail_nomem(err, sizeof *p);
    }
    pm_status status =
        pm_doc_map_init(&p->map, unit_starts, n_docs, n_fields, w->scratch, err);
    if (status != PM_OK) {
        pm_free(p);
        return status;
    }
    p->w = w;
    p->n_positions = p->map.starts[n_docs];
    p->n_groups = n_groups;
    p->n_begun = p->n_lists = 0;
    p->missing = 0;
    p->has_docs = false;
    lists_init(&p->positions, w->scratch);
    lists_init(&p->docs, w->scratch);
    pm_frames_begin(&p->dfs, w->scratch);
    pm_spool_init(&p->doc_bytes, w->scratch);
    pm_buf_init(&p->impacts);
    p->block.held = 0;
    p->status = PM_OK;
    pm_container_begin(w, POSITIONS, PM_SECTION_REQUIRED);
    *out = p;
    return PM_OK;
}

void pm_postings_group(pm_postings_writer *p, uint64_t n_positions) {
    if (p->n_begun > 0) {
        end_group(p);
    }
    p->n_begun++;
    p->missing = n_positions;
    p->next = 0;
    p->has_docs = n_positions >= PM_DOC_LIST_MIN && p->n_lists + 1 == p->n_begun;
    list_begin(&p->positions, false);
    if (p->has_docs) {
        p->n_lists++;
        p->block.doc = PM_END;
        p->block.tf = 0;
        list_begin(&p->docs, true);
    }
}

/* What is not so would make lists that cannot be decoded. */
static bool may_follow(pm_postings_writer *p, const uint32_t *positions, size_t n) {
    bool good =
        n <= p->missing && positions[0] >= p->next && positions[n - 1] < p->n_positions;
    for (size_t i = 1; i < n; i++) {
        good &= positions[i] > positions[i - 1];
    }
    if (!good) {
        fail(p, "positions are too many, not increasing or beyond the end", p->next);
    }
    p->next = positions[n - 1] + 1;
    return good;
}

void pm_postings_put(pm_postings_writer *p, const uint32_t *positions, size_t n) {
    for (size_t at = 0; at < n && p->status == PM_OK;) {
        size_t m = n - at < PIECE ? n - at : PIECE;
        if (!may_follow(p, positions + at, m)) {
            return;
        }
        p->missing -= m;
        list_put(&p->positions, positions + at, NULL, m);
        drain_positions(p, DRAIN_BYTES);
        if (p->has_docs) {
            put_docs(p, positions + at, m);
            drain_docs(p, DRAIN_BYTES);
        }
        at += m;
    }
}

/* ---- ending ---- */

static void end_positions(pm_postings_writer *p) {
    pm_container_writer *w = p->w;
    drain_positions(p, 0);
    pm_frames_put(&p->positions.offsets, p->positions.at);
    pm_frames_finish_to(&p->positions.offsets, w);
    pm_container_put(w, &p->positions.at, sizeof p->positions.at);
    pm_container_end(w);
}

static void write_docs(pm_postings_writer *p) {
    pm_container_writer *w = p->w;
    drain_docs(p, 0);
    pm_frames_put(&p->docs.offsets, p->docs.at);
    pm_container_begin(w, DOCUMENTS, PM_SECTION_REQUIRED);
    pm_container_put_spool(w, &p->doc_bytes);
    pm_frames_finish_to(&p->docs.offsets, w);
    pm_frames_finish_to(&p->dfs, w);
    pm_container_put(w, &p->docs.at, sizeof p->docs.at);
    pm_container_put(w, &p->n_lists, sizeof p->n_lists);
    pm_container_end(w);
}

static pm_status finish(pm_postings_writer *p, pm_error *err) {
    if (p->n_begun > 0) {
        end_group(p);
    }
    if (p->n_begun != p->n_groups) {
        fail(p, "expected as many lists", p->next);
    }
    if (p->status != PM_OK) {
        pm_container_fail(p->w, p->status, &p->error);
        return pm_container_status(p->w, err);
    }
    PM_TRY(pm_buf_status(&p->positions.out, err));
    PM_TRY(pm_buf_status(&p->docs.out, err));
    end_positions(p);
    write_docs(p);
    return pm_container_status(p->w, err);
}

pm_status pm_postings_end(pm_postings_writer *p, pm_error *err) {
    pm_status status = finish(p, err);
    lists_release(&p->positions);
    lists_release(&p->docs);
    pm_frames_release(&p->dfs);
    pm_spool_release(&p->doc_bytes);
    pm_buf_release(&p->impacts);
    pm_doc_map_release(&p->map);
    pm_free(p);
    return status;
}

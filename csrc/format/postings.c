/* Finds and clips the lists of a group: all that is handed out lies inside its section,
 * and no list claims more values than its bytes can hold. What the bytes say is the
 * list reader's to check. */
#include "format/postings.h"

#include "base/cursor.h"

enum {
    POSITIONS = PM_FOURCC('P', 'O', 'S', 'I'),
    DOCUMENTS = PM_FOURCC('D', 'O', 'C', 'S'),
    IMPACT_BYTES = 4,
    TAIL_BYTES = 8 /* the length of the lists, last in POSI, before n_lists in DOCS */
};

/* Splits a section, but for what follows the length of the lists, into lists and
 * tables. */
static bool split(pm_bytes bytes, pm_bytes *lists, pm_cursor *tables) {
    if (bytes.n < TAIL_BYTES) {
        return false;
    }
    uint64_t n = pm_load64(bytes.p + bytes.n - TAIL_BYTES);
    if (n > bytes.n - TAIL_BYTES) {
        return false;
    }
    *lists = (pm_bytes){bytes.p, (size_t)n};
    *tables = pm_cursor_of((pm_bytes){bytes.p + n, bytes.n - TAIL_BYTES - (size_t)n});
    return true;
}

static pm_status check_end(const pm_container *file, uint32_t id, pm_bytes lists,
                           uint64_t end, pm_error *err) {
    if (end != lists.n) {
        return pm_section_corrupt(file, id, lists.n, err,
                                  "expected the last list to end at %zu, found %llu",
                                  lists.n, (unsigned long long)end);
    }
    return PM_OK;
}

static pm_status open_positions(pm_postings *p, pm_error *err) {
    pm_bytes bytes;
    pm_cursor tables;
    PM_TRY(pm_container_need(p->file, POSITIONS, &bytes, err));
    if (!split(bytes, &p->positions, &tables) ||
        !pm_frames_open(&tables, p->n_groups + 1, &p->position_offsets) ||
        pm_cursor_left(&tables) != 0) {
        return pm_section_corrupt(p->file, POSITIONS, bytes.n, err,
                                  "%zu bytes do not end with the offsets of %u lists",
                                  bytes.n, p->n_groups);
    }
    return check_end(p->file, POSITIONS, p->positions,
                     pm_frames_get(&p->position_offsets, p->n_groups), err);
}

static pm_status open_docs(pm_postings *p, pm_error *err) {
    pm_bytes bytes;
    pm_cursor tables;
    PM_TRY(pm_container_need(p->file, DOCUMENTS, &bytes, err));
    uint32_t n = bytes.n >= 4 ? pm_load32(bytes.p + bytes.n - 4) : UINT32_MAX;
    if (n > p->n_groups ||
        !split((pm_bytes){bytes.p, bytes.n - 4}, &p->docs, &tables) ||
        !pm_frames_open(&tables, n + 1, &p->doc_offsets) ||
        !pm_frames_open(&tables, n, &p->doc_dfs) || pm_cursor_left(&tables) != 0) {
        return pm_section_corrupt(
            p->file, DOCUMENTS, bytes.n, err,
            "%zu bytes do not end with the offsets of %u lists for %u groups", bytes.n,
            n, p->n_groups);
    }
    p->n_doc_lists = n;
    return check_end(p->file, DOCUMENTS, p->docs, pm_frames_get(&p->doc_offsets, n),
                     err);
}

pm_status pm_postings_open(pm_postings *p, const pm_container *file, uint32_t n_groups,
                           pm_error *err) {
    *p = (pm_postings){.file = file, .n_groups = n_groups};
    if (n_groups > PM_MAX_POSITIONS) {
        return pm_section_corrupt(file, POSITIONS, 0, err,
                                  "expected at most %u groups, found %u",
                                  (unsigned)PM_MAX_POSITIONS, n_groups);
    }
    PM_TRY(open_positions(p, err));
    return open_docs(p, err);
}

/* Bytes of list i, empty after damage. */
static pm_bytes list_bytes(pm_bytes lists, const pm_frames *offsets, uint32_t i) {
    uint64_t lo = pm_frames_get(offsets, i), hi = pm_frames_get(offsets, i + 1);
    if (lo > hi || hi > lists.n) {
        return (pm_bytes){lists.p, 0};
    }
    return (pm_bytes){lists.p + lo, (size_t)(hi - lo)};
}

/* Every list follows the one before. */
static pm_status verify_offsets(const pm_postings *p, uint32_t id, pm_bytes lists,
                                const pm_frames *offsets, pm_cancel *cancel,
                                pm_error *err) {
    uint64_t before = 0;
    for (uint32_t i = 0; i < offsets->n; i++) {
        PM_TRY(pm_cancel_check(cancel, 5, err));
        uint64_t at = pm_frames_get(offsets, i);
        if (at < before || at > lists.n || (i == 0 && at != 0)) {
            return pm_section_corrupt(
                p->file, id, lists.n, err,
                "list %u: expected its start in [%llu, %zu], found %llu", i,
                (unsigned long long)before, lists.n, (unsigned long long)at);
        }
        before = at;
    }
    if (!pm_frames_verify(offsets)) {
        return pm_section_corrupt(p->file, id, lists.n, err,
                                  "the offsets of lists are damaged");
    }
    return PM_OK;
}

pm_status pm_postings_verify(const pm_postings *p, pm_cancel *cancel, pm_error *err) {
    PM_TRY(
        verify_offsets(p, POSITIONS, p->positions, &p->position_offsets, cancel, err));
    PM_TRY(verify_offsets(p, DOCUMENTS, p->docs, &p->doc_offsets, cancel, err));
    if (!pm_frames_verify(&p->doc_dfs)) {
        return pm_section_corrupt(p->file, DOCUMENTS, p->docs.n, err,
                                  "the counts of documents are damaged");
    }
    return PM_OK;
}

pm_list pm_postings_positions(const pm_postings *p, const pm_lexicon *lex, pm_group g) {
    pm_list none = {.bytes = {p->positions.p, 0}};
    if (g >= p->n_groups) {
        return none;
    }
    pm_bytes bytes = list_bytes(p->positions, &p->position_offsets, g);
    uint64_t n = pm_lexicon_ids_count(lex, pm_lexicon_group_ids(lex, g));
    if (n > PM_MAX_POSITIONS || bytes.n < pm_list_least_bytes(n, 1)) {
        return none;
    }
    return (pm_list){.bytes = bytes, .n = (uint32_t)n};
}

bool pm_postings_docs(const pm_postings *p, pm_group g, pm_list *out,
                      const uint8_t **impacts) {
    *out = (pm_list){.bytes = {p->docs.p, 0}, .has_payload = true};
    *impacts = NULL;
    if (g >= p->n_doc_lists) {
        return false;
    }
    pm_bytes bytes = list_bytes(p->docs, &p->doc_offsets, g);
    uint64_t df = pm_frames_get(&p->doc_dfs, g);
    uint64_t tail = IMPACT_BYTES * ((df + PM_BLOCK - 1) / PM_BLOCK);
    if (df == 0 || df > PM_MAX_POSITIONS || bytes.n < tail ||
        bytes.n - tail < pm_list_least_bytes(df, 2)) {
        return false;
    }
    out->bytes = (pm_bytes){bytes.p, bytes.n - (size_t)tail};
    *impacts = bytes.p + out->bytes.n;
    out->n = (uint32_t)df;
    return true;
}

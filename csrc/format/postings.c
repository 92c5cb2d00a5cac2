/* Finds and clips the lists of a group: all that is handed out lies inside its section, and no list
 * claims more values than its bytes can hold. What the bytes say is the list reader's to check. */
#include "format/postings.h"

#include "base/cursor.h"

enum {
    POSITIONS = PM_FOURCC('P', 'O', 'S', 'I'),
    DOCUMENTS = PM_FOURCC('D', 'O', 'C', 'S'),
    BASE_ENTRIES = 256,
    IMPACT_BYTES = 4
};

/* Codes below 16 are the length; from there on the code's low 3 bits and a leading 1 are the
 * mantissa. */
unsigned pm_length_code(uint32_t length) {
    if (length < 16) {
        return length;
    }
    unsigned shift = 28 - (unsigned)__builtin_clz(length); /* length >> shift in [8, 16) */
    return (shift + 1) * 8 + ((length >> shift) & 7);
}

uint64_t pm_length_floor(unsigned code) {
    return code < 16 ? code : (uint64_t)(8 + (code & 7)) << ((code >> 3) - 1);
}

/* Bytes of the bases and offsets of n lists. */
static uint64_t table_bytes(uint32_t n) {
    return 8 * ((uint64_t)n / BASE_ENTRIES + 1) + 4 * ((uint64_t)n + 1);
}
static const uint8_t *offsets_of(const uint8_t *bases, uint32_t n) {
    return bases + 8 * ((size_t)n / BASE_ENTRIES + 1);
}
static uint64_t offset_at(const uint8_t *bases, const uint8_t *offsets, uint32_t i) {
    return pm_load64(bases + 8 * (size_t)(i / BASE_ENTRIES)) + pm_load32(offsets + 4 * (size_t)i);
}

static pm_status check_end(const pm_container *file, uint32_t id, pm_bytes lists, uint64_t end,
                           pm_error *err) {
    if (end != lists.n) {
        return pm_section_corrupt(file, id, lists.n, err,
                                  "expected the last list to end at %zu, found %llu", lists.n,
                                  (unsigned long long)end);
    }
    return PM_OK;
}

static pm_status open_positions(pm_postings *p, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(p->file, POSITIONS, &bytes, err));
    uint64_t tables = table_bytes(p->n_groups);
    if (bytes.n < tables) {
        return pm_section_corrupt(p->file, POSITIONS, 0, err,
                                  "%u groups: expected at least %llu bytes, found %zu", p->n_groups,
                                  (unsigned long long)tables, bytes.n);
    }
    p->positions = (pm_bytes){bytes.p, bytes.n - (size_t)tables};
    p->pos_bases = bytes.p + p->positions.n;
    p->pos_offsets = offsets_of(p->pos_bases, p->n_groups);
    return check_end(p->file, POSITIONS, p->positions,
                     offset_at(p->pos_bases, p->pos_offsets, p->n_groups), err);
}

static pm_status open_docs(pm_postings *p, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(p->file, DOCUMENTS, &bytes, err));
    uint32_t n = bytes.n >= 4 ? pm_load32(bytes.p + bytes.n - 4) : UINT32_MAX;
    uint64_t tables = table_bytes(n) + 4 * (uint64_t)n + 4;
    if (n > p->n_groups || bytes.n < tables) {
        return pm_section_corrupt(p->file, DOCUMENTS, bytes.n < 4 ? 0 : bytes.n - 4, err,
                                  "%u lists of %u groups do not fit into %zu bytes", n, p->n_groups,
                                  bytes.n);
    }
    p->n_doc_lists = n;
    p->docs = (pm_bytes){bytes.p, bytes.n - (size_t)tables};
    p->doc_bases = bytes.p + p->docs.n;
    p->doc_offsets = offsets_of(p->doc_bases, n);
    p->doc_dfs = p->doc_offsets + 4 * ((size_t)n + 1);
    return check_end(p->file, DOCUMENTS, p->docs, offset_at(p->doc_bases, p->doc_offsets, n), err);
}

pm_status pm_postings_open(pm_postings *p, const pm_container *file, uint32_t n_groups,
                           pm_error *err) {
    *p = (pm_postings){.file = file, .n_groups = n_groups};
    PM_TRY(open_positions(p, err));
    return open_docs(p, err);
}

/* Bytes of list i, empty after damage. */
static pm_bytes list_bytes(pm_bytes lists, const uint8_t *bases, const uint8_t *offsets,
                           uint32_t i) {
    uint64_t lo = offset_at(bases, offsets, i), hi = offset_at(bases, offsets, i + 1);
    if (lo > hi || hi > lists.n) {
        return (pm_bytes){lists.p, 0};
    }
    return (pm_bytes){lists.p + lo, (size_t)(hi - lo)};
}

pm_list pm_postings_positions(const pm_postings *p, const pm_lexicon *lex, pm_group g) {
    pm_list none = {.bytes = {p->positions.p, 0}};
    if (g >= p->n_groups) {
        return none;
    }
    pm_bytes bytes = list_bytes(p->positions, p->pos_bases, p->pos_offsets, g);
    uint64_t n = pm_lexicon_ids_count(lex, pm_lexicon_group_ids(lex, g));
    if (n > PM_MAX_POSITIONS || bytes.n < pm_list_least_bytes(n, 1)) {
        return none;
    }
    return (pm_list){.bytes = bytes, .n = (uint32_t)n};
}

bool pm_postings_docs(const pm_postings *p, pm_group g, pm_list *out, const uint8_t **impacts) {
    *out = (pm_list){.bytes = {p->docs.p, 0}, .has_payload = true};
    *impacts = NULL;
    if (g >= p->n_doc_lists) {
        return false;
    }
    pm_bytes bytes = list_bytes(p->docs, p->doc_bases, p->doc_offsets, g);
    uint32_t df = pm_load32(p->doc_dfs + 4 * (size_t)g);
    uint64_t head = IMPACT_BYTES * (((uint64_t)df + PM_BLOCK - 1) / PM_BLOCK);
    if (df == 0 || bytes.n < head || bytes.n - head < pm_list_least_bytes(df, 2)) {
        return false;
    }
    *impacts = bytes.p;
    out->bytes = (pm_bytes){bytes.p + head, bytes.n - (size_t)head};
    out->n = df;
    return true;
}

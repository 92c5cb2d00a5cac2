/* Three arrays, each put in order. */
#include "format/doc_map.h"

#include "format/impact.h"

enum { STARTS, CODES, DIRECTORY };

/* Entries beyond the last document's start lead to it. */
static void fill(pm_doc_map *m, const uint32_t *unit_starts, uint32_t n_fields) {
    uint32_t start = 0;
    uint64_t k = 0;
    for (uint32_t doc = 0; doc < m->n_docs; doc++) {
        uint32_t next = unit_starts[(size_t)(doc + 1) * n_fields];
        uint8_t code = (uint8_t)pm_length_code(next - start - n_fields);
        pm_spool_put_u32(&m->spools[STARTS], start);
        pm_spool_put(&m->spools[CODES], &code, 1);
        for (; k << m->shift < next; k++) {
            pm_spool_put_u32(&m->spools[DIRECTORY], doc);
        }
        start = next;
    }
    pm_spool_put_u32(&m->spools[STARTS], start);
}

static pm_status view(pm_doc_map *m, pm_error *err) {
    pm_bytes starts, codes, directory;
    PM_TRY(pm_spool_view(&m->spools[STARTS], &starts, err));
    PM_TRY(pm_spool_view(&m->spools[CODES], &codes, err));
    PM_TRY(pm_spool_view(&m->spools[DIRECTORY], &directory, err));
    m->starts = (const uint32_t *)(const void *)starts.p;
    m->length_codes = codes.p;
    m->directory = (const uint32_t *)(const void *)directory.p;
    return PM_OK;
}

pm_status pm_doc_map_init(pm_doc_map *m, const uint32_t *unit_starts, uint32_t n_docs,
                          uint32_t n_fields, const pm_scratch *scratch, pm_error *err) {
    uint32_t n_positions = n_docs == 0 ? 0 : unit_starts[(size_t)n_docs * n_fields];
    *m = (pm_doc_map){.n_docs = n_docs,
                      .average = pm_impact_average(n_docs, n_fields, n_positions)};
    if (n_docs > 0 && n_positions > n_docs) {
        m->shift = 30 - (unsigned)__builtin_clz(n_positions / n_docs | 2);
    }
    for (size_t i = 0; i < sizeof m->spools / sizeof *m->spools; i++) {
        pm_spool_init(&m->spools[i], scratch);
    }
    fill(m, unit_starts, n_fields);
    pm_status status = view(m, err);
    if (status != PM_OK) {
        pm_doc_map_release(m);
    }
    return status;
}

void pm_doc_map_release(pm_doc_map *m) {
    for (size_t i = 0; i < sizeof m->spools / sizeof *m->spools; i++) {
        pm_spool_release(&m->spools[i]);
    }
}

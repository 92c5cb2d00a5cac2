/* From positions to documents, for the writers of document lists: where documents begin
 * and how long they are, with a directory of every 2^shift-th position, two to four
 * entries a document. 13 to 21 bytes a document, in spools. */
#ifndef PM_FORMAT_DOC_MAP_H
#define PM_FORMAT_DOC_MAP_H

#include "base/spool.h"
#include "base/types.h"

typedef struct pm_doc_map {
    uint32_t n_docs;
    unsigned shift;
    const uint32_t *starts;      /* [n_docs + 1] */
    const uint8_t *length_codes; /* [n_docs], see format/impact.h */
    const uint32_t *directory;   /* document that holds position k << shift */
    uint64_t average;            /* tokens a document */
    pm_spool spools[3];
} pm_doc_map;

/* unit_starts[n_docs * n_fields + 1]: strictly increasing from 0. After failure there
 * is nothing to release. */
pm_status pm_doc_map_init(pm_doc_map *m, const uint32_t *unit_starts, uint32_t n_docs,
                          uint32_t n_fields, const pm_scratch *scratch,
                          pm_error *err) PM_MUST_CHECK;
void pm_doc_map_release(pm_doc_map *m);
/* The document of a position below starts[n_docs]. Mostly without a branch: half an
 * average document rarely holds the starts of more than two. However documents differ
 * in length, the loop takes less than one step a position in the mean over all. */
static inline pm_doc pm_doc_map_at(const pm_doc_map *m, pm_pos position) {
    uint32_t doc = m->directory[position >> m->shift];
    doc += m->starts[doc + 1] <= position;
    doc += m->starts[doc + 1] <= position;
    while (m->starts[doc + 1] <= position) {
        doc++;
    }
    return doc;
}

#endif

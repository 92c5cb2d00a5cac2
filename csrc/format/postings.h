/* Positions of each stem group, and documents with term frequencies and impacts of each
 * frequent one.
 *
 * Section POSI: lists (codec/list.h; the count is the lexicon's)
 *               | frames of each group's offset, + end | u64 bytes of lists
 * Section DOCS: lists: a list of documents with payload tf - 1, then 4 bytes of impact
 *               for each block of it
 *               | frames of each list's offset, + end | frames of the df of each
 *               | u64 bytes of lists | u32 n_lists (the first n_lists groups: those
 *               with at least PM_DOC_LIST_MIN occurrences)
 * Tables (frames: format/packed.h) follow the lists, so that a writer need not hold the
 * lists. Impact: format/impact.h. Documents and positions that a damaged list yields may
 * lie beyond the segment's: whoever indexes an array by them compares first. */
#ifndef PM_FORMAT_POSTINGS_H
#define PM_FORMAT_POSTINGS_H

#include "base/types.h"
#include "codec/list.h"
#include "format/bounds.h"
#include "format/container.h"
#include "format/impact.h"
#include "format/lexicon.h"
#include "format/packed.h"

enum { PM_DOC_LIST_MIN = 64 };

/* positions[starts[g] .. starts[g + 1]) are group g's, increasing; groups by descending
 * number of positions. Documents and their lengths follow from the unit starts. Encodes
 * on up to `threads` threads, same bytes for any number. */
typedef struct pm_postings_data {
    uint32_t n_groups, n_docs, n_fields;
    const uint64_t *starts; /* [n_groups + 1] */
    const uint32_t *positions;
    const uint32_t *unit_starts; /* [n_docs * n_fields + 1] */
    unsigned threads;
} pm_postings_data;
pm_status pm_postings_write(pm_container_writer *w, const pm_postings_data *data,
                            pm_error *err) PM_MUST_CHECK;

/* The same for a writer that does not hold the positions: begin; for each group in
 * order pm_postings_group with its number of positions, then pm_postings_put of exactly
 * so many, in pieces of any size; end (which releases, also after failure). No other
 * section in between. The bytes are those of pm_postings_write. unit_starts: of the
 * segment that is being written, as in pm_postings_data, borrowed during the call:
 * documents and lengths follow from them. Positions that do not increase, lie beyond the
 * end or are not as many as was said are PM_INTERNAL: who has them from a file checks
 * them. Memory: 20 bytes for each 256 positions of the current list, some buffers, and
 * the container writer's scratch. */
typedef struct pm_postings_writer pm_postings_writer;
pm_status pm_postings_begin(pm_container_writer *w, uint32_t n_groups, uint32_t n_docs,
                            const uint32_t *unit_starts, uint32_t n_fields,
                            pm_postings_writer **out, pm_error *err) PM_MUST_CHECK;
void pm_postings_group(pm_postings_writer *p, uint64_t n_positions);
void pm_postings_put(pm_postings_writer *p, const uint32_t *positions, size_t n);
pm_status pm_postings_end(pm_postings_writer *p, pm_error *err) PM_MUST_CHECK;

typedef struct pm_postings {
    const pm_container *file;
    pm_bytes positions, docs; /* list bytes */
    pm_frames position_offsets, doc_offsets, doc_dfs;
    uint32_t n_groups, n_doc_lists;
} pm_postings;

pm_status pm_postings_open(pm_postings *p, const pm_container *file, uint32_t n_groups,
                           pm_error *err) PM_MUST_CHECK;
/* Tables only: what the lists hold is checked against the stream (format/segment.h). */
pm_status pm_postings_verify(const pm_postings *p, pm_cancel *cancel,
                             pm_error *err) PM_MUST_CHECK;
/* Position list of a group; an empty list for g out of range or damage. */
pm_list pm_postings_positions(const pm_postings *p, const pm_lexicon *lex, pm_group g);
/* Document list with payload tf - 1; false where the group has none (fewer than
 * PM_DOC_LIST_MIN occurrences). impacts: 4 bytes for each block. */
bool pm_postings_docs(const pm_postings *p, pm_group g, pm_list *out,
                      const uint8_t **impacts);

#endif

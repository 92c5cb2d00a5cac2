/* What deletions take away from one segment: a sidecar file, made anew by each commit
 * that deletes documents of that segment and complete in itself.
 *
 * Container of kind SIDE. Sections:
 * DEAD: varints n_docs (of the segment), n_dead, dead_tokens
 *       | bits over documents (codec/bitset.h), set where deleted
 * DIDS: u32 n | u32 m | m bytes: list (codec/list.h) of the n ids that lose occurrences
 *       | frames (n + 1) of the running sum of lost occurrences, from 0
 * DDOC: u32 n | u32 m | m bytes: list of the n groups with a document list that lose
 *       documents | frames (n + 1) of the running sum of lost documents, from 0 */
#ifndef PM_FORMAT_REMOVALS_H
#define PM_FORMAT_REMOVALS_H

#include "format/losses.h"
#include "format/segment.h"

/* A whole file: created, synced, closed. dead: the bits that losses were counted for,
 * at least one of them set. */
pm_status pm_removals_write(const char *path, const pm_losses *losses,
                            const uint64_t *dead, uint64_t *size, pm_hash128 *hash,
                            pm_error *err) PM_MUST_CHECK;

typedef struct pm_removals { /* immutable after open; must not move */
    pm_container file;
    uint32_t n_docs, n_dead;
    uint64_t dead_tokens;
    pm_bitmap dead;
    pm_list ids, groups;
    pm_frames id_sums, group_sums;
} pm_removals;

/* O(sections). On failure nothing is left open. */
pm_status pm_removals_open(pm_removals *r, const char *path, pm_map_mode mode,
                           pm_error *err) PM_MUST_CHECK;
void pm_removals_close(pm_removals *r); /* safe on zeros */
/* Everything decoded, and computed again from the segment. */
pm_status pm_removals_verify(const pm_removals *r, const pm_segment *s,
                             pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
/* Occurrences that ids of the range lose; after damage any number: callers subtract
 * with a floor of 0. O(log n). r NULL: 0. */
uint64_t pm_removals_ids(const pm_removals *r, pm_range ids);
/* Documents that a group's document list loses; the same. */
uint32_t pm_removals_docs(const pm_removals *r, pm_group g);

#endif

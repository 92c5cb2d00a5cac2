/* What a set of documents takes with it when it goes: their tokens by id, and documents
 * of the groups that have a document list. Counted from their part of the token stream,
 * both to write a sidecar and to check one. */
#ifndef PM_FORMAT_LOSSES_H
#define PM_FORMAT_LOSSES_H

#include "base/task.h"
#include "format/segment.h"

typedef struct pm_losses {
    uint32_t n_docs, n_dead; /* documents of the segment, of the set */
    uint64_t dead_tokens;
    uint32_t n_ids, n_groups;
    /* strictly increasing ids and what each loses (>= 1); likewise groups and their
     * documents. Owned */
    uint32_t *ids, *id_losses, *groups, *group_losses;
} pm_losses;

/* dead: bits over the segment's documents. Cost: the documents' tokens, and a pass over
 * a count for each id. Damage of the segment is PM_CORRUPT. After failure nothing is
 * held. */
pm_status pm_losses_count(pm_losses *l, const pm_segment *s, const uint64_t *dead,
                          pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
void pm_losses_release(pm_losses *l); /* safe on zeros */

#endif

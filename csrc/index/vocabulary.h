/* The words of one segment: the workers' dictionaries united, each distinct surface
 * folded, stemmed and classed once, and all put into the lexicon's nested order. That
 * order is total over the content, so it does not depend on which worker met what.
 * Knows nothing of positions. */
#ifndef PM_INDEX_VOCABULARY_H
#define PM_INDEX_VOCABULARY_H

#include "base/arena.h"
#include "base/task.h"
#include "format/lexicon.h"
#include "index/surfaces.h"

typedef struct pm_number { /* what a worker's number stands for */
    uint32_t id, group;
} pm_number;

typedef struct pm_vocabulary {
    /* surfaces are the dictionaries' bytes */
    pm_lexicon_data lexicon;
    uint32_t *id_groups;    /* [n_ids] */
    uint64_t *group_starts; /* [n_groups + 1] tokens of the groups before */
    /* [n_workers][that dictionary's n]; undefined where the count is 0 */
    pm_number **numbers;
    unsigned n_parts;
    struct pm_vocabulary_part *parts;
    pm_arena words; /* what lexicon points to */
    pm_arena arena;
} pm_vocabulary;

/* dictionaries: settled; borrowed until release. Words counted 0 times are left out. */
pm_status pm_vocabulary_make(pm_vocabulary *v, pm_surfaces *const *dictionaries,
                             unsigned n_dictionaries, const pm_analyzer *an,
                             unsigned threads, pm_cancel *cancel,
                             pm_error *err) PM_MUST_CHECK;
/* Gives the lexicon's memory back; its counts, id_groups, group_starts and numbers
 * stay. */
void pm_vocabulary_drop_words(pm_vocabulary *v);
/* Safe on zeros and after a failed make. */
void pm_vocabulary_release(pm_vocabulary *v);

#endif

/* From the segments of one generation to those of the next: what was deleted is left
 * out or noted in sidecars, what was added comes behind, neighbours are merged. Files
 * are written beside those of the index and named by nobody until the successor is
 * published. Needs the lock. */
#ifndef PM_INDEX_SUCCESSION_H
#define PM_INDEX_SUCCESSION_H

#include "index/merge.h"
#include "index/snapshot.h"
#include "index/tiers.h"

typedef enum pm_merging {
    PM_MERGE_TIERS,  /* what tiers.h says */
    PM_MERGE_ALL,    /* as few segments as positions let be, none with dead documents */
    PM_MERGE_RESTEM, /* the same, and every one is written with the analyzer's stems */
} pm_merging;

typedef struct pm_succession {
    const pm_snapshot *base; /* the newest generation */
    /* NULL, or for each part of base NULL, or bits of all its dead documents, those of
     * its removals among them */
    uint64_t *const *dead;
    const pm_entry *added; /* segments in base's directory, without removals */
    uint32_t n_added;
    pm_merging merging;
    uint32_t segment_tokens; /* positions of a merged segment at most */
    const pm_analyzer *analyzer;
    unsigned threads;
    size_t memory_bytes;
    uint64_t *next_file; /* counted up */
    pm_cancel *cancel;
} pm_succession;

typedef struct pm_successor {
    pm_entry *entries; /* in document order */
    uint32_t n;
    char (*written)[64]; /* names of the files made for it; added ones not among them */
    uint32_t n_written;
    bool changed; /* it is not base */
} pm_successor;

/* On failure nothing is held and no file is left. */
pm_status pm_successor_make(const pm_succession *s, pm_successor *out,
                            pm_error *err) PM_MUST_CHECK;
void pm_successor_release(pm_successor *s); /* safe on zeros; files stay */
/* Removes its files, since it will not be published. Best effort. */
void pm_successor_discard(const pm_successor *s, const char *dir);

#endif

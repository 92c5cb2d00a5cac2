/* One committed generation, opened for reading: its segments in order. Immutable and
 * shared by threads; the last unref closes. */
#ifndef PM_INDEX_SNAPSHOT_H
#define PM_INDEX_SNAPSHOT_H

#include <stdatomic.h>

#include "base/task.h"
#include "format/removals.h"
#include "format/segment.h"
#include "index/commit.h"
#include "index/manifest.h"
#include "text/analyzer.h"

typedef struct pm_part { /* a segment within the snapshot */
    pm_segment segment;
    bool has_removals;
    pm_removals removals; /* where has_removals */
    /* bits over the segment's documents; NULL: all are live. Whoever lists or counts
     * documents, or takes in hits, looks here */
    uint64_t *live;
    uint32_t live_docs;
    uint64_t live_tokens;
    uint32_t doc_base;                     /* documents before it, dead ones too */
    uint64_t token_base;                   /* tokens before it, sentinels not counted */
    uint8_t field_to_index[PM_MAX_FIELDS]; /* segment's field number -> snapshot's */
    /* and back; 255: this segment has no such field */
    uint8_t field_from_index[PM_MAX_FIELDS];
} pm_part;

typedef struct pm_snapshot {
    atomic_uint refs; /* counts owners; only the thread that takes it to 0 frees */
    char *path;
    pm_manifest manifest;
    uint64_t generation;
    pm_analyzer *analyzer;
    bool analyzer_differs; /* the index was made by another analyzer version */
    uint32_t n_parts;
    uint32_t n_docs; /* documents are numbered below this, dead ones too */
    uint64_t n_tokens;
    uint32_t live_docs; /* what every statistic speaks of */
    uint64_t live_tokens;
    pm_part *parts;
} pm_snapshot;

/* generation 0: the newest. PM_FOREIGN where path is no index, PM_GONE where the
 * generation is not retained. */
pm_status pm_snapshot_open(const char *path, uint64_t generation, pm_map_mode mode,
                           pm_snapshot **out, pm_error *err) PM_MUST_CHECK;
pm_snapshot *pm_snapshot_ref(pm_snapshot *s);
void pm_snapshot_unref(pm_snapshot *s);
/* The part that holds a document of the whole snapshot, dead ones too, and its number
 * there. NULL beyond the end. */
const pm_part *pm_snapshot_part(const pm_snapshot *s, pm_doc doc, pm_doc *local);
/* Whether a document of the segment answers: it is there and not deleted. */
static inline bool pm_part_lives(const pm_part *p, pm_doc d) {
    return d < p->segment.info.n_docs && (p->live == NULL || pm_bits_get(p->live, d));
}
/* A state that no manifest names (a writer's session): base's facts, these entries, and
 * for each the bits of its dead documents (NULL entries, or dead NULL: those of its
 * removals alone). Files need not be named by any generation. */
pm_status pm_snapshot_of_entries(const char *path, const pm_manifest *base,
                                 const pm_entry *entries, const uint64_t *const *dead,
                                 uint32_t n, pm_map_mode mode, pm_snapshot **out,
                                 pm_error *err) PM_MUST_CHECK;
/* PM_END: no live document has the key. */
pm_status pm_snapshot_find_key(const pm_snapshot *s, pm_bytes key, pm_doc *out,
                               pm_error *err) PM_MUST_CHECK;
/* Number of a text field by name, or -1. */
int pm_snapshot_field(const pm_snapshot *s, pm_bytes name);
/* Reads every file that the manifest names: whole-file hashes, then pm_segment_verify
 * and pm_removals_verify, tokens against stored texts where the analyzer is the same one
 * (surface of each token, sentences, quotations, checkpoints). */
pm_status pm_snapshot_verify(const char *path, pm_cancel *cancel,
                             pm_error *err) PM_MUST_CHECK;

#endif

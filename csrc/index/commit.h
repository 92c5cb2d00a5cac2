/* One generation follows another: the next manifest is made of the last one and the
 * segments that are to be the newest state, written, renamed into place and synced;
 * then files that no retained generation names go. The order (DESIGN 9): all files
 * synced by who wrote them | directory synced, so that their names are durable |
 * manifest.new written and synced | renamed | directory synced: acknowledged. Needs the
 * lock. */
#ifndef PM_INDEX_COMMIT_H
#define PM_INDEX_COMMIT_H

#include "index/manifest.h"

/* A segment of a generation, its files by value. */
typedef struct pm_entry {
    pm_manifest_file file;     /* file.name "" and so on: see manifest.h */
    uint32_t n_docs;           /* in the file, deleted ones included */
    uint64_t n_tokens;         /* the same */
    pm_manifest_file removals; /* name[0] == 0: none */
    uint32_t n_dead;           /* documents that the removals take away */
    uint64_t dead_tokens;
} pm_entry;

/* The entries of a generation (NULL: the newest), pm_alloc'ed: pm_free. */
pm_status pm_entries_of(const pm_manifest *m, const pm_generation *g, pm_entry **out,
                        uint32_t *n, pm_error *err) PM_MUST_CHECK;

typedef struct pm_commit {
    const char *dir;
    const pm_manifest *base; /* the manifest in force */
    const pm_entry *entries; /* the state to be, in document order */
    uint32_t n_entries;
    uint64_t next_file;   /* above the numbers of all files ever named, base's too */
    uint64_t fingerprint; /* of the analyzer that these segments were made by */
    const char *main_field;
} pm_commit;
/* Publishes generation base's newest + 1. Of the generations before, the newest stay
 * named, as many as retain says with this one, and all that were published within
 * retain_seconds before (or, should the clock have been put back, after) now. *renamed: whether the rename may have
 * happened: after a failure with *renamed set the files must be left alone and the
 * writer is dead; with *renamed clear nothing has changed. On success *next is the
 * manifest in force (pm_manifest_release). Does not sweep. */
pm_status pm_commit_publish(const pm_commit *c, pm_manifest *next, bool *renamed,
                            pm_error *err) PM_MUST_CHECK;
/* Removes what writers left and m names in no generation: files whose names
 * pm_commit_name or pm_file_scratch gives, and manifest.new; nothing else. Best effort:
 * what cannot be removed stays for the next one. Needs the lock, no session with
 * files of its own, and the directory synced since m was renamed into place: else a power
 * loss may bring back the manifest before it, without its files. */
void pm_commit_sweep(const char *dir, const pm_manifest *m);
#define PM_SEGMENT_SUFFIX "seg"
#define PM_REMOVALS_SUFFIX "del"
#define PM_RUN_SUFFIX "run" /* of an intake: never named by a manifest */
/* "0000000012.seg"; suffix: one of those */
void pm_commit_name(char out[64], uint64_t number, const char *suffix);

#endif

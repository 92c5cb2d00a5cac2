/* Which files make up the index: one file "manifest", replaced by rename. It names
 * every retained generation (a build writes one) and each file's size and XXH3-128, so
 * that damage to any file is found. Of time it holds only when generations were
 * published, which a build leaves out. Layout: docs/FORMAT.md, section 4. */
#ifndef PM_INDEX_MANIFEST_H
#define PM_INDEX_MANIFEST_H

#include "base/arena.h"
#include "format/container.h"

#define PM_MANIFEST_NAME "manifest"
#define PM_MANIFEST_NEW "manifest.new" /* until it is complete */

enum { PM_RETAIN = 3, PM_RETAIN_SECONDS = 3600 }; /* where nothing else is said */

typedef struct pm_manifest_file {
    char name[64]; /* [0-9a-z.-]+, checked: no path separators */
    uint64_t size;
    pm_hash128 hash;
} pm_manifest_file;

typedef struct pm_manifest_segment {
    /* number in files; documents and tokens of the file, dead ones too */
    uint32_t file, n_docs;
    uint64_t n_tokens;
    uint32_t removals; /* the sidecar's number in files; PM_END: none */
    uint32_t n_dead;   /* 0 without a sidecar, else at least 1 */
    uint64_t dead_tokens;
} pm_manifest_segment;

typedef struct pm_generation {
    uint64_t number; /* from 1 */
    /* when it was published, seconds since 1970; 0: when this manifest was (the time of
     * its file), so that a build's bytes hold no time */
    int64_t published;
    uint64_t fingerprint; /* of the analyzer that its segments were made by */
    uint32_t n_segments;
    pm_manifest_segment *segments;
} pm_generation;

typedef struct pm_manifest { /* arrays and strings live in arena */
    pm_arena arena;
    char *lang, *main_field, *date_column, *key_column; /* "" where none */
    uint32_t n_fields;
    char **fields; /* text fields over all segments, in order */
    bool store;
    uint64_t fingerprint;    /* read: of the newest; in a snapshot: of its own */
    uint64_t next_file;      /* above the numbers of all files ever named */
    uint32_t retain;         /* generations kept at least, from 1 */
    uint32_t retain_seconds; /* and those published so lately */
    /* read: when the manifest's file was written, seconds since 1970; not in it */
    int64_t file_time;
    uint32_t n_files, n_generations;
    pm_manifest_file *files;    /* each named by a generation; by increasing names */
    pm_generation *generations; /* increasing numbers */
} pm_manifest;

/* Whether an index, sound or not, stands at a path: PM_IO with ENOENT where nothing
 * does, PM_FOREIGN where something else does. */
pm_status pm_manifest_probe(const char *dir, pm_error *err) PM_MUST_CHECK;
/* Reads dir/manifest, checksums included. After failure nothing is held. */
pm_status pm_manifest_read(pm_manifest *m, const char *dir,
                           pm_error *err) PM_MUST_CHECK;
void pm_manifest_release(pm_manifest *m);
/* All but files and generations, into the arena of `to`, which holds nothing yet. */
pm_status pm_manifest_copy_facts(pm_manifest *to, const pm_manifest *from,
                                 pm_error *err) PM_MUST_CHECK;
/* Writes dir/manifest: syncs the directory (the names of the files that the manifest
 * names), writes a file beside, syncs it, renames it, syncs the directory again. After a
 * failure *renamed tells whether the rename may have happened: if not, nothing has
 * changed. */
pm_status pm_manifest_write(const pm_manifest *m, const char *dir, bool *renamed,
                            pm_error *err) PM_MUST_CHECK;

#endif

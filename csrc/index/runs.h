/* The files that an intake has sealed, in the order of rows: runs, and final segments.
 * Neighbours of one group make up one final segment. Knows which of their documents
 * were taken out, and which document has a key. Rows are numbered over all files; a row
 * that was taken out keeps its number. */
#ifndef PM_INDEX_RUNS_H
#define PM_INDEX_RUNS_H

#include "format/segment.h"
#include "index/commit.h"
#include "index/filter.h"
#include "index/merge.h"

typedef struct pm_run {
    pm_entry entry;
    uint32_t group;
    uint64_t first_row;
    uint64_t *dead; /* bits over its documents; NULL: none */
    uint32_t n_dead;
    /* looked into: its file, mapped, and its keys */
    pm_blob blob;
    pm_dict keys;
    bool open;
} pm_run;

typedef struct pm_runs {
    const char *dir; /* borrowed */
    pm_run *at;
    size_t n, capacity;
    uint64_t n_rows;
    uint64_t n_names; /* given to runs */
    /* of the keys of the first n_filtered runs; at most max_filter_bytes */
    pm_filter filter;
    size_t n_filtered, max_filter_bytes;
    /* what flush lists */
    pm_entry *entries;
    const uint64_t **dead;
    size_t entries_capacity, dead_capacity;
} pm_runs;

void pm_runs_init(pm_runs *r, const char *dir, size_t max_filter_bytes);
/* Releases; with unlink the files go. */
void pm_runs_release(pm_runs *r, bool unlink);

/* The name of the next run's file. */
void pm_runs_name(pm_runs *r, char out[64]);
/* Adds a file, which is the list's from here on, also after failure. dead: bits over its
 * documents, pm_alloc'ed, the list's too; NULL: none. */
pm_status pm_runs_add(pm_runs *r, const pm_entry *entry, uint32_t group, uint64_t *dead,
                      uint32_t n_dead, pm_error *err) PM_MUST_CHECK;
/* The row that has the key and was not taken out. *row = PM_END: none. Cost: a look
 * into the filter for nearly all keys that are new. */
pm_status pm_runs_find(pm_runs *r, pm_bytes key, uint64_t *row, pm_cancel *cancel,
                       pm_error *err) PM_MUST_CHECK;
/* Takes out a row of [0, n_rows); nothing happens where it was taken out. */
pm_status pm_runs_remove(pm_runs *r, uint64_t row, pm_error *err) PM_MUST_CHECK;
/* Fills r->entries and r->dead. */
pm_status pm_runs_list(pm_runs *r, pm_error *err) PM_MUST_CHECK;

/* A run opened as a segment, by itself. */
pm_status pm_run_open(const pm_runs *r, const pm_run *run, pm_segment **out,
                      pm_error *err) PM_MUST_CHECK;
void pm_run_close(pm_segment *s); /* NULL: nothing */
/* Forgets what a run holds; the list is the caller's to mend. */
void pm_run_drop(const pm_runs *r, pm_run *run, bool unlink);

/* The runs of a group that is complete become one, if none of their documents was taken
 * out (else that waits for finish, since rows keep their numbers). how: all but name,
 * inputs, last. */
pm_status pm_runs_unite(pm_runs *r, uint32_t group, const pm_merge *how,
                        pm_error *err) PM_MUST_CHECK;
/* Every group becomes a final segment with a name of its own, numbers from *next_file
 * on, or goes where none of its documents is left. *entries: pm_alloc'ed. The list is
 * empty then and their files the caller's. */
pm_status pm_runs_finish(pm_runs *r, const pm_merge *how, uint64_t *next_file,
                         pm_entry **entries, uint32_t *n, pm_error *err) PM_MUST_CHECK;

#endif

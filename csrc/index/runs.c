/* A run's name is its own until it is final: only final segments take numbers of the
 * index, so that names do not tell how often memory ran short. */
#include "index/runs.h"

#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "format/segment.h"

enum { MAX_PATH_BYTES = 4096, KEY_NS = 100 };

void pm_runs_init(pm_runs *r, const char *dir, size_t max_filter_bytes) {
    *r = (pm_runs){.dir = dir, .max_filter_bytes = max_filter_bytes};
}

/* ---- files ---- */

static void unlink_file(const pm_runs *r, const char *name) {
    char path[MAX_PATH_BYTES];
    if (pm_path_join(path, sizeof path, r->dir, name, NULL) == PM_OK) {
        (void)pm_sys_get()->unlink(path);
    }
}

void pm_run_drop(const pm_runs *r, pm_run *run, bool unlink) {
    if (run->open) {
        pm_blob_close(&run->blob);
        run->open = false;
    }
    pm_free(run->dead);
    run->dead = NULL;
    if (unlink) {
        unlink_file(r, run->entry.file.name);
    }
}

void pm_runs_release(pm_runs *r, bool unlink) {
    for (size_t i = 0; i < r->n; i++) {
        pm_run_drop(r, &r->at[i], unlink);
    }
    pm_free(r->at);
    pm_free(r->entries);
    pm_free(r->dead);
    pm_filter_release(&r->filter);
    pm_runs_init(r, r->dir, r->max_filter_bytes);
}

void pm_runs_name(pm_runs *r, char out[64]) {
    pm_commit_name(out, ++r->n_names, PM_RUN_SUFFIX);
}

pm_status pm_runs_add(pm_runs *r, const pm_entry *entry, uint32_t group, uint64_t *dead,
                      uint32_t n_dead, pm_error *err) {
    if (!PM_GROW(r->at, r->n, r->capacity, 1)) {
        pm_free(dead);
        unlink_file(r, entry->file.name);
        return pm_fail_nomem(err, (r->n + 1) * sizeof *r->at);
    }
    r->at[r->n++] = (pm_run){.entry = *entry,
                             .group = group,
                             .first_row = r->n_rows,
                             .dead = dead,
                             .n_dead = n_dead};
    r->n_rows += entry->n_docs;
    return PM_OK;
}

/* ---- keys ---- */

pm_status pm_run_open(const pm_runs *r, const pm_run *run, pm_segment **out,
                      pm_error *err) {
    char path[MAX_PATH_BYTES];
    PM_TRY(pm_path_join(path, sizeof path, r->dir, run->entry.file.name, err));
    pm_segment *s = pm_alloc(sizeof *s);
    if (s == NULL) {
        return pm_fail_nomem(err, sizeof *s);
    }
    pm_status status = pm_segment_open(s, path, PM_MAP_AUTO, err);
    if (status != PM_OK) {
        pm_free(s);
        return status;
    }
    *out = s;
    return PM_OK;
}

void pm_run_close(pm_segment *s) {
    if (s != NULL) {
        pm_segment_close(s);
        pm_free(s);
    }
}

/* Of an open run only the mapping and the view of the keys are kept: there may be many
 * runs. */
static pm_status open_keys(const pm_runs *r, pm_run *run, pm_error *err) {
    pm_segment *s;
    if (run->open) {
        return PM_OK;
    }
    PM_TRY(pm_run_open(r, run, &s, err));
    run->keys = s->keys.dict;
    run->blob = s->file.blob;
    run->open = true;
    s->file.blob = (pm_blob){.n = 0};
    pm_run_close(s);
    if (run->keys.n != run->entry.n_docs) {
        return pm_fail_corrupt(err, run->entry.file.name, -1,
                               "the number of keys is not that of documents");
    }
    return PM_OK;
}

static pm_status filter_run(pm_runs *r, pm_run *run, pm_cancel *cancel, pm_error *err) {
    pm_strings_iter it;
    pm_status status = open_keys(r, run, err);
    if (status != PM_OK) {
        return status;
    }
    pm_strings_iter_init(&it, &run->keys.sorted, 0);
    while (status == PM_OK && pm_strings_iter_next(&it)) {
        pm_filter_add(&r->filter, pm_hash64(it.text.p, it.text.n));
        if (pm_cancel_tick(cancel, KEY_NS)) {
            status = pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
    }
    if (status == PM_OK && it.bad) {
        status = it.text.failed ? pm_fail_nomem(err, 0)
                                : pm_fail_corrupt(err, run->entry.file.name, -1,
                                                  "keys cannot be decoded");
    }
    pm_strings_iter_release(&it);
    return status;
}

/* Brings the filter up to date; one that became too small is made anew. */
static pm_status fill_filter(pm_runs *r, pm_cancel *cancel, pm_error *err) {
    if (r->n_filtered == r->n) {
        return PM_OK;
    }
    size_t bytes = pm_filter_bytes(r->n_rows);
    bytes = bytes < r->max_filter_bytes ? bytes : r->max_filter_bytes;
    if (bytes / 64 > r->filter.n_blocks) {
        /* room for the rows of a few more runs */
        size_t more =
            bytes <= r->max_filter_bytes / 4 ? 4 * bytes : r->max_filter_bytes;
        PM_TRY(pm_filter_renew(&r->filter, more, err));
        r->n_filtered = 0;
    }
    for (; r->n_filtered < r->n; r->n_filtered++) {
        PM_TRY(filter_run(r, &r->at[r->n_filtered], cancel, err));
    }
    return PM_OK;
}

static bool is_dead(const pm_run *run, uint32_t doc) {
    return run->dead != NULL && pm_bits_get(run->dead, doc);
}

static pm_status find_in(const pm_runs *r, pm_run *run, pm_bytes key, uint64_t *row,
                         pm_error *err) {
    uint32_t rank, doc;
    bool equal;
    PM_TRY(open_keys(r, run, err));
    if (!pm_dict_search(&run->keys, key, &rank, &equal)) {
        return pm_fail_corrupt(err, run->entry.file.name, -1, "keys cannot be decoded");
    }
    doc = equal ? pm_dict_item(&run->keys, rank) : PM_END;
    if (doc < run->entry.n_docs && !is_dead(run, doc)) {
        *row = run->first_row + doc;
    }
    return PM_OK;
}

pm_status pm_runs_find(pm_runs *r, pm_bytes key, uint64_t *row, pm_cancel *cancel,
                       pm_error *err) {
    *row = PM_END;
    PM_TRY(fill_filter(r, cancel, err));
    if (!pm_filter_may_have(&r->filter, pm_hash64(key.p, key.n))) {
        return PM_OK;
    }
    for (size_t i = r->n; i-- > 0 && *row == PM_END;) {
        PM_TRY(find_in(r, &r->at[i], key, row, err));
    }
    return PM_OK;
}

/* ---- rows taken out ---- */

/* Last run that begins at or before row. */
static pm_run *run_of(const pm_runs *r, uint64_t row) {
    size_t lo = 0, hi = r->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->at[mid].first_row <= row) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return &r->at[lo];
}

pm_status pm_runs_remove(pm_runs *r, uint64_t row, pm_error *err) {
    pm_run *run = run_of(r, row);
    uint32_t doc = (uint32_t)(row - run->first_row);
    if (run->dead == NULL) {
        run->dead = pm_calloc(pm_bits_words(run->entry.n_docs), sizeof *run->dead);
        if (run->dead == NULL) {
            return pm_fail_nomem(err, run->entry.n_docs / 8);
        }
    }
    run->n_dead += !pm_bits_get(run->dead, doc);
    pm_bits_set(run->dead, doc);
    return PM_OK;
}

pm_status pm_runs_list(pm_runs *r, pm_error *err) {
    if (!PM_GROW(r->entries, 0, r->entries_capacity, r->n) ||
        !PM_GROW(r->dead, 0, r->dead_capacity, r->n)) {
        return pm_fail_nomem(err, r->n * sizeof *r->entries);
    }
    for (size_t i = 0; i < r->n; i++) {
        r->entries[i] = r->at[i].entry;
        r->dead[i] = r->at[i].n_dead > 0 ? r->at[i].dead : NULL;
    }
    return PM_OK;
}

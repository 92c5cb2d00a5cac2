/* From the runs of a group to its final segment. A run that is alone, whole and as it
 * should be is only renamed; else the merge writes what one seal would have written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "index/runs.h"

enum { MAX_PATH_BYTES = 4096 };

/* Runs [lo, hi) of the list. */
typedef struct group {
    size_t lo, hi;
    uint64_t n_live;
    bool has_dead;
} group;

/* The group that begins at run lo. */
static group group_at(const pm_runs *r, size_t lo) {
    group g = {.lo = lo, .hi = lo};
    for (; g.hi < r->n && r->at[g.hi].group == r->at[lo].group; g.hi++) {
        g.n_live += r->at[g.hi].entry.n_docs - r->at[g.hi].n_dead;
        g.has_dead = g.has_dead || r->at[g.hi].n_dead > 0;
    }
    return g;
}

/* ---- merging ---- */

typedef struct inputs {
    pm_merge_input *at;
    pm_segment **segments;
    uint64_t **live; /* of those with documents taken out */
    size_t n;
} inputs;

static void inputs_release(inputs *in) {
    for (size_t i = 0; i < in->n; i++) {
        pm_run_close(in->segments[i]);
        pm_free(in->live[i]);
    }
    pm_free(in->at);
    pm_free(in->segments);
    pm_free(in->live);
}

static pm_status make_live(const pm_run *run, uint64_t **out, pm_error *err) {
    uint32_t n_docs = run->entry.n_docs;
    *out = pm_calloc(pm_bits_words(n_docs), sizeof **out);
    if (*out == NULL) {
        return pm_fail_nomem(err, n_docs / 8);
    }
    for (uint32_t d = 0; d < n_docs; d++) {
        if (!pm_bits_get(run->dead, d)) {
            pm_bits_set(*out, d);
        }
    }
    return PM_OK;
}

/* Runs without a live document are left out. */
static pm_status open_inputs(const pm_runs *r, const group *g, inputs *in,
                             pm_error *err) {
    size_t n = g->hi - g->lo;
    *in = (inputs){.at = pm_calloc(n, sizeof *in->at),
                   .segments = pm_calloc(n, sizeof *in->segments),
                   .live = pm_calloc(n, sizeof *in->live)};
    if (in->at == NULL || in->segments == NULL || in->live == NULL) {
        return pm_fail_nomem(err, n * sizeof *in->at);
    }
    for (size_t i = g->lo; i < g->hi; i++) {
        const pm_run *run = &r->at[i];
        if (run->n_dead == run->entry.n_docs) {
            continue;
        }
        size_t k = in->n++;
        PM_TRY(pm_run_open(r, run, &in->segments[k], err));
        if (run->n_dead > 0) {
            PM_TRY(make_live(run, &in->live[k], err));
        }
        in->at[k] = (pm_merge_input){in->segments[k], in->live[k]};
    }
    return PM_OK;
}

/* Merges a group's live documents into a file of how->name. */
static pm_status merge_group(const pm_runs *r, const group *g, const pm_merge *how,
                             pm_entry *out, pm_error *err) {
    inputs in;
    pm_merge m = *how;
    *out = (pm_entry){.n_docs = 0};
    pm_status status = open_inputs(r, g, &in, err);
    if (status == PM_OK) {
        m.inputs = in.at;
        m.n_inputs = in.n;
        status = pm_merge_write(&m, &out->file, &out->n_docs, &out->n_tokens, err);
    }
    inputs_release(&in);
    return status;
}

/* One run takes the place of a group's. */
static void replace_group(pm_runs *r, const group *g, const pm_entry *entry) {
    pm_run united = {.entry = *entry,
                     .group = r->at[g->lo].group,
                     .first_row = r->at[g->lo].first_row};
    for (size_t i = g->lo; i < g->hi; i++) {
        pm_run_drop(r, &r->at[i], true);
    }
    r->at[g->lo] = united;
    memmove(r->at + g->lo + 1, r->at + g->hi, (r->n - g->hi) * sizeof *r->at);
    size_t fewer = g->hi - g->lo - 1;
    r->n -= fewer;
    /* keys of the new file are those of the old ones */
    r->n_filtered = r->n_filtered >= g->hi  ? r->n_filtered - fewer
                    : r->n_filtered > g->lo ? g->lo
                                            : r->n_filtered;
}

pm_status pm_runs_unite(pm_runs *r, uint32_t number, const pm_merge *how,
                        pm_error *err) {
    size_t lo = r->n;
    while (lo > 0 && r->at[lo - 1].group == number) {
        lo--;
    }
    if (lo == r->n) {
        return PM_OK;
    }
    group g = group_at(r, lo);
    if (g.hi - g.lo == 1 || g.has_dead) {
        return PM_OK;
    }
    char name[64];
    pm_merge m = *how;
    pm_entry entry;
    pm_runs_name(r, name);
    m.name = name;
    m.last = false;
    PM_TRY(merge_group(r, &g, &m, &entry, err));
    replace_group(r, &g, &entry);
    return PM_OK;
}

/* ---- finishing ---- */

static bool same_name(pm_bytes a, const char *b) {
    return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0;
}

/* Whether a run has the columns that the last segment must have. */
static pm_status has_columns(const pm_runs *r, const pm_run *run, const pm_merge *how,
                             bool *out, pm_error *err) {
    pm_segment *s;
    PM_TRY(pm_run_open(r, run, &s, err));
    *out = s->columns.n == how->n_columns;
    for (size_t i = 0; *out && i < how->n_columns; i++) {
        const pm_column *c = &s->columns.at[i];
        *out =
            same_name(c->name, how->columns[i].name) && c->kind == how->columns[i].kind;
    }
    pm_run_close(s);
    return PM_OK;
}

static pm_status rename_run(const pm_runs *r, pm_run *run, const char *name,
                            pm_error *err) {
    char from[MAX_PATH_BYTES], to[MAX_PATH_BYTES];
    PM_TRY(pm_path_join(from, sizeof from, r->dir, run->entry.file.name, err));
    PM_TRY(pm_path_join(to, sizeof to, r->dir, name, err));
    PM_TRY(pm_path_rename(from, to, err));
    strcpy(run->entry.file.name, name);
    return PM_OK;
}

/* A group that has live documents becomes the run at its first place, of that name. */
static pm_status finish_group(pm_runs *r, const group *g, const pm_merge *how,
                              pm_error *err) {
    bool as_is = g->hi - g->lo == 1 && !g->has_dead;
    if (as_is && how->last) {
        PM_TRY(has_columns(r, &r->at[g->lo], how, &as_is, err));
    }
    if (as_is) {
        return rename_run(r, &r->at[g->lo], how->name, err);
    }
    pm_entry entry;
    PM_TRY(merge_group(r, g, how, &entry, err));
    replace_group(r, g, &entry);
    return PM_OK;
}

static void drop_group(pm_runs *r, const group *g) {
    for (size_t i = g->lo; i < g->hi; i++) {
        pm_run_drop(r, &r->at[i], true);
    }
    memmove(r->at + g->lo, r->at + g->hi, (r->n - g->hi) * sizeof *r->at);
    r->n -= g->hi - g->lo;
}

static void drop_empty_groups(pm_runs *r) {
    for (size_t at = 0; at < r->n;) {
        group g = group_at(r, at);
        if (g.n_live == 0) {
            drop_group(r, &g);
        } else {
            at = g.hi;
        }
    }
}

/* The list's files are the caller's now. */
static void give_away(pm_runs *r, pm_entry *entries) {
    for (size_t i = 0; i < r->n; i++) {
        entries[i] = r->at[i].entry;
        pm_run_drop(r, &r->at[i], false);
    }
    r->n = 0;
    r->n_rows = 0;
    r->n_filtered = 0;
    pm_filter_release(&r->filter);
}

pm_status pm_runs_finish(pm_runs *r, const pm_merge *how, uint64_t *next_file,
                         pm_entry **entries, uint32_t *n, pm_error *err) {
    drop_empty_groups(r);
    for (size_t at = 0; at < r->n; at++) { /* a group becomes one run */
        group g = group_at(r, at);
        char name[64];
        pm_merge m = *how;
        snprintf(name, sizeof name, "%010" PRIu64 ".seg", *next_file);
        ++*next_file; /* even after failure: a number is never used twice */
        m.name = name;
        m.last = g.hi == r->n;
        PM_TRY(finish_group(r, &g, &m, err));
    }
    *entries = pm_alloc_array(r->n, sizeof **entries);
    if (*entries == NULL) {
        return pm_fail_nomem(err, r->n * sizeof **entries);
    }
    *n = (uint32_t)r->n;
    give_away(r, *entries);
    return PM_OK;
}

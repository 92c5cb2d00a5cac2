/* A snapshot is opened without a lock, while writers publish, sweep, or exchange the
 * whole index. A manifest stands for its files as long as the directory is the same one
 * before and after they are opened; what went wrong in between counts only if manifest
 * and directory are still those that were read. */
#include "index/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"
#include "index/part.h"
#include "index/reading.h"

enum { MAX_TRIES = 100 };

static bool equals(pm_bytes s, const char *text) {
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* ---- parts ---- */

static pm_status add_part(pm_snapshot *s, const pm_entry *e, const uint64_t *dead,
                          pm_map_mode mode, pm_error *err) {
    pm_part *part = &s->parts[s->n_parts];
    if (e->n_docs >= PM_END - s->n_docs) {
        return pm_fail(err, PM_LIMIT, "an index holds at most 2^32 - 2 documents");
    }
    PM_TRY(pm_part_open(part, s->path, &s->manifest, e, dead, mode, err));
    s->n_parts++; /* closed with the snapshot from here on */
    part->doc_base = s->n_docs;
    part->token_base = s->n_tokens;
    s->n_docs += e->n_docs;
    s->n_tokens += e->n_tokens;
    s->live_docs += part->live_docs;
    s->live_tokens += part->live_tokens;
    return PM_OK;
}

/* dead: NULL, or for each entry bits or NULL. */
static pm_status add_parts(pm_snapshot *s, const pm_entry *entries,
                           const uint64_t *const *dead, uint32_t n, pm_map_mode mode,
                           pm_error *err) {
    s->parts = pm_calloc(n, sizeof *s->parts);
    if (s->parts == NULL) {
        return pm_fail_nomem(err, n * sizeof *s->parts);
    }
    for (uint32_t i = 0; i < n; i++) {
        PM_TRY(add_part(s, &entries[i], dead != NULL ? dead[i] : NULL, mode, err));
    }
    return PM_OK;
}

static pm_status open_analyzer(pm_snapshot *s, pm_error *err) {
    PM_TRY(pm_reading_analyzer(&s->manifest, &s->analyzer, err));
    s->analyzer_differs =
        pm_analyzer_fingerprint(s->analyzer) != s->manifest.fingerprint;
    return PM_OK;
}

/* Gives back all but the path. */
static void clear(pm_snapshot *s) {
    for (uint32_t i = 0; i < s->n_parts; i++) {
        pm_part_close(&s->parts[i]);
    }
    pm_free(s->parts);
    if (s->analyzer != NULL) {
        pm_analyzer_free(s->analyzer);
    }
    pm_manifest_release(&s->manifest);
    s->parts = NULL;
    s->analyzer = NULL;
    s->n_parts = s->n_docs = s->live_docs = 0;
    s->n_tokens = s->live_tokens = 0;
}

/* ---- a generation ---- */

static pm_status find_generation(const pm_manifest *m, uint64_t number,
                                 const pm_generation **out, pm_error *err) {
    const pm_generation *newest = &m->generations[m->n_generations - 1];
    *out = newest;
    for (uint32_t i = 0; number != 0 && i < m->n_generations; i++) {
        *out = &m->generations[i];
        if ((*out)->number == number) {
            return PM_OK;
        }
    }
    if (number == 0) {
        return PM_OK;
    }
    pm_fail(err, PM_GONE,
            number > newest->number
                ? "there is no generation %" PRIu64 "; the newest is %" PRIu64
                : "generation %" PRIu64 " is no longer kept; the newest is %" PRIu64,
            number, newest->number);
    if (err != NULL) {
        err->offset = (int64_t)newest->number;
    }
    return PM_GONE;
}

static pm_status open_generation(pm_snapshot *s, uint64_t number, pm_map_mode mode,
                                 pm_error *err) {
    const pm_generation *g;
    pm_entry *entries;
    uint32_t n;
    PM_TRY(find_generation(&s->manifest, number, &g, err));
    s->generation = g->number;
    s->manifest.fingerprint = g->fingerprint;
    PM_TRY(pm_entries_of(&s->manifest, g, &entries, &n, err));
    pm_status status = add_parts(s, entries, NULL, n, mode, err);
    pm_free(entries);
    return status;
}

/* ---- while others write ---- */

/* changed: another state stands at the path by now; nothing that was found counts. */
static pm_status open_once(pm_snapshot *s, uint64_t generation, pm_map_mode mode,
                           bool *changed, pm_error *err) {
    pm_stat before, after;
    *changed = false;
    PM_TRY(pm_path_stat(s->path, &before, err));
    PM_TRY(pm_manifest_read(&s->manifest, s->path, err));
    pm_status status = open_generation(s, generation, mode, err);
    if (status != PM_OK) {
        *changed =
            pm_reading_was_overtaken(status, err, s->path, &before, &s->manifest);
        return pm_reading_name_missing(status, err);
    }
    PM_TRY(pm_path_stat(s->path, &after, err));
    *changed = !pm_reading_same_place(&before, &after);
    return *changed
               ? pm_fail(err, PM_GONE, "%s was replaced while it was opened", s->path)
               : open_analyzer(s, err);
}

static pm_status open_snapshot(pm_snapshot *s, uint64_t generation, pm_map_mode mode,
                               pm_error *err) {
    pm_status status = PM_OK;
    bool changed = true;
    PM_TRY(pm_manifest_probe(s->path, err));
    for (int i = 0; changed && i < MAX_TRIES; i++) {
        clear(s);
        status = open_once(s, generation, mode, &changed, err);
    }
    return status;
}

/* ---- the whole ---- */

static void free_snapshot(pm_snapshot *s) {
    clear(s);
    pm_free(s->path);
    pm_free(s);
}

static pm_status new_snapshot(const char *path, pm_snapshot **out, pm_error *err) {
    size_t n = strlen(path) + 1;
    pm_snapshot *s = pm_calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return pm_fail_nomem(err, sizeof *s);
    }
    s->path = pm_alloc(n);
    if (s->path == NULL) {
        pm_free(s);
        return pm_fail_nomem(err, n);
    }
    memcpy(s->path, path, n);
    pm_arena_init(&s->manifest.arena);
    atomic_init(&s->refs, 1);
    *out = s;
    return PM_OK;
}

/* The snapshot, or nothing and the reason why. */
static pm_status hand_over(pm_snapshot *s, pm_status status, const pm_error *why,
                           pm_snapshot **out, pm_error *err) {
    if (status == PM_OK) {
        *out = s;
        return PM_OK;
    }
    free_snapshot(s);
    *out = NULL;
    if (err != NULL) {
        *err = *why;
    }
    return status;
}

pm_status pm_snapshot_open(const char *path, uint64_t generation, pm_map_mode mode,
                           pm_snapshot **out, pm_error *err) {
    pm_snapshot *s;
    pm_error why;
    PM_TRY(new_snapshot(path, out, err));
    s = *out;
    return hand_over(s, open_snapshot(s, generation, mode, &why), &why, out, err);
}

static pm_status open_entries(pm_snapshot *s, const pm_manifest *base,
                              const pm_entry *entries, const uint64_t *const *dead,
                              uint32_t n, pm_map_mode mode, pm_error *err) {
    PM_TRY(pm_manifest_copy_facts(&s->manifest, base, err));
    s->generation = base->generations[base->n_generations - 1].number;
    PM_TRY(pm_reading_name_missing(add_parts(s, entries, dead, n, mode, err), err));
    return open_analyzer(s, err);
}

pm_status pm_snapshot_of_entries(const char *path, const pm_manifest *base,
                                 const pm_entry *entries, const uint64_t *const *dead,
                                 uint32_t n, pm_map_mode mode, pm_snapshot **out,
                                 pm_error *err) {
    pm_snapshot *s;
    pm_error why;
    PM_TRY(new_snapshot(path, out, err));
    s = *out;
    return hand_over(s, open_entries(s, base, entries, dead, n, mode, &why), &why, out,
                     err);
}

pm_snapshot *pm_snapshot_ref(pm_snapshot *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void pm_snapshot_unref(pm_snapshot *s) {
    if (s != NULL &&
        atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        free_snapshot(s);
    }
}

/* ---- lookups ---- */

const pm_part *pm_snapshot_part(const pm_snapshot *s, pm_doc doc, pm_doc *local) {
    if (doc >= s->n_docs) {
        return NULL;
    }
    uint32_t lo = 0, hi = s->n_parts;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->parts[mid].doc_base <= doc) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    *local = doc - s->parts[lo].doc_base;
    return &s->parts[lo];
}

pm_status pm_snapshot_find_key(const pm_snapshot *s, pm_bytes key, pm_doc *out,
                               pm_error *err) {
    *out = PM_END;
    for (uint32_t i = 0; i < s->n_parts && *out == PM_END; i++) {
        pm_doc local;
        PM_TRY(pm_keys_find(&s->parts[i].segment.keys, key, &local, err));
        if (local != PM_END && pm_part_lives(&s->parts[i], local)) {
            *out = s->parts[i].doc_base + local;
        }
    }
    return PM_OK;
}

int pm_snapshot_field(const pm_snapshot *s, pm_bytes name) {
    for (uint32_t i = 0; i < s->manifest.n_fields; i++) {
        if (equals(name, s->manifest.fields[i])) {
            return (int)i;
        }
    }
    return -1;
}

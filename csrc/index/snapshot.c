/* A snapshot is opened without a lock. Where another process exchanges the whole index
 * in between, manifest and segments may be of two different builds: the manifest is
 * read once more at the end, and everything again if it names other files. */
#include "index/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"

enum { MAX_PATH_BYTES = 4096, MAX_TRIES = 20, NO_FIELD = 255 };

static bool equals(pm_bytes s, const char *text) {
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* ---- segments ---- */

static pm_status map_fields(const pm_manifest *m, pm_part *part, const char *file,
                            pm_error *err) {
    const pm_segment_info *info = &part->segment.info;
    memset(part->field_from_index, NO_FIELD, sizeof part->field_from_index);
    for (uint32_t f = 0; f < info->n_fields; f++) {
        uint32_t i = 0;
        while (i < m->n_fields && !equals(info->fields[f], m->fields[i])) {
            i++;
        }
        if (i == m->n_fields || part->field_from_index[i] != NO_FIELD) {
            return pm_fail_corrupt(err, file, PM_NO_OFFSET,
                                   "field %" PRIu32 " is none of the manifest's", f);
        }
        part->field_to_index[f] = (uint8_t)i;
        part->field_from_index[i] = (uint8_t)f;
    }
    return PM_OK;
}

/* A segment against what the manifest says of it. */
static pm_status check_segment(const pm_manifest *m, const pm_manifest_segment *s,
                               const pm_segment *segment, pm_error *err) {
    const pm_manifest_file *f = &m->files[s->file];
    const pm_segment_info *info = &segment->info;
    if (segment->file.blob.n != f->size) {
        return pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                               "the file has %zu bytes, the manifest says %" PRIu64,
                               segment->file.blob.n, f->size);
    }
    if (info->n_docs != s->n_docs || info->n_tokens != s->n_tokens) {
        return pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                               "%" PRIu32 " documents and %" PRIu32
                               " tokens, the manifest says %" PRIu32 " and %" PRIu64,
                               info->n_docs, info->n_tokens, s->n_docs, s->n_tokens);
    }
    if (!equals(info->lang, m->lang) || info->fingerprint != m->fingerprint) {
        return pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                               "made by another analyzer than the manifest says");
    }
    if (segment->store.present != m->store) {
        return pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                               "texts are %sstored, the manifest says otherwise",
                               segment->store.present ? "" : "not ");
    }
    return PM_OK;
}

static pm_status open_part(pm_snapshot *s, const pm_manifest_segment *named,
                           pm_map_mode mode, pm_error *err) {
    pm_part *part = &s->parts[s->n_parts];
    const char *name = s->manifest.files[named->file].name;
    char path[MAX_PATH_BYTES];
    PM_TRY(pm_path_join(path, sizeof path, s->path, name, err));
    pm_status opened = pm_segment_open(&part->segment, path, mode, err);
    if (opened == PM_IO && err != NULL && err->os_errno == ENOENT) {
        return pm_fail_corrupt(err, name, PM_NO_OFFSET,
                               "the manifest names %s, which is not there", name);
    }
    PM_TRY(opened);
    s->n_parts++; /* closed with the snapshot from here on */
    PM_TRY(check_segment(&s->manifest, named, &part->segment, err));
    PM_TRY(map_fields(&s->manifest, part, name, err));
    part->doc_base = s->n_docs;
    part->token_base = s->n_tokens;
    part->live_docs = named->n_docs;
    part->live_tokens = named->n_tokens;
    s->live_docs += part->live_docs;
    s->live_tokens += part->live_tokens;
    s->n_docs += named->n_docs;
    s->n_tokens += named->n_tokens;
    return PM_OK;
}

static const pm_generation *find_generation(const pm_manifest *m, uint64_t number) {
    for (uint32_t i = m->n_generations; i > 0; i--) {
        if (number == 0 || m->generations[i - 1].number == number) {
            return &m->generations[i - 1];
        }
    }
    return NULL;
}

static pm_status open_parts(pm_snapshot *s, uint64_t number, pm_map_mode mode,
                            pm_error *err) {
    const pm_generation *g = find_generation(&s->manifest, number);
    if (g == NULL) {
        const pm_generation *newest = find_generation(&s->manifest, 0);
        pm_fail(err, PM_GONE,
                "generation %" PRIu64 " is no longer kept; the newest is %" PRIu64,
                number, newest->number);
        if (err != NULL) {
            err->offset = (int64_t)newest->number;
        }
        return PM_GONE;
    }
    s->generation = g->number;
    s->manifest.fingerprint = g->fingerprint;
    s->parts = pm_calloc(g->n_segments, sizeof *s->parts);
    if (s->parts == NULL) {
        return pm_fail_nomem(err, g->n_segments * sizeof *s->parts);
    }
    for (uint32_t i = 0; i < g->n_segments; i++) {
        PM_TRY(open_part(s, &g->segments[i], mode, err));
    }
    return PM_OK;
}

/* ---- the index ---- */

static pm_status open_analyzer(pm_snapshot *s, pm_error *err) {
    pm_error why;
    pm_status status = pm_analyzer_new(s->manifest.lang, &s->analyzer, &why);
    if (status == PM_INVALID) {
        return pm_fail(
            err, PM_TOO_NEW,
            "the index is in the language \"%.64s\", which this build does not know",
            s->manifest.lang);
    }
    if (status != PM_OK) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    s->analyzer_differs =
        pm_analyzer_fingerprint(s->analyzer) != s->manifest.fingerprint;
    return PM_OK;
}

/* Gives back what open_once took. */
static void close_parts(pm_snapshot *s) {
    for (uint32_t i = 0; i < s->n_parts; i++) {
        pm_segment_close(&s->parts[i].segment);
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

static bool same_files(const pm_manifest *a, const pm_manifest *b) {
    bool same = a->n_files == b->n_files;
    for (uint32_t i = 0; same && i < a->n_files; i++) {
        same = a->files[i].size == b->files[i].size &&
               a->files[i].hash.lo == b->files[i].hash.lo &&
               a->files[i].hash.hi == b->files[i].hash.hi;
    }
    return same;
}

/* Whether the manifest at the path names other files by now than when it was read. */
static pm_status look_again(const pm_snapshot *s, bool *exchanged, pm_error *err) {
    pm_manifest now;
    PM_TRY(pm_manifest_read(&now, s->path, err));
    *exchanged = !same_files(&now, &s->manifest);
    pm_manifest_release(&now);
    return PM_OK;
}

/* exchanged: manifest and segments may be of different builds; nothing that was found
 * counts then. */
static pm_status open_once(pm_snapshot *s, uint64_t generation, pm_map_mode mode,
                           bool *exchanged, pm_error *err) {
    pm_error why;
    *exchanged = false;
    PM_TRY(pm_manifest_read(&s->manifest, s->path, err));
    pm_status status = open_parts(s, generation, mode, err);
    pm_status looked = look_again(s, exchanged, status == PM_OK ? err : &why);
    if (*exchanged || status != PM_OK) {
        return status;
    }
    return looked != PM_OK ? looked : open_analyzer(s, err);
}

static pm_status keep_path(pm_snapshot *s, const char *path, pm_error *err) {
    size_t n = strlen(path) + 1;
    s->path = pm_alloc(n);
    if (s->path == NULL) {
        return pm_fail_nomem(err, n);
    }
    memcpy(s->path, path, n);
    return PM_OK;
}

static pm_status open_snapshot(pm_snapshot *s, const char *path, uint64_t generation,
                               pm_map_mode mode, pm_error *err) {
    PM_TRY(keep_path(s, path, err));
    PM_TRY(pm_manifest_probe(path, err));
    for (int i = 0; i < MAX_TRIES; i++) {
        bool exchanged;
        close_parts(s);
        pm_status status = open_once(s, generation, mode, &exchanged, err);
        if (!exchanged) {
            return status;
        }
    }
    return pm_fail(err, PM_GONE, "%s was replaced %d times while it was opened", path,
                   MAX_TRIES);
}

static void free_snapshot(pm_snapshot *s) {
    close_parts(s);
    pm_free(s->path);
    pm_free(s);
}

pm_status pm_snapshot_open(const char *path, uint64_t generation, pm_map_mode mode,
                           pm_snapshot **out, pm_error *err) {
    pm_snapshot *s = pm_calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return pm_fail_nomem(err, sizeof *s);
    }
    atomic_init(&s->refs, 1);
    pm_status status = open_snapshot(s, path, generation, mode, err);
    if (status != PM_OK) {
        free_snapshot(s);
        return status;
    }
    *out = s;
    return PM_OK;
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

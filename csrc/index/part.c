/* Opening costs the sections of both files and, where documents are deleted, one pass
 * over the bits: counts of deleted documents are believed only if the bits agree. */
#include "index/part.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"

enum { MAX_PATH_BYTES = 4096, NO_FIELD = 255 };

static bool equals(pm_bytes s, const char *text) {
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* ---- against the manifest ---- */

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

static pm_status check_size(const pm_manifest_file *f, const pm_container *c,
                            pm_error *err) {
    return c->blob.n == f->size
               ? PM_OK
               : pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                                 "the file has %zu bytes, the manifest says %" PRIu64,
                                 c->blob.n, f->size);
}

static pm_status check_segment(const pm_manifest *m, const pm_entry *e,
                               const pm_segment *segment, pm_error *err) {
    const char *file = e->file.name;
    const pm_segment_info *info = &segment->info;
    PM_TRY(check_size(&e->file, &segment->file, err));
    if (info->n_docs != e->n_docs || info->n_tokens != e->n_tokens) {
        return pm_fail_corrupt(err, file, PM_NO_OFFSET,
                               "%" PRIu32 " documents and %" PRIu32
                               " tokens, the manifest says %" PRIu32 " and %" PRIu64,
                               info->n_docs, info->n_tokens, e->n_docs, e->n_tokens);
    }
    if (!equals(info->lang, m->lang) || info->fingerprint != m->fingerprint) {
        return pm_fail_corrupt(err, file, PM_NO_OFFSET,
                               "made by another analyzer than the manifest says");
    }
    if (segment->store.present != m->store) {
        return pm_fail_corrupt(err, file, PM_NO_OFFSET,
                               "texts are %sstored, the manifest says otherwise",
                               segment->store.present ? "" : "not ");
    }
    return PM_OK;
}

static pm_status check_removals(const pm_entry *e, const pm_removals *r,
                                pm_error *err) {
    PM_TRY(check_size(&e->removals, &r->file, err));
    if (r->n_docs != e->n_docs || r->n_dead != e->n_dead ||
        r->dead_tokens != e->dead_tokens) {
        return pm_fail_corrupt(err, e->removals.name, PM_NO_OFFSET,
                               "%" PRIu32 " of %" PRIu32 " documents with %" PRIu64
                               " tokens are deleted, the manifest says %" PRIu32
                               " of %" PRIu32 " with %" PRIu64,
                               r->n_dead, r->n_docs, r->dead_tokens, e->n_dead,
                               e->n_docs, e->dead_tokens);
    }
    return PM_OK;
}

/* ---- live documents ---- */

/* Bit i: the document is deleted, by the sidecar or by the session. */
static uint64_t dead_word(const pm_part *part, const uint64_t *dead, size_t i) {
    uint64_t word = dead != NULL ? dead[i] : 0;
    return part->has_removals ? word | pm_load64(part->removals.dead.words + 8 * i)
                              : word;
}

static void mark_live(pm_part *part, const uint64_t *dead) {
    uint32_t n_docs = part->segment.info.n_docs;
    size_t n = pm_bits_words(n_docs);
    part->live_docs = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t tail = i + 1 == n && n_docs % 64 != 0
                            ? (UINT64_C(1) << n_docs % 64) - 1
                            : UINT64_MAX;
        part->live[i] = ~dead_word(part, dead, i) & tail;
        part->live_docs += (uint32_t)__builtin_popcountll(part->live[i]);
    }
}

/* Tokens of the documents that a session has deleted stand in no sidecar. */
static uint64_t count_dead_tokens(const pm_part *part) {
    const pm_segment *s = &part->segment;
    uint64_t n = 0;
    for (pm_doc d = 0; d < s->info.n_docs; d++) {
        n += pm_bits_get(part->live, d) ? 0 : pm_bounds_doc_length(&s->bounds, d);
    }
    return n;
}

static pm_status find_live(pm_part *part, const pm_entry *e, const uint64_t *dead,
                           pm_error *err) {
    size_t n = pm_bits_words(e->n_docs);
    part->live_docs = e->n_docs;
    part->live_tokens = e->n_tokens - e->dead_tokens;
    if (!part->has_removals && dead == NULL) {
        return PM_OK;
    }
    part->live = pm_alloc_array(n, sizeof *part->live);
    if (part->live == NULL) {
        return pm_fail_nomem(err, n * sizeof *part->live);
    }
    mark_live(part, dead);
    if (dead != NULL) {
        uint64_t gone = count_dead_tokens(part);
        part->live_tokens = gone < e->n_tokens ? e->n_tokens - gone : 0;
        return PM_OK;
    }
    return part->live_docs == e->n_docs - e->n_dead
               ? PM_OK
               : pm_fail_corrupt(err, e->removals.name, PM_NO_OFFSET,
                                 "%" PRIu32 " documents are marked as deleted, the "
                                 "manifest says %" PRIu32,
                                 e->n_docs - part->live_docs, e->n_dead);
}

/* ---- opening ---- */

static pm_status open_removals(pm_part *part, const char *dir, const pm_entry *e,
                               pm_map_mode mode, pm_error *err) {
    char path[MAX_PATH_BYTES];
    if (e->removals.name[0] == 0) {
        return PM_OK;
    }
    PM_TRY(pm_path_join(path, sizeof path, dir, e->removals.name, err));
    PM_TRY(pm_removals_open(&part->removals, path, mode, err));
    part->has_removals = true;
    return check_removals(e, &part->removals, err);
}

static pm_status fill(pm_part *part, const char *dir, const pm_manifest *m,
                      const pm_entry *e, const uint64_t *dead, pm_map_mode mode,
                      pm_error *err) {
    PM_TRY(check_segment(m, e, &part->segment, err));
    PM_TRY(map_fields(m, part, e->file.name, err));
    PM_TRY(open_removals(part, dir, e, mode, err));
    return find_live(part, e, dead, err);
}

pm_status pm_part_open(pm_part *part, const char *dir, const pm_manifest *m,
                       const pm_entry *e, const uint64_t *dead, pm_map_mode mode,
                       pm_error *err) {
    char path[MAX_PATH_BYTES];
    memset(part, 0, sizeof *part);
    PM_TRY(pm_path_join(path, sizeof path, dir, e->file.name, err));
    PM_TRY(pm_segment_open(&part->segment, path, mode, err));
    pm_status status = fill(part, dir, m, e, dead, mode, err);
    if (status != PM_OK) {
        pm_part_close(part);
    }
    return status;
}

void pm_part_close(pm_part *part) {
    if (part->has_removals) {
        pm_removals_close(&part->removals);
    }
    pm_segment_close(&part->segment);
    pm_free(part->live);
    memset(part, 0, sizeof *part);
}

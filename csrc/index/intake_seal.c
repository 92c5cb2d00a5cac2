/* From an intake's draft to runs and final segments, and when memory asks for it. */
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "index/intake_inner.h"
#include "index/seal.h"

enum {
    FIXED_MEMORY = 5 << 20, /* whatever the rows: buffers of files, free lists */
    TRIM_SHARE = 8, /* of memory: growth after which what is free is given back */
    MAX_PATH_BYTES = 4096
};

/* ---- memory ---- */

/* What stands while the draft is sealed. */
static uint64_t held_memory(const pm_intake *in) {
    uint64_t bytes = pm_draft_memory(&in->draft) + pm_rowkeys_memory(&in->keys) +
                     pm_metadata_memory(&in->metadata) +
                     in->runs.filter.n_blocks * UINT64_C(64) +
                     in->runs.capacity * sizeof *in->runs.at + FIXED_MEMORY;
    for (size_t i = 0; i < in->max_chunks; i++) {
        bytes += pm_chunk_memory(&in->chunks[i]);
    }
    for (unsigned i = 0; i < in->o.threads; i++) {
        bytes += pm_digester_memory(&in->digesters[i]);
    }
    return bytes;
}

static uint64_t greater(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* The slots of dictionaries are given back before anything else is taken. */
uint64_t pm_intake_peak(const pm_intake *in) {
    uint64_t slots = 0;
    for (unsigned i = 0; i < in->o.threads; i++) {
        slots += pm_surfaces_slot_memory(in->dictionaries[i]);
    }
    uint64_t sealing = pm_seal_memory(&in->draft, in->dictionaries, in->o.threads,
                                      in->keys.bytes.n, in->o.threads);
    return held_memory(in) +
           greater(slots, greater(sealing, pm_metadata_seal_memory(&in->metadata)));
}

/* ---- sealing ---- */

pm_status pm_intake_begin_run(pm_intake *in, pm_error *err) {
    char path[MAX_PATH_BYTES];
    pm_runs_name(&in->runs, in->run_name);
    PM_TRY(pm_path_join(path, sizeof path, in->o.dir, in->run_name, err));
    PM_TRY(pm_seal_begin(&in->writer, path, in->o.store, err));
    in->writing = true;
    return PM_OK;
}

/* Keys of the draft's documents, and bits of those that were taken out. A key may have
 * been used again, so the latter get keys that no row can have. */
typedef struct draft_keys {
    pm_arena arena;
    pm_bytes *keys;
    uint64_t *dead; /* pm_alloc'ed; NULL: none */
    uint32_t n_dead;
} draft_keys;

static pm_status kill_key(draft_keys *k, uint32_t doc, pm_error *err) {
    uint8_t key[1 + sizeof doc] = {0xff}; /* never in UTF-8 */
    memcpy(key + 1, &doc, sizeof doc);
    k->keys[doc].p = (const uint8_t *)pm_arena_copy(&k->arena, key, sizeof key);
    k->keys[doc].n = sizeof key;
    if (k->keys[doc].p == NULL) {
        return pm_fail_nomem(err, sizeof key);
    }
    pm_bits_set(k->dead, doc);
    k->n_dead++;
    return PM_OK;
}

static pm_status take_keys(const pm_intake *in, draft_keys *k, pm_error *err) {
    uint32_t n = in->draft.n_docs;
    *k = (draft_keys){.n_dead = 0};
    pm_arena_init(&k->arena);
    k->keys = pm_arena_array(&k->arena, n, sizeof *k->keys);
    k->dead = in->keys.n_gone > 0 ? pm_calloc(pm_bits_words(n), sizeof *k->dead) : NULL;
    if (k->keys == NULL || (in->keys.n_gone > 0 && k->dead == NULL)) {
        return pm_fail_nomem(err, n * sizeof *k->keys);
    }
    for (uint32_t doc = 0; doc < n; doc++) {
        k->keys[doc] = pm_rowkeys_get(&in->keys, doc);
        if (pm_rowkeys_gone(&in->keys, doc)) {
            PM_TRY(kill_key(k, doc, err));
        }
    }
    return PM_OK;
}

static pm_status write_run(pm_intake *in, const draft_keys *k,
                           const pm_metadata_view *metadata, pm_cancel *cancel,
                           pm_entry *entry, pm_error *err) {
    pm_draft *d = &in->draft;
    *entry = (pm_entry){.n_docs = d->n_docs, .n_tokens = d->n_positions - d->n_units};
    memcpy(entry->file.name, in->run_name, sizeof in->run_name);
    pm_seal seal = {.draft = d,
                    .dictionaries = in->dictionaries,
                    .n_dictionaries = in->o.threads,
                    .threads = in->o.threads,
                    .analyzer = in->o.analyzer,
                    .fields = in->o.fields,
                    .keys = k->keys,
                    .metadata = metadata,
                    .cancel = cancel};
    in->writing = false; /* closed in any case */
    return pm_seal_finish(&seal, &in->writer, &entry->file.size, &entry->file.hash,
                          err);
}

static pm_status write_draft(pm_intake *in, draft_keys *k, bool last, pm_cancel *cancel,
                             pm_error *err) {
    pm_metadata_view view;
    pm_entry entry;
    pm_status status =
        pm_metadata_look(&in->metadata, in->draft.n_docs, last, &view, err);
    if (status == PM_OK) {
        status = write_run(in, k, &view, cancel, &entry, err);
    }
    pm_metadata_view_release(&view);
    PM_TRY(status);
    uint64_t *dead = k->dead;
    k->dead = NULL;
    return pm_runs_add(&in->runs, &entry, in->group, dead, k->n_dead, err);
}

void pm_intake_settle(pm_intake *in) {
    for (unsigned i = 0; i < in->o.threads; i++) {
        pm_surfaces_settle(in->dictionaries[i]);
    }
}

static void clear_draft(pm_intake *in) {
    in->group_positions += in->draft.n_positions;
    in->group_meta += in->draft.meta_bytes;
    pm_draft_release(&in->draft);
    for (unsigned i = 0; i < in->o.threads; i++) {
        pm_surfaces_release(in->dictionaries[i]);
    }
    in->last_peak = pm_intake_peak(in);
}

pm_status pm_intake_seal(pm_intake *in, bool last, pm_cancel *cancel, pm_error *err) {
    draft_keys k;
    uint32_t n_docs = in->draft.n_docs;
    if (n_docs == 0) {
        clear_draft(in);
        return PM_OK;
    }
    pm_status status = take_keys(in, &k, err);
    if (status == PM_OK) {
        status = write_draft(in, &k, last, cancel, err);
    }
    pm_free(k.dead);
    pm_arena_release(&k.arena);
    PM_TRY(status);
    PM_TRY(pm_metadata_advance(&in->metadata, n_docs, err));
    pm_rowkeys_advance(&in->keys, n_docs);
    clear_draft(in);
    return PM_OK;
}

/* ---- memory running short ---- */

pm_status pm_intake_spill(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    pm_intake_settle(in);
    PM_TRY(pm_intake_seal(in, false, cancel, err));
    pm_memory_trim();
    return PM_OK;
}

pm_status pm_intake_spill_if_full(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    uint64_t peak = pm_intake_peak(in);
    uint64_t growth = peak > in->last_peak ? peak - in->last_peak : 0;
    uint64_t step = in->o.memory_bytes / TRIM_SHARE;
    if (peak / step > in->last_peak / step) {
        pm_memory_trim(); /* what arrays left behind as they grew */
    }
    in->last_peak = peak;
    if (peak + growth + growth / 4 < in->o.memory_bytes) {
        return PM_OK;
    }
    return pm_intake_spill(in, cancel, err);
}

/* ---- groups ---- */

/* What is left for a merge, with no draft there. */
static size_t merge_memory(const pm_intake *in) {
    uint64_t held = held_memory(in), all = in->o.memory_bytes;
    return (size_t)(held < all / 2 ? all - held : all / 2);
}

/* What all merges of this intake have in common. */
static pm_status merge_of(pm_intake *in, pm_arena *arena, pm_cancel *cancel,
                          pm_merge *out, pm_error *err) {
    size_t n = in->metadata.n_columns;
    pm_merge_column *columns = pm_arena_array(arena, n, sizeof *columns);
    if (columns == NULL) {
        return pm_fail_nomem(err, n * sizeof *columns);
    }
    for (size_t i = 0; i < n; i++) {
        columns[i].name = pm_metadata_name(&in->metadata, i);
        columns[i].kind = pm_metadata_kind(&in->metadata, i);
    }
    *out = (pm_merge){.dir = in->o.dir,
                      .analyzer = in->o.analyzer,
                      .columns = columns,
                      .n_columns = n,
                      .segment_tokens = in->o.segment_tokens,
                      .threads = in->o.threads,
                      .memory_bytes = merge_memory(in),
                      .cancel = cancel};
    return PM_OK;
}

pm_status pm_intake_complete(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    pm_arena arena;
    pm_merge how;
    PM_TRY(pm_intake_spill(in, cancel, err));
    pm_arena_init(&arena);
    pm_status status = merge_of(in, &arena, cancel, &how, err);
    if (status == PM_OK) {
        status = pm_runs_unite(&in->runs, in->group, &how, err);
    }
    pm_arena_release(&arena);
    in->group++;
    in->group_positions = in->group_meta = 0;
    return status;
}

pm_status pm_intake_end(pm_intake *in, pm_entry **entries, uint32_t *n,
                        pm_cancel *cancel, pm_error *err) {
    pm_arena arena;
    pm_merge how;
    pm_arena_init(&arena);
    pm_status status = merge_of(in, &arena, cancel, &how, err);
    if (status == PM_OK) {
        status = pm_runs_finish(&in->runs, &how, in->o.next_file, entries, n, err);
    }
    pm_arena_release(&arena);
    in->group++;
    in->group_positions = in->group_meta = 0;
    pm_memory_trim();
    return status;
}

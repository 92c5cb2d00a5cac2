/* A session is an intake for what is added and bits for what is deleted of the base, the
 * generation it began on; the base is open as a snapshot, for keys and for merging.
 * Nothing of the index changes before the manifest is exchanged in publish(). A commit
 * whose generation is in force but cannot be opened is a success: the next call tries
 * again. */
#include "index/writer.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "index/succession.h"

enum {
    MAX_PATH_BYTES = 4096,
    SHOWN_BYTES = 200,
    FIND_WORK = 5000,        /* about ns for a key looked up in the base */
    DELETE_WORK = 50,        /* and for a bit */
    LEAST_MEMORY = 48 << 20, /* 64 MB, less what a caller's batches of rows take */
    USUAL_MEMORY = 1 << 30
};

struct pm_writer {
    char *path;
    pm_lock lock;
    pm_writer_options options;
    pm_snapshot *base;
    bool stale;         /* base is the generation before the newest */
    uint64_t **dead;    /* [base->n_parts] NULL, or bits of all dead documents */
    uint64_t n_deleted; /* of base, by this session */
    pm_intake *intake;  /* NULL: no column, no row */
    uint64_t next_file;
    bool failed;   /* until it is rolled back */
    bool poisoned; /* whether its last commit is durable is not known */
    uint64_t docs, text_bytes, replaced; /* the last two: of intakes before this one */
};

/* ---- the base ---- */

static void forget_deletions(pm_writer *w) {
    for (uint32_t i = 0; w->dead != NULL && i < w->base->n_parts; i++) {
        pm_free(w->dead[i]);
        w->dead[i] = NULL;
    }
    w->n_deleted = 0;
}

static void close_base(pm_writer *w) {
    forget_deletions(w);
    pm_free(w->dead);
    w->dead = NULL;
    pm_snapshot_unref(w->base);
    w->base = NULL;
}

/* The newest generation becomes the base; on failure the base is what it was. */
static pm_status open_base(pm_writer *w, pm_error *err) {
    pm_snapshot *base;
    PM_TRY(pm_snapshot_open(w->path, 0, PM_MAP_AUTO, &base, err));
    uint64_t **dead = pm_calloc(base->n_parts, sizeof *dead);
    if (dead == NULL) {
        const size_t n = base->n_parts;
        pm_snapshot_unref(base);
        return pm_fail_nomem(err, n * sizeof *dead);
    }
    close_base(w);
    w->base = base;
    w->dead = dead;
    w->stale = false;
    if (base->manifest.next_file > w->next_file) {
        w->next_file = base->manifest.next_file;
    }
    return PM_OK;
}

static uint32_t part_of(const pm_writer *w, pm_doc doc, pm_doc *local) {
    return (uint32_t)(pm_snapshot_part(w->base, doc, local) - w->base->parts);
}

static bool is_deleted(const pm_writer *w, pm_doc doc) {
    pm_doc local;
    const uint64_t *dead = w->dead[part_of(w, doc, &local)];
    return dead != NULL && pm_bits_get(dead, local);
}

/* The live document of the base that has the key, PM_END if none. */
static pm_status find_in_base(const pm_writer *w, pm_bytes key, pm_doc *doc,
                              pm_error *err) {
    PM_TRY(pm_snapshot_find_key(w->base, key, doc, err));
    if (*doc != PM_END && is_deleted(w, *doc)) {
        *doc = PM_END;
    }
    return PM_OK;
}

/* Bits of a part's dead documents, at first those of the base. */
static pm_status dead_bits(pm_writer *w, uint32_t part, pm_error *err) {
    const pm_part *p = &w->base->parts[part];
    const uint32_t n_docs = p->segment.info.n_docs;
    if (w->dead[part] != NULL) {
        return PM_OK;
    }
    uint64_t *bits = pm_calloc(pm_bits_words(n_docs), sizeof *bits);
    if (bits == NULL) {
        return pm_fail_nomem(err, n_docs / 8);
    }
    for (pm_doc d = 0; p->live != NULL && d < n_docs; d++) {
        if (!pm_bits_get(p->live, d)) {
            pm_bits_set(bits, d);
        }
    }
    w->dead[part] = bits;
    return PM_OK;
}

/* Deletes a document of the base that is live. */
static pm_status delete_from_base(pm_writer *w, pm_doc doc, pm_error *err) {
    pm_doc local;
    const uint32_t part = part_of(w, doc, &local);
    PM_TRY(dead_bits(w, part, err));
    w->n_deleted += !pm_bits_get(w->dead[part], local);
    pm_bits_set(w->dead[part], local);
    return PM_OK;
}

/* ---- life ---- */

static pm_status keep_options(pm_writer *w, const pm_writer_options *o, pm_error *err) {
    w->options = *o;
    w->options.threads = o->threads != 0 ? o->threads : pm_cpu_count();
    if (o->segment_tokens == 0) {
        w->options.segment_tokens = PM_MAX_POSITIONS;
    }
    if (o->memory_bytes == 0) {
        w->options.memory_bytes = USUAL_MEMORY;
    }
    if (w->options.memory_bytes < LEAST_MEMORY) {
        return pm_fail(err, PM_INVALID,
                       "memory is %" PRIu64 " bytes; a writer needs at least 48 MB",
                       w->options.memory_bytes);
    }
    return PM_OK;
}

/* An index of other stems can be given this build's; one of other tokens is to be made
 * anew. */
static pm_status check_fingerprint(const pm_writer *w, bool restem, pm_error *err) {
    const pm_manifest *m = &w->base->manifest;
    const uint64_t own = pm_analyzer_fingerprint(w->base->analyzer);
    if (!pm_fingerprint_same_text(own, m->fingerprint)) {
        pm_fail(err, PM_TOO_OLD,
                "the index was made by a version that finds other words in texts");
        pm_error_hint(err,
                      "index the texts anew: pm.index(..., if_exists=\"replace\")");
        return PM_TOO_OLD;
    }
    if (own != m->fingerprint && !restem) {
        pm_fail(err, PM_TOO_OLD,
                "the index was made with another version of the stemmer for %s",
                m->lang);
        pm_error_hint(err, "call idx.optimize(restem=True) first");
        return PM_TOO_OLD;
    }
    return PM_OK;
}

static pm_status open_writer(pm_writer *w, const char *path, const pm_writer_options *o,
                             pm_cancel *cancel, pm_error *err) {
    const size_t n = strlen(path) + 1;
    PM_TRY(keep_options(w, o, err));
    w->path = pm_alloc(n);
    if (w->path == NULL) {
        return pm_fail_nomem(err, n);
    }
    memcpy(w->path, path, n);
    PM_TRY(pm_manifest_probe(path, err));
    PM_TRY(pm_lock_take(&w->lock, path, o->timeout_s, cancel, err));
    PM_TRY(open_base(w, err));
    /* A writer killed between its rename and its sync left a manifest that a power loss
     * may still take back: no file that the one before it names may go until then. */
    PM_TRY(pm_dir_sync(path, err));
    pm_commit_sweep(path, &w->base->manifest);
    return PM_OK;
}

/* A writer without a look at the fingerprint. */
static pm_status new_writer(const char *path, const pm_writer_options *options,
                            pm_cancel *cancel, pm_writer **out, pm_error *err) {
    pm_writer *w = pm_calloc(1, sizeof *w);
    *out = NULL;
    if (w == NULL) {
        return pm_fail_nomem(err, sizeof *w);
    }
    w->lock.file.fd = -1;
    pm_status status = open_writer(w, path, options, cancel, err);
    if (status != PM_OK) {
        pm_writer_free(w);
        return status;
    }
    *out = w;
    return PM_OK;
}

pm_status pm_writer_new(const char *path, const pm_writer_options *options,
                        pm_cancel *cancel, pm_writer **out, pm_error *err) {
    PM_TRY(new_writer(path, options, cancel, out, err));
    pm_status status = check_fingerprint(*out, false, err);
    if (status != PM_OK) {
        pm_writer_free(*out);
        *out = NULL;
    }
    return status;
}

static void drop_intake(pm_writer *w) {
    if (w->intake != NULL) {
        w->text_bytes += pm_intake_text_bytes(w->intake);
        w->replaced += pm_intake_replaced(w->intake);
    }
    pm_intake_free(w->intake);
    w->intake = NULL;
}

void pm_writer_free(pm_writer *w) {
    if (w == NULL) {
        return;
    }
    drop_intake(w);
    close_base(w);
    pm_lock_drop(&w->lock);
    pm_free(w->path);
    pm_free(w);
}

void pm_writer_forked(pm_writer *w) {
    pm_lock_drop(&w->lock);
}

/* Whether this process may use the writer at all. */
static pm_status check_owner(const pm_writer *w, pm_error *err) {
    if (w->poisoned) {
        return pm_fail(err, PM_INVALID,
                       "the last commit of this writer could not be synced: whether it "
                       "is durable is not known; close the writer and open another");
    }
    return pm_lock_check(&w->lock, w->path, err);
}

pm_status pm_writer_check(pm_writer *w, pm_error *err) {
    PM_TRY(check_owner(w, err));
    if (w->failed) {
        return pm_fail(err, PM_INVALID, "this writer has failed; roll it back first");
    }
    return w->stale ? open_base(w, err) : PM_OK;
}

/* Bytes of anonymous memory that the writer itself holds or may come to hold. */
static uint64_t held_bytes(const pm_writer *w) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < w->base->n_parts; i++) {
        const pm_segment *s = &w->base->parts[i].segment;
        n += 2 * sizeof(uint64_t) * pm_bits_words(s->info.n_docs);
        n += s->file.blob.mapped ? 0 : s->file.blob.n;
    }
    return n;
}

static pm_status need_intake(pm_writer *w, pm_error *err) {
    if (w->intake != NULL) {
        return PM_OK;
    }
    const pm_manifest *m = &w->base->manifest;
    const uint64_t most = w->options.memory_bytes, held = held_bytes(w);
    const pm_intake_options o = {
        .dir = w->path,
        .next_file = &w->next_file,
        .analyzer = w->base->analyzer,
        .fields = (const char *const *)m->fields,
        .n_fields = m->n_fields,
        .store = m->store,
        .threads = w->options.threads,
        .segment_tokens = w->options.segment_tokens,
        .memory_bytes = held < most - LEAST_MEMORY ? most - held : LEAST_MEMORY};
    return pm_intake_new(&o, &w->intake, err);
}

/* ---- rows ---- */

static const char *kind_name(pm_value_kind kind) {
    static const char *const names[] = {"str", "int", "float", "bool", "date", "date"};
    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

/* A segment's column against the kind asked for; *had_float: whether it holds floats. */
static pm_status check_kind(const pm_column *c, const char *name, pm_value_kind kind,
                            bool *had_float, pm_error *err) {
    const bool number = c->kind == PM_VALUE_INT || c->kind == PM_VALUE_FLOAT;
    const bool asks_number = kind == PM_VALUE_INT || kind == PM_VALUE_FLOAT;
    *had_float = *had_float || c->kind == PM_VALUE_FLOAT;
    if (c->kind == kind || (number && asks_number)) {
        return PM_OK;
    }
    return pm_fail(err, PM_INVALID,
                   "column \"%s\" holds %s values and cannot hold %s values", name,
                   kind_name(c->kind), kind_name(kind));
}

pm_status pm_writer_column(pm_writer *w, const char *name, pm_value_kind kind,
                           uint32_t *column, pm_error *err) {
    const pm_bytes bytes = {(const uint8_t *)name, strlen(name)};
    bool had_float = false;
    PM_TRY(pm_writer_check(w, err));
    for (uint32_t i = 0; i < w->base->n_parts; i++) {
        const pm_column *c = pm_columns_find(&w->base->parts[i].segment.columns, bytes);
        if (c != NULL) {
            PM_TRY(check_kind(c, name, kind, &had_float, err));
        }
    }
    PM_TRY(need_intake(w, err));
    return pm_intake_column(w->intake, name, had_float ? PM_VALUE_FLOAT : kind, column,
                            err);
}

static pm_status duplicate(pm_bytes key, pm_doc doc, pm_error *err) {
    return pm_fail(
        err, PM_DUPLICATE, "the key \"%.*s\" is that of document %" PRIu32 " already",
        (int)(key.n < SHOWN_BYTES ? key.n : SHOWN_BYTES), (const char *)key.p, doc);
}

/* The row stands in the intake before its predecessor goes, so that a row that cannot
 * be added takes nothing away. */
static pm_status write_row(pm_writer *w, pm_write_mode mode, const pm_row *row,
                           pm_cancel *cancel, pm_error *err) {
    pm_doc old;
    size_t n_added;
    PM_TRY(find_in_base(w, row->key, &old, err));
    if (mode == PM_WRITE_ADD) {
        return old != PM_END ? duplicate(row->key, old, err)
                             : pm_intake_add(w->intake, row, 1, &n_added, cancel, err);
    }
    if (old != PM_END) { /* what can fail, before */
        pm_doc local;
        PM_TRY(dead_bits(w, part_of(w, old, &local), err));
    }
    PM_TRY(pm_intake_update(w->intake, row, cancel, err));
    return old != PM_END ? delete_from_base(w, old, err) : PM_OK;
}

/* Whether the row alone is at fault. */
static bool is_of_row(pm_status status) {
    return status == PM_DUPLICATE || status == PM_INVALID || status == PM_LIMIT;
}

pm_status pm_writer_add(pm_writer *w, pm_write_mode mode, const pm_row *rows, size_t n,
                        size_t *n_added, pm_cancel *cancel, pm_error *err) {
    *n_added = 0;
    PM_TRY(pm_writer_check(w, err));
    PM_TRY(need_intake(w, err));
    for (; *n_added < n; ++*n_added) {
        pm_status status = pm_cancel_tick(cancel, FIND_WORK)
                               ? pm_fail(err, PM_CANCELLED, "cancelled by the caller")
                               : write_row(w, mode, &rows[*n_added], cancel, err);
        if (status != PM_OK) {
            w->failed = !is_of_row(status);
            return status;
        }
        w->docs++;
    }
    return PM_OK;
}

/* ---- deletions ---- */

static pm_status delete_key(pm_writer *w, pm_bytes key, bool *found, pm_error *err) {
    pm_doc doc;
    uint64_t added = PM_END;
    PM_TRY(find_in_base(w, key, &doc, err));
    *found = true;
    if (doc != PM_END) {
        return delete_from_base(w, doc, err);
    }
    if (w->intake != NULL) {
        PM_TRY(pm_intake_find(w->intake, key, &added, err));
    }
    *found = added != PM_END;
    return *found ? pm_intake_remove(w->intake, added, err) : PM_OK;
}

pm_status pm_writer_delete(pm_writer *w, const pm_bytes *keys, size_t n, bool *found,
                           size_t *n_deleted, pm_cancel *cancel, pm_error *err) {
    *n_deleted = 0;
    PM_TRY(pm_writer_check(w, err));
    for (size_t i = 0; i < n; i++) {
        bool was_there = false;
        pm_status status = pm_cancel_tick(cancel, FIND_WORK)
                               ? pm_fail(err, PM_CANCELLED, "cancelled by the caller")
                               : delete_key(w, keys[i], &was_there, err);
        if (status != PM_OK) {
            w->failed = true;
            return status;
        }
        *n_deleted += was_there;
        if (found != NULL) {
            found[i] = was_there;
        }
    }
    return PM_OK;
}

/* ---- a look at the session ---- */

/* Entries and dead bits of the base, then of the session's rows. */
typedef struct look {
    pm_entry *entries;
    const uint64_t **dead;
    uint32_t n;
} look;

static pm_status take_look(pm_writer *w, look *l, pm_cancel *cancel, pm_error *err) {
    const pm_entry *added = NULL;
    const uint64_t *const *added_dead = NULL;
    uint32_t n_base, n_added = 0;
    pm_entry *base = NULL;
    if (w->intake != NULL) {
        PM_TRY(pm_intake_flush(w->intake, &added, &added_dead, &n_added, cancel, err));
    }
    PM_TRY(pm_entries_of(&w->base->manifest, NULL, &base, &n_base, err));
    l->n = n_base + n_added;
    l->entries = pm_alloc_array(l->n, sizeof *l->entries);
    l->dead = pm_calloc(l->n, sizeof *l->dead);
    if (l->entries == NULL || l->dead == NULL) {
        pm_free(base);
        return pm_fail_nomem(err, l->n * sizeof *l->entries);
    }
    for (uint32_t i = 0; i < l->n; i++) {
        const bool is_base = i < n_base;
        l->entries[i] = is_base ? base[i] : added[i - n_base];
        l->dead[i] = is_base              ? w->dead[i]
                     : added_dead != NULL ? added_dead[i - n_base]
                                          : NULL;
    }
    pm_free(base);
    return PM_OK;
}

pm_status pm_writer_view(pm_writer *w, pm_cancel *cancel, pm_snapshot **out,
                         pm_error *err) {
    look l = {.n = 0};
    *out = NULL;
    PM_TRY(pm_writer_check(w, err));
    pm_status status = take_look(w, &l, cancel, err);
    if (status == PM_OK) {
        status = pm_snapshot_of_entries(w->path, &w->base->manifest, l.entries, l.dead,
                                        l.n, PM_MAP_AUTO, out, err);
    }
    pm_free(l.entries);
    pm_free(l.dead);
    w->failed = status != PM_OK;
    return status;
}

/* The base's documents come first in a view, then the session's rows as they were
 * added, those taken out among them. */
static pm_status delete_doc(pm_writer *w, const pm_snapshot *view, pm_doc doc,
                            pm_error *err) {
    if (doc >= view->n_docs) {
        return pm_fail(err, PM_INVALID, "document %" PRIu32 " of %" PRIu32, doc,
                       view->n_docs);
    }
    return doc < w->base->n_docs
               ? delete_from_base(w, doc, err)
               : pm_intake_remove(w->intake, doc - w->base->n_docs, err);
}

pm_status pm_writer_delete_docs(pm_writer *w, const pm_snapshot *view,
                                const uint32_t *docs, size_t n, pm_cancel *cancel,
                                pm_error *err) {
    PM_TRY(pm_writer_check(w, err));
    for (size_t i = 0; i < n; i++) {
        pm_status status = pm_cancel_tick(cancel, DELETE_WORK)
                               ? pm_fail(err, PM_CANCELLED, "cancelled by the caller")
                               : delete_doc(w, view, docs[i], err);
        if (status != PM_OK) {
            w->failed = true;
            return status;
        }
    }
    return PM_OK;
}

/* ---- commit ---- */

/* What is to follow the base. */
typedef struct change {
    pm_entry *added; /* pm_alloc'ed */
    uint32_t n_added;
    pm_merging merging;
    uint64_t fingerprint;
    const char *main_field;
} change;

static const char *main_field(const pm_writer *w) {
    const pm_manifest *m = &w->base->manifest;
    if (w->base->live_docs > 0 || w->intake == NULL) {
        return m->main_field;
    }
    const uint64_t *bytes = pm_intake_field_bytes(w->intake);
    uint32_t best = 0;
    for (uint32_t f = 1; f < m->n_fields; f++) {
        best = bytes[f] > bytes[best] ? f : best;
    }
    return m->fields[best];
}

/* Puts the successor in force. *renamed: whether it may be, even after a failure. */
static pm_status publish(pm_writer *w, const change *c, const pm_successor *s,
                         uint64_t *generation, bool *renamed, pm_error *err) {
    pm_manifest next;
    const pm_commit commit = {.dir = w->path,
                              .base = &w->base->manifest,
                              .entries = s->entries,
                              .n_entries = s->n,
                              .next_file = w->next_file,
                              .fingerprint = c->fingerprint,
                              .main_field = c->main_field};
    PM_TRY(pm_lock_check(&w->lock, w->path, err));
    PM_TRY(pm_commit_publish(&commit, &next, renamed, err));
    *generation = next.generations[next.n_generations - 1].number;
    pm_commit_sweep(w->path, &next);
    pm_manifest_release(&next);
    return PM_OK;
}

static void remove_added(const pm_writer *w, const change *c) {
    for (uint32_t i = 0; i < c->n_added; i++) {
        char path[MAX_PATH_BYTES];
        if (pm_path_join(path, sizeof path, w->path, c->added[i].file.name, NULL) ==
            PM_OK) {
            (void)pm_sys_get()->unlink(path);
        }
    }
}

/* Writes what follows the base, and publishes it if it is not the base. The added
 * segments' files go with a failure. */
static pm_status succeed(pm_writer *w, const change *c, pm_cancel *cancel,
                         uint64_t *generation, pm_error *err) {
    const pm_succession how = {.base = w->base,
                               .dead = w->dead,
                               .added = c->added,
                               .n_added = c->n_added,
                               .merging = c->merging,
                               .segment_tokens = w->options.segment_tokens,
                               .analyzer = w->base->analyzer,
                               .threads = w->options.threads,
                               .memory_bytes = w->options.memory_bytes,
                               .next_file = &w->next_file,
                               .cancel = cancel};
    pm_successor next = {.n = 0};
    bool renamed = false;
    pm_status status = pm_successor_make(&how, &next, err);
    if (status == PM_OK && next.changed) {
        status = publish(w, c, &next, generation, &renamed, err);
    }
    if (status != PM_OK && !renamed) {
        pm_successor_discard(&next, w->path);
        remove_added(w, c);
    }
    w->poisoned = status != PM_OK && renamed;
    pm_successor_release(&next);
    return status;
}

/* The intake has done its work before anything is merged: the two share the memory. */
static pm_status commit(pm_writer *w, pm_cancel *cancel, uint64_t *generation,
                        pm_error *err) {
    change c = {.merging = PM_MERGE_TIERS,
                .fingerprint = w->base->manifest.fingerprint,
                .main_field = main_field(w)};
    if (w->intake != NULL) {
        PM_TRY(pm_intake_finish(w->intake, &c.added, &c.n_added, cancel, err));
        drop_intake(w);
    }
    pm_status status = succeed(w, &c, cancel, generation, err);
    pm_free(c.added);
    return status;
}

pm_status pm_writer_commit(pm_writer *w, pm_cancel *cancel, uint64_t *generation,
                           pm_error *err) {
    PM_TRY(pm_writer_check(w, err));
    const uint64_t before = w->base->generation;
    *generation = before;
    pm_status status = commit(w, cancel, generation, err);
    w->failed = status != PM_OK;
    if (status == PM_OK && *generation != before) {
        forget_deletions(w);
        w->stale = open_base(w, NULL) != PM_OK;
    }
    return status;
}

pm_status pm_writer_rollback(pm_writer *w, pm_error *err) {
    PM_TRY(check_owner(w, err));
    drop_intake(w);
    forget_deletions(w);
    w->failed = false;
    return PM_OK;
}

uint64_t pm_writer_docs(const pm_writer *w) {
    return w->docs;
}

uint64_t pm_writer_text_bytes(const pm_writer *w) {
    return w->text_bytes + (w->intake != NULL ? pm_intake_text_bytes(w->intake) : 0);
}

uint64_t pm_writer_replaced(const pm_writer *w) {
    return w->replaced + (w->intake != NULL ? pm_intake_replaced(w->intake) : 0);
}

const pm_snapshot *pm_writer_base(const pm_writer *w) {
    return w->base;
}

/* ---- optimize ---- */

static pm_status optimize(pm_writer *w, bool restem, pm_cancel *cancel,
                          uint64_t *generation, pm_error *err) {
    const bool differs = w->base->analyzer_differs;
    const change c = {.merging = differs ? PM_MERGE_RESTEM : PM_MERGE_ALL,
                      .fingerprint = pm_analyzer_fingerprint(w->base->analyzer),
                      .main_field = w->base->manifest.main_field};
    *generation = w->base->generation;
    PM_TRY(check_fingerprint(w, restem, err));
    return succeed(w, &c, cancel, generation, err);
}

pm_status pm_writer_optimize(const char *path, const pm_writer_options *options,
                             bool restem, pm_cancel *cancel, uint64_t *generation,
                             pm_error *err) {
    pm_writer *w;
    PM_TRY(new_writer(path, options, cancel, &w, err));
    pm_status status = optimize(w, restem, cancel, generation, err);
    pm_writer_free(w);
    return status;
}

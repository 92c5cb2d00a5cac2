/* A draft of the state is made first, with sources beside entries; it is planned on,
 * and only then files are written: a segment that is merged needs no sidecar. */
#include "index/succession.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/sys.h"
#include "codec/bitset.h"
#include "index/deletion.h"

enum { MAX_PATH_BYTES = 4096 };

/* Where the documents of an entry come from. */
typedef struct source {
    const pm_segment *segment; /* NULL: added, opened when it is merged */
    const uint64_t *live;      /* bits; NULL: all */
    const uint64_t *dead;      /* NULL unless a sidecar is due */
} source;

typedef struct work {
    const pm_succession *s;
    const char *dir;
    pm_arena arena;
    pm_entry *entries; /* [n]; ahead of what out holds */
    source *sources;   /* [n] */
    uint32_t n;
    pm_tier_range *ranges;
    uint32_t n_ranges;
    pm_merge_input *inputs; /* [n], for one merge */
    pm_segment **opened;    /* [n], by one merge */
    uint32_t n_opened;
    pm_merge_column *columns; /* of one merge */
    size_t n_columns;
    pm_successor *out;
    pm_error *err;
} work;

/* ---- what there is ---- */

/* An array of the arena; NULL after filling err. */
static void *array(work *w, size_t n, size_t size) {
    void *p = pm_arena_array(&w->arena, n, size);
    if (p == NULL) {
        (void)pm_fail_nomem(w->err, n * size);
    }
    return p;
}

/* Counts the dead documents and their tokens. */
static pm_status count_dead(const work *w, const pm_segment *segment,
                            const uint64_t *dead, pm_entry *e) {
    const uint32_t n = segment->info.n_docs;
    uint64_t tokens = 0;
    e->n_dead = 0;
    for (uint32_t d = pm_bits_next(dead, n, 0); d < n;
         d = pm_bits_next(dead, n, d + 1)) {
        e->n_dead++;
        tokens += pm_bounds_doc_length(&segment->bounds, d);
        if (pm_cancel_tick(w->s->cancel, 20)) {
            return pm_fail(w->err, PM_CANCELLED, "cancelled by the caller");
        }
    }
    if (tokens > e->n_tokens) {
        return pm_fail_corrupt(w->err, e->file.name, PM_NO_OFFSET,
                               "its documents have more tokens than it has");
    }
    e->dead_tokens = tokens;
    return PM_OK;
}

static pm_status live_of(work *w, const uint64_t *dead, uint32_t n_docs,
                         const uint64_t **out) {
    const size_t n_words = pm_bits_words(n_docs);
    uint64_t *live = array(w, n_words, sizeof *live);
    if (live == NULL) {
        return PM_NOMEM;
    }
    for (size_t i = 0; i < n_words; i++) {
        live[i] = ~dead[i];
    }
    if (n_docs % 64 != 0) {
        live[n_words - 1] &= (UINT64_C(1) << n_docs % 64) - 1;
    }
    *out = live;
    return PM_OK;
}

/* An entry of base, unless all its documents are dead. */
static pm_status take_base(work *w, uint32_t part, pm_entry *e) {
    const pm_part *p = &w->s->base->parts[part];
    const uint64_t *dead = w->s->dead != NULL ? w->s->dead[part] : NULL;
    const uint32_t n_dead_before = e->n_dead;
    source from = {.segment = &p->segment, .live = p->live};
    if (dead != NULL) {
        PM_TRY(count_dead(w, &p->segment, dead, e));
    }
    if (e->n_dead > n_dead_before) {
        w->out->changed = true;
        if (e->n_dead >= e->n_docs) {
            return PM_OK;
        }
        from.dead = dead;
        PM_TRY(live_of(w, dead, e->n_docs, &from.live));
    }
    w->entries[w->n] = *e;
    w->sources[w->n++] = from;
    return PM_OK;
}

static pm_status make_room(work *w, size_t n) {
    w->entries = array(w, n, sizeof *w->entries);
    w->sources = array(w, n, sizeof *w->sources);
    w->ranges = array(w, n, sizeof *w->ranges);
    w->inputs = array(w, n, sizeof *w->inputs);
    w->opened = array(w, n, sizeof *w->opened);
    bool done = w->entries != NULL && w->sources != NULL && w->ranges != NULL &&
                w->inputs != NULL && w->opened != NULL;
    return done ? PM_OK : PM_NOMEM;
}

static pm_status take_entries(work *w) {
    const pm_succession *s = w->s;
    pm_entry *base = NULL;
    uint32_t n_base;
    PM_TRY(pm_entries_of(&s->base->manifest, NULL, &base, &n_base, w->err));
    pm_status status = make_room(w, (size_t)n_base + s->n_added);
    for (uint32_t i = 0; status == PM_OK && i < n_base && i < s->base->n_parts; i++) {
        status = take_base(w, i, &base[i]);
    }
    for (uint32_t i = 0; status == PM_OK && i < s->n_added; i++) {
        w->entries[w->n++] = s->added[i];
        w->out->changed = true;
    }
    pm_free(base);
    return status;
}

static void plan(work *w) {
    const pm_succession *s = w->s;
    const uint32_t n_fields = s->base->manifest.n_fields;
    if (s->merging != PM_MERGE_TIERS) {
        w->n_ranges = pm_tiers_all(w->entries, w->n, n_fields, s->segment_tokens,
                                   s->merging == PM_MERGE_RESTEM, w->ranges);
        w->out->changed =
            w->out->changed || w->n_ranges > 0 || s->merging == PM_MERGE_RESTEM;
    } else if (w->out->changed) { /* tiers alone are no reason to write */
        w->n_ranges =
            pm_tiers_plan(w->entries, w->n, n_fields, s->segment_tokens, w->ranges);
    }
}

/* ---- files ---- */

/* The next file's name, noted so that it can be removed. */
static const char *name_file(work *w, const char *suffix) {
    char *name = w->out->written[w->out->n_written++];
    pm_commit_name(name, (*w->s->next_file)++, suffix);
    return name;
}

static pm_status write_sidecar(work *w, uint32_t i) {
    return pm_deletion_write(w->dir, name_file(w, PM_REMOVALS_SUFFIX),
                             w->sources[i].segment, w->sources[i].dead, w->s->cancel,
                             &w->entries[i], w->err);
}

static void close_opened(work *w) {
    for (; w->n_opened > 0; w->n_opened--) {
        pm_segment_close(w->opened[w->n_opened - 1]);
    }
}

/* A segment that no snapshot holds, until close_opened. */
static pm_status open_added(work *w, const pm_entry *e, const pm_segment **out) {
    char path[MAX_PATH_BYTES];
    pm_segment *segment = array(w, 1, sizeof *segment);
    if (segment == NULL) {
        return PM_NOMEM;
    }
    PM_TRY(pm_path_join(path, sizeof path, w->dir, e->file.name, w->err));
    PM_TRY(pm_segment_open(segment, path, PM_MAP_AUTO, w->err));
    w->opened[w->n_opened++] = segment;
    *out = segment;
    return PM_OK;
}

static pm_status fill_inputs(work *w, pm_tier_range r) {
    for (uint32_t i = r.lo; i < r.hi; i++) {
        const pm_segment *segment = w->sources[i].segment;
        if (segment == NULL) {
            PM_TRY(open_added(w, &w->entries[i], &segment));
        }
        w->inputs[i - r.lo] = (pm_merge_input){segment, w->sources[i].live};
    }
    return PM_OK;
}

static pm_status see_column(work *w, const pm_column *c) {
    char *name = pm_arena_copy(&w->arena, c->name.p, c->name.n);
    size_t i = 0;
    if (name == NULL) {
        return pm_fail_nomem(w->err, c->name.n);
    }
    while (i < w->n_columns && strcmp(w->columns[i].name, name) != 0) {
        i++;
    }
    if (i == w->n_columns) {
        w->columns[w->n_columns++] = (pm_merge_column){name, c->kind};
    } else if (c->kind == PM_VALUE_FLOAT) {
        w->columns[i].kind = PM_VALUE_FLOAT;
    }
    return PM_OK;
}

/* Columns of the inputs as they first appear. They are all kept, those without a value
 * too: what can be asked for must not depend on merging. */
static pm_status list_columns(work *w, uint32_t n_inputs) {
    size_t room = 0;
    for (uint32_t i = 0; i < n_inputs; i++) {
        room += w->inputs[i].segment->columns.n;
    }
    w->n_columns = 0;
    w->columns = array(w, room, sizeof *w->columns);
    if (w->columns == NULL) {
        return PM_NOMEM;
    }
    for (uint32_t i = 0; i < n_inputs; i++) {
        const pm_columns *columns = &w->inputs[i].segment->columns;
        for (uint32_t k = 0; k < columns->n; k++) {
            PM_TRY(see_column(w, &columns->at[k]));
        }
    }
    return PM_OK;
}

static pm_status write_merged(work *w, uint32_t n_inputs, pm_entry *out) {
    const pm_succession *s = w->s;
    *out = (pm_entry){.n_docs = 0};
    PM_TRY(list_columns(w, n_inputs));
    const pm_merge m = {.dir = w->dir,
                        .name = name_file(w, PM_SEGMENT_SUFFIX),
                        .inputs = w->inputs,
                        .n_inputs = n_inputs,
                        .analyzer = s->analyzer,
                        .restem = s->merging == PM_MERGE_RESTEM,
                        .last = true,
                        .columns = w->columns,
                        .n_columns = w->n_columns,
                        .segment_tokens = s->segment_tokens,
                        .keep_blocks = true,
                        .threads = s->threads,
                        .memory_bytes = s->memory_bytes,
                        .cancel = s->cancel};
    return pm_merge_write(&m, &out->file, &out->n_docs, &out->n_tokens, w->err);
}

static pm_status merge(work *w, pm_tier_range r, pm_entry *out) {
    pm_status status = fill_inputs(w, r);
    if (status == PM_OK) {
        status = write_merged(w, r.hi - r.lo, out);
    }
    close_opened(w);
    return status;
}

/* Writes what is due; entries to out. */
static pm_status write_files(work *w) {
    pm_successor *out = w->out;
    uint32_t next = 0;
    for (uint32_t i = 0; i < w->n;) {
        const bool merged = next < w->n_ranges && w->ranges[next].lo == i;
        if (merged) {
            PM_TRY(merge(w, w->ranges[next], &out->entries[out->n]));
            i = w->ranges[next++].hi;
        } else {
            if (w->sources[i].dead != NULL) {
                PM_TRY(write_sidecar(w, i));
            }
            out->entries[out->n] = w->entries[i++];
        }
        out->n++;
    }
    return PM_OK;
}

static pm_status make(work *w) {
    pm_successor *out = w->out;
    PM_TRY(take_entries(w));
    plan(w);
    out->entries = pm_alloc_array(w->n, sizeof *out->entries);
    out->written = pm_alloc_array(w->n, sizeof *out->written);
    if (out->entries == NULL || out->written == NULL) {
        return pm_fail_nomem(w->err, w->n * sizeof *out->entries);
    }
    return write_files(w);
}

pm_status pm_successor_make(const pm_succession *s, pm_successor *out, pm_error *err) {
    work w = {.s = s, .dir = s->base->path, .out = out, .err = err};
    *out = (pm_successor){.n = 0};
    pm_arena_init(&w.arena);
    pm_status status = make(&w);
    pm_arena_release(&w.arena);
    if (status != PM_OK) {
        pm_successor_discard(out, s->base->path);
        pm_successor_release(out);
    }
    return status;
}

void pm_successor_release(pm_successor *s) {
    pm_free(s->entries);
    pm_free(s->written);
    *s = (pm_successor){.n = 0};
}

void pm_successor_discard(const pm_successor *s, const char *dir) {
    for (uint32_t i = 0; i < s->n_written; i++) {
        char path[MAX_PATH_BYTES];
        if (pm_path_join(path, sizeof path, dir, s->written[i], NULL) == PM_OK) {
            (void)pm_sys_get()->unlink(path);
        }
    }
}

/* What the inputs hold is never joined in memory: each section is walked in the order
 * in which it is written, and what is needed in another order goes through spools. */
#include "index/merge_inner.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"

enum {
    MAX_PATH_BYTES = 4096,
    SPOOLS_AN_INPUT = 4,
    SPOOLS = 24,    /* besides, about */
    KEEP_SHARE = 4, /* of the memory, one part is the spools' */
    DOC_NS = 2
};

/* ---- what is merged ---- */

static bool same_bytes(pm_bytes a, pm_bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool same_fields(const pm_segment_info *a, const pm_segment_info *b) {
    bool same = a->n_fields == b->n_fields && same_bytes(a->lang, b->lang);
    for (uint32_t f = 0; same && f < a->n_fields; f++) {
        same = same_bytes(a->fields[f], b->fields[f]);
    }
    return same;
}

static pm_status check_analyzer(const pm_merge *m, const pm_segment *s, pm_error *err) {
    const char *lang = pm_analyzer_lang(m->analyzer);
    if (!same_bytes(s->info.lang, (pm_bytes){(const uint8_t *)lang, strlen(lang)})) {
        return pm_fail(err, PM_INVALID, "%s was not made for the language %s",
                       s->file.blob.name, lang);
    }
    uint64_t now = pm_analyzer_fingerprint(m->analyzer);
    if (!pm_fingerprint_same_text(s->info.fingerprint, now)) {
        return pm_fail(err, PM_TOO_OLD,
                       "%s was built with another tokenizer; build it again from its "
                       "articles",
                       s->file.blob.name);
    }
    if (!m->restem && s->info.fingerprint != now) {
        pm_fail(err, PM_TOO_OLD, "the stems of %s were made by another version",
                s->file.blob.name);
        pm_error_hint(err, "call optimize(restem=True)");
        return PM_TOO_OLD;
    }
    return PM_OK;
}

static pm_status check_inputs(const pm_merge *m, pm_error *err) {
    const pm_segment *first = m->n_inputs > 0 ? m->inputs[0].segment : NULL;
    for (size_t i = 0; i < m->n_inputs; i++) {
        const pm_segment *s = m->inputs[i].segment;
        if (!same_fields(&s->info, &first->info) ||
            s->store.present != first->store.present) {
            return pm_fail(err, PM_INVALID, "%s and %s cannot be merged",
                           first->file.blob.name, s->file.blob.name);
        }
        PM_TRY(check_analyzer(m, s, err));
        PM_TRY(pm_bounds_verify(&s->bounds, m->cancel, err));
    }
    return PM_OK;
}

/* ---- live stretches ---- */

static bool is_live(const pm_merge_source *in, pm_doc d) {
    return in->live == NULL || pm_bits_get(in->live, d);
}

static pm_status put_run(pm_merging *g, pm_merge_source *in, pm_doc doc, pm_doc end,
                         pm_error *err) {
    const pm_bounds *b = &in->s->bounds;
    pm_merge_run run = {.doc = doc,
                        .doc_end = end,
                        .new_doc = g->n_docs,
                        .lo = pm_bounds_start(b, doc * b->n_fields),
                        .hi = pm_bounds_start(b, end * b->n_fields)};
    uint32_t n = run.hi - run.lo;
    run.shift = g->n_positions - run.lo;
    if (n > PM_MAX_POSITIONS - g->n_positions) {
        return pm_fail(err, PM_LIMIT,
                       "the segments to be merged have more than %d positions",
                       PM_MAX_POSITIONS);
    }
    pm_spool_put(&in->run_spool, &run, sizeof run);
    g->n_positions += n;
    g->n_docs += end - doc;
    in->n_docs += end - doc;
    in->n_tokens += n - (uint64_t)(end - doc) * b->n_fields;
    return PM_OK;
}

static pm_status find_runs(pm_merging *g, pm_merge_source *in, pm_error *err) {
    uint32_t n = in->s->info.n_docs;
    for (pm_doc d = 0; d < n;) {
        pm_doc end = d;
        if (in->live == NULL) {
            end = n;
        }
        while (end < n && is_live(in, end)) {
            end++;
        }
        if (end > d) {
            PM_TRY(put_run(g, in, d, end, err));
        }
        PM_TRY(pm_merge_tick(g, DOC_NS * (end - d + 1), err));
        d = end + 1; /* dead */
    }
    pm_bytes bytes;
    PM_TRY(pm_spool_view(&in->run_spool, &bytes, err));
    in->runs = (const pm_merge_run *)(const void *)bytes.p;
    in->n_runs = bytes.n / sizeof *in->runs;
    return PM_OK;
}

static pm_status find_all_runs(pm_merging *g, pm_error *err) {
    for (size_t i = 0; i < g->m->n_inputs; i++) {
        PM_TRY(find_runs(g, &g->sources[i], err));
        g->n_tokens += g->sources[i].n_tokens;
    }
    if (g->n_docs == 0) {
        return pm_fail(err, PM_INVALID, "there is no live document to merge");
    }
    g->n_units = g->n_docs * g->n_fields;
    return PM_OK;
}

/* ---- the file ---- */

static pm_status write_info(pm_merging *g, pm_error *err) {
    pm_segment_info info = g->m->inputs[0].segment->info; /* language and fields */
    info.n_docs = g->n_docs;
    info.n_positions = g->n_positions;
    info.n_tokens = (uint32_t)g->n_tokens;
    info.n_groups = g->words.n_groups;
    info.n_forms = g->words.n_forms;
    info.n_ids = g->words.n_ids;
    info.fingerprint = pm_analyzer_fingerprint(g->m->analyzer);
    return pm_segment_info_write(g->w, &info, err);
}

static pm_status write_sections(pm_merging *g, pm_error *err) {
    if (g->store) {
        PM_TRY(pm_merge_texts(g, err));
    }
    PM_TRY(pm_merge_keys(g, err));
    PM_TRY(pm_merge_columns(g, err));
    PM_TRY(pm_merge_places(g, err));
    PM_TRY(pm_merge_lexicon(g, err));
    PM_TRY(pm_merge_stream(g, err));
    PM_TRY(pm_merge_postings(g, err));
    return write_info(g, err);
}

static pm_status write_file(pm_merging *g, pm_manifest_file *file, pm_error *err) {
    char path[MAX_PATH_BYTES];
    PM_TRY(pm_path_join(path, sizeof path, g->m->dir, g->m->name, err));
    PM_TRY(pm_container_create(g->w, path, PM_FILE_SEGMENT, err));
    g->w->scratch = &g->scratch;
    pm_status status = write_sections(g, err);
    if (status != PM_OK) {
        pm_container_abandon(g->w, path);
        return status;
    }
    return pm_container_finish(g->w, &file->size, &file->hash, err);
}

/* ---- the whole ---- */

static pm_status set_up(pm_merging *g, pm_error *err) {
    const pm_merge *m = g->m;
    size_t n_spools = SPOOLS + SPOOLS_AN_INPUT * m->n_inputs;
    g->scratch = (pm_scratch){m->dir, m->memory_bytes / KEEP_SHARE / n_spools};
    g->w = pm_calloc(1, sizeof *g->w);
    g->sources = pm_calloc(m->n_inputs, sizeof *g->sources);
    if (g->w == NULL || g->sources == NULL) {
        return pm_fail_nomem(err, m->n_inputs * sizeof *g->sources);
    }
    for (size_t i = 0; i < m->n_inputs; i++) {
        pm_merge_source *in = &g->sources[i];
        in->s = m->inputs[i].segment;
        in->live = m->inputs[i].live;
        pm_spool_init(&in->ids, &g->scratch);
        pm_spool_init(&in->groups, &g->scratch);
        pm_spool_init(&in->run_spool, &g->scratch);
        pm_spool_init(&in->count_spool, &g->scratch);
    }
    pm_spool_init(&g->unit_starts, &g->scratch);
    pm_spool_init(&g->words.first_ids, &g->scratch);
    g->n_fields = m->n_inputs > 0 ? m->inputs[0].segment->info.n_fields : 0;
    g->store = m->n_inputs > 0 && m->inputs[0].segment->store.present;
    return PM_OK;
}

static void release(pm_merging *g) {
    for (size_t i = 0; g->sources != NULL && i < g->m->n_inputs; i++) {
        pm_spool_release(&g->sources[i].ids);
        pm_spool_release(&g->sources[i].groups);
        pm_spool_release(&g->sources[i].run_spool);
        pm_spool_release(&g->sources[i].count_spool);
    }
    pm_spool_release(&g->unit_starts);
    pm_spool_release(&g->words.first_ids);
    pm_free(g->words.ids);
    pm_free(g->words.groups);
    pm_free(g->words.totals);
    pm_free(g->sources);
    pm_free(g->w);
}

/* What a writer takes for a mistake of this program is mostly damage that was read: the
 * inputs are asked, and the first that is damaged tells where. */
static pm_status blame(const pm_merge *m, pm_status status, pm_error *err) {
    for (size_t i = 0; status == PM_INTERNAL && i < m->n_inputs; i++) {
        pm_error why;
        pm_error_clear(&why);
        if (pm_segment_verify(m->inputs[i].segment, m->cancel, &why) == PM_CORRUPT) {
            status = PM_CORRUPT;
            if (err != NULL) {
                *err = why;
            }
        }
    }
    return status;
}

pm_status pm_merge_write(const pm_merge *m, pm_manifest_file *file, uint32_t *n_docs,
                         uint64_t *n_tokens, pm_error *err) {
    pm_merging g = {.m = m};
    pm_status status = PM_OK;
    *file = (pm_manifest_file){.size = 0};
    *n_docs = 0;
    *n_tokens = 0;
    if (strlen(m->name) >= sizeof file->name) {
        return pm_fail(err, PM_INVALID, "the name of a file is too long: %s", m->name);
    }
    memcpy(file->name, m->name, strlen(m->name) + 1);
    PM_GO(set_up(&g, err));
    PM_GO(check_inputs(m, err));
    PM_GO(find_all_runs(&g, err));
    PM_GO(write_file(&g, file, err));
    *n_docs = g.n_docs;
    *n_tokens = g.n_tokens;
out:
    release(&g);
    return blame(m, status, err);
}

/* Everything that can be recomputed is, for each file that a retained generation names,
 * once: hashes of whole files, each segment's sections against each other and sidecars
 * against their segments (format layer), words against the analyzer, and stored texts,
 * tokenised again, against the stream. The last two only where this build's analyzer is
 * the one that made the segment. */
#include "index/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "base/cursor.h"
#include "base/sys.h"
#include "index/part.h"
#include "index/reading.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

enum {
    MAX_PATH_BYTES = 4096,
    MAX_TRIES = 5,
    OPEN_NS = 100 * 1000,
    WORD_NS = 500,
    TEXT_BYTE_NS = 8,
    STREAM = PM_FOURCC('S', 'T', 'R', 'M'),
    LEXICON = PM_FOURCC('L', 'E', 'X', 'I'),
    FORMS = PM_FOURCC('F', 'O', 'R', 'M'),
    ACCENTS = PM_FOURCC('U', 'N', 'A', 'C'),
    SENTENCES = PM_FOURCC('S', 'E', 'N', 'T'),
    PARAGRAPHS = PM_FOURCC('P', 'A', 'R', 'A'),
    QUOTES = PM_FOURCC('Q', 'U', 'O', 'T'),
    TEXT = PM_FOURCC('T', 'E', 'X', 'T'),
    CHECKPOINTS = PM_FOURCC('C', 'H', 'K', 'P')
};

static pm_status tick(pm_cancel *cancel, uint64_t work_ns, pm_error *err) {
    return pm_cancel_check(cancel,
                           work_ns < UINT32_MAX ? (uint32_t)work_ns : UINT32_MAX, err);
}

/* ---- files ---- */

static pm_status compare_file(const pm_manifest_file *f, const pm_blob *b,
                              pm_cancel *cancel, pm_error *err) {
    pm_hash128 found;
    if (b->n != f->size) {
        return pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                               "the file has %zu bytes, the manifest says %" PRIu64,
                               b->n, f->size);
    }
    if (!pm_hash128_long(b->bytes, b->n, cancel, &found)) {
        return pm_cancel_check(cancel, 0, err);
    }
    if (found.lo != f->hash.lo || found.hi != f->hash.hi) {
        return pm_fail_corrupt(err, f->name, PM_NO_OFFSET,
                               "the file was changed: its hash is %016" PRIx64
                               "%016" PRIx64 ", the manifest says %016" PRIx64
                               "%016" PRIx64,
                               found.hi, found.lo, f->hash.hi, f->hash.lo);
    }
    return PM_OK;
}

static pm_status verify_file(const char *dir, const pm_manifest_file *f,
                             pm_cancel *cancel, pm_error *err) {
    char path[MAX_PATH_BYTES];
    pm_blob b;
    PM_TRY(pm_path_join(path, sizeof path, dir, f->name, err));
    PM_TRY(pm_blob_open(path, PM_MAP_AUTO, &b, err));
    pm_status status = compare_file(f, &b, cancel, err);
    pm_blob_close(&b);
    return status;
}

/* ---- one segment ---- */

typedef struct checking {
    const pm_segment *s;
    const pm_analyzer *an;
    pm_cancel *cancel;
    pm_error *err;
    pm_stemmer *stemmer;
    pm_buf form, stem, other;
    pm_buf surfaces; /* of all ids, end to end */
    uint64_t *ends;  /* [n_ids] */
    uint16_t *kinds; /* [n_ids] bit k: folding as kind k was checked */
    pm_tokens tokens;
    pm_buf text;
    pm_text_reader *reader;
    pm_list_iter quotes;
    uint32_t checkpoint; /* the next one to look at */
} checking;

static pm_bytes surface_of(const checking *c, pm_id id) {
    uint64_t lo = id > 0 ? c->ends[id - 1] : 0;
    return (pm_bytes){c->surfaces.p + lo, (size_t)(c->ends[id] - lo)};
}

static bool same(pm_bytes a, pm_bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ---- words ---- */

static pm_status read_surfaces(checking *c) {
    const pm_lexicon *lex = &c->s->lexicon;
    c->ends = pm_alloc_array(lex->n_ids, sizeof *c->ends);
    c->kinds = pm_calloc(lex->n_ids, sizeof *c->kinds);
    if (c->ends == NULL || c->kinds == NULL) {
        return pm_fail_nomem(c->err, lex->n_ids * sizeof *c->ends);
    }
    for (pm_id id = 0; id < lex->n_ids; id++) {
        PM_TRY(tick(c->cancel, WORD_NS, c->err));
        bool found = pm_lexicon_surface(lex, id, &c->other);
        PM_TRY(pm_buf_status(&c->other, c->err));
        if (!found || !pm_utf8_valid(pm_buf_bytes(&c->other))) {
            return pm_section_corrupt(&c->s->file, LEXICON, 0, c->err,
                                      "id %" PRIu32 " has no valid surface", id);
        }
        pm_buf_put(&c->surfaces, c->other.p, c->other.n);
        PM_TRY(pm_buf_status(&c->surfaces, c->err));
        c->ends[id] = c->surfaces.n;
    }
    return PM_OK;
}

static bool has_ref(const pm_lexicon *lex, pm_range refs, uint32_t wanted,
                    uint32_t (*ref)(const pm_lexicon *lex, uint32_t i)) {
    for (uint32_t i = refs.lo; i < refs.hi; i++) {
        if (ref(lex, i) == wanted) {
            return true;
        }
    }
    return false;
}

/* The accentless key of a form or stem (in text) leads to it; *n counts those that have
 * one. */
static pm_status check_bare(checking *c, const pm_buf *text, bool is_stem,
                            uint32_t number, uint32_t *n) {
    const pm_lexicon *lex = &c->s->lexicon;
    bool changed = false;
    pm_buf_clear(&c->other);
    PM_TRY(pm_unaccent(c->an, text->p, text->n, &c->other, &changed, c->err));
    if (!changed) {
        return PM_OK;
    }
    pm_buf scratch;
    pm_buf_init(&scratch);
    pm_bytes key = pm_buf_bytes(&c->other);
    ++*n;
    bool found = is_stem ? has_ref(lex, pm_lexicon_find_bare_stem(lex, key, &scratch),
                                   number, pm_lexicon_bare_stem_ref)
                         : has_ref(lex, pm_lexicon_find_bare_form(lex, key, &scratch),
                                   number, pm_lexicon_bare_form_ref);
    pm_status status = pm_buf_status(&scratch, c->err);
    pm_buf_release(&scratch);
    PM_TRY(status);
    return found ? PM_OK
                 : pm_section_corrupt(&c->s->file, ACCENTS, 0, c->err,
                                      "%s %" PRIu32 " is not found without its accents",
                                      is_stem ? "stem" : "form", number);
}

static pm_status check_cases(checking *c, pm_form f) {
    pm_range ids = pm_lexicon_form_ids(&c->s->lexicon, f);
    for (pm_id id = ids.lo; id < ids.hi; id++) {
        pm_bytes s = surface_of(c, id);
        if (pm_lexicon_id_case(&c->s->lexicon, id) != pm_case_class(s.p, s.n)) {
            return pm_section_corrupt(&c->s->file, LEXICON, 0, c->err,
                                      "id %" PRIu32 ": wrong case class", id);
        }
    }
    return PM_OK;
}

/* The forms of a group have its stem (in c->stem). */
static pm_status check_forms(checking *c, pm_group g, uint32_t *n_bare) {
    const pm_lexicon *lex = &c->s->lexicon;
    pm_range forms = pm_lexicon_group_forms(lex, g);
    for (pm_form f = forms.lo; f < forms.hi; f++) {
        PM_TRY(tick(c->cancel, WORD_NS, c->err));
        bool found = pm_lexicon_form_text(lex, f, &c->form);
        PM_TRY(pm_buf_status(&c->form, c->err));
        pm_buf_clear(&c->other);
        if (found && pm_utf8_valid(pm_buf_bytes(&c->form))) {
            PM_TRY(pm_stem(c->stemmer, c->form.p, c->form.n, &c->other, c->err));
        }
        if (!same(pm_buf_bytes(&c->other), pm_buf_bytes(&c->stem))) {
            return pm_section_corrupt(&c->s->file, FORMS, 0, c->err,
                                      "form %" PRIu32 " has not its group's stem", f);
        }
        PM_TRY(check_bare(c, &c->form, false, f, n_bare));
        PM_TRY(check_cases(c, f));
    }
    return PM_OK;
}

static pm_status check_words(checking *c) {
    const pm_lexicon *lex = &c->s->lexicon;
    uint32_t bare_forms = 0, bare_stems = 0;
    PM_TRY(pm_stemmer_new(c->an, &c->stemmer, c->err));
    PM_TRY(read_surfaces(c));
    for (pm_group g = 0; g < lex->n_groups; g++) {
        bool found = pm_lexicon_group_stem(lex, g, &c->stem);
        PM_TRY(pm_buf_status(&c->stem, c->err));
        if (!found || !pm_utf8_valid(pm_buf_bytes(&c->stem))) {
            return pm_section_corrupt(&c->s->file, LEXICON, 0, c->err,
                                      "group %" PRIu32 " has no valid stem", g);
        }
        PM_TRY(check_bare(c, &c->stem, true, g, &bare_stems));
        PM_TRY(check_forms(c, g, &bare_forms));
    }
    if (bare_forms != lex->n_bare_form_refs || bare_stems != lex->n_bare_stem_refs) {
        return pm_section_corrupt(&c->s->file, ACCENTS, 0, c->err,
                                  "%" PRIu32 " forms and %" PRIu32
                                  " stems, expected %" PRIu32 " and %" PRIu32,
                                  lex->n_bare_form_refs, lex->n_bare_stem_refs,
                                  bare_forms, bare_stems);
    }
    return PM_OK;
}

/* ---- texts ---- */

static pm_status check_fold(checking *c, pm_id id, unsigned kind) {
    if (c->kinds[id] >> kind & 1) {
        return PM_OK;
    }
    c->kinds[id] = (uint16_t)(c->kinds[id] | 1u << kind);
    pm_bytes s = surface_of(c, id);
    pm_buf_clear(&c->other);
    PM_TRY(pm_fold(c->an, s.p, s.n, kind, &c->other, c->err));
    bool found = pm_lexicon_form_text(&c->s->lexicon,
                                      pm_lexicon_id_form(&c->s->lexicon, id), &c->form);
    PM_TRY(pm_buf_status(&c->form, c->err));
    if (!found || !same(pm_buf_bytes(&c->form), pm_buf_bytes(&c->other))) {
        return pm_section_corrupt(&c->s->file, FORMS, 0, c->err,
                                  "id %" PRIu32 " has not its surface's form", id);
    }
    return PM_OK;
}

static pm_status check_token(checking *c, const pm_token *t, pm_pos pos) {
    const pm_segment *s = c->s;
    pm_id id = pm_stream_at(&s->stream, pos);
    pm_bytes surface = {c->text.p + t->start, t->end - t->start};
    if (id >= s->info.n_ids || !same(surface_of(c, id), surface)) {
        return pm_section_corrupt(
            &s->file, STREAM, 2 * (uint64_t)pos, c->err,
            "position %" PRIu32
            ": the stored text has \"%.*s\", the stream another word",
            pos, surface.n < 64 ? (int)surface.n : 64, (const char *)surface.p);
    }
    bool sentence = (t->flags & PM_TOKEN_SENTENCE) != 0,
         paragraph = (t->flags & PM_TOKEN_PARAGRAPH) != 0;
    bool starts = pm_bitmap_get(&s->zones.sentences, pos);
    if (starts != sentence) {
        return pm_section_corrupt(&s->file, SENTENCES, pos / 8, c->err,
                                  "position %" PRIu32
                                  ": by the stored text %s sentence begins there",
                                  pos, sentence ? "a" : "no");
    }
    if (starts &&
        pm_bitmap_get(&s->zones.paragraphs, pm_bitmap_rank(&s->zones.sentences, pos)) !=
            paragraph) {
        return pm_section_corrupt(&s->file, PARAGRAPHS, 0, c->err,
                                  "position %" PRIu32
                                  ": by the stored text %s paragraph begins there",
                                  pos, paragraph ? "a" : "no");
    }
    return check_fold(c, id, t->kind);
}

static pm_status check_quotes(checking *c, pm_pos start, pm_pos end) {
    pm_list_iter *it = &c->quotes;
    for (size_t i = 0; i < c->tokens.n_quotes; i++) {
        pm_span32 q = c->tokens.quotes[i];
        if (pm_list_iter_value(it) != start + q.lo ||
            pm_list_iter_payload(it) != q.hi - q.lo - 1) {
            return pm_section_corrupt(
                &c->s->file, QUOTES, 0, c->err,
                "by the stored text a quotation takes the positions [%" PRIu32
                ", %" PRIu32 ")",
                start + q.lo, start + q.hi);
        }
        (void)pm_list_iter_next(it);
    }
    if (pm_list_iter_value(it) < end) {
        return pm_section_corrupt(
            &c->s->file, QUOTES, 0, c->err,
            "by the stored text no quotation begins at position %" PRIu32,
            pm_list_iter_value(it));
    }
    return PM_OK;
}

static pm_status check_checkpoint(checking *c, uint32_t byte, uint32_t code_point) {
    const pm_store *s = &c->s->store;
    uint32_t k = c->checkpoint++;
    if (pm_frames_get(&s->checkpoint_bytes, k) != byte ||
        pm_frames_get(&s->checkpoint_extras, k) != byte - code_point) {
        return pm_section_corrupt(&c->s->file, CHECKPOINTS, 0, c->err,
                                  "checkpoint %" PRIu32 ": expected byte %" PRIu32
                                  " and code point %" PRIu32,
                                  k, byte, code_point);
    }
    return PM_OK;
}

/* Those up to the `end`-th that no token has. */
static pm_status check_no_checkpoints(checking *c, uint32_t end) {
    while (c->checkpoint < end) {
        PM_TRY(check_checkpoint(c, 0, 0));
    }
    return PM_OK;
}

static pm_status check_checkpoints(checking *c, pm_pos start, pm_pos end) {
    uint32_t byte = 0, code_point = 0;
    for (uint32_t i = PM_CHECKPOINT; i < end - start; i += PM_CHECKPOINT) {
        uint32_t to = c->tokens.at[i].start;
        code_point += (uint32_t)pm_utf8_count(c->text.p + byte, to - byte);
        byte = to;
        PM_TRY(check_no_checkpoints(c, (start + i) / PM_CHECKPOINT));
        PM_TRY(check_checkpoint(c, byte, code_point));
    }
    return PM_OK;
}

static pm_status check_unit(checking *c, pm_unit u) {
    const pm_segment *s = c->s;
    pm_pos start = pm_bounds_start(&s->bounds, u), end = pm_bounds_end(&s->bounds, u);
    pm_buf_clear(&c->text);
    PM_TRY(tick(c->cancel, 100 + TEXT_BYTE_NS * pm_store_length(&s->store, u), c->err));
    PM_TRY(pm_text_read(c->reader, u, 0, UINT64_MAX, &c->text, c->err));
    pm_bytes text = pm_buf_bytes(&c->text);
    if (!pm_utf8_valid(text)) {
        return pm_section_corrupt(&s->file, TEXT, 0, c->err,
                                  "the text of unit %" PRIu32 " is not valid UTF-8", u);
    }
    PM_TRY(pm_tokenize(c->an, text, &c->tokens, c->err));
    if (c->tokens.n != end - start) {
        return pm_section_corrupt(
            &s->file, STREAM, 2 * (uint64_t)start, c->err,
            "unit %" PRIu32 ": the stored text has %zu tokens, the stream %" PRIu32, u,
            c->tokens.n, end - start);
    }
    for (uint32_t i = 0; i < c->tokens.n; i++) {
        PM_TRY(check_token(c, &c->tokens.at[i], start + i));
    }
    PM_TRY(check_quotes(c, start, end));
    return check_checkpoints(c, start, end);
}

static pm_status check_texts(checking *c) {
    const pm_segment *s = c->s;
    PM_TRY(pm_text_reader_new(&s->store, &c->reader, c->err));
    pm_list_iter_init(&c->quotes, s->zones.quotes);
    for (pm_unit u = 0; u < s->bounds.n_units; u++) {
        PM_TRY(check_unit(c, u));
    }
    return check_no_checkpoints(c, s->store.n_checkpoints);
}

static void release_checking(checking *c) {
    if (c->reader != NULL) {
        pm_text_reader_free(c->reader);
    }
    if (c->stemmer != NULL) {
        pm_stemmer_free(c->stemmer);
    }
    pm_free(c->ends);
    pm_free(c->kinds);
    pm_tokens_release(&c->tokens);
    pm_buf_release(&c->form);
    pm_buf_release(&c->stem);
    pm_buf_release(&c->other);
    pm_buf_release(&c->surfaces);
    pm_buf_release(&c->text);
}

/* Words and texts of a segment whose sections are sound. */
static pm_status verify_against_analyzer(const pm_segment *s, const pm_analyzer *an,
                                         pm_cancel *cancel, pm_error *err) {
    checking c = {.s = s, .an = an, .cancel = cancel, .err = err};
    pm_tokens_init(&c.tokens);
    pm_status status = check_words(&c);
    if (status == PM_OK && s->store.present) {
        status = check_texts(&c);
    }
    release_checking(&c);
    return status;
}

/* ---- the whole ---- */

typedef struct verifying {
    const char *dir;
    const pm_manifest *m;
    bool *done; /* [n_files] */
    pm_analyzer *analyzer;
    pm_cancel *cancel;
    pm_error *err;
} verifying;

static pm_status verify_segment(const verifying *v, const pm_part *part) {
    const pm_segment *s = &part->segment;
    PM_TRY(pm_segment_verify(s, v->cancel, v->err));
    return s->info.fingerprint == pm_analyzer_fingerprint(v->analyzer)
               ? verify_against_analyzer(s, v->analyzer, v->cancel, v->err)
               : PM_OK;
}

/* What is not done of a segment and its sidecar. */
static pm_status verify_part(const verifying *v, const pm_manifest_segment *s,
                             const pm_part *part) {
    if (!v->done[s->file]) {
        PM_TRY(verify_segment(v, part));
        v->done[s->file] = true;
    }
    if (s->removals != PM_END && !v->done[s->removals]) {
        PM_TRY(pm_removals_verify(&part->removals, &part->segment, v->cancel, v->err));
        v->done[s->removals] = true;
    }
    return PM_OK;
}

static pm_status verify_entry(const verifying *v, const pm_manifest *facts,
                              const pm_manifest_segment *s, const pm_entry *e) {
    if (v->done[s->file] && (s->removals == PM_END || v->done[s->removals])) {
        return PM_OK;
    }
    pm_part *part = pm_alloc(sizeof *part); /* tens of kilobytes */
    if (part == NULL) {
        return pm_fail_nomem(v->err, sizeof *part);
    }
    pm_status status = tick(v->cancel, OPEN_NS, v->err);
    if (status == PM_OK) {
        status = pm_part_open(part, v->dir, facts, e, NULL, PM_MAP_AUTO, v->err);
    }
    if (status == PM_OK) {
        status = verify_part(v, s, part);
        pm_part_close(part);
    }
    pm_free(part);
    return status;
}

static pm_status verify_generation(const verifying *v, const pm_generation *g) {
    pm_manifest facts = *v->m; /* only read */
    pm_entry *entries;
    uint32_t n;
    facts.fingerprint = g->fingerprint;
    PM_TRY(pm_entries_of(v->m, g, &entries, &n, v->err));
    pm_status status = PM_OK;
    for (uint32_t i = 0; status == PM_OK && i < n; i++) {
        status = verify_entry(v, &facts, &g->segments[i], &entries[i]);
    }
    pm_free(entries);
    return status;
}

static pm_status verify_contents(const verifying *v) {
    for (uint32_t i = 0; i < v->m->n_files; i++) {
        PM_TRY(tick(v->cancel, OPEN_NS, v->err));
        PM_TRY(verify_file(v->dir, &v->m->files[i], v->cancel, v->err));
    }
    for (uint32_t i = 0; i < v->m->n_generations; i++) {
        PM_TRY(verify_generation(v, &v->m->generations[i]));
    }
    return PM_OK;
}

static pm_status verify_all(const char *path, const pm_manifest *m, pm_cancel *cancel,
                            pm_error *err) {
    verifying v = {.dir = path, .m = m, .cancel = cancel, .err = err};
    PM_TRY(pm_reading_analyzer(m, &v.analyzer, err));
    v.done = pm_calloc(m->n_files, sizeof *v.done);
    pm_status status =
        v.done != NULL ? verify_contents(&v) : pm_fail_nomem(err, m->n_files);
    pm_free(v.done);
    pm_analyzer_free(v.analyzer);
    return status;
}

/* One try. changed: another manifest stands at the path by now, and files of the one
 * that was read may be gone for that reason. */
static pm_status verify_once(const char *path, pm_cancel *cancel, bool *changed,
                             pm_error *err) {
    pm_manifest m;
    pm_stat before;
    *changed = false;
    PM_TRY(pm_path_stat(path, &before, err));
    PM_TRY(pm_manifest_read(&m, path, err));
    pm_status status = verify_all(path, &m, cancel, err);
    if (status != PM_OK) {
        *changed = pm_reading_was_overtaken(status, err, path, &before, &m);
        status = pm_reading_name_missing(status, err);
    }
    pm_manifest_release(&m);
    return status;
}

pm_status pm_snapshot_verify(const char *path, pm_cancel *cancel, pm_error *err) {
    pm_error why;
    bool changed = true;
    pm_status status = PM_OK;
    PM_TRY(pm_manifest_probe(path, err));
    for (int i = 0; changed && i < MAX_TRIES; i++) {
        status = verify_once(path, cancel, &changed, &why);
    }
    if (status != PM_OK && err != NULL) {
        *err = why;
    }
    return status;
}

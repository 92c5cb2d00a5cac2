/* Query words to matchers. A word is tokenised by the index's own tokenizer, so that it
 * finds exactly what its text would make. */
#include "query/match.h"

#include <string.h>

#include "text/tokenizer.h"
#include "text/utf8.h"

typedef struct compiler {
    const pm_analyzer *an;
    pm_stemmer *st;
    pm_arena *arena;
    pm_error *err;
    pm_buf folded, scratch;
    pm_tokens tokens;
} compiler;

static pm_status nomem(compiler *c) {
    return pm_fail_nomem(c->err, 0);
}

static pm_status keep(compiler *c, pm_bytes in, pm_bytes *out) {
    char *copy = pm_arena_copy(c->arena, in.p, in.n);
    if (copy == NULL) {
        return nomem(c);
    }
    *out = (pm_bytes){(const uint8_t *)copy, in.n};
    return PM_OK;
}

static bool has_wildcard(const pm_node *word) {
    return !word->literal && strpbrk(word->text, "*?") != NULL;
}

/* ---- one token ---- */

static pm_status add_atom(compiler *c, pm_matcher *m, pm_atom atom) {
    /* A token has at most four atoms: the array is made whole at the first. */
    enum { MOST = 6 };
    if (m->atoms == NULL) {
        m->atoms = pm_arena_array(c->arena, MOST, sizeof *m->atoms);
        if (m->atoms == NULL) {
            return nomem(c);
        }
    }
    m->atoms[m->n_atoms++] = atom;
    return PM_OK;
}

/* Folded forms equal to `form`, and where the form has no accents those that differ
 * from it in accents only. */
static pm_status add_forms(compiler *c, pm_matcher *m, pm_bytes form, uint8_t lo,
                           uint8_t hi, char sign) {
    bool accents = false;
    PM_TRY(add_atom(c, m,
                    (pm_atom){.kind = PM_ATOM_FORM,
                              .case_lo = lo,
                              .case_hi = hi,
                              .sign = sign,
                              .text = form}));
    pm_buf_clear(&c->scratch);
    PM_TRY(pm_unaccent(c->an, form.p, form.n, &c->scratch, &accents, c->err));
    if (accents) {
        return PM_OK;
    }
    return add_atom(c, m,
                    (pm_atom){.kind = PM_ATOM_BARE_FORMS,
                              .case_lo = lo,
                              .case_hi = hi,
                              .sign = sign,
                              .text = form});
}

/* A name's folded form holds letters, digits and apostrophes. */
static size_t count_letters(pm_bytes folded) {
    size_t n = 0;
    for (size_t at = 0; at < folded.n;) {
        unsigned len;
        uint32_t cp = pm_utf8_decode(folded.p, at, &len);
        n += cp != '\'' && (cp < '0' || cp > '9');
        at += len;
    }
    return n;
}

/* A name: the form in capitals or with dots, in capitals plus s, and from four letters
 * on with any capital. */
static pm_status name_matcher(compiler *c, pm_matcher *m, pm_bytes form, char sign) {
    uint8_t lowest = count_letters(form) >= 4 ? PM_CASE_CAPITAL : PM_CASE_ACRONYM;
    m->is_name = true;
    PM_TRY(add_forms(c, m, form, lowest, PM_CASE_ACRONYM, sign));
    char *plural = pm_arena_alloc(c->arena, form.n + 1);
    if (plural == NULL) {
        return nomem(c);
    }
    memcpy(plural, form.p, form.n);
    plural[form.n] = 's';
    return add_forms(c, m, (pm_bytes){(const uint8_t *)plural, form.n + 1},
                     PM_CASE_PLURAL, PM_CASE_PLURAL, sign);
}

/* Everything with the form's stem; without accents also what differs in accents only,
 * in form or stem. */
static pm_status stem_matcher(compiler *c, pm_matcher *m, pm_bytes form, char sign) {
    bool form_accents = false, stem_accents = false;
    pm_bytes stem, bare;
    pm_buf_clear(&c->scratch);
    PM_TRY(pm_stem(c->st, form.p, form.n, &c->scratch, c->err));
    PM_TRY(keep(c, pm_buf_bytes(&c->scratch), &stem));
    PM_TRY(
        add_atom(c, m, (pm_atom){.kind = PM_ATOM_GROUP, .sign = sign, .text = stem}));
    pm_buf_clear(&c->scratch);
    PM_TRY(pm_unaccent(c->an, form.p, form.n, &c->scratch, &form_accents, c->err));
    if (form_accents) {
        return PM_OK;
    }
    pm_buf_clear(&c->scratch);
    PM_TRY(pm_unaccent(c->an, stem.p, stem.n, &c->scratch, &stem_accents, c->err));
    PM_TRY(keep(c, pm_buf_bytes(&c->scratch), &bare));
    PM_TRY(add_atom(
        c, m, (pm_atom){.kind = PM_ATOM_BARE_GROUPS, .sign = sign, .text = bare}));
    return add_atom(c, m,
                    (pm_atom){.kind = PM_ATOM_BARE_FORMS,
                              .case_hi = PM_CASE_ACRONYM,
                              .sign = sign,
                              .text = form});
}

/* Forms near the word's; one without accents finds accentless keys too, as patterns
 * do. */
static pm_status fuzzy_matcher(compiler *c, const pm_node *word, pm_bytes form,
                               char sign, pm_matcher *m) {
    bool accents = false;
    pm_buf_clear(&c->scratch);
    PM_TRY(pm_unaccent(c->an, form.p, form.n, &c->scratch, &accents, c->err));
    return add_atom(c, m,
                    (pm_atom){.kind = accents ? PM_ATOM_FUZZY : PM_ATOM_BARE_FUZZY,
                              .case_hi = PM_CASE_ACRONYM,
                              .distance = word->fuzzy,
                              .sign = sign,
                              .text = form});
}

static pm_status token_matcher(compiler *c, const pm_node *word, pm_bytes surface,
                               unsigned kind, pm_matcher *m) {
    pm_bytes form;
    pm_buf_clear(&c->folded);
    PM_TRY(pm_fold(c->an, surface.p, surface.n, kind, &c->folded, c->err));
    PM_TRY(keep(c, pm_buf_bytes(&c->folded), &form));
    PM_TRY(keep(c, surface, &surface));
    m->word = (const char *)surface.p;
    if (word->layer == PM_LAYER_SURFACE) {
        return add_atom(
            c, m, (pm_atom){.kind = PM_ATOM_SURFACE, .text = form, .surface = surface});
    }
    char sign = (char)(surface.p[0] == '#' || surface.p[0] == '@' ? surface.p[0] : 0);
    if (word->fuzzy > 0) {
        return fuzzy_matcher(c, word, form, sign, m);
    }
    bool dotted = memchr(surface.p, '.', surface.n) != NULL;
    bool named = pm_case_class(surface.p, surface.n) == PM_CASE_ACRONYM &&
                 (dotted || !word->capitals_plain);
    bool bare_or_in_phrase = word->explicit_layer == false;
    if (named && bare_or_in_phrase) {
        return name_matcher(c, m, form, sign);
    }
    if (word->layer == PM_LAYER_STEM) {
        return stem_matcher(c, m, form, sign);
    }
    return add_forms(c, m, form, PM_CASE_LOWER, PM_CASE_ACRONYM, sign);
}

/* ---- patterns ---- */

/* Folds the text between wildcards. A letter is put behind each piece and taken off
 * again, so that an ending is not taken for a possessive or a full stop for an
 * acronym's. */
static pm_status fold_piece(compiler *c, const uint8_t *p, size_t n, pm_buf *out) {
    pm_buf_clear(&c->scratch);
    pm_buf_put(&c->scratch, p, n);
    pm_buf_put_u8(&c->scratch, 'x');
    PM_TRY(pm_buf_status(&c->scratch, c->err));
    pm_buf_clear(&c->folded);
    PM_TRY(
        pm_fold(c->an, c->scratch.p, c->scratch.n, PM_KIND_WORD, &c->folded, c->err));
    size_t kept = c->folded.n > 0 && c->folded.p[c->folded.n - 1] == 'x'
                      ? c->folded.n - 1
                      : c->folded.n;
    pm_buf_put(out, c->folded.p, kept);
    return pm_buf_status(out, c->err);
}

static pm_status fold_pattern(compiler *c, const uint8_t *p, size_t n, pm_bytes *out) {
    pm_buf pattern;
    pm_buf_init(&pattern);
    pm_status status = PM_OK;
    size_t from = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && p[i] != '*' && p[i] != '?') {
            continue;
        }
        if (i > from) {
            PM_GO(fold_piece(c, p + from, i - from, &pattern));
        }
        if (i < n) {
            pm_buf_put_u8(&pattern, p[i]);
        }
        from = i + 1;
    }
    PM_GO(pm_buf_status(&pattern, c->err));
    PM_GO(keep(c, pm_buf_bytes(&pattern), out));
out:
    pm_buf_release(&pattern);
    return status;
}

static pm_status pattern_matcher(compiler *c, const pm_node *word, const uint8_t *p,
                                 size_t n, pm_matcher *m) {
    pm_bytes pattern;
    bool accents = false;
    char sign = 0;
    if (word->layer == PM_LAYER_SURFACE) {
        PM_TRY(keep(c, (pm_bytes){p, n}, &pattern));
        return add_atom(c, m,
                        (pm_atom){.kind = PM_ATOM_SURFACE_PATTERN, .text = pattern});
    }
    if (n > 1 && (p[0] == '#' || p[0] == '@')) {
        sign = (char)p[0];
        p++;
        n--;
    }
    PM_TRY(fold_pattern(c, p, n, &pattern));
    pm_buf_clear(&c->scratch);
    PM_TRY(pm_unaccent(c->an, pattern.p, pattern.n, &c->scratch, &accents, c->err));
    pm_atom_kind kind = accents ? PM_ATOM_PATTERN : PM_ATOM_BARE_PATTERN;
    return add_atom(c, m, (pm_atom){.kind = kind, .sign = sign, .text = pattern});
}

/* A pattern's parts between hyphens: each a pattern or a plain word of one token. */
static pm_status pattern_sequence(compiler *c, const pm_node *word, pm_sequence *seq) {
    const char *text = word->text;
    size_t parts = 1;
    for (const char *p = text; *p != '\0'; p++) {
        parts += *p == '-';
    }
    seq->n = 0;
    seq->slots = pm_arena_array(c->arena, parts, sizeof *seq->slots);
    if (seq->slots == NULL) {
        return nomem(c);
    }
    while (*text != '\0') {
        size_t n = strcspn(text, "-");
        if (n > 0) {
            PM_TRY(pattern_matcher(c, word, (const uint8_t *)text, n,
                                   &seq->slots[seq->n++]));
        }
        text += n + (text[n] == '-');
    }
    return PM_OK;
}

/* ---- words ---- */

static bool joined_by_hyphens(const uint8_t *text, const pm_tokens *t) {
    for (size_t i = 1; i < t->n; i++) {
        size_t lo = t->at[i - 1].end, n = t->at[i].start - lo;
        bool ascii = n == 1 && text[lo] == '-';
        bool unicode = n == 3 && text[lo] == 0xe2 && text[lo + 1] == 0x80 &&
                       (text[lo + 2] == 0x90 || text[lo + 2] == 0x91);
        if (!ascii && !unicode) {
            return false;
        }
    }
    return t->n > 1;
}

static pm_status tokens_sequence(compiler *c, const pm_node *word, pm_sequence *seq) {
    const uint8_t *text = (const uint8_t *)word->text;
    if (c->tokens.n > PM_MAX_SEQUENCE_TOKENS) {
        return pm_fail(c->err, PM_LIMIT, "a word or phrase of more than %d tokens",
                       PM_MAX_SEQUENCE_TOKENS);
    }
    seq->n = (uint32_t)c->tokens.n;
    seq->slots = pm_arena_array(c->arena, seq->n, sizeof *seq->slots);
    if (seq->slots == NULL) {
        return nomem(c);
    }
    for (uint32_t i = 0; i < seq->n; i++) {
        pm_token t = c->tokens.at[i];
        PM_TRY(token_matcher(c, word, (pm_bytes){text + t.start, t.end - t.start},
                             t.kind, &seq->slots[i]));
    }
    return PM_OK;
}

/* The hyphenated word written as one. */
static pm_status joined_sequence(compiler *c, const pm_node *word, pm_sequence *seq) {
    pm_buf joined;
    pm_status status = PM_OK;
    pm_buf_init(&joined);
    for (size_t i = 0; i < c->tokens.n; i++) {
        pm_token t = c->tokens.at[i];
        pm_buf_put(&joined, word->text + t.start, t.end - t.start);
    }
    seq->n = 1;
    seq->slots = pm_arena_array(c->arena, 1, sizeof *seq->slots);
    if (joined.failed || seq->slots == NULL) {
        status = nomem(c);
    } else {
        status =
            token_matcher(c, word, pm_buf_bytes(&joined), PM_KIND_WORD, &seq->slots[0]);
    }
    pm_buf_release(&joined);
    return status;
}

static pm_status new_sequences(compiler *c, pm_element *e, uint32_t n) {
    e->n = 0;
    e->sequences = pm_arena_array(c->arena, n, sizeof *e->sequences);
    return e->sequences == NULL ? nomem(c) : PM_OK;
}

static bool ends_in_apostrophe(pm_bytes text) {
    static const uint8_t curly[] = {0xe2, 0x80, 0x99};
    return text.n > 0 &&
           (text.p[text.n - 1] == '\'' ||
            (text.n >= sizeof curly &&
             memcmp(text.p + text.n - sizeof curly, curly, sizeof curly) == 0));
}

/* An elided word (l', dell') is a token of its own before a word only: it is read with a
 * letter behind it, which is taken off again. */
static pm_status tokenize_word(compiler *c, pm_bytes text) {
    if (ends_in_apostrophe(text)) {
        pm_buf_clear(&c->scratch);
        pm_buf_put(&c->scratch, text.p, text.n);
        pm_buf_put_u8(&c->scratch, 'a');
        PM_TRY(pm_buf_status(&c->scratch, c->err));
        PM_TRY(pm_tokenize(c->an, pm_buf_bytes(&c->scratch), &c->tokens, c->err));
        if (c->tokens.n > 1 && c->tokens.at[c->tokens.n - 1].start == text.n) {
            c->tokens.n--;
            return PM_OK;
        }
    }
    return pm_tokenize(c->an, text, &c->tokens, c->err);
}

static pm_status place_error(compiler *c, const pm_node *word, const char *hint) {
    if (c->err != NULL) {
        c->err->pos = word->pos;
        c->err->end = word->end;
    }
    pm_error_hint(c->err, "%s", hint);
    return PM_SYNTAX;
}

static pm_status word_element(compiler *c, const pm_node *word, pm_element *e) {
    PM_TRY(new_sequences(c, e, 2));
    if (has_wildcard(word)) {
        PM_TRY(pattern_sequence(c, word, &e->sequences[0]));
        e->n = e->sequences[0].n > 0;
        return PM_OK;
    }
    pm_bytes text = {(const uint8_t *)word->text, strlen(word->text)};
    PM_TRY(tokenize_word(c, text));
    if (c->tokens.n == 0) {
        return PM_OK;
    }
    if (word->fuzzy > 0 && c->tokens.n > 1) {
        pm_fail(c->err, PM_SYNTAX, "a fuzzy word is one word; '%.60s' is %zu",
                word->text, c->tokens.n);
        return place_error(c, word, "write self~1 PRE/1 defence~1");
    }
    PM_TRY(tokens_sequence(c, word, &e->sequences[e->n++]));
    if (joined_by_hyphens(text.p, &c->tokens)) {
        PM_TRY(joined_sequence(c, word, &e->sequences[e->n++]));
    }
    return PM_OK;
}

static pm_status any_element(compiler *c, pm_element *e) {
    PM_TRY(new_sequences(c, e, 1));
    e->n = 1;
    e->sequences[0].n = 1;
    e->sequences[0].slots = pm_arena_array(c->arena, 1, sizeof(pm_matcher));
    if (e->sequences[0].slots == NULL) {
        return nomem(c);
    }
    e->sequences[0].slots[0].any = true;
    return PM_OK;
}

/* ---- phrases and sets ---- */

static pm_status append_all(compiler *c, pm_element *to, const pm_element *from) {
    pm_element all;
    PM_TRY(new_sequences(c, &all, to->n + from->n));
    memcpy(all.sequences, to->sequences, to->n * sizeof *to->sequences);
    memcpy(all.sequences + to->n, from->sequences, from->n * sizeof *from->sequences);
    all.n = to->n + from->n;
    *to = all;
    return PM_OK;
}

static pm_status slot_element(compiler *c, const pm_node *slot, pm_element *e) {
    if (slot->kind == PM_NODE_ANY) {
        return any_element(c, e);
    }
    if (slot->kind == PM_NODE_WORD) {
        return word_element(c, slot, e);
    }
    PM_TRY(new_sequences(c, e, 1));
    for (uint32_t i = 0; i < slot->n_children; i++) {
        pm_element one;
        PM_TRY(word_element(c, slot->children[i], &one));
        PM_TRY(append_all(c, e, &one));
    }
    return PM_OK;
}

static pm_status concatenate(compiler *c, const pm_sequence *a, const pm_sequence *b,
                             pm_sequence *out) {
    out->n = a->n + b->n;
    if (out->n > PM_MAX_SEQUENCE_TOKENS) {
        return pm_fail(c->err, PM_LIMIT, "a phrase of more than %d tokens",
                       PM_MAX_SEQUENCE_TOKENS);
    }
    out->slots = pm_arena_array(c->arena, out->n, sizeof *out->slots);
    if (out->slots == NULL) {
        return nomem(c);
    }
    memcpy(out->slots, a->slots, a->n * sizeof *a->slots);
    memcpy(out->slots + a->n, b->slots, b->n * sizeof *b->slots);
    return PM_OK;
}

/* Every sequence of left followed by every one of right. */
static pm_status multiply(compiler *c, pm_element *left, const pm_element *right) {
    pm_element all;
    if (left->n * right->n > PM_MAX_SEQUENCES) {
        return pm_fail(
            c->err, PM_LIMIT,
            "a phrase that can be written in more than %d ways; split it with OR",
            PM_MAX_SEQUENCES);
    }
    PM_TRY(new_sequences(c, &all, left->n * right->n));
    for (uint32_t i = 0; i < left->n; i++) {
        for (uint32_t j = 0; j < right->n; j++) {
            PM_TRY(concatenate(c, &left->sequences[i], &right->sequences[j],
                               &all.sequences[all.n++]));
        }
    }
    *left = all;
    return PM_OK;
}

/* Slots of punctuation alone vanish: they are no tokens. */
static pm_status phrase_elements(compiler *c, const pm_node *phrase, pm_leaf *out) {
    out->elements = pm_arena_array(c->arena, phrase->n_children, sizeof *out->elements);
    if (out->elements == NULL) {
        return nomem(c);
    }
    for (uint32_t i = 0; i < phrase->n_children; i++) {
        pm_element e;
        PM_TRY(slot_element(c, phrase->children[i], &e));
        if (e.n == 0) {
            continue;
        }
        if (out->slop != PM_SLOP_NONE || out->n_elements == 0) {
            out->elements[out->n_elements++] = e;
        } else {
            PM_TRY(multiply(c, &out->elements[0], &e));
        }
    }
    return PM_OK;
}

static pm_status set_elements(compiler *c, const pm_node *set, pm_leaf *out) {
    out->elements = pm_arena_array(c->arena, 1, sizeof *out->elements);
    if (out->elements == NULL) {
        return nomem(c);
    }
    PM_TRY(new_sequences(c, &out->elements[0], 1));
    for (uint32_t i = 0; i < set->n_children; i++) {
        pm_leaf one = {.slop = PM_SLOP_NONE};
        pm_element word;
        if (set->children[i]->kind == PM_NODE_WORD) {
            PM_TRY(word_element(c, set->children[i], &word));
            PM_TRY(append_all(c, &out->elements[0], &word));
        } else {
            PM_TRY(phrase_elements(c, set->children[i], &one));
            if (one.n_elements > 0) {
                PM_TRY(append_all(c, &out->elements[0], &one.elements[0]));
            }
        }
    }
    out->n_elements = out->elements[0].n > 0;
    return PM_OK;
}

static pm_status compile(compiler *c, const pm_node *node, pm_leaf *out) {
    if (node->kind == PM_NODE_PHRASE) {
        out->slop = node->slop;
        out->n_slop = node->n;
        return phrase_elements(c, node, out);
    }
    if (node->kind == PM_NODE_SET) {
        return set_elements(c, node, out);
    }
    out->elements = pm_arena_array(c->arena, 1, sizeof *out->elements);
    if (out->elements == NULL) {
        return nomem(c);
    }
    PM_TRY(word_element(c, node, &out->elements[0]));
    out->n_elements = out->elements[0].n > 0;
    return PM_OK;
}

pm_status pm_leaf_compile(const pm_analyzer *an, pm_stemmer *st, const pm_node *node,
                          pm_arena *arena, pm_leaf *out, pm_error *err) {
    compiler c = {.an = an, .st = st, .arena = arena, .err = err};
    pm_buf_init(&c.folded);
    pm_buf_init(&c.scratch);
    pm_tokens_init(&c.tokens);
    *out = (pm_leaf){.node = node, .slop = PM_SLOP_NONE};
    pm_status status = compile(&c, node, out);
    pm_tokens_release(&c.tokens);
    pm_buf_release(&c.scratch);
    pm_buf_release(&c.folded);
    return status;
}

/* Greedy matching with one point of return: the last star. */
bool pm_pattern_match(pm_bytes pattern, pm_bytes text) {
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.n) {
        unsigned len;
        pm_utf8_decode(text.p, t, &len);
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.n && pattern.p[p] == '?') {
            p++;
            t += len;
        } else if (p < pattern.n && pattern.n - p >= len &&
                   memcmp(pattern.p + p, text.p + t, len) == 0) {
            p += len;
            t += len;
        } else if (star != SIZE_MAX) {
            pm_utf8_decode(text.p, mark, &len);
            mark += len;
            p = star + 1;
            t = mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

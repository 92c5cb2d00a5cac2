/* Trees for phrase() and near(): their text is never read for operators. Blanks and
 * whatever the query language gives a meaning (quotation marks, brackets, | and, where
 * no wildcards are wanted, * and ?) part the words. */
#include <string.h>

#include "base/sys.h"
#include "query/parse_inner.h"
#include "text/utf8.h"

typedef struct builder {
    pm_parser p; /* text of the operand at hand, the query, limits, err */
    pm_node **words;
    size_t n, capacity;
    bool wildcards;
    pm_layer layer;
} builder;

static pm_status load(builder *b, pm_buf *clean, pm_bytes text) {
    size_t replaced;
    pm_buf_clear(clean);
    pm_utf8_sanitize(text, clean, &replaced);
    PM_TRY(pm_buf_status(clean, b->p.err));
    for (size_t i = 0; i < clean->n; i++) {
        clean->p[i] = clean->p[i] == 0 ? ' ' : clean->p[i];
    }
    b->p.text = clean->n > 0 ? clean->p : (const uint8_t *)"";
    b->p.n = clean->n;
    b->p.seen_byte = b->p.seen_point = 0;
    b->n = 0;
    if (pm_utf8_count(b->p.text, b->p.n) > b->p.limits->query_length) {
        return pm_fail(b->p.err, PM_LIMIT, "a phrase of more than %u characters",
                       (unsigned)b->p.limits->query_length);
    }
    return PM_OK;
}

static pm_status add_node(builder *b, pm_node *node) {
    if (!PM_GROW(b->words, b->n, b->capacity, 1)) {
        return pm_parse_nomem(&b->p);
    }
    node->pos = node->end = 0;
    b->words[b->n++] = node;
    return PM_OK;
}

static pm_status add_word(builder *b, pm_extent run) {
    pm_node *word;
    pm_extent e =
        pm_lex_trim(&b->p, run, b->wildcards ? PM_TRIM_SIGNS : PM_TRIM_WILDCARDS);
    if (b->wildcards && pm_lex_is(&b->p, run, "*")) {
        PM_TRY(pm_parse_node(&b->p, PM_NODE_ANY, 0, run, &word));
        return add_node(b, word);
    }
    if (!pm_lex_has_word(&b->p, e)) {
        return PM_OK;
    }
    PM_TRY(pm_parse_word_node(&b->p, e, b->layer, b->layer == PM_LAYER_SURFACE, &word));
    return add_node(b, word);
}

static bool parts(const builder *b, uint8_t c) {
    return c == '|' || (!b->wildcards && (c == '*' || c == '?'));
}

static pm_status add_run(builder *b, pm_extent run) {
    size_t from = run.lo;
    for (size_t at = run.lo; !pm_lex_is_url(&b->p, run) && at < run.hi; at++) {
        if (parts(b, b->p.text[at])) {
            PM_TRY(add_word(b, (pm_extent){from, at}));
            from = at + 1;
        }
    }
    return add_word(b, (pm_extent){from, run.hi});
}

static pm_status read_words(builder *b) {
    for (size_t at = 0; at < b->p.n;) {
        unsigned len;
        if (pm_lex_at(&b->p, at, &len) != PM_LEX_RUN) {
            at += len;
            continue;
        }
        pm_extent run = pm_lex_run(&b->p, at);
        at = run.hi;
        PM_TRY(add_run(b, run));
    }
    return PM_OK;
}

static pm_status phrase_node(builder *b, pm_node **out) {
    pm_node *phrase = pm_node_new(&b->p.query->arena, PM_NODE_PHRASE, (uint32_t)b->n);
    if (phrase == NULL) {
        return pm_parse_nomem(&b->p);
    }
    memcpy(phrase->children, b->words, b->n * sizeof *b->words);
    if (pm_mark_headline(phrase->children, phrase->n_children)) {
        PM_TRY(pm_parse_note(
            &b->p,
            "a phrase in capitals throughout: they mean nothing, US finds us too"));
    }
    *out = phrase;
    return PM_OK;
}

static pm_status nothing(builder *b, pm_node **out) {
    *out = pm_node_new(&b->p.query->arena, PM_NODE_NOTHING, 0);
    return *out == NULL ? pm_parse_nomem(&b->p) : PM_OK;
}

/* ---- phrase(text) ---- */

static pm_status build_phrase(builder *b, pm_slop slop, int32_t n, pm_node **out) {
    PM_TRY(read_words(b));
    if (b->n == 0) {
        return nothing(b, out);
    }
    PM_TRY(phrase_node(b, out));
    (*out)->slop = slop;
    (*out)->n = slop == PM_SLOP_NONE ? 0 : n;
    return PM_OK;
}

static pm_status done(builder *b, pm_buf *clean, pm_status status, pm_node *root) {
    pm_free(b->words);
    pm_buf_release(clean);
    if (status != PM_OK) {
        pm_query_release(b->p.query);
        return status;
    }
    b->p.query->root = root;
    return PM_OK;
}

pm_status pm_build_phrase(const char *text, size_t n_bytes, pm_layer layer,
                          pm_slop slop, int32_t n, pm_query *out, pm_error *err) {
    builder b = {.p = {.limits = &pm_limits_default, .query = out, .err = err},
                 .layer = layer};
    pm_node *root = NULL;
    pm_buf clean;
    pm_query_init(out);
    if (slop != PM_SLOP_NONE && (n < 0 || n > PM_MAX_DISTANCE)) {
        return pm_fail(err, PM_INVALID, "slop is %d; it must be 0 to %d words", (int)n,
                       PM_MAX_DISTANCE);
    }
    pm_buf_init(&clean);
    pm_status status = load(&b, &clean, (pm_bytes){(const uint8_t *)text, n_bytes});
    if (status == PM_OK) {
        status = build_phrase(&b, slop, n, &root);
    }
    return done(&b, &clean, status, root);
}

/* ---- near(*operands) ---- */

/* One word at the layer of stems; several: a phrase of folded words; NULL where text
 * holds no word. */
static pm_status build_words(builder *b, pm_buf *clean, pm_bytes text, pm_node **out) {
    bool word = false;
    *out = NULL;
    b->layer = PM_LAYER_FOLDED;
    PM_TRY(load(b, clean, text));
    PM_TRY(read_words(b));
    for (size_t i = 0; i < b->n; i++) {
        word |= b->words[i]->kind == PM_NODE_WORD;
    }
    if (b->n > 1 && word) {
        return phrase_node(b, out);
    }
    if (word) {
        b->words[0]->layer = PM_LAYER_STEM;
        *out = b->words[0];
    }
    return PM_OK;
}

static pm_status build_alternative(builder *b, pm_buf *clean, pm_bytes text,
                                   size_t operand, pm_node **out) {
    PM_TRY(build_words(b, clean, text, out));
    return *out != NULL ? PM_OK
                        : pm_fail(b->p.err, PM_INVALID,
                                  "operand %zu of near() holds no word", operand + 1);
}

static pm_status build_operand(builder *b, pm_buf *clean, const pm_operand_text *text,
                               size_t operand, pm_node **out) {
    pm_node *set;
    if (text->n == 0) {
        return pm_fail(b->p.err, PM_INVALID, "operand %zu of near() is empty",
                       operand + 1);
    }
    if (text->n > b->p.limits->clauses) {
        return pm_fail(b->p.err, PM_LIMIT,
                       "operand %zu of near() has more than %u alternatives",
                       operand + 1, (unsigned)b->p.limits->clauses);
    }
    if (text->n == 1) {
        return build_alternative(b, clean, text->alternatives[0], operand, out);
    }
    set = pm_node_new(&b->p.query->arena, PM_NODE_SET, (uint32_t)text->n);
    if (set == NULL) {
        return pm_parse_nomem(&b->p);
    }
    for (size_t i = 0; i < text->n; i++) {
        PM_TRY(build_alternative(b, clean, text->alternatives[i], operand,
                                 &set->children[i]));
    }
    *out = set;
    return PM_OK;
}

static pm_status build_near(builder *b, pm_buf *clean, const pm_operand_text *operands,
                            size_t n, const pm_node *like, pm_node **out) {
    PM_TRY(build_operand(b, clean, &operands[0], 0, out));
    for (size_t i = 1; i < n; i++) {
        pm_node *near = pm_node_new(&b->p.query->arena, PM_NODE_NEAR, 2);
        if (near == NULL) {
            return pm_parse_nomem(&b->p);
        }
        near->n = like->n;
        near->ordered = like->ordered;
        near->scope = like->scope;
        near->children[0] = *out;
        PM_TRY(build_operand(b, clean, &operands[i], i, &near->children[1]));
        *out = near;
    }
    return PM_OK;
}

/* ---- $name ---- */

static pm_status build_values(builder *b, pm_buf *clean, const pm_named *named,
                              pm_node *set) {
    set->n_children = 0;
    for (size_t i = 0; i < named->n_values; i++) {
        pm_node *one;
        PM_TRY(build_words(b, clean, named->values[i], &one));
        if (one == NULL) {
            pm_fail(b->p.err, PM_INVALID, "value %zu of $%.60s holds no word", i + 1,
                    named->name);
            return PM_INVALID;
        }
        set->children[set->n_children++] = one;
    }
    return PM_OK;
}

pm_status pm_build_set(pm_parser *p, const pm_named *named, pm_node **out) {
    builder b = {.p = {.limits = p->limits, .query = p->query, .err = p->err},
                 .wildcards = true};
    size_t n = named != NULL ? named->n_values : 0;
    pm_buf clean;
    if (n > p->limits->clauses) {
        return pm_fail(p->err, PM_LIMIT,
                       "$%.60s has more than %u values; raise pm.limits.clauses",
                       named->name, (unsigned)p->limits->clauses);
    }
    *out = pm_node_new(&p->query->arena, PM_NODE_SET, (uint32_t)n);
    if (*out == NULL) {
        return pm_parse_nomem(p);
    }
    pm_buf_init(&clean);
    pm_status status = n > 0 ? build_values(&b, &clean, named, *out) : PM_OK;
    pm_free(b.words);
    pm_buf_release(&clean);
    return status;
}

/* ---- near(*operands) ---- */

static pm_status check_near(size_t n, int32_t within, pm_scope scope, pm_error *err) {
    if (n < 2) {
        return pm_fail(err, PM_INVALID, "near() takes two and more operands");
    }
    if (n > pm_limits_default.depth) {
        return pm_fail(err, PM_LIMIT, "near() takes at most %u operands",
                       (unsigned)pm_limits_default.depth);
    }
    bool any = within == PM_NEAR_ANY_DISTANCE && scope != PM_SCOPE_FIELD;
    if (!any && (within < 1 || within > PM_MAX_DISTANCE)) {
        return pm_fail(err, PM_INVALID,
                       "within is %d; it must be 1 (the next word) to %d", (int)within,
                       PM_MAX_DISTANCE);
    }
    return PM_OK;
}

pm_status pm_build_near(const pm_operand_text *operands, size_t n, int32_t within,
                        bool ordered, pm_scope scope, pm_query *out, pm_error *err) {
    builder b = {.p = {.limits = &pm_limits_default, .query = out, .err = err},
                 .wildcards = true};
    pm_node like = {.n = within, .ordered = ordered, .scope = scope};
    pm_node *root = NULL;
    pm_buf clean;
    pm_query_init(out);
    PM_TRY(check_near(n, within, scope, err));
    pm_buf_init(&clean);
    pm_status status = build_near(&b, &clean, operands, n, &like, &root);
    return done(&b, &clean, status, root);
}

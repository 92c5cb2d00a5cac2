/* Trees: canonical text is read back as the same tree for random trees and for whatever
 * random text is read as; hostile text, limits, failing allocations, and the trees of
 * phrase() and near(). */
#include <string.h>

#include "base/sys.h"
#include "check.h"
#include "failing_memory.h"
#include "query/parse.h"

static const char *const FIELDS[] = {"title", "body"};
static const char *const COLUMNS[] = {"outlet", "date"};
static const pm_schema SCHEMA = {
    .n_fields = 2, .n_columns = 2, .fields = FIELDS, .columns = COLUMNS};

static uint64_t seed = 88172645463325252u;

static unsigned below(unsigned n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % n);
}

/* ---- a table that fails its k-th allocation, and counts what is held ---- */

static void install_fake(void) {
    static pm_sys table;
    table = pm_sys_posix;
    table.alloc = fake_alloc;
    table.resize = fake_resize;
    table.release = fake_release;
    pm_sys_replace(&table);
}

/* ---- random trees, as the parser makes them ---- */

static pm_arena arena;

static pm_node *make(pm_node_kind kind, uint32_t n_children) {
    pm_node *node = pm_node_new(&arena, kind, n_children);
    CHECK(node != NULL);
    return node;
}

static pm_node *make_word(pm_layer bare_layer) {
    static const char *const texts[] = {
        "missile", "US",    "U.S.",  "self-defence", "kill*", "wom?n",
        "café",    "#Iran", "5,000", "AND,",         "and",   "l’Iran",
        "IN",      "W/5,",  "*ing",  "NOT",          "title", "x_y",
        "習近平",  "@a",    "$5",    "workers’",     "stem",  "e.g."};
    pm_node *word = make(PM_NODE_WORD, 0);
    unsigned i = below(sizeof texts / sizeof *texts);
    word->layer = bare_layer;
    if (below(4) == 0 || strcmp(texts[i], "NOT") == 0) {
        word->layer = below(2) == 0 ? PM_LAYER_FOLDED : PM_LAYER_SURFACE;
        word->explicit_layer = true;
    }
    word->text = texts[i];
    /* a comma is trimmed there, for nothing is an operator */
    if (bare_layer == PM_LAYER_FOLDED || word->explicit_layer) {
        word->text = strcmp(word->text, "AND,") == 0   ? "AND"
                     : strcmp(word->text, "W/5,") == 0 ? "W/5"
                                                       : word->text;
    }
    word->capitals_plain = strpbrk(word->text, "*?") != NULL;
    return word;
}

static pm_node *make_slot(void) {
    unsigned kind = below(8);
    if (kind == 0) {
        return make(PM_NODE_ANY, 0);
    }
    if (kind > 1) {
        return make_word(PM_LAYER_FOLDED);
    }
    pm_node *slot = make(PM_NODE_ALTERNATIVES, 2 + below(2));
    for (uint32_t i = 0; i < slot->n_children; i++) {
        slot->children[i] = make_word(PM_LAYER_FOLDED);
    }
    return slot;
}

/* With a small letter in it, so that its capitals keep their meaning. */
static pm_node *make_phrase(void) {
    pm_node *phrase = make(PM_NODE_PHRASE, 1 + below(4));
    phrase->children[0] = make(PM_NODE_WORD, 0);
    phrase->children[0]->text = "house";
    phrase->children[0]->layer = PM_LAYER_FOLDED;
    for (uint32_t i = 1; i < phrase->n_children; i++) {
        phrase->children[i] = make_slot();
    }
    phrase->slop = (pm_slop)below(3);
    phrase->n = phrase->slop == PM_SLOP_NONE ? 0 : (int32_t)below(7);
    return phrase;
}

static pm_node *make_meta(void) {
    static const char *const values[] = {"bbc", "the hill", "2020-01", "*",
                                         "TO",  "a..b",     "é",       ">5",
                                         "x:y", "(z)",      "-3",      "a|b~2"};
    enum { N = sizeof values / sizeof *values };
    pm_node *meta = make(PM_NODE_META, 0);
    meta->text = COLUMNS[below(2)];
    meta->op = (pm_meta_op)below(2);
    if (meta->op == PM_META_IS || below(2) == 0) {
        meta->lo = values[below(N)];
    }
    if (meta->op == PM_META_RANGE && below(2) == 0) {
        meta->hi = values[below(N)];
    }
    bool one = meta->op == PM_META_RANGE && (meta->lo == NULL) != (meta->hi == NULL);
    meta->lo_open = one && meta->lo != NULL && below(2) == 0;
    meta->hi_open = one && meta->hi != NULL && below(2) == 0;
    return meta;
}

static pm_node *make_operand(unsigned depth);

static pm_node *make_near(unsigned depth) {
    pm_node *near = make(PM_NODE_NEAR, 2);
    near->children[0] = make_operand(depth - 1);
    near->children[1] = make_operand(depth - 1);
    near->ordered = below(2) == 0;
    near->scope = (pm_scope)below(3);
    near->n = near->scope != PM_SCOPE_FIELD && below(2) == 0 ? PM_NEAR_ANY_DISTANCE
                                                             : 1 + (int32_t)below(20);
    return near;
}

static pm_node *make_field(pm_node *child) {
    pm_node *field = make(PM_NODE_FIELD, 1);
    field->text = FIELDS[below(2)];
    field->children[0] = child;
    return field;
}

/* Children of the node's own kind are drawn again: the parser puts their children in
 * their place. */
static pm_node *make_list(pm_node_kind kind, unsigned depth,
                          pm_node *(*child)(unsigned depth)) {
    pm_node *list = make(kind, 2 + below(3));
    for (uint32_t i = 0; i < list->n_children; i++) {
        do {
            list->children[i] = child(depth - 1);
        } while (list->children[i]->kind == kind);
    }
    return list;
}

/* What may stand beside W/. */
static pm_node *make_operand(unsigned depth) {
    switch (depth == 0 ? below(2) : below(6)) {
    case 0:
        return make_word(PM_LAYER_STEM);
    case 1:
        return make_phrase();
    case 2:
        return make_field(make_operand(depth - 1));
    case 3:
        return make_list(PM_NODE_OR, depth, make_operand);
    default:
        return make_near(depth);
    }
}

static pm_node *make_query(unsigned depth) {
    switch (depth == 0 ? below(3) : below(7)) {
    case 0:
        return make_meta();
    case 1:
    case 2:
        return make_operand(depth);
    case 3:
        return make_field(make_query(depth - 1));
    case 4:
        return make_list(PM_NODE_OR, depth, make_query);
    default:
        break;
    }
    pm_node *list = make_list(PM_NODE_AND, depth, make_query);
    for (uint32_t i = 1; i < list->n_children; i++) {
        if (below(3) == 0) {
            pm_node *child = make_query(depth - 1), *negated = make(PM_NODE_NOT, 1);
            negated->children[0] = child;
            list->children[i] = negated;
        }
    }
    return list;
}

static void canonical(const pm_node *root, pm_buf *out) {
    pm_buf_clear(out);
    CHECK(pm_query_text(root, out, NULL) == PM_OK);
    pm_buf_put_u8(out, 0);
    CHECK(!out->failed);
    out->n--;
}

static void check_tree(const pm_node *root, pm_buf *text) {
    pm_query q;
    pm_error err;
    canonical(root, text);
    pm_status status = pm_parse((const char *)text->p, text->n, &SCHEMA,
                                PM_PARSE_SEARCH, &pm_limits_default, &q, &err);
    if (status != PM_OK || !pm_node_equal(root, q.root)) {
        fprintf(stderr, "%s\n  %s\n", (const char *)text->p,
                status != PM_OK ? err.message : "another tree");
        CHECK(false);
    }
    pm_query_release(&q);
}

static void test_random_trees_are_read_back(void) {
    pm_buf text;
    pm_buf_init(&text);
    pm_arena_init(&arena);
    for (int i = 0; i < 10000; i++) {
        pm_node *root = make_query(below(5));
        /* a lone word is plain text, in which a final ? is punctuation */
        if (root->kind != PM_NODE_WORD) {
            check_tree(root, &text);
        }
        pm_arena_reset(&arena);
    }
    pm_arena_release(&arena);
    pm_buf_release(&text);
}

static void test_equal_trees_differ_by_any_part(void) {
    pm_arena_init(&arena);
    for (int i = 0; i < 2000; i++) {
        uint64_t from = seed;
        pm_node *a = make_query(3);
        uint64_t after = seed;
        seed = from;
        pm_node *b = make_query(3);
        CHECK(seed == after && pm_node_equal(a, b));
        pm_node *leaf = b;
        while (leaf->n_children > 0) {
            leaf = leaf->children[below(leaf->n_children)];
        }
        leaf->pos = 7;
        CHECK(pm_node_equal(a, b));
        leaf->literal = true;
        CHECK(!pm_node_equal(a, b) && !pm_node_equal(b, a));
        pm_arena_reset(&arena);
    }
    pm_arena_release(&arena);
}

/* ---- random text ---- */

/* Whatever happens, an error has a place within the text and the tree of a reading is
 * read back. */
static bool check_text(const char *text, size_t n, const pm_schema *schema,
                       pm_parse_mode mode) {
    pm_query q, again;
    pm_error err;
    pm_status status = pm_parse(text, n, schema, mode, &pm_limits_default, &q, &err);
    if (status != PM_OK) {
        CHECK(err.code == status && err.message[0] != '\0');
        CHECK(err.pos >= 0 && err.pos <= err.end && err.end <= (int64_t)n);
        return false;
    }
    pm_buf out;
    pm_buf_init(&out);
    canonical(q.root, &out);
    status = pm_parse((const char *)out.p, out.n, schema, mode, &pm_limits_default,
                      &again, &err);
    if (status != PM_OK || !pm_node_equal(q.root, again.root)) {
        fprintf(stderr, "%.*s\n= %s\n  %s\n", (int)n, text, (const char *)out.p,
                status != PM_OK ? err.message : "another tree");
        CHECK(false);
    }
    pm_query_release(&again);
    pm_query_release(&q);
    pm_buf_release(&out);
    return true;
}

static void test_random_soup_is_read_back(void) {
    static const char *const pieces[] = {"a",       "bc",       "US",
                                         "NATO",    "U.S.",     " ",
                                         " ",       " ",        " ",
                                         "(",       ")",        "\"",
                                         "\"",      "“",        "AND",
                                         "OR",      "NOT",      "W/5",
                                         "/s",      "PRE/2p",   "*",
                                         "?",       "=",        "==",
                                         "~",       "~>",       "2",
                                         "^",       "|",        "title:",
                                         "outlet:", "date:",    "x:",
                                         ":",       "[",        "]",
                                         " TO ",    "..",       ">",
                                         "<=",      "-",        "+",
                                         "&&",      "||",       "!",
                                         ".",       ",",        "'",
                                         "’",       "é",        "習",
                                         "😀",       "\xc2\xa0", "#",
                                         "@",       "$",        "https://x.y/",
                                         "www.z",   "IN",       "and",
                                         "or",      "{",        "/",
                                         "_",       "\xcc\x81", "\xe2\x80\x8d",
                                         "stem",    "OF"};
    size_t read = 0;
    char text[256];
    for (int i = 0; i < 60000; i++) {
        size_t n = 0;
        for (unsigned k = 1 + below(12); k > 0; k--) {
            const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
            bool blank = below(3) == 0;
            text[n] = ' ';
            n += blank;
        }
        read += check_text(text, n, below(8) == 0 ? NULL : &SCHEMA,
                           (pm_parse_mode)below(3));
    }
    CHECK(read > 6000);
}

static void test_random_bytes_do_no_harm(void) {
    char text[64];
    for (int i = 0; i < 30000; i++) {
        size_t n = below(sizeof text);
        for (size_t k = 0; k < n; k++) {
            text[k] = (char)(below(3) == 0 ? below(256) : 32 + below(96));
        }
        check_text(text, n, &SCHEMA, (pm_parse_mode)below(3));
    }
}

/* ---- hostile sizes and limits ---- */

static char *repeat(const char *head, const char *piece, size_t times,
                    const char *tail) {
    size_t n = strlen(piece), start = strlen(head);
    char *text = malloc(start + n * times + strlen(tail) + 1);
    CHECK(text != NULL);
    memcpy(text, head, start);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + start + i * n, piece, n);
    }
    strcpy(text + start + n * times, tail);
    return text;
}

static pm_status status_of(char *text, pm_parse_mode mode, const pm_limits *limits,
                           const char *message) {
    pm_query q;
    pm_error err;
    pm_status status = pm_parse(text, strlen(text), &SCHEMA, mode, limits, &q, &err);
    if (status == PM_OK) {
        pm_query_release(&q);
    } else if (strstr(err.message, message) == NULL) {
        fprintf(stderr, "%s\n", err.message);
        CHECK(false);
    }
    free(text);
    return status;
}

static void test_limits_say_which_and_how_to_raise_them(void) {
    const pm_limits *normal = &pm_limits_default;
    pm_limits wide = {
        .depth = UINT32_MAX, .clauses = UINT32_MAX, .query_length = UINT32_MAX};
    CHECK(status_of(repeat("", "(", 100, "a"), PM_PARSE_STRICT, normal,
                    "missing ')'") == PM_SYNTAX);
    CHECK(status_of(repeat("", "(", 10000, "a"), PM_PARSE_STRICT, normal,
                    "pm.limits.depth") == PM_LIMIT);
    CHECK(status_of(repeat("", "(", 10000, "a"), PM_PARSE_STRICT, &wide, "1000 deep") ==
          PM_LIMIT);
    CHECK(status_of(repeat("", "(", 10000, "a"), PM_PARSE_SEARCH, normal, "") == PM_OK);
    CHECK(status_of(repeat("", "title:(", 101, "a"), PM_PARSE_STRICT, normal,
                    "pm.limits.depth") == PM_LIMIT);
    CHECK(status_of(repeat("a", " W/1 b", 100, ""), PM_PARSE_STRICT, normal, "") ==
          PM_OK);
    CHECK(status_of(repeat("a", " W/1 b", 101, ""), PM_PARSE_STRICT, normal,
                    "pm.limits.depth") == PM_LIMIT);
    CHECK(status_of(repeat("a", " W/1 b", 1001, ""), PM_PARSE_STRICT, &wide,
                    "1000 deep") == PM_LIMIT);
    CHECK(status_of(repeat("a", " OR b", 1023, ""), PM_PARSE_STRICT, normal, "") ==
          PM_OK);
    CHECK(status_of(repeat("a", " OR b", 1024, ""), PM_PARSE_STRICT, normal,
                    "pm.limits.clauses") == PM_LIMIT);
    CHECK(status_of(repeat("x", " outlet:b", 1024, ""), PM_PARSE_STRICT, normal,
                    "pm.limits.clauses") == PM_LIMIT);
    CHECK(status_of(repeat("a", " OR b", 100000, ""), PM_PARSE_STRICT, &wide, "") ==
          PM_OK);
    CHECK(status_of(repeat("", "é", 100000, ""), PM_PARSE_SEARCH, normal, "") == PM_OK);
    CHECK(status_of(repeat("", "é", 100001, ""), PM_PARSE_SEARCH, normal,
                    "pm.limits.query_length") == PM_LIMIT);
    CHECK(status_of(repeat("", "x", 1 << 20, ""), PM_PARSE_STRICT, normal,
                    "pm.limits.query_length") == PM_LIMIT);
}

static void test_a_megabyte_takes_linear_time(void) {
    static const char *const pieces[] = {
        "x",   "a ",       "\"",     "\"a ", "(",      ")",       "|",
        "a|",  "'a ",      "=",      "= ",   "a. ",    "a OR ",   "..",
        "~",   "* ",       "a W/2 ", "NOT ", "title:", "outlet:", "-",
        "é\"", "https://", "www.(",  "? ",   "a? "};
    pm_limits wide = {.depth = 100, .clauses = 1000, .query_length = UINT32_MAX};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (int mode = PM_PARSE_STRICT; mode <= PM_PARSE_FILTER; mode++) {
            pm_status status =
                status_of(repeat("", pieces[i], (1 << 20) / strlen(pieces[i]), ""),
                          (pm_parse_mode)mode, &wide, "");
            CHECK(status != PM_NOMEM && status != PM_INTERNAL);
        }
    }
}

static void test_plain_text_beyond_the_clauses_is_cut_with_a_note(void) {
    char *text = repeat("", "strike ", 2000, "");
    pm_query q;
    CHECK(pm_parse(text, strlen(text), &SCHEMA, PM_PARSE_SEARCH, &pm_limits_default, &q,
                   NULL) == PM_OK);
    CHECK(q.plain && q.root->n_children == 1024 && q.n_notes == 1);
    CHECK(strstr(q.notes[0], "first 1024 words") != NULL);
    pm_query_release(&q);
    free(text);
}

/* ---- failing allocations ---- */

static void test_every_failed_allocation_is_told(void) {
    static const char *const texts[] = {
        "title:(missile W/5 \"closed (a|b) * door\"~3) AND NOT outlet:(bbc OR \"the "
        "hill\") date:2020..2021 or x",
        "a OR b W/2 c",
        "white house W/5 trump",
        "a W/5 (b AND c)",
        "outlt:x",
        "who is he? (strike + -x",
        "("};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        for (int mode = PM_PARSE_STRICT; mode <= PM_PARSE_SEARCH; mode++) {
            pm_status status = PM_NOMEM;
            for (fake.fail_at = 1; status == PM_NOMEM; fake.fail_at++) {
                pm_query q;
                pm_error err;
                fake.calls = 0;
                status = pm_parse(texts[t], strlen(texts[t]), &SCHEMA,
                                  (pm_parse_mode)mode, &pm_limits_default, &q, &err);
                CHECK(status == PM_OK || err.code == status);
                CHECK((status == PM_NOMEM) == (fake.calls >= fake.fail_at));
                pm_query_release(&q);
                CHECK(fake.blocks == 0);
                CHECK(fake.fail_at < 1000);
            }
        }
    }
    fake.fail_at = 0;
}

/* ---- builders ---- */

static pm_bytes bytes(const char *text) {
    return (pm_bytes){(const uint8_t *)text, strlen(text)};
}

static void check_phrase(const char *text, pm_layer layer, pm_slop slop, int32_t n,
                         const char *want) {
    pm_query q;
    pm_buf out;
    pm_buf_init(&out);
    CHECK(pm_build_phrase(text, strlen(text), layer, slop, n, &q, NULL) == PM_OK);
    canonical(q.root, &out);
    if (strcmp((const char *)out.p, want) != 0) {
        fprintf(stderr, "%s\n  %s\n", text, (const char *)out.p);
        CHECK(false);
    }
    if (layer != PM_LAYER_STEM) {
        check_tree(q.root, &out);
    }
    pm_query_release(&q);
    pm_buf_release(&out);
}

static void test_phrase_reads_no_operators(void) {
    check_phrase("slap in the face", PM_LAYER_FOLDED, PM_SLOP_NONE, 0,
                 "\"slap in the face\"");
    check_phrase("US \"AND\" (W/5|x) kill* what? =y", PM_LAYER_FOLDED,
                 PM_SLOP_ANY_ORDER, 2, "\"US AND W/5 x kill what y\"~2");
    check_phrase("a * b", PM_LAYER_SURFACE, PM_SLOP_IN_ORDER, 0, "\"==a ==b\"~>0");
    check_phrase("Who is he?", PM_LAYER_STEM, PM_SLOP_NONE, 0, "stem(\"Who is he\")");
    check_phrase("see https://x.com/a?b=* now", PM_LAYER_FOLDED, PM_SLOP_NONE, 0,
                 "\"see https://x.com/a?b=* now\"");
    check_phrase("US NAVY", PM_LAYER_FOLDED, PM_SLOP_NONE, 0, "\"US NAVY\"");
    check_phrase(" – ", PM_LAYER_FOLDED, PM_SLOP_NONE, 0, "");
    pm_query q;
    pm_error err;
    CHECK(pm_build_phrase("a", 1, PM_LAYER_FOLDED, PM_SLOP_ANY_ORDER, -1, &q, &err) ==
          PM_INVALID);
    CHECK(pm_build_phrase("US NAVY", 7, PM_LAYER_FOLDED, PM_SLOP_NONE, 0, &q, &err) ==
          PM_OK);
    CHECK(q.root->children[0]->capitals_plain && q.n_notes == 1 && !q.plain &&
          q.root->pos == 0 && q.root->end == 0);
    pm_query_release(&q);
}

static pm_status build(const pm_operand_text *operands, size_t n, int32_t within,
                       bool ordered, pm_scope scope, const char *want) {
    pm_query q;
    pm_error err;
    pm_buf out;
    pm_status status = pm_build_near(operands, n, within, ordered, scope, &q, &err);
    if (status != PM_OK) {
        CHECK(status == err.code && err.message[0] != '\0');
        return status;
    }
    pm_buf_init(&out);
    canonical(q.root, &out);
    if (strcmp((const char *)out.p, want) != 0) {
        fprintf(stderr, "%s\n", (const char *)out.p);
        CHECK(false);
    }
    pm_query_release(&q);
    pm_buf_release(&out);
    return status;
}

static void test_near_of_words_phrases_and_lists(void) {
    pm_bytes one[] = {bytes("missile*")}, two[] = {bytes("White House, AND *")},
             list[] = {bytes("kill"), bytes("shot down")}, none[] = {bytes("–")};
    pm_operand_text operands[] = {{one, 1}, {two, 1}, {list, 2}},
                    bad[] = {{one, 1}, {none, 1}}, empty[] = {{one, 1}, {NULL, 0}};
    CHECK(build(operands, 2, 5, false, PM_SCOPE_FIELD,
                "missile* W/5 \"White House AND *\"") == PM_OK);
    CHECK(
        build(
            operands, 3, 5, true, PM_SCOPE_SENTENCE,
            "(missile* PRE/5s \"White House AND *\") PRE/5s (kill OR \"shot down\")") ==
        PM_OK);
    CHECK(build(operands, 2, PM_NEAR_ANY_DISTANCE, false, PM_SCOPE_PARAGRAPH,
                "missile* W/p \"White House AND *\"") == PM_OK);
    CHECK(build(operands, 1, 5, false, PM_SCOPE_FIELD, "") == PM_INVALID);
    CHECK(build(operands, 2, 0, false, PM_SCOPE_FIELD, "") == PM_INVALID);
    CHECK(build(operands, 2, PM_NEAR_ANY_DISTANCE, false, PM_SCOPE_FIELD, "") ==
          PM_INVALID);
    CHECK(build(bad, 2, 5, false, PM_SCOPE_FIELD, "") == PM_INVALID);
    CHECK(build(empty, 2, 5, false, PM_SCOPE_FIELD, "") == PM_INVALID);
    pm_status status = PM_NOMEM;
    for (fake.fail_at = 1; status == PM_NOMEM; fake.fail_at++) {
        pm_query q;
        fake.calls = 0;
        status = pm_build_near(operands, 3, 5, true, PM_SCOPE_FIELD, &q, NULL);
        pm_query_release(&q);
        CHECK(fake.blocks == 0 && fake.fail_at < 1000);
    }
    CHECK(status == PM_OK);
    fake.fail_at = 0;
}

int main(void) {
    install_fake();
    test_random_trees_are_read_back();
    test_equal_trees_differ_by_any_part();
    test_random_soup_is_read_back();
    test_random_bytes_do_no_harm();
    test_limits_say_which_and_how_to_raise_them();
    test_a_megabyte_takes_linear_time();
    test_plain_text_beyond_the_clauses_is_cut_with_a_note();
    test_every_failed_allocation_is_told();
    test_phrase_reads_no_operators();
    test_near_of_words_phrases_and_lists();
    CHECK(fake.blocks == 0);
    puts("query trees: ok");
    return 0;
}

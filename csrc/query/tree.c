/* Nodes, notes and the canonical text. Depth of recursion: the tree's, which the makers
 * of trees bound (parse.h). */
#include "query/tree.h"

#include <stdio.h>
#include <string.h>

pm_node *pm_node_new(pm_arena *arena, pm_node_kind kind, uint32_t n_children) {
    pm_node *node = pm_arena_array(arena, 1, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    node->kind = kind;
    node->n_children = n_children;
    node->boost = PM_NO_BOOST;
    if (n_children > 0) {
        node->children = pm_arena_array(arena, n_children, sizeof *node->children);
    }
    return n_children > 0 && node->children == NULL ? NULL : node;
}

const char *pm_node_kind_name(pm_node_kind kind) {
    static const char *const names[] = {
        "nothing", "word", "any", "phrase", "alternatives", "set",     "near",  "in",
        "or",      "and",  "not", "field",  "meta",         "atleast", "first", "of"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

void pm_query_init(pm_query *q) {
    memset(q, 0, sizeof *q);
    pm_arena_init(&q->arena);
}

void pm_query_release(pm_query *q) {
    pm_arena_release(&q->arena);
    pm_query_init(q);
}

/* ---- notes ---- */

/* Room for one more pointer: the array doubles at powers of two, and the arena keeps
 * the old ones. */
static bool room_for_note(pm_query *q) {
    if ((q->n_notes & (q->n_notes - 1)) != 0) {
        return true;
    }
    char **notes = pm_arena_array(
        &q->arena, q->n_notes == 0 ? 1 : 2 * (size_t)q->n_notes, sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    if (q->n_notes > 0) {
        memcpy(notes, q->notes, q->n_notes * sizeof *notes);
    }
    q->notes = notes;
    return true;
}

pm_status pm_query_note(pm_query *q, pm_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        return pm_fail(err, PM_INTERNAL, "a note cannot be formatted");
    }
    char *note = pm_arena_alloc(&q->arena, (size_t)n + 1);
    if (note == NULL || !room_for_note(q)) {
        return pm_fail_nomem(err, (size_t)n + 1);
    }
    va_start(args, format);
    vsnprintf(note, (size_t)n + 1, format, args);
    va_end(args);
    q->notes[q->n_notes++] = note;
    return PM_OK;
}

/* ---- canonical text ---- */

static void put(pm_buf *out, const char *text) {
    pm_buf_put(out, text, strlen(text));
}

static void print(const pm_node *node, pm_buf *out);

static bool is_group(const pm_node *node) {
    switch (node->kind) {
    case PM_NODE_SET: /* without a name it is the alternatives that it stands for */
        return node->text == NULL;
    case PM_NODE_NEAR:
    case PM_NODE_IN:
    case PM_NODE_OR:
    case PM_NODE_AND:
    case PM_NODE_NOT:
        return true;
    default:
        return false;
    }
}

/* ^2, ^0.5; at most three decimals. */
static void print_boost(const pm_node *node, pm_buf *out) {
    unsigned whole = node->boost / 1000, rest = node->boost % 1000;
    int digits = 3;
    if (node->boost == PM_NO_BOOST) {
        return;
    }
    pm_buf_printf(out, "^%u", whole);
    for (; rest > 0 && rest % 10 == 0; rest /= 10) {
        digits--;
    }
    if (rest > 0) {
        pm_buf_printf(out, ".%0*u", digits, rest);
    }
}

/* Every group within another has its parentheses, so that no rule of precedence is
 * needed to read the text. */
static void print_operand(const pm_node *node, pm_buf *out) {
    bool group = is_group(node);
    put(out, group ? "(" : "");
    print(node, out);
    put(out, group ? ")" : "");
    print_boost(node, out);
}

static void print_list(const pm_node *node, const char *between, pm_buf *out) {
    for (uint32_t i = 0; i < node->n_children; i++) {
        put(out, i > 0 ? between : "");
        print_operand(node->children[i], out);
    }
}

static void print_word(const pm_node *word, pm_buf *out) {
    if (word->explicit_layer) {
        put(out, word->layer == PM_LAYER_SURFACE ? "==" : "=");
    }
    put(out, word->text);
    if (word->fuzzy > 0) {
        pm_buf_printf(out, "~%u", (unsigned)word->fuzzy);
    }
}

static void print_slot(const pm_node *slot, pm_buf *out) {
    if (slot->kind == PM_NODE_ANY) {
        put(out, "*");
    } else if (slot->kind == PM_NODE_WORD) {
        print_word(slot, out);
    } else {
        put(out, "(");
        print_list(slot, "|", out);
        put(out, ")");
    }
}

/* A word by stem in any slot: then all of them are, but for those with = or ==. */
static bool has_stem(const pm_node *slot) {
    bool found = slot->kind == PM_NODE_WORD && slot->layer == PM_LAYER_STEM;
    for (uint32_t i = 0; i < slot->n_children && !found; i++) {
        found = slot->children[i]->layer == PM_LAYER_STEM &&
                slot->children[i]->kind == PM_NODE_WORD;
    }
    return found;
}

static void print_phrase(const pm_node *phrase, pm_buf *out) {
    bool stems = false;
    for (uint32_t i = 0; i < phrase->n_children; i++) {
        stems |= has_stem(phrase->children[i]);
    }
    put(out, stems ? "stem(\"" : "\"");
    for (uint32_t i = 0; i < phrase->n_children; i++) {
        put(out, i > 0 ? " " : "");
        print_slot(phrase->children[i], out);
    }
    put(out, "\"");
    if (phrase->slop != PM_SLOP_NONE) {
        pm_buf_printf(out, phrase->slop == PM_SLOP_IN_ORDER ? "~>%d" : "~%d",
                      (int)phrase->n);
    }
    put(out, stems ? ")" : "");
}

static void print_near(const pm_node *near, pm_buf *out) {
    static const char *const scopes[] = {"", "s", "p"};
    print_operand(near->children[0], out);
    put(out, near->negated ? " NOT" : "");
    put(out, near->ordered ? " PRE/" : " W/");
    if (near->n != PM_NEAR_ANY_DISTANCE) {
        pm_buf_printf(out, "%d", (int)near->n);
    }
    put(out, scopes[near->scope]);
    put(out, " ");
    print_operand(near->children[1], out);
}

static void print_in(const pm_node *in, pm_buf *out) {
    print_operand(in->children[0], out);
    put(out, in->negated ? " NOT IN " : " IN ");
    put(out, in->text);
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Whether a comma that would part operands stands in out from `from` on: any but those
 * within numbers. */
static bool has_comma(const pm_buf *out, size_t from) {
    for (size_t i = from; !out->failed && i < out->n; i++) {
        bool in_number = i > from && i + 1 < out->n && is_digit(out->p[i - 1]) &&
                         is_digit(out->p[i + 1]);
        if (out->p[i] == ',' && !in_number) {
            return true;
        }
    }
    return false;
}

/* A comma parts the operands, so one that holds a comma has its parentheses. */
static void print_of(const pm_node *of, pm_buf *out) {
    pm_buf_printf(out, "%d OF (", (int)of->n);
    for (uint32_t i = 0; i < of->n_children; i++) {
        put(out, i > 0 ? ", " : "");
        size_t from = out->n;
        print_operand(of->children[i], out);
        if (!is_group(of->children[i]) && has_comma(out, from)) {
            out->n = from;
            put(out, "(");
            print_operand(of->children[i], out);
            put(out, ")");
        }
    }
    put(out, ")");
}

/* Words in capitals that mean nothing by it stand side by side: with AND between them
 * they would be names. */
static bool is_headline(const pm_node *node) {
    for (uint32_t i = 0; i < node->n_children; i++) {
        const pm_node *word = node->children[i];
        if (word->kind != PM_NODE_WORD || !word->capitals_plain ||
            word->explicit_layer || word->fuzzy > 0 || word->boost != PM_NO_BOOST ||
            (!word->literal && strpbrk(word->text, "*?") != NULL)) {
            return false;
        }
    }
    return true;
}

static void print_and(const pm_node *node, pm_buf *out) {
    if (is_headline(node)) {
        print_list(node, " ", out);
        return;
    }
    for (uint32_t i = 0; i < node->n_children; i++) {
        const pm_node *child = node->children[i];
        put(out, i > 0 ? " AND " : "");
        if (child->kind == PM_NODE_NOT) {
            print(child, out);
        } else {
            print_operand(child, out);
        }
    }
}

/* A word with .. would be a range where no schema says that the name is a text
 * field's. */
static void print_field(const pm_node *field, pm_buf *out) {
    const pm_node *child = field->children[0];
    bool bare = child->kind == PM_NODE_PHRASE ||
                (child->kind == PM_NODE_SET && child->text != NULL) ||
                (child->kind == PM_NODE_WORD && strstr(child->text, "..") == NULL);
    put(out, field->text);
    put(out, bare ? ":" : ":(");
    print(child, out);
    put(out, bare ? "" : ")");
    print_boost(child, out);
}

/* A value without quotation marks must be one run that reads as nothing else; a * that
 * stands alone as a bound is none. */
static bool value_is_bare(const char *value, bool bound) {
    if (value[0] == '\0' || value[0] == '/' || strcmp(value, "TO") == 0 ||
        strstr(value, "..") != NULL || (bound && strcmp(value, "*") == 0)) {
        return false;
    }
    for (const char *c = value; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !(*c >= '0' && *c <= '9') && strchr("-_.*:/'", *c) == NULL) {
            return false;
        }
    }
    return true;
}

static void print_value(const char *value, bool bound, pm_buf *out) {
    bool bare = value_is_bare(value, bound);
    put(out, bare ? "" : "\"");
    put(out, value);
    put(out, bare ? "" : "\"");
}

static void print_bound(const char *value, pm_buf *out) {
    if (value == NULL) {
        put(out, "*");
    } else {
        print_value(value, true, out);
    }
}

/* One bound by a sign, two by [a TO b]. Two bounds of which one is excluded, which only
 * a program can make, become two terms. */
static void print_range(const pm_node *meta, pm_buf *out) {
    bool both = (meta->lo != NULL) == (meta->hi != NULL);
    if (both && !meta->lo_open && !meta->hi_open) {
        put(out, "[");
        print_bound(meta->lo, out);
        put(out, " TO ");
        print_bound(meta->hi, out);
        put(out, "]");
        return;
    }
    if (meta->lo != NULL) {
        put(out, meta->lo_open ? ">" : ">=");
        print_value(meta->lo, true, out);
    }
    if (meta->lo != NULL && meta->hi != NULL) {
        put(out, " AND ");
        put(out, meta->text);
        put(out, ":");
    }
    if (meta->hi != NULL) {
        put(out, meta->hi_open ? "<" : "<=");
        print_value(meta->hi, true, out);
    }
}

static void print_meta(const pm_node *meta, pm_buf *out) {
    put(out, meta->text);
    put(out, ":");
    if (meta->op == PM_META_IS) {
        print_value(meta->lo, false, out);
    } else {
        print_range(meta, out);
    }
}

static void print(const pm_node *node, pm_buf *out) {
    switch (node->kind) {
    case PM_NODE_NOTHING:
        break;
    case PM_NODE_WORD:
        print_word(node, out);
        break;
    case PM_NODE_ANY:
    case PM_NODE_ALTERNATIVES:
        print_slot(node, out);
        break;
    case PM_NODE_PHRASE:
        print_phrase(node, out);
        break;
    case PM_NODE_SET:
        if (node->text != NULL) {
            pm_buf_printf(out, "$%s", node->text);
            break;
        }
        /* fall through */
    case PM_NODE_OR:
        print_list(node, " OR ", out);
        break;
    case PM_NODE_NEAR:
        print_near(node, out);
        break;
    case PM_NODE_IN:
        print_in(node, out);
        break;
    case PM_NODE_ATLEAST:
    case PM_NODE_FIRST:
        pm_buf_printf(out, node->kind == PM_NODE_FIRST ? "FIRST/%d (" : "ATLEAST/%d (",
                      (int)node->n);
        print(node->children[0], out);
        put(out, ")");
        break;
    case PM_NODE_OF:
        print_of(node, out);
        break;
    case PM_NODE_AND:
        print_and(node, out);
        break;
    case PM_NODE_NOT:
        put(out, "NOT ");
        print_operand(node->children[0], out);
        break;
    case PM_NODE_FIELD:
        print_field(node, out);
        break;
    case PM_NODE_META:
        print_meta(node, out);
        break;
    }
}

pm_status pm_query_text(const pm_node *root, pm_buf *out, pm_error *err) {
    if (root->boost != PM_NO_BOOST) {
        print_operand(root, out);
    } else {
        print(root, out);
    }
    return pm_buf_status(out, err);
}

/* ---- equality ---- */

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_head(const pm_node *a, const pm_node *b) {
    return a->kind == b->kind && a->layer == b->layer &&
           a->explicit_layer == b->explicit_layer && a->literal == b->literal &&
           a->capitals_plain == b->capitals_plain && a->fuzzy == b->fuzzy &&
           a->boost == b->boost && a->negated == b->negated && a->slop == b->slop &&
           a->n == b->n && a->ordered == b->ordered && a->scope == b->scope &&
           a->op == b->op && a->lo_open == b->lo_open && a->hi_open == b->hi_open &&
           a->n_children == b->n_children && same_text(a->text, b->text) &&
           same_text(a->lo, b->lo) && same_text(a->hi, b->hi);
}

bool pm_node_equal(const pm_node *a, const pm_node *b) {
    if (!same_head(a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_children; i++) {
        if (!pm_node_equal(a->children[i], b->children[i])) {
            return false;
        }
    }
    return true;
}

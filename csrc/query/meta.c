/* A node becomes one condition on the column's values (strings: decided once for each
 * of the column's dictionary), then every document's values are looked at. */
#include "query/meta.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "query/match.h"
#include "query/value.h"
#include "text/casefold.h"

/* ---- what the node asks of a value ---- */

typedef struct condition {
    const pm_node *node;
    pm_value_kind kind;
    bool none;          /* int: no number lies between the bounds */
    int64_t lo_i, hi_i; /* int, date, bool: both included */
    double lo_f, hi_f;  /* float: bounds, open as the node says */
    pm_buf lo_s, hi_s;  /* str: case-folded */
} condition;

static pm_status bad_value(const pm_node *node, const char *value, const char *expected,
                           pm_error *err) {
    pm_fail(err, PM_INVALID, "'%s' holds %s; '%s' is none", node->text, expected,
            value);
    if (err != NULL) {
        err->pos = node->pos;
        err->end = node->end;
    }
    return PM_INVALID;
}

static bool read_int(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool read_float(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && !isnan(*out);
}

/* The least whole number that a lower bound lets through, the greatest of an upper one.
 * A column of whole numbers may hold others in another segment, or once more rows have
 * come, so that a bound may be any number. *none: no number of 64 bits is let through.
 * False: it is no number. */
static bool read_bound(const char *text, bool lower, bool open, int64_t *out,
                       bool *none) {
    double f;
    if (!read_int(text, out)) {
        if (!read_float(text, &f)) {
            return false;
        }
        double whole = lower ? ceil(f) : floor(f);
        open = open && whole == f;
        *none = *none || (lower ? whole >= 0x1p63 : whole < -0x1p63);
        *out = whole >= 0x1p63   ? INT64_MAX
               : whole < -0x1p63 ? INT64_MIN
                                 : (int64_t)whole;
    }
    *none = *none || (open && *out == (lower ? INT64_MAX : INT64_MIN));
    *out += *none || !open ? 0 : lower ? 1 : -1;
    return true;
}

static pm_status int_condition(condition *c, pm_error *err) {
    const pm_node *n = c->node;
    const char *hi = n->op == PM_META_IS ? n->lo : n->hi;
    c->lo_i = INT64_MIN;
    c->hi_i = INT64_MAX;
    if (n->lo != NULL && !read_bound(n->lo, true, n->lo_open, &c->lo_i, &c->none)) {
        return bad_value(n, n->lo, "numbers", err);
    }
    if (hi != NULL && !read_bound(hi, false, n->hi_open, &c->hi_i, &c->none)) {
        return bad_value(n, hi, "numbers", err);
    }
    return PM_OK;
}

static pm_status float_condition(condition *c, pm_error *err) {
    const pm_node *n = c->node;
    const char *hi = n->op == PM_META_IS ? n->lo : n->hi;
    c->lo_f = -INFINITY;
    c->hi_f = INFINITY;
    if (n->lo != NULL && !read_float(n->lo, &c->lo_f)) {
        return bad_value(n, n->lo, "numbers", err);
    }
    if (hi != NULL && !read_float(hi, &c->hi_f)) {
        return bad_value(n, hi, "numbers", err);
    }
    return PM_OK;
}

/* Bounds are periods: from the start of the first (after its end, where open) to the
 * end of the last. */
static pm_status date_condition(condition *c, pm_error *err) {
    const pm_node *n = c->node;
    const char *hi = n->op == PM_META_IS ? n->lo : n->hi,
               *expected = "dates such as 2020, 2020-01 or 2020-01-08";
    int64_t from, to;
    c->lo_i = INT64_MIN;
    c->hi_i = INT64_MAX;
    if (n->lo != NULL) {
        if (!pm_date_period(n->lo, &from, &to)) {
            return bad_value(n, n->lo, expected, err);
        }
        c->lo_i = n->lo_open ? to : from;
    }
    if (hi != NULL) {
        if (!pm_date_period(hi, &from, &to)) {
            return bad_value(n, hi, expected, err);
        }
        c->hi_i = (n->hi_open ? from : to) - 1;
    }
    return PM_OK;
}

static pm_status bool_condition(condition *c, pm_error *err) {
    const pm_node *n = c->node;
    const char *v = n->op == PM_META_IS ? n->lo : "";
    bool yes = strcmp(v, "true") == 0 || strcmp(v, "True") == 0 || strcmp(v, "1") == 0;
    bool no = strcmp(v, "false") == 0 || strcmp(v, "False") == 0 || strcmp(v, "0") == 0;
    if (!yes && !no) {
        return bad_value(n, v, "true or false", err);
    }
    c->lo_i = yes;
    c->hi_i = yes;
    return PM_OK;
}

static pm_status str_condition(condition *c, pm_error *err) {
    const pm_node *n = c->node;
    if (n->lo != NULL) {
        PM_TRY(pm_casefold((pm_bytes){(const uint8_t *)n->lo, strlen(n->lo)}, &c->lo_s,
                           err));
    }
    if (n->hi != NULL) {
        PM_TRY(pm_casefold((pm_bytes){(const uint8_t *)n->hi, strlen(n->hi)}, &c->hi_s,
                           err));
    }
    return PM_OK;
}

static pm_status read_condition(condition *c, pm_error *err) {
    switch (c->kind) {
    case PM_VALUE_STR:
        return str_condition(c, err);
    case PM_VALUE_INT:
        return int_condition(c, err);
    case PM_VALUE_FLOAT:
        return float_condition(c, err);
    case PM_VALUE_BOOL:
        return bool_condition(c, err);
    default:
        return date_condition(c, err);
    }
}

/* ---- values ---- */

static int compare_bytes(pm_bytes a, pm_bytes b) {
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static bool str_fits(const condition *c, pm_bytes value) {
    const pm_node *n = c->node;
    if (n->op == PM_META_IS) {
        return pm_pattern_match(pm_buf_bytes(&c->lo_s), value);
    }
    if (n->lo != NULL) {
        int order = compare_bytes(value, pm_buf_bytes(&c->lo_s));
        if (order < 0 || (order == 0 && n->lo_open)) {
            return false;
        }
    }
    if (n->hi != NULL) {
        int order = compare_bytes(value, pm_buf_bytes(&c->hi_s));
        return order < 0 || (order == 0 && !n->hi_open);
    }
    return true;
}

/* One bit a string of the column's dictionary. */
static pm_status match_dictionary(const condition *c, const pm_column *column,
                                  uint64_t *fits, pm_error *err) {
    pm_strings_iter it;
    pm_buf folded;
    pm_status status = PM_OK;
    pm_buf_init(&folded);
    pm_strings_iter_init(&it, &column->dictionary, 0);
    for (uint32_t i = 0; i < column->dictionary.n && pm_strings_iter_next(&it); i++) {
        pm_buf_clear(&folded);
        PM_GO(pm_casefold(pm_buf_bytes(&it.text), &folded, err));
        if (str_fits(c, pm_buf_bytes(&folded))) {
            pm_bits_set(fits, i);
        }
    }
    PM_GO(pm_buf_status(&it.text, err));
out:
    pm_strings_iter_release(&it);
    pm_buf_release(&folded);
    return status;
}

static bool value_fits(const condition *c, const pm_column *column, uint32_t i,
                       const uint64_t *fits) {
    pm_value v = pm_column_value(column, i);
    if (c->kind == PM_VALUE_STR) {
        return v.i >= 0 && v.i < (int64_t)column->dictionary.n &&
               pm_bits_get(fits, (uint64_t)v.i);
    }
    if (c->kind == PM_VALUE_FLOAT) {
        const pm_node *n = c->node;
        const double f = v.kind == PM_VALUE_FLOAT ? v.f : (double)v.i;
        return (n->lo_open ? f > c->lo_f : f >= c->lo_f) &&
               (n->hi_open ? f < c->hi_f : f <= c->hi_f);
    }
    return !c->none && v.i >= c->lo_i && v.i <= c->hi_i;
}

static void match_docs(const condition *c, const pm_column *column, uint32_t n_docs,
                       const uint64_t *fits, uint64_t *bits) {
    for (pm_doc d = 0; d < n_docs; d++) {
        pm_range values = pm_column_values(column, d);
        for (uint32_t i = values.lo; i < values.hi; i++) {
            if (value_fits(c, column, i, fits)) {
                pm_bits_set(bits, d);
                break;
            }
        }
    }
}

/* A column of that name in any segment; where one has floats, such a one: ints of other
 * segments are numbers of the same column, as they will be once the segments are
 * merged. */
static const pm_column *column_anywhere(const pm_snapshot *snapshot, pm_bytes name) {
    const pm_column *found = NULL;
    for (uint32_t i = 0; i < snapshot->n_parts; i++) {
        const pm_column *column =
            pm_columns_find(&snapshot->parts[i].segment.columns, name);
        if (column != NULL && (found == NULL || column->kind == PM_VALUE_FLOAT)) {
            found = column;
        }
    }
    return found;
}

pm_status pm_meta_docs(const pm_snapshot *snapshot, const pm_part *part,
                       const pm_node *node, uint64_t *bits, pm_error *err) {
    pm_bytes name = {(const uint8_t *)node->text, strlen(node->text)};
    const pm_column *column = pm_columns_find(&part->segment.columns, name);
    const pm_column *any = column_anywhere(snapshot, name);
    if (any == NULL && strcmp(node->text, snapshot->manifest.date_column) == 0) {
        return PM_OK; /* the source had dates in no row */
    }
    if (any == NULL) {
        pm_fail(err, PM_FIELD, "no metadata column '%s'", node->text);
        if (err != NULL) {
            err->pos = node->pos;
            err->end = node->end;
        }
        return PM_FIELD;
    }
    condition c = {.node = node, .kind = any->kind};
    pm_buf_init(&c.lo_s);
    pm_buf_init(&c.hi_s);
    const uint32_t n_strings = column != NULL ? column->dictionary.n : 0;
    uint64_t *fits = pm_calloc(pm_bits_words(n_strings) + 1, sizeof *fits);
    pm_status status =
        fits == NULL ? pm_fail_nomem(err, n_strings / 8) : read_condition(&c, err);
    if (status == PM_OK && column != NULL && c.kind == PM_VALUE_STR) {
        status = match_dictionary(&c, column, fits, err);
    }
    if (status == PM_OK && column != NULL) {
        match_docs(&c, column, part->segment.info.n_docs, fits, bits);
    }
    pm_free(fits);
    pm_buf_release(&c.lo_s);
    pm_buf_release(&c.hi_s);
    return status;
}

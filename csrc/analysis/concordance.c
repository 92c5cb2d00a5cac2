/* Keys are made for all hits first, a column each, then the numbers of rows
 * are sorted by them; lines are cut in the order of hits, so that each text is read
 * once, and put out in the sorted order. */
#include "analysis/concordance.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/context.h"
#include "base/sys.h"
#include "query/value.h"

/* ---- sort keys: one column each, of texts or of numbers ---- */

typedef struct key {
    bool falling, as_float; /* as_float: some segment has floats in the column */
    pm_bytes *texts;        /* n == 0 and p == NULL: none, which comes first */
    uint64_t *numbers;
} key;

typedef struct sorter {
    const pm_hits *hits;
    pm_arena arena;
    pm_bytes **forms; /* one array a part: texts of folded forms read so far */
    pm_buf scratch;
    pm_cancel *cancel;
    pm_error *err;
} sorter;

static pm_status keep_text(sorter *s, pm_bytes *out) {
    char *copy = pm_arena_copy(&s->arena, s->scratch.p, s->scratch.n);
    *out = (pm_bytes){(const uint8_t *)copy, s->scratch.n};
    return copy == NULL ? pm_fail_nomem(s->err, s->scratch.n) : PM_OK;
}

/* Folded form of the token at pos; each form is read from the lexicon once. */
static pm_status form_at(sorter *s, const pm_part *part, pm_pos pos, pm_bytes *out) {
    const pm_lexicon *lex = &part->segment.lexicon;
    size_t which = (size_t)(part - s->hits->answer->snapshot->parts);
    pm_form f = pm_lexicon_id_form(lex, pm_stream_at(&part->segment.stream, pos));
    *out = (pm_bytes){NULL, 0};
    if (f >= lex->n_forms) {
        return PM_OK;
    }
    if (s->forms[which] == NULL) {
        s->forms[which] = pm_arena_array(&s->arena, lex->n_forms, sizeof **s->forms);
        if (s->forms[which] == NULL) {
            return pm_fail_nomem(s->err, lex->n_forms * sizeof **s->forms);
        }
    }
    pm_bytes *cached = &s->forms[which][f];
    if (cached->p == NULL && pm_lexicon_form_text(lex, f, &s->scratch)) {
        PM_TRY(keep_text(s, cached));
    }
    PM_TRY(pm_buf_status(&s->scratch, s->err));
    *out = *cached;
    return PM_OK;
}

/* "3L": the third token before the hit. */
static pm_status side_key(sorter *s, size_t i, int offset, bool left, pm_bytes *out) {
    pm_unit unit;
    const pm_part *part = pm_hits_place(s->hits, i, &unit);
    const pm_bounds *b = &part->segment.bounds;
    pm_pos lo = s->hits->lo[i], hi = s->hits->hi[i], step = (pm_pos)offset;
    *out = (pm_bytes){NULL, 0};
    if (left && lo - pm_bounds_start(b, unit) >= step) {
        return form_at(s, part, lo - step, out);
    }
    if (!left && pm_bounds_end(b, unit) - hi >= step) {
        return form_at(s, part, hi - 1 + step, out);
    }
    return PM_OK;
}

static pm_status hit_key(sorter *s, size_t i, pm_bytes *out) {
    pm_unit unit;
    const pm_part *part = pm_hits_place(s->hits, i, &unit);
    pm_buf words;
    pm_status status = PM_OK;
    pm_buf_init(&words);
    for (pm_pos p = s->hits->lo[i]; status == PM_OK && p < s->hits->hi[i]; p++) {
        pm_bytes form;
        status = form_at(s, part, p, &form);
        pm_buf_put(&words, form.p, form.n);
        pm_buf_put_u8(&words, ' ');
    }
    if (status == PM_OK) {
        status = pm_buf_status(&words, s->err);
    }
    if (status == PM_OK) {
        char *copy = pm_arena_copy(&s->arena, words.p, words.n);
        *out = (pm_bytes){(const uint8_t *)copy, words.n};
        status = copy == NULL ? pm_fail_nomem(s->err, words.n) : PM_OK;
    }
    pm_buf_release(&words);
    return status;
}

static pm_status column_key(sorter *s, size_t i, const char *name, key *k) {
    pm_doc local;
    const pm_part *part =
        pm_snapshot_part(s->hits->answer->snapshot, s->hits->docs[i], &local);
    if (strcmp(name, "doc") == 0) {
        k->numbers[i] = s->hits->docs[i];
        return PM_OK;
    }
    const pm_column *c = pm_columns_find(
        &part->segment.columns, (pm_bytes){(const uint8_t *)name, strlen(name)});
    pm_range values = c == NULL ? (pm_range){0, 0} : pm_column_values(c, local);
    if (values.lo >= values.hi) {
        return PM_OK;
    }
    pm_value v = pm_column_value(c, values.lo);
    if (v.kind != PM_VALUE_STR) {
        k->numbers[i] = pm_value_order(v, k->as_float);
        return PM_OK;
    }
    PM_TRY(pm_column_text(c, values.lo, &s->scratch, s->err));
    return keep_text(s, &k->texts[i]);
}

static bool is_side(const char *name) {
    return name[0] >= '1' && name[0] <= '9' && (name[1] == 'L' || name[1] == 'R') &&
           name[2] == '\0';
}

static pm_status known_key(const sorter *s, const char **name, key *k) {
    const pm_snapshot *snapshot = s->hits->answer->snapshot;
    bool date = strcmp(*name, "date") == 0 && snapshot->manifest.date_column[0] != '\0';
    *name = date ? snapshot->manifest.date_column : *name;
    bool known = date || is_side(*name) || strcmp(*name, "hit") == 0 ||
                 strcmp(*name, "doc") == 0 || snapshot->live_docs == 0;
    for (uint32_t p = 0; p < snapshot->n_parts; p++) {
        const pm_column *c =
            pm_columns_find(&snapshot->parts[p].segment.columns,
                            (pm_bytes){(const uint8_t *)*name, strlen(*name)});
        known = known || c != NULL;
        k->as_float = k->as_float || (c != NULL && c->kind == PM_VALUE_FLOAT);
    }
    return known ? PM_OK
                 : pm_fail(s->err, PM_FIELD,
                           "cannot sort by '%s': use 1L to 9L, 1R to 9R, hit, doc, "
                           "date or a metadata column",
                           *name);
}

static pm_status fill_key(sorter *s, const char *name, key *k) {
    k->falling = name[0] == '-';
    name += k->falling;
    PM_TRY(known_key(s, &name, k));
    k->texts = pm_arena_array(&s->arena, s->hits->n, sizeof *k->texts);
    k->numbers = pm_arena_array(&s->arena, s->hits->n, sizeof *k->numbers);
    if (k->texts == NULL || k->numbers == NULL) {
        return pm_fail_nomem(s->err, s->hits->n * sizeof *k->texts);
    }
    for (size_t i = 0; i < s->hits->n; i++) {
        if (pm_cancel_tick(s->cancel, 200)) {
            return pm_hits_interrupted(s->err);
        }
        if (is_side(name)) {
            PM_TRY(side_key(s, i, name[0] - '0', name[1] == 'L', &k->texts[i]));
        } else if (strcmp(name, "hit") == 0) {
            PM_TRY(hit_key(s, i, &k->texts[i]));
        } else {
            PM_TRY(column_key(s, i, name, k));
        }
    }
    return PM_OK;
}

static int compare_keys(const key *keys, size_t n_keys, size_t a, size_t b) {
    for (size_t i = 0; i < n_keys; i++) {
        pm_bytes x = keys[i].texts[a], y = keys[i].texts[b];
        size_t n = x.n < y.n ? x.n : y.n;
        int order = n == 0 ? 0 : memcmp(x.p, y.p, n);
        if (order == 0) {
            order = (x.n > y.n) - (x.n < y.n);
        }
        if (order == 0) {
            order = (keys[i].numbers[a] > keys[i].numbers[b]) -
                    (keys[i].numbers[a] < keys[i].numbers[b]);
        }
        if (order != 0) {
            return keys[i].falling ? -order : order;
        }
    }
    return 0;
}

/* Bottom-up merge sort of row numbers: stable, so that equal rows keep the order of
 * hits. */
static size_t *sort_rows(size_t *rows, size_t *spare, size_t n, const key *keys,
                         size_t n_keys) {
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n,
                   hi = lo + 2 * width < n ? lo + 2 * width : n;
            size_t i = lo, j = mid;
            for (size_t to = lo; to < hi; to++) {
                bool left = j == hi || (i < mid && compare_keys(keys, n_keys, rows[i],
                                                                rows[j]) <= 0);
                spare[to] = left ? rows[i++] : rows[j++];
            }
        }
        size_t *swap = rows;
        rows = spare;
        spare = swap;
    }
    return rows;
}

static pm_status order_rows(sorter *s, const pm_kwic_options *o, size_t **out) {
    size_t n = s->hits->n;
    size_t *rows = pm_arena_array(&s->arena, n, sizeof *rows),
           *spare = pm_arena_array(&s->arena, n, sizeof *spare);
    key *keys = pm_arena_array(&s->arena, o->n_keys, sizeof *keys);
    s->forms =
        pm_arena_array(&s->arena, s->hits->answer->snapshot->n_parts, sizeof *s->forms);
    if (rows == NULL || spare == NULL || keys == NULL || s->forms == NULL) {
        return pm_fail_nomem(s->err, n * sizeof *rows);
    }
    for (size_t i = 0; i < o->n_keys; i++) {
        PM_TRY(fill_key(s, o->keys[i], &keys[i]));
    }
    for (size_t i = 0; i < n; i++) {
        rows[i] = i;
    }
    *out = sort_rows(rows, spare, n, keys, o->n_keys);
    return PM_OK;
}

/* ---- lines ---- */

/* in the order of hits: text of line i is [ends[3i - 1], ends[3i + 2]) of chars */
typedef struct lines {
    pm_buf chars;
    size_t *ends;
} lines;

static pm_status cut_line(const pm_hits *h, size_t i, const pm_kwic_options *o,
                          pm_locator *l, pm_buf sides[3], lines *out, pm_error *err) {
    for (int k = 0; k < 3; k++) {
        pm_buf_clear(&sides[k]);
    }
    PM_TRY(pm_context_cut(h, i, o, l, &sides[0], &sides[1], &sides[2], err));
    for (size_t k = 0; k < 3; k++) {
        PM_TRY(pm_buf_status(&sides[k], err));
        pm_buf_put(&out->chars, sides[k].p, sides[k].n);
        out->ends[3 * i + k] = out->chars.n;
    }
    return pm_buf_status(&out->chars, err);
}

static pm_status cut_lines(const pm_hits *h, const pm_kwic_options *o,
                           pm_cancel *cancel, lines *out, pm_error *err) {
    pm_locator l;
    pm_buf sides[3];
    pm_status status = PM_OK;
    pm_locator_init(&l, h->answer->snapshot);
    for (int k = 0; k < 3; k++) {
        pm_buf_init(&sides[k]);
    }
    for (size_t i = 0; status == PM_OK && i < h->n; i++) {
        status = pm_cancel_tick(cancel, 1500) ? pm_hits_interrupted(err)
                                              : cut_line(h, i, o, &l, sides, out, err);
    }
    for (int k = 0; k < 3; k++) {
        pm_buf_release(&sides[k]);
    }
    pm_locator_release(&l);
    return status;
}

static pm_status put_line(const pm_hits *h, const lines *all, size_t i, pm_buf *doc_key,
                          pm_table *t, pm_error *err) {
    pm_doc local;
    const pm_part *part = pm_snapshot_part(h->answer->snapshot, h->docs[i], &local);
    PM_TRY(pm_doc_key(part, local, doc_key, err));
    pm_table_put_str(t, 0, doc_key->p, doc_key->n);
    for (size_t k = 0; k < 3; k++) {
        size_t from = 3 * i + k == 0 ? 0 : all->ends[3 * i + k - 1];
        pm_table_put_str(t, k + 1, all->chars.p + from, all->ends[3 * i + k] - from);
    }
    return PM_OK;
}

static pm_status put_lines(const pm_hits *h, const lines *all, const size_t *rows,
                           pm_table **out, pm_error *err) {
    static const char *const names[] = {"doc", "left", "hit", "right"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_STR};
    pm_table *t;
    pm_buf doc_key;
    pm_status status = PM_OK;
    PM_TRY(pm_table_new(h->n, 4, names, types, &t, err));
    pm_buf_init(&doc_key);
    for (size_t i = 0; status == PM_OK && i < h->n; i++) {
        status = put_line(h, all, rows[i], &doc_key, t, err);
    }
    pm_buf_release(&doc_key);
    status = status == PM_OK ? pm_table_check(t, err) : status;
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}

pm_status pm_hits_kwic(const pm_hits *h, const pm_kwic_options *options,
                       pm_cancel *cancel, pm_table **out, pm_error *err) {
    sorter s = {.hits = h, .cancel = cancel, .err = err};
    lines all = {.ends = pm_alloc_array(3 * h->n, sizeof *all.ends)};
    size_t *rows = NULL;
    pm_buf_init(&all.chars);
    pm_buf_init(&s.scratch);
    pm_arena_init(&s.arena);
    pm_status status = all.ends == NULL
                           ? pm_fail_nomem(err, 3 * h->n * sizeof *all.ends)
                           : order_rows(&s, options, &rows);
    if (status == PM_OK) {
        status = cut_lines(h, options, cancel, &all, err);
    }
    if (status == PM_OK) {
        status = put_lines(h, &all, rows, out, err);
    }
    pm_buf_release(&all.chars);
    pm_free(all.ends);
    pm_buf_release(&s.scratch);
    pm_arena_release(&s.arena);
    return status;
}

/* Hits as tables: each with its offsets and text, or counted by groups of documents. */
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "query/hits_inner.h"
#include "query/value.h"

const pm_part *pm_hits_place(const pm_hits *h, size_t i, pm_unit *unit) {
    pm_doc local;
    const pm_part *part = pm_snapshot_part(h->answer->snapshot, h->docs[i], &local);
    *unit = pm_bounds_unit(&part->segment.bounds, h->lo[i]);
    return part;
}

/* ---- one row a hit ---- */

static pm_status put_hit(const pm_hits *h, size_t i, pm_locator *l, pm_buf *key,
                         pm_table *t, pm_error *err) {
    pm_unit unit;
    pm_place place;
    const pm_part *part = pm_hits_place(h, i, &unit);
    const pm_segment *seg = &part->segment;
    PM_TRY(pm_locate(l, part, unit, h->lo[i], h->hi[i], &place, err));
    PM_TRY(pm_doc_key(part, unit / seg->info.n_fields, key, err));
    pm_bytes field = seg->info.fields[unit % seg->info.n_fields];
    pm_table_put_str(t, 0, key->p, key->n);
    pm_table_put_str(t, 1, field.p, field.n);
    pm_table_put_i64(t, 2, place.start);
    pm_table_put_i64(t, 3, place.end);
    if (seg->store.present) {
        pm_table_put_str(t, 4, l->text.p + place.start_byte,
                         place.end_byte - place.start_byte);
    } else {
        pm_table_put_null(t, 4);
    }
    return PM_OK;
}

static pm_status put_hits(const pm_hits *h, pm_cancel *cancel, pm_table *t,
                          pm_error *err) {
    pm_locator l;
    pm_buf key;
    pm_status status = PM_OK;
    pm_locator_init(&l, h->answer->snapshot);
    pm_buf_init(&key);
    for (size_t i = 0; status == PM_OK && i < h->n; i++) {
        status = pm_cancel_tick(cancel, 1000) ? pm_hits_interrupted(err)
                                              : put_hit(h, i, &l, &key, t, err);
    }
    pm_buf_release(&key);
    pm_locator_release(&l);
    return status == PM_OK ? pm_table_check(t, err) : status;
}

pm_status pm_hits_table(const pm_hits *h, pm_cancel *cancel, pm_table **out,
                        pm_error *err) {
    static const char *const names[] = {"doc", "field", "start", "end", "text"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_I64, PM_TYPE_I64,
                                    PM_TYPE_STR};
    pm_table *t;
    PM_TRY(pm_table_new(h->n, 5, names, types, &t, err));
    pm_status status = put_hits(h, cancel, t, err);
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}

/* ---- one row a group ---- */

typedef struct group {
    char *value; /* NULL: documents without one */
    size_t n;
    uint64_t hits, documents, tokens, all_documents;
} group;

typedef struct groups {
    group *at;
    size_t n, capacity;
    uint32_t *slots; /* open addressing, number + 1 */
    size_t n_slots;
    size_t none; /* number of the group without value, SIZE_MAX: not there yet */
} groups;

static void groups_release(groups *g) {
    for (size_t i = 0; i < g->n; i++) {
        pm_free(g->at[i].value);
    }
    pm_free(g->at);
    pm_free(g->slots);
}

static pm_status groups_rehash(groups *g, pm_error *err) {
    size_t n_slots = g->n_slots == 0 ? 64 : g->n_slots * 2;
    uint32_t *slots = pm_calloc(n_slots, sizeof *slots);
    if (slots == NULL) {
        return pm_fail_nomem(err, n_slots * sizeof *slots);
    }
    for (size_t i = 0; i < g->n; i++) {
        size_t at =
            pm_hash64(g->at[i].value == NULL ? "" : g->at[i].value, g->at[i].n) &
            (n_slots - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (n_slots - 1);
        }
        slots[at] = g->at[i].value == NULL ? 0 : (uint32_t)i + 1;
    }
    pm_free(g->slots);
    g->slots = slots;
    g->n_slots = n_slots;
    return PM_OK;
}

static pm_status group_new(groups *g, const pm_bytes *value, size_t *out,
                           pm_error *err) {
    char *copy = NULL;
    if (value != NULL) {
        copy = pm_alloc(value->n + 1);
        if (copy == NULL) {
            return pm_fail_nomem(err, value->n);
        }
        memcpy(copy, value->p, value->n);
    }
    if (!PM_GROW(g->at, g->n, g->capacity, 1)) {
        pm_free(copy);
        return pm_fail_nomem(err, sizeof *g->at);
    }
    g->at[g->n] = (group){.value = copy, .n = value == NULL ? 0 : value->n};
    *out = g->n++;
    return PM_OK;
}

/* Number of the value's group; value NULL: none. */
static pm_status group_of(groups *g, const pm_bytes *value, size_t *out,
                          pm_error *err) {
    if (value == NULL) {
        if (g->none == SIZE_MAX) {
            PM_TRY(group_new(g, NULL, &g->none, err));
        }
        *out = g->none;
        return PM_OK;
    }
    if (g->n * 2 >= g->n_slots) {
        PM_TRY(groups_rehash(g, err));
    }
    size_t at = pm_hash64(value->p, value->n) & (g->n_slots - 1);
    for (; g->slots[at] != 0; at = (at + 1) & (g->n_slots - 1)) {
        const group *found = &g->at[g->slots[at] - 1];
        if (found->n == value->n && memcmp(found->value, value->p, value->n) == 0) {
            *out = g->slots[at] - 1;
            return PM_OK;
        }
    }
    PM_TRY(group_new(g, value, out, err));
    g->slots[at] = (uint32_t)*out + 1;
    return PM_OK;
}

typedef struct grouper {
    const pm_hits *hits;
    const char *column;
    groups groups;
    size_t next; /* first hit not yet counted */
    pm_buf text;
    pm_error *err;
} grouper;

static pm_status count_in(grouper *g, const pm_bytes *value, uint64_t hits,
                          uint64_t tokens) {
    size_t i;
    PM_TRY(group_of(&g->groups, value, &i, g->err));
    group *to = &g->groups.at[i];
    to->hits += hits;
    to->documents += hits > 0;
    to->tokens += tokens;
    to->all_documents++;
    return PM_OK;
}

static pm_status count_column(grouper *g, const pm_column *column, pm_doc local,
                              uint64_t hits, uint64_t tokens) {
    pm_range values =
        column == NULL ? (pm_range){0, 0} : pm_column_values(column, local);
    if (values.lo >= values.hi) {
        return count_in(g, NULL, hits, tokens);
    }
    for (uint32_t i = values.lo; i < values.hi; i++) {
        PM_TRY(pm_column_text(column, i, &g->text, g->err));
        pm_bytes value = pm_buf_bytes(&g->text);
        PM_TRY(count_in(g, &value, hits, tokens));
    }
    return PM_OK;
}

static pm_status count_key(grouper *g, const pm_part *part, pm_doc local, uint64_t hits,
                           uint64_t tokens) {
    PM_TRY(pm_doc_key(part, local, &g->text, g->err));
    pm_bytes value = pm_buf_bytes(&g->text);
    return count_in(g, &value, hits, tokens);
}

/* Hits [from, to) of one document, field by field; a field counts as a group with its
 * own tokens. */
static pm_status count_fields(grouper *g, const pm_segment *seg, pm_doc local,
                              size_t from, size_t to) {
    for (uint32_t k = 0; k < seg->info.n_fields; k++) {
        pm_unit unit = local * seg->info.n_fields + k;
        pm_pos start = pm_bounds_start(&seg->bounds, unit),
               end = pm_bounds_end(&seg->bounds, unit);
        uint64_t hits = 0;
        for (; from < to && g->hits->lo[from] < end; from++) {
            hits++;
        }
        PM_TRY(count_in(g, &seg->info.fields[k], hits, end - start));
    }
    return PM_OK;
}

static pm_status count_doc(grouper *g, const pm_part *part, const pm_column *column,
                           pm_doc local) {
    const pm_segment *seg = &part->segment;
    size_t from = g->next;
    while (g->next < g->hits->n && g->hits->docs[g->next] == part->doc_base + local) {
        g->next++;
    }
    uint64_t hits = g->next - from, tokens = pm_bounds_doc_length(&seg->bounds, local);
    if (strcmp(g->column, "field") == 0) {
        return count_fields(g, seg, local, from, g->next);
    }
    if (strcmp(g->column, "doc") == 0) {
        return count_key(g, part, local, hits, tokens);
    }
    return count_column(g, column, local, hits, tokens);
}

static pm_status count_all(grouper *g) {
    const pm_answer *a = g->hits->answer;
    pm_bytes name = {(const uint8_t *)g->column, strlen(g->column)};
    for (uint32_t p = 0; p < a->snapshot->n_parts; p++) {
        const pm_part *part = &a->snapshot->parts[p];
        const pm_column *column = pm_columns_find(&part->segment.columns, name);
        for (pm_doc d = 0; d < part->segment.info.n_docs; d++) {
            if (pm_where_has(part, a->allowed[p], d)) {
                PM_TRY(count_doc(g, part, column, d));
            }
        }
    }
    return PM_OK;
}

static bool column_exists(const pm_snapshot *s, const char *column) {
    pm_bytes name = {(const uint8_t *)column, strlen(column)};
    bool found =
        strcmp(column, "doc") == 0 || strcmp(column, "field") == 0 || s->live_docs == 0;
    for (uint32_t p = 0; p < s->n_parts && !found; p++) {
        found = pm_columns_find(&s->parts[p].segment.columns, name) != NULL;
    }
    return found;
}

/* By falling hits, then value; the group without value last. */
static int by_hits(const void *a, const void *b) {
    const group *x = a, *y = b;
    if ((x->value == NULL) != (y->value == NULL)) {
        return x->value == NULL ? 1 : -1;
    }
    if (x->hits != y->hits) {
        return x->hits > y->hits ? -1 : 1;
    }
    size_t n = x->n < y->n ? x->n : y->n;
    int order = n == 0 ? 0 : memcmp(x->value, y->value, n);
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static pm_status put_groups(const groups *g, pm_table **out, pm_error *err) {
    static const char *const names[] = {"value", "hits", "documents", "tokens",
                                        "all_documents"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_I64, PM_TYPE_I64, PM_TYPE_I64,
                                    PM_TYPE_I64};
    pm_table *t;
    PM_TRY(pm_table_new(g->n, 5, names, types, &t, err));
    for (size_t i = 0; i < g->n; i++) {
        if (g->at[i].value == NULL) {
            pm_table_put_null(t, 0);
        } else {
            pm_table_put_str(t, 0, g->at[i].value, g->at[i].n);
        }
        pm_table_put_i64(t, 1, (int64_t)g->at[i].hits);
        pm_table_put_i64(t, 2, (int64_t)g->at[i].documents);
        pm_table_put_i64(t, 3, (int64_t)g->at[i].tokens);
        pm_table_put_i64(t, 4, (int64_t)g->at[i].all_documents);
    }
    pm_status status = pm_table_check(t, err);
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}

pm_status pm_hits_by(const pm_hits *h, const char *column, pm_table **out,
                     pm_error *err) {
    if (!column_exists(h->answer->snapshot, column)) {
        return pm_fail(err, PM_FIELD, "no metadata column '%s'", column);
    }
    grouper g = {.hits = h, .column = column, .groups.none = SIZE_MAX, .err = err};
    pm_buf_init(&g.text);
    pm_status status = count_all(&g);
    if (status == PM_OK && g.groups.n > 1) {
        qsort(g.groups.at, g.groups.n, sizeof *g.groups.at, by_hits);
    }
    if (status == PM_OK) {
        status = put_groups(&g.groups, out, err);
    }
    groups_release(&g.groups);
    pm_buf_release(&g.text);
    return status;
}

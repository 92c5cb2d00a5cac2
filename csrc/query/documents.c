/* Documents, their metadata and texts, and the files they lie in. */
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "query/hits_inner.h"
#include "query/listing.h"
#include "query/value.h"

/* The part that holds a live document. */
static pm_status find_doc(const pm_snapshot *idx, uint32_t doc, const pm_part **part,
                          pm_doc *local, pm_error *err) {
    *part = pm_snapshot_part(idx, doc, local);
    if (*part == NULL || !pm_part_lives(*part, *local)) {
        return pm_fail(err, PM_INVALID, "there is no document %u", doc);
    }
    return PM_OK;
}

static pm_bytes bytes_of(const char *text) {
    return (pm_bytes){(const uint8_t *)text, strlen(text)};
}

/* ---- which columns there are ---- */

/* over all segments, in the order in which they first appear */
typedef struct column_set {
    struct column_seen {
        pm_bytes name;
        pm_value_kind kind;
        bool several;
        uint64_t n_docs;
    } * at;
    size_t n, capacity;
    bool counting; /* documents with a value are asked for: may take a walk */
} column_set;

static struct column_seen *seen(column_set *set, pm_bytes name) {
    for (size_t i = 0; i < set->n; i++) {
        if (set->at[i].name.n == name.n &&
            memcmp(set->at[i].name.p, name.p, name.n) == 0) {
            return &set->at[i];
        }
    }
    return NULL;
}

static uint32_t count_values_of(const pm_column *c, pm_doc d) {
    pm_range values = pm_column_values(c, d);
    return values.hi - values.lo;
}

/* Whether some live document has several values. */
static bool has_several(const pm_part *part, const pm_column *c) {
    if (!c->several || part->live == NULL) {
        return c->several;
    }
    pm_doc d = 0;
    while (d < c->n_docs && !(pm_part_lives(part, d) && count_values_of(c, d) > 1)) {
        d++;
    }
    return d < c->n_docs;
}

/* Live documents with a value. */
static uint64_t count_docs(const pm_part *part, const pm_column *c) {
    uint64_t n = 0;
    if (!c->several && part->live == NULL) {
        return c->has.n_ones;
    }
    for (size_t i = 0; !c->several && i < pm_bits_words(c->n_docs); i++) {
        n += (unsigned)__builtin_popcountll(pm_load64(c->has.words + 8 * i) &
                                            part->live[i]);
    }
    for (pm_doc d = 0; c->several && d < c->n_docs; d++) {
        n += pm_part_lives(part, d) && count_values_of(c, d) > 0;
    }
    return n;
}

static pm_status see_column(column_set *set, const pm_part *part, const pm_column *c,
                            pm_error *err) {
    struct column_seen *s = seen(set, c->name);
    if (s == NULL) {
        if (!PM_GROW(set->at, set->n, set->capacity, 1)) {
            return pm_fail_nomem(err, sizeof *set->at);
        }
        s = &set->at[set->n++];
        *s = (struct column_seen){.name = c->name, .kind = c->kind};
    }
    s->several = s->several || has_several(part, c);
    s->kind = c->kind == PM_VALUE_FLOAT ? PM_VALUE_FLOAT : s->kind;
    s->n_docs += set->counting ? count_docs(part, c) : 0;
    return PM_OK;
}

static pm_status see_columns(const pm_snapshot *idx, column_set *set, pm_error *err) {
    for (uint32_t p = 0; p < idx->n_parts; p++) {
        const pm_columns *columns = &idx->parts[p].segment.columns;
        for (uint32_t i = 0; i < columns->n; i++) {
            PM_TRY(see_column(set, &idx->parts[p], &columns->at[i], err));
        }
    }
    return PM_OK;
}

static const char *kind_name(pm_value_kind kind) {
    static const char *const kinds[] = {"str", "int", "float", "bool", "date", "date"};
    return kinds[kind];
}

static pm_status finish(pm_table *t, pm_status status, pm_table **out, pm_error *err) {
    status = status == PM_OK ? pm_table_check(t, err) : status;
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}

static void put_text(pm_table *t, size_t c, const char *text) {
    pm_table_put_str(t, c, text, strlen(text));
}

pm_status pm_index_columns(const pm_snapshot *idx, pm_table **out, pm_error *err) {
    static const char *const names[] = {"name", "kind", "several", "documents"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_BOOL,
                                    PM_TYPE_I64};
    column_set set = {.counting = true};
    pm_table *t = NULL;
    pm_status status = see_columns(idx, &set, err);
    if (status == PM_OK) {
        status = pm_table_new(set.n, 4, names, types, &t, err);
    }
    for (size_t i = 0; status == PM_OK && i < set.n; i++) {
        pm_table_put_str(t, 0, set.at[i].name.p, set.at[i].name.n);
        put_text(t, 1, kind_name(set.at[i].kind));
        pm_table_put_bool(t, 2, set.at[i].several);
        pm_table_put_i64(t, 3, (int64_t)set.at[i].n_docs);
    }
    pm_free(set.at);
    return finish(t, status, out, err);
}

/* ---- documents ---- */

typedef struct doc_lister {
    const pm_snapshot *idx;
    size_t n_columns;
    const char **columns; /* names asked for */
    pm_type *types;
    pm_table *table;
    pm_buf text, all;
    pm_error *err;
} doc_lister;

static pm_type table_type(const struct column_seen *s) {
    if (s == NULL || s->several) {
        return PM_TYPE_STR;
    }
    switch (s->kind) {
    case PM_VALUE_INT:
        return PM_TYPE_I64;
    case PM_VALUE_FLOAT:
        return PM_TYPE_F64;
    case PM_VALUE_BOOL:
        return PM_TYPE_BOOL;
    case PM_VALUE_STR:
        return PM_TYPE_STR;
    default:
        return PM_TYPE_TIME;
    }
}

static pm_status put_joined(doc_lister *l, size_t c, const pm_column *column,
                            pm_range values) {
    pm_buf_clear(&l->all);
    for (uint32_t i = values.lo; i < values.hi; i++) {
        PM_TRY(pm_column_text(column, i, &l->text, l->err));
        pm_buf_put(&l->all, "; ", i > values.lo ? 2 : 0);
        pm_buf_put(&l->all, l->text.p, l->text.n);
    }
    PM_TRY(pm_buf_status(&l->all, l->err));
    pm_table_put_str(l->table, c, l->all.p, l->all.n);
    return PM_OK;
}

static pm_status put_value(doc_lister *l, size_t c, const pm_column *column,
                           pm_doc local) {
    pm_range values =
        column == NULL ? (pm_range){0, 0} : pm_column_values(column, local);
    if (values.lo >= values.hi) {
        pm_table_put_null(l->table, c);
        return PM_OK;
    }
    pm_value v = pm_column_value(column, values.lo);
    switch (l->table->columns[c].type) {
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        pm_table_put_i64(l->table, c, v.i);
        return PM_OK;
    case PM_TYPE_F64:
        pm_table_put_f64(l->table, c, v.kind == PM_VALUE_FLOAT ? v.f : (double)v.i);
        return PM_OK;
    case PM_TYPE_BOOL:
        pm_table_put_bool(l->table, c, v.i != 0);
        return PM_OK;
    default:
        return put_joined(l, c, column, values);
    }
}

static pm_status put_document(doc_lister *l, uint32_t doc) {
    pm_doc local;
    const pm_part *part;
    PM_TRY(find_doc(l->idx, doc, &part, &local, l->err));
    const pm_segment *seg = &part->segment;
    PM_TRY(pm_doc_key(part, local, &l->text, l->err));
    pm_table_put_str(l->table, 0, l->text.p, l->text.n);
    PM_TRY(put_value(
        l, 1, pm_columns_find(&seg->columns, bytes_of(l->idx->manifest.date_column)),
        local));
    pm_table_put_i64(l->table, 2, pm_bounds_doc_length(&seg->bounds, local));
    for (size_t i = 0; i < l->n_columns; i++) {
        PM_TRY(put_value(
            l, 3 + i, pm_columns_find(&seg->columns, bytes_of(l->columns[i])), local));
    }
    return PM_OK;
}

/* Names and types of the columns asked for, or of all but the date. */
static pm_status choose_columns(doc_lister *l, const char *const *columns,
                                size_t n_columns, const column_set *set,
                                pm_arena *arena) {
    size_t room = n_columns == SIZE_MAX ? set->n : n_columns;
    l->columns = pm_arena_array(arena, room + 3, sizeof *l->columns);
    l->types = pm_arena_array(arena, room + 3, sizeof *l->types);
    if (l->columns == NULL || l->types == NULL) {
        return pm_fail_nomem(l->err, room * sizeof *l->columns);
    }
    for (size_t i = 0; i < room; i++) {
        const char *name =
            n_columns == SIZE_MAX
                ? pm_arena_copy(arena, set->at[i].name.p, set->at[i].name.n)
                : columns[i];
        if (name == NULL) {
            return pm_fail_nomem(l->err, set->at[i].name.n);
        }
        if (n_columns == SIZE_MAX && strcmp(name, l->idx->manifest.date_column) == 0) {
            continue;
        }
        const struct column_seen *s = seen((column_set *)set, bytes_of(name));
        /* known even where no document has one */
        bool date = strcmp(name, l->idx->manifest.date_column) == 0;
        if (s == NULL && !date && l->idx->live_docs > 0) {
            return pm_fail(l->err, PM_FIELD, "no metadata column '%s'", name);
        }
        l->types[l->n_columns] = s == NULL && date ? PM_TYPE_TIME : table_type(s);
        l->columns[l->n_columns++] = name;
    }
    return PM_OK;
}

static pm_status new_table(doc_lister *l, size_t n_rows, pm_arena *arena) {
    const char **names = pm_arena_array(arena, l->n_columns + 3, sizeof *names);
    pm_type *types = pm_arena_array(arena, l->n_columns + 3, sizeof *types);
    if (names == NULL || types == NULL) {
        return pm_fail_nomem(l->err, l->n_columns * sizeof *names);
    }
    names[0] = "key";
    types[0] = PM_TYPE_STR;
    names[1] = "date";
    types[1] = PM_TYPE_TIME;
    names[2] = "tokens";
    types[2] = PM_TYPE_I64;
    for (size_t i = 0; i < l->n_columns; i++) {
        names[i + 3] = l->columns[i];
        types[i + 3] = l->types[i];
    }
    return pm_table_new(n_rows, l->n_columns + 3, names, types, &l->table, l->err);
}

static pm_status list_given(doc_lister *l, const uint32_t *docs, size_t n_docs,
                            pm_arena *arena) {
    PM_TRY(new_table(l, n_docs, arena));
    for (size_t i = 0; i < n_docs; i++) {
        PM_TRY(put_document(l, docs[i]));
    }
    return PM_OK;
}

static pm_status list_filtered(doc_lister *l, uint64_t *const *bits, pm_arena *arena) {
    size_t n = 0;
    for (uint32_t p = 0; p < l->idx->n_parts; p++) {
        const pm_part *part = &l->idx->parts[p];
        for (pm_doc d = 0; d < part->segment.info.n_docs; d++) {
            n += pm_where_has(part, bits[p], d);
        }
    }
    PM_TRY(new_table(l, n, arena));
    for (uint32_t p = 0; p < l->idx->n_parts; p++) {
        const pm_part *part = &l->idx->parts[p];
        for (pm_doc d = 0; d < part->segment.info.n_docs; d++) {
            if (pm_where_has(part, bits[p], d)) {
                PM_TRY(put_document(l, part->doc_base + d));
            }
        }
    }
    return PM_OK;
}

pm_status pm_index_documents(const pm_snapshot *idx, const char *const *columns,
                             size_t n_columns, const uint32_t *docs, size_t n_docs,
                             const pm_query *filter, pm_table **out, pm_error *err) {
    doc_lister l = {.idx = idx, .err = err};
    column_set set = {0};
    pm_arena arena;
    uint64_t **bits = NULL;
    const pm_where where = {.filter = filter};
    pm_arena_init(&arena);
    pm_buf_init(&l.text);
    pm_buf_init(&l.all);
    pm_status status = see_columns(idx, &set, err);
    if (status == PM_OK) {
        status = choose_columns(&l, columns, n_columns, &set, &arena);
    }
    if (status == PM_OK && docs == NULL) {
        status = pm_where_bits(idx, &where, &pm_limits_default, NULL, &bits, err);
    }
    if (status == PM_OK) {
        status = docs != NULL ? list_given(&l, docs, n_docs, &arena)
                              : list_filtered(&l, bits, &arena);
    }
    status = finish(l.table, status, out, err);
    pm_where_free(idx, bits);
    pm_free(set.at);
    pm_buf_release(&l.text);
    pm_buf_release(&l.all);
    pm_arena_release(&arena);
    return status;
}

/* ---- one document ---- */

static size_t count_values(const pm_segment *seg, pm_doc local) {
    size_t n = 0;
    for (uint32_t i = 0; i < seg->columns.n; i++) {
        pm_range values = pm_column_values(&seg->columns.at[i], local);
        n += values.hi - values.lo;
    }
    return n;
}

static pm_status put_values(const pm_column *c, pm_doc local, pm_buf *text, pm_table *t,
                            pm_error *err) {
    pm_range values = pm_column_values(c, local);
    for (uint32_t i = values.lo; i < values.hi; i++) {
        pm_value v = pm_column_value(c, i);
        PM_TRY(pm_column_text(c, i, text, err));
        pm_table_put_str(t, 0, c->name.p, c->name.n);
        put_text(t, 1, kind_name(c->kind));
        pm_table_put_str(t, 2, text->p, text->n);
        bool number = v.kind != PM_VALUE_FLOAT && v.kind != PM_VALUE_STR;
        pm_table_put_i64(t, 3, number ? v.i : 0);
        pm_table_put_f64(t, 4, v.kind == PM_VALUE_FLOAT ? v.f : 0);
        pm_table_put_bool(t, 5, v.kind == PM_VALUE_TIME);
    }
    return PM_OK;
}

pm_status pm_index_values(const pm_snapshot *idx, uint32_t doc, pm_table **out,
                          pm_error *err) {
    static const char *const names[] = {"column", "kind", "text", "i", "f", "timed"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_STR,
                                    PM_TYPE_I64, PM_TYPE_F64, PM_TYPE_BOOL};
    pm_doc local;
    const pm_part *part;
    pm_table *t;
    pm_buf text;
    PM_TRY(find_doc(idx, doc, &part, &local, err));
    PM_TRY(pm_table_new(count_values(&part->segment, local), 6, names, types, &t, err));
    pm_buf_init(&text);
    pm_status status = PM_OK;
    for (uint32_t i = 0; status == PM_OK && i < part->segment.columns.n; i++) {
        status = put_values(&part->segment.columns.at[i], local, &text, t, err);
    }
    pm_buf_release(&text);
    return finish(t, status, out, err);
}

pm_status pm_index_text(const pm_snapshot *idx, uint32_t doc, uint32_t field,
                        pm_buf *out, pm_error *err) {
    pm_doc local;
    const pm_part *part;
    PM_TRY(find_doc(idx, doc, &part, &local, err));
    if (field >= idx->manifest.n_fields) {
        return pm_fail(err, PM_INVALID, "field %u of %u", field,
                       idx->manifest.n_fields);
    }
    if (!part->segment.store.present) {
        return pm_fail(err, PM_INVALID,
                       "the index keeps no text: it was made with store=False");
    }
    if (part->field_from_index[field] == PM_MAX_FIELDS) {
        return PM_OK; /* this segment's documents have no such field */
    }
    pm_locator l;
    pm_locator_init(&l, idx);
    pm_status status = pm_locator_text(
        &l, part, local * part->segment.info.n_fields + part->field_from_index[field],
        err);
    if (status == PM_OK) {
        pm_buf_put(out, l.text.p, l.text.n);
        status = pm_buf_status(out, err);
    }
    pm_locator_release(&l);
    return status;
}

/* ---- files ---- */

static void put_sections(pm_table *t, const pm_container *c) {
    uint64_t in_sections = 0;
    for (uint32_t i = 0; i < c->n_sections; i++) {
        const uint32_t id = c->sections[i].id;
        const char name[4] = {(char)(id & 0xff), (char)(id >> 8 & 0xff),
                              (char)(id >> 16 & 0xff), (char)(id >> 24)};
        put_text(t, 0, c->blob.name);
        pm_table_put_str(t, 1, name, 4);
        pm_table_put_i64(t, 2, (int64_t)c->sections[i].size);
        in_sections += c->sections[i].size;
    }
    put_text(t, 0, c->blob.name);
    put_text(t, 1, "frame");
    pm_table_put_i64(t, 2, (int64_t)(c->blob.n - in_sections));
}

/* The sections of each file of the generation, and what the container itself takes
 * ("frame"); the manifest is left to the file system. */
pm_status pm_index_sections(const pm_snapshot *idx, pm_table **out, pm_error *err) {
    static const char *const names[] = {"file", "section", "bytes"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_I64};
    size_t n = 0;
    pm_table *t;
    for (uint32_t p = 0; p < idx->n_parts; p++) {
        const pm_part *part = &idx->parts[p];
        n += part->segment.file.n_sections + 1;
        n += part->has_removals ? part->removals.file.n_sections + 1 : 0;
    }
    PM_TRY(pm_table_new(n, 3, names, types, &t, err));
    for (uint32_t p = 0; p < idx->n_parts; p++) {
        const pm_part *part = &idx->parts[p];
        put_sections(t, &part->segment.file);
        if (part->has_removals) {
            put_sections(t, &part->removals.file);
        }
    }
    return finish(t, PM_OK, out, err);
}

/* Columns are known by segment; a query may name those of any. */
#include "query/schema.h"

#include <string.h>

static bool is(pm_bytes name, const char *known) {
    return strlen(known) == name.n && memcmp(known, name.p, name.n) == 0;
}

/* Adds a name that is not among the schema's columns yet. */
static pm_status see(pm_bytes name, const char **names, pm_schema *schema,
                     pm_arena *arena, pm_error *err) {
    for (uint32_t i = 0; i < schema->n_columns; i++) {
        if (is(name, names[i])) {
            return PM_OK;
        }
    }
    names[schema->n_columns] = pm_arena_copy(arena, name.p, name.n);
    if (names[schema->n_columns] == NULL) {
        return pm_fail_nomem(err, name.n);
    }
    schema->n_columns++;
    return PM_OK;
}

static pm_status column_names(const pm_snapshot *s, pm_arena *arena, pm_schema *schema,
                              pm_error *err) {
    size_t room = 1;
    for (uint32_t p = 0; p < s->n_parts; p++) {
        room += s->parts[p].segment.columns.n;
    }
    const char **names = pm_arena_array(arena, room, sizeof *names);
    if (names == NULL) {
        return pm_fail_nomem(err, room * sizeof *names);
    }
    schema->columns = names;
    if (s->manifest.date_column[0] != 0) { /* known even where no document has one */
        names[schema->n_columns++] = s->manifest.date_column;
    }
    for (uint32_t p = 0; p < s->n_parts; p++) {
        const pm_columns *columns = &s->parts[p].segment.columns;
        for (uint32_t i = 0; i < columns->n; i++) {
            PM_TRY(see(columns->at[i].name, names, schema, arena, err));
        }
    }
    return PM_OK;
}

pm_status pm_parse_for(const pm_snapshot *s, const char *text, size_t n_bytes,
                       pm_parse_mode mode, const pm_limits *limits, pm_query *out,
                       pm_error *err) {
    return pm_parse_with(s, text, n_bytes, mode, limits, NULL, 0, out, err);
}

pm_status pm_parse_with(const pm_snapshot *s, const char *text, size_t n_bytes,
                        pm_parse_mode mode, const pm_limits *limits,
                        const pm_named *named, uint32_t n_named, pm_query *out,
                        pm_error *err) {
    pm_arena arena;
    pm_schema schema = {.n_fields = s->manifest.n_fields,
                        .n_named = n_named,
                        .fields = (const char *const *)s->manifest.fields,
                        .named = named};
    pm_arena_init(&arena);
    pm_status status = column_names(s, &arena, &schema, err);
    if (status == PM_OK) {
        status = pm_parse(text, n_bytes, &schema, mode, limits, out, err);
    }
    pm_arena_release(&arena);
    return status;
}

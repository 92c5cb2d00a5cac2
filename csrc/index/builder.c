/* A new index: rows go through an intake into a directory beside the final place, and a
 * manifest makes an index of what it gives. */
#include "index/builder.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"
#include "index/intake.h"
#include "index/metadata.h"
#include "index/publish.h"

struct pm_builder {
    pm_arena arena; /* copies of the options */
    pm_site site;
    pm_analyzer *analyzer;
    const char *date_column, *key_column;
    const char **fields;
    uint32_t n_fields;
    uint32_t retain;
    bool store, dead;
    uint64_t next_file;
    pm_intake *intake;
};

/* ---- options ---- */

static bool has_field(const pm_builder *b, uint32_t n, const char *name) {
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(b->fields[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static pm_status keep_string(pm_builder *b, const char *s, const char **out,
                             pm_error *err) {
    *out = pm_arena_copy(&b->arena, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
    return *out != NULL ? PM_OK : pm_fail_nomem(err, 1);
}

static pm_status keep_fields(pm_builder *b, const pm_build_options *o, pm_error *err) {
    if (o->n_fields < 1 || o->n_fields > PM_MAX_FIELDS) {
        return pm_fail(err, PM_INVALID,
                       "%" PRIu32 " text fields; there must be 1 to %d", o->n_fields,
                       PM_MAX_FIELDS);
    }
    b->n_fields = o->n_fields;
    b->fields = pm_arena_array(&b->arena, o->n_fields, sizeof *b->fields);
    if (b->fields == NULL) {
        return pm_fail_nomem(err, o->n_fields * sizeof *b->fields);
    }
    for (uint32_t i = 0; i < o->n_fields; i++) {
        PM_TRY(pm_check_name("text field", o->fields[i], err));
        if (has_field(b, i, o->fields[i])) {
            return pm_fail(err, PM_INVALID, "text field \"%s\" is named twice",
                           o->fields[i]);
        }
        PM_TRY(keep_string(b, o->fields[i], &b->fields[i], err));
    }
    return PM_OK;
}

/* ---- life ---- */

static pm_status set_up(pm_builder *b, const char *path, const pm_build_options *o,
                        pm_error *err) {
    PM_TRY(keep_fields(b, o, err));
    PM_TRY(keep_string(b, o->date_column, &b->date_column, err));
    PM_TRY(keep_string(b, o->key_column, &b->key_column, err));
    b->store = o->store;
    b->retain = o->retain != 0 ? o->retain : PM_RETAIN;
    b->next_file = 1;
    PM_TRY(pm_analyzer_new(o->lang, &b->analyzer, err));
    PM_TRY(pm_site_open(&b->site, path, o->if_exists, err));
    pm_intake_options intake = {.dir = b->site.directory,
                                .next_file = &b->next_file,
                                .analyzer = b->analyzer,
                                .fields = b->fields,
                                .n_fields = b->n_fields,
                                .store = b->store,
                                .threads = o->threads,
                                .segment_tokens = o->segment_tokens,
                                .memory_bytes = o->memory_bytes};
    return pm_intake_new(&intake, &b->intake, err);
}

pm_status pm_builder_new(const char *path, const pm_build_options *options,
                         pm_builder **out, pm_error *err) {
    pm_builder *b = pm_calloc(1, sizeof *b);
    *out = NULL;
    if (b == NULL) {
        return pm_fail_nomem(err, sizeof *b);
    }
    pm_arena_init(&b->arena);
    pm_status status = set_up(b, path, options, err);
    if (status != PM_OK) {
        pm_builder_free(b);
        return status;
    }
    *out = b;
    return PM_OK;
}

void pm_builder_free(pm_builder *b) {
    if (b == NULL) {
        return;
    }
    pm_intake_free(b->intake);
    if (b->analyzer != NULL) {
        pm_analyzer_free(b->analyzer);
    }
    pm_site_close(&b->site);
    pm_arena_release(&b->arena);
    pm_free(b);
}

/* ---- rows ---- */

pm_status pm_builder_column(pm_builder *b, const char *name, pm_value_kind kind,
                            uint32_t *column, pm_error *err) {
    return pm_intake_column(b->intake, name, kind, column, err);
}

static pm_status check_alive(const pm_builder *b, pm_error *err) {
    return b->dead ? pm_fail(err, PM_INVALID, "the build has failed or is finished")
                   : PM_OK;
}

pm_status pm_builder_add(pm_builder *b, const pm_row *rows, size_t n, size_t *n_added,
                         pm_cancel *cancel, pm_error *err) {
    *n_added = 0;
    PM_TRY(check_alive(b, err));
    return pm_intake_add(b->intake, rows, n, n_added, cancel, err);
}

uint64_t pm_builder_replaced(const pm_builder *b) {
    return pm_intake_replaced(b->intake);
}

uint64_t pm_builder_docs(const pm_builder *b) {
    return pm_intake_docs(b->intake);
}

uint64_t pm_builder_text_bytes(const pm_builder *b) {
    return pm_intake_text_bytes(b->intake);
}

/* ---- finishing ---- */

static const char *main_field(const pm_builder *b) {
    const uint64_t *bytes = pm_intake_field_bytes(b->intake);
    uint32_t best = 0;
    for (uint32_t f = 1; f < b->n_fields; f++) {
        if (bytes[f] > bytes[best]) {
            best = f;
        }
    }
    return b->fields[best];
}

static char *unconst(const char *s) {
    /* the manifest owns its strings only when it was read */
    return (char *)(uintptr_t)s;
}

static pm_status publish_files(pm_builder *b, const pm_entry *entries,
                               pm_manifest_file *files, pm_manifest_segment *segments,
                               uint32_t n, pm_cancel *cancel, pm_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        files[i] = entries[i].file;
        segments[i] = (pm_manifest_segment){.file = i,
                                            .n_docs = entries[i].n_docs,
                                            .n_tokens = entries[i].n_tokens,
                                            .removals = PM_END};
    }
    pm_generation generation = {.number = 1,
                                .fingerprint = pm_analyzer_fingerprint(b->analyzer),
                                .n_segments = n,
                                .segments = segments};
    char *fields[PM_MAX_FIELDS];
    for (uint32_t f = 0; f < b->n_fields; f++) {
        fields[f] = unconst(b->fields[f]);
    }
    pm_manifest m = {.lang = unconst(pm_analyzer_lang(b->analyzer)),
                     .main_field = unconst(main_field(b)),
                     .date_column = unconst(b->date_column),
                     .key_column = unconst(b->key_column),
                     .n_fields = b->n_fields,
                     .fields = fields,
                     .store = b->store,
                     .next_file = b->next_file,
                     .retain = b->retain,
                     .retain_seconds = PM_RETAIN_SECONDS,
                     .n_files = n,
                     .n_generations = 1,
                     .files = files,
                     .generations = &generation};
    return pm_site_publish(&b->site, &m, cancel, err);
}

static pm_status publish(pm_builder *b, const pm_entry *entries, uint32_t n,
                         pm_cancel *cancel, pm_error *err) {
    pm_manifest_file *files = pm_arena_array(&b->arena, n, sizeof *files);
    pm_manifest_segment *segments = pm_arena_array(&b->arena, n, sizeof *segments);
    if (files == NULL || segments == NULL) {
        return pm_fail_nomem(err, n * sizeof *files);
    }
    return publish_files(b, entries, files, segments, n, cancel, err);
}

pm_status pm_builder_finish(pm_builder *b, pm_cancel *cancel, pm_error *err) {
    pm_entry *entries;
    uint32_t n;
    PM_TRY(check_alive(b, err));
    b->dead = true;
    pm_status status = pm_intake_finish(b->intake, &entries, &n, cancel, err);
    if (status == PM_OK && cancel != NULL && pm_cancel_look(cancel)) {
        status = pm_fail(err, PM_CANCELLED, "cancelled by the caller");
    }
    if (status == PM_OK) {
        status = publish(b, entries, n, cancel, err);
    }
    pm_free(entries);
    return status;
}

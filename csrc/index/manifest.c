/* Reads and writes the manifest (docs/FORMAT.md, section 4). Counts are believed only as
 * far as the bytes that are left can hold them, and what generations say of a file must
 * agree: one file is one segment, or the sidecar of one segment, with one count of
 * documents and tokens. */
#include "index/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/types.h"

enum {
    META = PM_FOURCC('M', 'E', 'T', 'A'),
    FILES = PM_FOURCC('F', 'I', 'L', 'E'),
    GENS = PM_FOURCC('G', 'E', 'N', 'S'),
    FILE_BYTES = 25, /* of a file's record at least */
    GENERATION_BYTES = 25,
    SEGMENT_BYTES = 32,
    MAX_PATH_BYTES = 4096
};

/* ---- what stands at a path ---- */

static pm_status foreign(const char *path, const char *what, pm_error *err) {
    return pm_fail(err, PM_FOREIGN, "%s is not a pressmark index: %s", path, what);
}

pm_status pm_manifest_probe(const char *path, pm_error *err) {
    pm_stat s;
    bool exists = false;
    PM_TRY(pm_path_exists(path, &exists, err));
    if (!exists) {
        return pm_fail_io(err, ENOENT, path, "cannot open the index");
    }
    PM_TRY(pm_path_stat(path, &s, err));
    if (!s.is_dir) {
        return foreign(path,
                       s.is_regular ? "it is a file, and an index is a directory"
                                    : "it is no directory",
                       err);
    }
    char manifest[MAX_PATH_BYTES];
    PM_TRY(pm_path_join(manifest, sizeof manifest, path, PM_MANIFEST_NAME, err));
    PM_TRY(pm_path_exists(manifest, &exists, err));
    return exists ? PM_OK
                  : foreign(path, "the directory has no file \"" PM_MANIFEST_NAME "\"",
                            err);
}

/* ---- reading ---- */

/* What the generations read so far say of a file. */
typedef struct role {
    uint32_t named_by; /* 1 + the last generation that names it; 0: none */
    uint32_t segment;  /* the segment's file: itself, or whose sidecar it is */
    uint32_t n_docs;   /* documents and tokens in it, or taken away by it */
    uint64_t n_tokens, fingerprint;
} role;

typedef struct reading {
    pm_manifest *m;
    role *roles; /* [m->n_files] */
    const pm_container *file;
    uint32_t section;
    const uint8_t *begin;
    pm_cursor at;
    pm_error *err;
} reading;

static pm_status corrupt(const reading *r, const char *what) {
    return pm_section_corrupt(r->file, r->section, (uint64_t)(r->at.p - r->begin),
                              r->err, "%s", what);
}

static pm_status begin(reading *r, uint32_t section) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(r->file, section, &bytes, r->err));
    r->section = section;
    r->begin = bytes.p;
    r->at = pm_cursor_of(bytes);
    return PM_OK;
}

static pm_status end(const reading *r) {
    if (r->at.bad) {
        return corrupt(r, "a record is cut short");
    }
    return pm_cursor_left(&r->at) == 0 ? PM_OK
                                       : corrupt(r, "bytes after the last record");
}

/* A count of records that take at least so many bytes each. */
static pm_status read_count(reading *r, size_t least_bytes, uint32_t *out) {
    uint64_t n = pm_cursor_varint(&r->at);
    *out = 0;
    if (r->at.bad || n > pm_cursor_left(&r->at) / least_bytes || n > UINT32_MAX) {
        return corrupt(r, "more records than the section has room for");
    }
    *out = (uint32_t)n;
    return PM_OK;
}

static void *array(reading *r, size_t n, size_t size, pm_status *status) {
    void *p = pm_arena_array(&r->m->arena, n, size);
    *status = p != NULL ? PM_OK : pm_fail_nomem(r->err, n * size);
    return p;
}

static bool is(pm_bytes s, const char *text) {
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* The string's place in the manifest, NULL for an unknown key, or a field too many. */
static char **place_of(pm_manifest *m, pm_bytes key) {
    const struct {
        const char *key;
        char **place;
    } places[] = {{"lang", &m->lang},
                  {"main_field", &m->main_field},
                  {"date_column", &m->date_column},
                  {"key_column", &m->key_column}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (is(key, places[i].key)) {
            return places[i].place;
        }
    }
    return is(key, "field") && m->n_fields < PM_MAX_FIELDS ? &m->fields[m->n_fields++]
                                                           : NULL;
}

static pm_status read_pair(reading *r) {
    pm_bytes key = pm_cursor_string(&r->at), value = pm_cursor_string(&r->at);
    if (r->at.bad) {
        return corrupt(r, "a string is cut short");
    }
    if (is(key, "store")) {
        r->m->store = is(value, "1");
        return is(value, "0") || is(value, "1")
                   ? PM_OK
                   : corrupt(r, "store is neither 0 nor 1");
    }
    char **place = place_of(r->m, key);
    if (place == NULL) {
        return is(key, "field") ? corrupt(r, "too many fields") : PM_OK;
    }
    if (*place != NULL || memchr(value.p, 0, value.n) != NULL) {
        return corrupt(r, "a key stands twice, or its value holds a zero byte");
    }
    *place = pm_arena_copy(&r->m->arena, value.p, value.n);
    return *place != NULL ? PM_OK : pm_fail_nomem(r->err, value.n);
}

static pm_status read_meta(reading *r) {
    pm_manifest *m = r->m;
    uint32_t n;
    pm_status status;
    PM_TRY(begin(r, META));
    PM_TRY(read_count(r, 2, &n));
    m->fields = array(r, PM_MAX_FIELDS, sizeof *m->fields, &status);
    PM_TRY(status);
    for (uint32_t i = 0; i < n; i++) {
        PM_TRY(read_pair(r));
    }
    m->next_file = pm_cursor_u64(&r->at);
    m->retain = pm_cursor_u32(&r->at);
    m->retain_seconds = pm_cursor_u32(&r->at);
    PM_TRY(end(r));
    if (m->retain == 0) {
        return corrupt(r, "no generation is to be kept");
    }
    bool complete = m->lang != NULL && m->main_field != NULL &&
                    m->date_column != NULL && m->key_column != NULL && m->n_fields > 0;
    return complete ? PM_OK : corrupt(r, "language, fields or columns are missing");
}

/* Names are joined to the directory's path: nothing in them may lead out of it. */
static bool is_name(pm_bytes s) {
    pm_manifest_file f;
    if (s.n == 0 || s.n >= sizeof f.name || s.p[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' ||
              c == '-')) {
            return false;
        }
    }
    return true;
}

/* A name that begins with digits has that number: it must not be given out again. */
static bool is_given_out(const pm_manifest *m, const char *name) {
    uint64_t number = 0;
    bool has_number = false, fits = true;
    for (; *name >= '0' && *name <= '9'; name++) {
        has_number = true;
        fits = fits && number <= (UINT64_MAX - 9) / 10;
        number = 10 * number + (uint64_t)(*name - '0');
    }
    return !has_number || (fits && number < m->next_file);
}

static pm_status read_file(reading *r, uint32_t i) {
    pm_manifest_file *f = &r->m->files[i];
    f->size = pm_cursor_u64(&r->at);
    f->hash.lo = pm_cursor_u64(&r->at);
    f->hash.hi = pm_cursor_u64(&r->at);
    pm_bytes name = pm_cursor_string(&r->at);
    if (r->at.bad || !is_name(name)) {
        return corrupt(
            r, "a file's record is cut short or its name is none of this index");
    }
    memcpy(f->name, name.p, name.n);
    if (!is_given_out(r->m, f->name)) {
        return corrupt(r, "a file's number is not below that of the next file");
    }
    return i == 0 || strcmp(f[-1].name, f->name) < 0
               ? PM_OK
               : corrupt(r, "names of files do not increase");
}

static pm_status read_files(reading *r) {
    pm_manifest *m = r->m;
    pm_status status;
    PM_TRY(begin(r, FILES));
    PM_TRY(read_count(r, FILE_BYTES, &m->n_files));
    m->files = array(r, m->n_files, sizeof *m->files, &status);
    PM_TRY(status);
    for (uint32_t i = 0; i < m->n_files; i++) {
        PM_TRY(read_file(r, i));
    }
    return end(r);
}

/* Generation number i in the list says this of a file. */
static pm_status take_role(reading *r, uint32_t i, uint32_t file, const role *said) {
    if (file >= r->m->n_files) {
        return corrupt(r, "a generation names a file that is not there");
    }
    role *known = &r->roles[file];
    if (known->named_by == i + 1) {
        return corrupt(r, "a generation names a file twice");
    }
    if (known->named_by != 0 &&
        (known->segment != said->segment || known->n_docs != said->n_docs ||
         known->n_tokens != said->n_tokens ||
         known->fingerprint != said->fingerprint)) {
        return corrupt(r, "two generations disagree on a file");
    }
    *known = *said;
    known->named_by = i + 1;
    return PM_OK;
}

static pm_status take_removals(reading *r, uint32_t i, const pm_manifest_segment *s) {
    if (s->removals == PM_END) {
        return s->n_dead == 0 && s->dead_tokens == 0
                   ? PM_OK
                   : corrupt(r, "documents are deleted by no file");
    }
    if (s->n_dead == 0 || s->n_dead > s->n_docs || s->dead_tokens > s->n_tokens) {
        return corrupt(r, "none are deleted, or more than the segment holds");
    }
    const role said = {.segment = s->file,
                       .n_docs = s->n_dead,
                       .n_tokens = s->dead_tokens,
                       .fingerprint = r->m->fingerprint};
    return take_role(r, i, s->removals, &said);
}

static pm_status read_segment(reading *r, uint32_t i, pm_manifest_segment *s) {
    s->file = pm_cursor_u32(&r->at);
    s->n_docs = pm_cursor_u32(&r->at);
    s->n_tokens = pm_cursor_u64(&r->at);
    s->removals = pm_cursor_u32(&r->at);
    s->n_dead = pm_cursor_u32(&r->at);
    s->dead_tokens = pm_cursor_u64(&r->at);
    if (r->at.bad || s->n_tokens > PM_MAX_POSITIONS) {
        return corrupt(r, "a segment's record is cut short, or it has too many tokens");
    }
    const role said = {.segment = s->file,
                       .n_docs = s->n_docs,
                       .n_tokens = s->n_tokens,
                       .fingerprint = r->m->fingerprint};
    PM_TRY(take_role(r, i, s->file, &said));
    return take_removals(r, i, s);
}

static pm_status read_segments(reading *r, uint32_t i) {
    pm_generation *g = &r->m->generations[i];
    pm_status status;
    uint64_t n_docs = 0;
    PM_TRY(read_count(r, SEGMENT_BYTES, &g->n_segments));
    g->segments = array(r, g->n_segments, sizeof *g->segments, &status);
    PM_TRY(status);
    for (uint32_t k = 0; k < g->n_segments; k++) {
        PM_TRY(read_segment(r, i, &g->segments[k]));
        n_docs += g->segments[k].n_docs;
        if (n_docs >= PM_END) {
            return corrupt(r, "a generation has too many documents");
        }
    }
    return PM_OK;
}

static pm_status check_all_are_named(const reading *r) {
    for (uint32_t f = 0; f < r->m->n_files; f++) {
        if (r->roles[f].named_by == 0) {
            return corrupt(r, "a file is named by no generation");
        }
    }
    return PM_OK;
}

static pm_status read_generations(reading *r) {
    pm_manifest *m = r->m;
    pm_status status;
    PM_TRY(begin(r, GENS));
    PM_TRY(read_count(r, GENERATION_BYTES, &m->n_generations));
    m->generations = array(r, m->n_generations, sizeof *m->generations, &status);
    PM_TRY(status);
    uint64_t last = 0;
    for (uint32_t i = 0; i < m->n_generations; i++) {
        pm_generation *g = &m->generations[i];
        g->number = pm_cursor_u64(&r->at);
        g->published = (int64_t)pm_cursor_u64(&r->at);
        g->fingerprint = m->fingerprint = pm_cursor_u64(&r->at);
        if (g->number <= last) {
            return corrupt(r, "numbers of generations do not increase");
        }
        if (g->published < (i + 1 < m->n_generations)) {
            return corrupt(r, "a generation is from before 1970, or of no time");
        }
        last = g->number;
        PM_TRY(read_segments(r, i));
    }
    PM_TRY(end(r));
    PM_TRY(check_all_are_named(r));
    return m->n_generations > 0 ? PM_OK : corrupt(r, "no generation");
}

static pm_status read_all(pm_manifest *m, const pm_container *file, pm_error *err) {
    reading r = {.m = m, .file = file, .err = err};
    PM_TRY(pm_container_verify(file, NULL, err));
    PM_TRY(read_meta(&r));
    PM_TRY(read_files(&r));
    r.roles = pm_calloc(m->n_files, sizeof *r.roles);
    if (r.roles == NULL) {
        return pm_fail_nomem(err, m->n_files * sizeof *r.roles);
    }
    pm_status status = read_generations(&r);
    pm_free(r.roles);
    return status;
}

pm_status pm_manifest_read(pm_manifest *m, const char *dir, pm_error *err) {
    static const uint32_t known[] = {META, FILES, GENS};
    char path[MAX_PATH_BYTES];
    pm_container file;
    pm_stat s;
    memset(m, 0, sizeof *m);
    pm_arena_init(&m->arena);
    PM_TRY(pm_path_join(path, sizeof path, dir, PM_MANIFEST_NAME, err));
    /* Before it is opened: a manifest that takes its place meanwhile is younger, and the
     * time is asked for under the lock only, where none does. */
    PM_TRY(pm_path_stat(path, &s, err));
    m->file_time = s.modified_s;
    PM_TRY(pm_container_open(&file, path, PM_FILE_MANIFEST, PM_MAP_NO, known,
                             sizeof known / sizeof *known, err));
    pm_status status = read_all(m, &file, err);
    pm_container_close(&file);
    if (status != PM_OK) {
        pm_manifest_release(m);
    }
    return status;
}

void pm_manifest_release(pm_manifest *m) {
    pm_arena_release(&m->arena);
    memset(m, 0, sizeof *m);
}

/* ---- copying ---- */

static pm_status copy(pm_manifest *to, const char *from, char **place, pm_error *err) {
    size_t n = strlen(from);
    *place = pm_arena_copy(&to->arena, from, n);
    return *place != NULL ? PM_OK : pm_fail_nomem(err, n);
}

pm_status pm_manifest_copy_facts(pm_manifest *to, const pm_manifest *from,
                                 pm_error *err) {
    PM_TRY(copy(to, from->lang, &to->lang, err));
    PM_TRY(copy(to, from->main_field, &to->main_field, err));
    PM_TRY(copy(to, from->date_column, &to->date_column, err));
    PM_TRY(copy(to, from->key_column, &to->key_column, err));
    to->fields = pm_arena_array(&to->arena, from->n_fields, sizeof *to->fields);
    if (to->fields == NULL) {
        return pm_fail_nomem(err, from->n_fields * sizeof *to->fields);
    }
    for (to->n_fields = 0; to->n_fields < from->n_fields; to->n_fields++) {
        uint32_t i = to->n_fields;
        PM_TRY(copy(to, from->fields[i], &to->fields[i], err));
    }
    to->store = from->store;
    to->fingerprint = from->fingerprint;
    to->next_file = from->next_file;
    to->retain = from->retain;
    to->retain_seconds = from->retain_seconds;
    to->file_time = from->file_time;
    return PM_OK;
}

/* ---- writing ---- */

static void put_string(pm_buf *b, const char *s) {
    size_t n = strlen(s);
    pm_buf_put_varint(b, n);
    pm_buf_put(b, s, n);
}

static void put_pair(pm_buf *b, const char *key, const char *value) {
    put_string(b, key);
    put_string(b, value);
}

static void put_meta(pm_buf *b, const pm_manifest *m) {
    pm_buf_put_varint(b, 5 + (uint64_t)m->n_fields);
    put_pair(b, "lang", m->lang);
    put_pair(b, "main_field", m->main_field);
    put_pair(b, "date_column", m->date_column);
    put_pair(b, "key_column", m->key_column);
    put_pair(b, "store", m->store ? "1" : "0");
    for (uint32_t i = 0; i < m->n_fields; i++) {
        put_pair(b, "field", m->fields[i]);
    }
    pm_buf_put_u64(b, m->next_file);
    pm_buf_put_u32(b, m->retain);
    pm_buf_put_u32(b, m->retain_seconds);
}

static void put_files(pm_buf *b, const pm_manifest *m) {
    pm_buf_put_varint(b, m->n_files);
    for (uint32_t i = 0; i < m->n_files; i++) {
        pm_buf_put_u64(b, m->files[i].size);
        pm_buf_put_u64(b, m->files[i].hash.lo);
        pm_buf_put_u64(b, m->files[i].hash.hi);
        put_string(b, m->files[i].name);
    }
}

static void put_segment(pm_buf *b, const pm_manifest_segment *s) {
    pm_buf_put_u32(b, s->file);
    pm_buf_put_u32(b, s->n_docs);
    pm_buf_put_u64(b, s->n_tokens);
    pm_buf_put_u32(b, s->removals);
    pm_buf_put_u32(b, s->n_dead);
    pm_buf_put_u64(b, s->dead_tokens);
}

static void put_generations(pm_buf *b, const pm_manifest *m) {
    pm_buf_put_varint(b, m->n_generations);
    for (uint32_t i = 0; i < m->n_generations; i++) {
        const pm_generation *g = &m->generations[i];
        pm_buf_put_u64(b, g->number);
        pm_buf_put_u64(b, (uint64_t)g->published);
        pm_buf_put_u64(b, g->fingerprint);
        pm_buf_put_varint(b, g->n_segments);
        for (uint32_t k = 0; k < g->n_segments; k++) {
            put_segment(b, &g->segments[k]);
        }
    }
}

static pm_status write_section(pm_container_writer *w, uint32_t id,
                               const pm_manifest *m,
                               void (*put)(pm_buf *, const pm_manifest *),
                               pm_error *err) {
    pm_buf b;
    pm_buf_init(&b);
    put(&b, m);
    pm_status status = pm_buf_status(&b, err);
    if (status == PM_OK) {
        pm_container_section(w, id, PM_SECTION_REQUIRED, pm_buf_bytes(&b));
    }
    pm_buf_release(&b);
    return status;
}

static pm_status write_file(const pm_manifest *m, const char *path, pm_error *err) {
    pm_container_writer w;
    uint64_t size;
    pm_hash128 hash;
    PM_TRY(pm_container_create(&w, path, PM_FILE_MANIFEST, err));
    pm_status status;
    PM_GO(write_section(&w, META, m, put_meta, err));
    PM_GO(write_section(&w, FILES, m, put_files, err));
    PM_GO(write_section(&w, GENS, m, put_generations, err));
    return pm_container_finish(&w, &size, &hash, err);
out:
    pm_container_abandon(&w, path);
    return status;
}

/* A rename that failed has mostly not happened; over a network it may have. */
static bool may_have_happened(const char *from) {
    bool stands;
    return pm_path_exists(from, &stands, NULL) != PM_OK || !stands;
}

pm_status pm_manifest_write(const pm_manifest *m, const char *dir, bool *renamed,
                            pm_error *err) {
    char path[MAX_PATH_BYTES], new_path[MAX_PATH_BYTES];
    *renamed = false;
    PM_TRY(pm_path_join(path, sizeof path, dir, PM_MANIFEST_NAME, err));
    PM_TRY(pm_path_join(new_path, sizeof new_path, dir, PM_MANIFEST_NEW, err));
    (void)pm_sys_get()->unlink(new_path); /* left by a crash; mostly there is none */
    PM_TRY(pm_dir_sync(dir, err));
    PM_TRY(write_file(m, new_path, err));
    pm_status status = pm_path_rename(new_path, path, err);
    *renamed = status == PM_OK || may_have_happened(new_path);
    if (status == PM_OK) {
        return pm_dir_sync(dir, err);
    }
    if (!*renamed) {
        (void)pm_sys_get()->unlink(new_path);
    }
    return status;
}

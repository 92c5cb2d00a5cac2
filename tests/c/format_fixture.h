/* Random segments as plain arrays, and files made of them: what the tests of the format
 * layer compare with. */
#ifndef PM_TESTS_FORMAT_FIXTURE_H
#define PM_TESTS_FORMAT_FIXTURE_H

#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "check.h"
#include "format/container.h"
#include "format/lexicon.h"

/* ---- random numbers and memory ---- */

static inline uint32_t rnd(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}
static inline uint32_t rnd_below(uint64_t *state, uint32_t n) {
    return (uint32_t)(((uint64_t)rnd(state) * n) >> 32);
}
static inline void *room(size_t n, size_t size) { /* zeroed; n may be 0 */
    void *p = calloc(n + 1, size);
    CHECK(p != NULL);
    return p;
}

/* ---- files ---- */

static char test_dir[256];
static char test_path[300];

static inline void remove_test_dir(void) {
    unlink(test_path);
    rmdir(test_dir);
}
static inline void make_test_dir(void) {
    const char *base = getenv("TMPDIR");
    snprintf(test_dir, sizeof test_dir, "%s/pm_format_XXXXXX",
             base != NULL ? base : "/tmp");
    CHECK(mkdtemp(test_dir) != NULL);
    snprintf(test_path, sizeof test_path, "%s/file", test_dir);
    atexit(remove_test_dir);
}

/* A container under construction at test_path; the one before it is removed. */
static inline void begin_file(pm_container_writer *w) {
    pm_error err;
    unlink(test_path);
    CHECK(pm_container_create(w, test_path, PM_FILE_SEGMENT, &err) == PM_OK);
}
static inline pm_hash128 end_file(pm_container_writer *w) {
    pm_error err;
    uint64_t size;
    pm_hash128 hash;
    CHECK(pm_container_finish(w, &size, &hash, &err) == PM_OK);
    return hash;
}
/* known: fourccs of the sections. */
static inline void open_file(pm_container *c, const uint32_t *known, size_t n) {
    pm_error err;
    pm_status status =
        pm_container_open(c, test_path, PM_FILE_SEGMENT, PM_MAP_NO, known, n, &err);
    if (status != PM_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    CHECK(status == PM_OK);
}

/* ---- documents ---- */

typedef struct plain { /* documents as arrays */
    uint32_t n_docs, n_fields, n_units, n_positions, n_tokens;
    uint32_t *starts; /* [n_units + 1] */
    uint32_t *ids;    /* [n_positions], PM_END at sentinels */
} plain;

/* Units of up to max_unit tokens, every fourth empty; ids below n_ids, small ones more
 * often. */
static inline plain make_plain(uint64_t *seed, uint32_t n_docs, uint32_t n_fields,
                               uint32_t max_unit, uint32_t n_ids) {
    plain p = {.n_docs = n_docs, .n_fields = n_fields, .n_units = n_docs * n_fields};
    p.starts = room(p.n_units + 1, sizeof *p.starts);
    for (uint32_t u = 0; u < p.n_units; u++) {
        uint32_t n = rnd_below(seed, 4) == 0 ? 0 : rnd_below(seed, max_unit + 1);
        p.n_tokens += n;
        p.starts[u + 1] = p.starts[u] + n + 1;
    }
    p.n_positions = p.starts[p.n_units];
    p.ids = room(p.n_positions, sizeof *p.ids);
    for (uint32_t u = 0; u < p.n_units; u++) {
        for (uint32_t i = p.starts[u]; i + 1 < p.starts[u + 1]; i++) {
            uint32_t range =
                rnd_below(seed, 3) == 0 ? n_ids : 1 + rnd_below(seed, n_ids) / 8;
            p.ids[i] = rnd_below(seed, range);
        }
        p.ids[p.starts[u + 1] - 1] = UINT32_MAX;
    }
    return p;
}
static inline void free_plain(plain *p) {
    free(p->starts);
    free(p->ids);
}

/* ---- words ---- */

enum { TEXT_BYTES = 24 };

/* A lexicon as arrays, and positions inverted by group. */
typedef struct words {
    pm_lexicon_data data; /* of the arrays below */
    uint32_t *group_forms, *form_ids, *id_counts, *id_group;
    uint8_t *id_cases;
    pm_bytes *stems, *forms, *surfaces, *no_accents;
    uint64_t *starts; /* [n_groups + 1] */
    uint32_t *positions;
    char *texts; /* of stems, forms, surfaces */
    size_t n_texts;
} words;

typedef struct raw_group {
    uint32_t number, count;
} raw_group;

static inline int by_count(const void *x, const void *y) {
    const raw_group *a = x, *b = y;
    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Spelling of form f of group g in a case class. */
static inline pm_bytes add_text(words *w, uint32_t g, uint32_t f, uint32_t c) {
    char *at = w->texts + TEXT_BYTES * w->n_texts++;
    int n = snprintf(at, TEXT_BYTES, "%c%05u%c%u%s", c > 0 ? 'W' : 'w', g,
                     c > 1 ? 'F' : 'f', f, c == 2 ? "s" : "");
    CHECK(n > 0 && n < TEXT_BYTES);
    return (pm_bytes){(const uint8_t *)at, (size_t)n};
}

/* Adds the ids that occur of raw group g, n_cases for each form. Form 0 is the stem. */
static inline void add_group(words *w, const uint32_t *raw, uint32_t *new_id,
                             uint32_t g, uint32_t n_forms, uint32_t n_cases) {
    pm_lexicon_data *d = &w->data;
    w->stems[d->n_groups] = add_text(w, g, 0, 0);
    for (uint32_t f = 0; f < n_forms; f++) {
        uint32_t before = d->n_ids;
        for (uint32_t c = 0; c < n_cases; c++) {
            uint32_t old = (g * n_forms + f) * n_cases + c;
            if (raw[old] > 0) {
                new_id[old] = d->n_ids;
                w->id_counts[d->n_ids] = raw[old];
                w->id_cases[d->n_ids] = (uint8_t)c;
                w->id_group[d->n_ids] = d->n_groups;
                w->surfaces[d->n_ids++] = add_text(w, g, f, c);
            }
        }
        if (d->n_ids > before) {
            w->forms[d->n_forms++] = add_text(w, g, f, 0);
            w->form_ids[d->n_forms] = d->n_ids;
        }
    }
    w->group_forms[++d->n_groups] = d->n_forms;
}

static inline void invert(words *w, const plain *p) {
    uint32_t n = w->data.n_groups;
    w->starts = room(n + 2, sizeof *w->starts);
    w->positions = room(p->n_positions, sizeof *w->positions);
    for (uint32_t id = 0; id < w->data.n_ids; id++) {
        w->starts[w->id_group[id] + 2] += w->data.id_counts[id];
    }
    for (uint32_t g = 0; g < n; g++) {
        w->starts[g + 2] += w->starts[g + 1];
    }
    for (uint32_t pos = 0; pos < p->n_positions; pos++) {
        if (p->ids[pos] != UINT32_MAX) {
            w->positions[w->starts[w->id_group[p->ids[pos]] + 1]++] = pos;
        }
    }
}

/* Reads p's ids, all below n_groups * n_forms * n_cases, as (group, form, case class),
 * and renumbers them in the order of a lexicon. n_cases <= 4. */
static inline words make_words(plain *p, uint32_t n_groups, uint32_t n_forms,
                               uint32_t n_cases) {
    uint32_t per_group = n_forms * n_cases, n_raw = n_groups * per_group;
    uint32_t *raw = room(n_raw + 1, 4), *new_id = room(n_raw, 4);
    raw_group *order = room(n_groups, sizeof *order);
    words w = {.texts = room(3 * (size_t)n_raw + 3, TEXT_BYTES),
               .id_group = room(n_raw, 4)};
    w.group_forms = room(n_groups + 1, 4);
    w.form_ids = room(n_raw + 1, 4);
    w.id_counts = room(n_raw, 4);
    w.id_cases = room(n_raw, 1);
    w.stems = room(n_groups, sizeof(pm_bytes));
    w.forms = room(n_raw, sizeof(pm_bytes));
    w.surfaces = room(n_raw, sizeof(pm_bytes));
    w.no_accents = room(n_raw, sizeof(pm_bytes));
    w.data = (pm_lexicon_data){
        0,          0,       0,       w.group_forms, w.form_ids,   w.id_counts,
        w.id_cases, w.stems, w.forms, w.surfaces,    w.no_accents, w.no_accents,
        NULL};
    for (uint32_t pos = 0; pos < p->n_positions; pos++) {
        raw[p->ids[pos] == UINT32_MAX ? n_raw : p->ids[pos]]++;
    }
    for (uint32_t i = 0; i < n_raw; i++) {
        order[i / per_group].number = i / per_group;
        order[i / per_group].count += raw[i];
    }
    qsort(order, n_groups, sizeof *order, by_count);
    for (uint32_t k = 0; k < n_groups && order[k].count > 0; k++) {
        add_group(&w, raw, new_id, order[k].number, n_forms, n_cases);
    }
    for (uint32_t pos = 0; pos < p->n_positions; pos++) {
        p->ids[pos] = p->ids[pos] == UINT32_MAX ? UINT32_MAX : new_id[p->ids[pos]];
    }
    invert(&w, p);
    free(order);
    free(new_id);
    free(raw);
    return w;
}

static inline void free_words(words *w) {
    free(w->group_forms);
    free(w->form_ids);
    free(w->id_counts);
    free(w->id_cases);
    free(w->stems);
    free(w->forms);
    free(w->surfaces);
    free(w->no_accents);
    free(w->id_group);
    free(w->starts);
    free(w->positions);
    free(w->texts);
}

#endif

/* The next manifest, made of the last one: which generations stay, which files they and
 * the new one name (each once, by increasing names), then pm_manifest_write in the order
 * that durability asks for. */
#include "index/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"

enum { MAX_PATH_BYTES = 4096, NAME_DIGITS = 10 };

void pm_commit_name(char out[64], uint64_t number, const char *suffix) {
    snprintf(out, 64, "%0*" PRIu64 ".%s", NAME_DIGITS, number, suffix);
}

/* ---- entries ---- */

static pm_entry entry_of(const pm_manifest *m, const pm_manifest_segment *s) {
    pm_entry e = {.file = m->files[s->file],
                  .n_docs = s->n_docs,
                  .n_tokens = s->n_tokens,
                  .n_dead = s->n_dead,
                  .dead_tokens = s->dead_tokens};
    if (s->removals != PM_END) {
        e.removals = m->files[s->removals];
    }
    return e;
}

pm_status pm_entries_of(const pm_manifest *m, const pm_generation *g, pm_entry **out,
                        uint32_t *n, pm_error *err) {
    if (g == NULL) {
        g = &m->generations[m->n_generations - 1];
    }
    *n = 0;
    *out = pm_alloc_array(g->n_segments, sizeof **out);
    if (*out == NULL) {
        return pm_fail_nomem(err, g->n_segments * sizeof **out);
    }
    for (uint32_t i = 0; i < g->n_segments; i++) {
        (*out)[(*n)++] = entry_of(m, &g->segments[i]);
    }
    return PM_OK;
}

/* ---- which generations stay ---- */

/* Times are from 1 on, since 0 is none. */
static int64_t now_s(void) {
    int64_t now = pm_sys_get()->wall_clock_s();
    return now > 0 ? now : 1;
}

static int64_t published(const pm_manifest *m, uint32_t i) {
    int64_t at = m->generations[i].published;
    at = at != 0 ? at : m->file_time;
    return at > 0 ? at : 1;
}

/* Whether generation i stays beside one that is published now. A clock that was put
 * right by less than the time retained makes no difference; one that was far ahead
 * retains nothing. */
static bool stays(const pm_manifest *m, uint32_t i, int64_t now) {
    if (m->n_generations - i < m->retain) {
        return true;
    }
    int64_t then = published(m, i);
    return (then < now ? now - then : then - now) <= (int64_t)m->retain_seconds;
}

/* ---- the files ---- */

static int by_name(const void *a, const void *b) {
    const pm_manifest_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The number of the file with this name among those of a manifest; PM_END: none. */
static uint32_t find_file(const pm_manifest *m, const char *name) {
    pm_manifest_file key = {.size = 0};
    size_t n = strlen(name);
    if (m->n_files == 0 || n >= sizeof key.name) {
        return PM_END;
    }
    memcpy(key.name, name, n);
    const pm_manifest_file *f =
        bsearch(&key, m->files, m->n_files, sizeof key, by_name);
    return f != NULL ? (uint32_t)(f - m->files) : PM_END;
}

/* ---- the next manifest ---- */

typedef struct making {
    const pm_commit *c;
    const pm_manifest *base;
    pm_manifest *next;
    int64_t now;
    /* [base->n_files] a file's number in next; PM_END: no retained generation names
     * it */
    uint32_t *moved;
    pm_error *err;
} making;

static void *array(const making *k, size_t n, size_t size, pm_status *status) {
    void *p = pm_arena_array(&k->next->arena, n, size);
    *status = p != NULL ? PM_OK : pm_fail_nomem(k->err, n * size);
    return p;
}

/* What all generations share, but for what this one changes. */
static pm_status copy_facts(const making *k) {
    pm_manifest facts = *k->base;
    facts.main_field = (char *)(uintptr_t)k->c->main_field; /* only read */
    facts.fingerprint = k->c->fingerprint;
    facts.next_file = k->c->next_file;
    facts.file_time = k->now;
    return pm_manifest_copy_facts(k->next, &facts, k->err);
}

/* Takes a file of the new generation, unless an older one brought it. */
static void add_file(pm_manifest *next, uint32_t n_sorted, const pm_manifest_file *f) {
    const pm_manifest sorted = {.files = next->files, .n_files = n_sorted};
    if (f->name[0] != 0 && find_file(&sorted, f->name) == PM_END) {
        next->files[next->n_files++] = *f;
    }
}

/* The files of the generations that stay, and those that the new one adds. */
static pm_status gather_files(const making *k) {
    const pm_manifest *base = k->base;
    pm_manifest *next = k->next;
    pm_status status;
    size_t room = base->n_files + 2 * (size_t)k->c->n_entries;
    next->files = array(k, room, sizeof *next->files, &status);
    PM_TRY(status);
    for (uint32_t i = 0; i < base->n_files; i++) {
        if (k->moved[i] != PM_END) {
            next->files[next->n_files++] = base->files[i];
        }
    }
    uint32_t n_sorted = next->n_files;
    for (uint32_t i = 0; i < k->c->n_entries; i++) {
        add_file(next, n_sorted, &k->c->entries[i].file);
        add_file(next, n_sorted, &k->c->entries[i].removals);
    }
    qsort(next->files, next->n_files, sizeof *next->files, by_name);
    for (uint32_t i = 0; i < base->n_files; i++) {
        if (k->moved[i] != PM_END) {
            k->moved[i] = find_file(next, base->files[i].name);
        }
    }
    return PM_OK;
}

static void mark_generation(const making *k, const pm_generation *g) {
    for (uint32_t i = 0; i < g->n_segments; i++) {
        k->moved[g->segments[i].file] = 0;
        if (g->segments[i].removals != PM_END) {
            k->moved[g->segments[i].removals] = 0;
        }
    }
}

/* Marks the files of the generations that stay. */
static void mark_files(const making *k) {
    const pm_manifest *base = k->base;
    memset(k->moved, 0xff, base->n_files * sizeof *k->moved);
    for (uint32_t i = 0; i < base->n_generations; i++) {
        if (stays(base, i, k->now)) {
            mark_generation(k, &base->generations[i]);
        }
    }
}

static pm_status keep_generation(const making *k, uint32_t i, pm_generation *to) {
    const pm_generation *from = &k->base->generations[i];
    pm_status status;
    *to = *from;
    to->published = published(k->base, i);
    to->segments = array(k, from->n_segments, sizeof *to->segments, &status);
    PM_TRY(status);
    for (uint32_t j = 0; j < from->n_segments; j++) {
        pm_manifest_segment *s = &to->segments[j];
        *s = from->segments[j];
        s->file = k->moved[s->file];
        s->removals = s->removals != PM_END ? k->moved[s->removals] : PM_END;
    }
    return PM_OK;
}

static pm_status add_generation(const making *k, uint64_t number, pm_generation *to) {
    const pm_commit *c = k->c;
    pm_status status;
    to->number = number;
    to->published = k->now;
    to->fingerprint = c->fingerprint;
    to->segments = array(k, c->n_entries, sizeof *to->segments, &status);
    PM_TRY(status);
    for (; to->n_segments < c->n_entries; to->n_segments++) {
        const pm_entry *e = &c->entries[to->n_segments];
        to->segments[to->n_segments] =
            (pm_manifest_segment){.file = find_file(k->next, e->file.name),
                                  .n_docs = e->n_docs,
                                  .n_tokens = e->n_tokens,
                                  .removals = find_file(k->next, e->removals.name),
                                  .n_dead = e->n_dead,
                                  .dead_tokens = e->dead_tokens};
    }
    return PM_OK;
}

static pm_status gather_generations(const making *k) {
    const pm_manifest *base = k->base;
    pm_manifest *next = k->next;
    pm_status status;
    next->generations =
        array(k, base->n_generations + 1, sizeof *next->generations, &status);
    PM_TRY(status);
    for (uint32_t i = 0; i < base->n_generations; i++) {
        if (stays(base, i, k->now)) {
            PM_TRY(keep_generation(k, i, &next->generations[next->n_generations++]));
        }
    }
    uint64_t last = base->generations[base->n_generations - 1].number;
    return add_generation(k, last + 1, &next->generations[next->n_generations++]);
}

static pm_status check_bounds(const pm_commit *c, pm_error *err) {
    uint64_t n_docs = 0;
    for (uint32_t i = 0; i < c->n_entries; i++) {
        n_docs += c->entries[i].n_docs;
    }
    if (n_docs >= PM_END) {
        pm_fail(err, PM_LIMIT, "an index holds at most 2^32 - 2 documents");
        pm_error_hint(err, "optimize() takes deleted documents out of that number");
        return PM_LIMIT;
    }
    if (c->base->generations[c->base->n_generations - 1].number == UINT64_MAX) {
        return pm_fail(err, PM_LIMIT, "the index has used up its generations");
    }
    return PM_OK;
}

static pm_status make_next(const pm_commit *c, pm_manifest *next, pm_error *err) {
    making k = {.c = c, .base = c->base, .next = next, .now = now_s(), .err = err};
    PM_TRY(check_bounds(c, err));
    k.moved = pm_alloc_array(c->base->n_files, sizeof *k.moved);
    if (k.moved == NULL) {
        return pm_fail_nomem(err, c->base->n_files * sizeof *k.moved);
    }
    mark_files(&k);
    pm_status status;
    PM_GO(copy_facts(&k));
    PM_GO(gather_files(&k));
    PM_GO(gather_generations(&k));
out:
    pm_free(k.moved);
    return status;
}

pm_status pm_commit_publish(const pm_commit *c, pm_manifest *next, bool *renamed,
                            pm_error *err) {
    *renamed = false;
    memset(next, 0, sizeof *next);
    pm_arena_init(&next->arena);
    pm_status status = make_next(c, next, err);
    if (status == PM_OK) {
        status = pm_manifest_write(next, c->dir, renamed, err);
    }
    if (status != PM_OK) {
        pm_manifest_release(next);
    }
    return status;
}

/* ---- what is left over ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Past the digits; NULL if there are fewer than so many. */
static const char *skip_digits(const char *s, size_t at_least) {
    size_t n = 0;
    while (is_digit(s[n])) {
        n++;
    }
    return n >= at_least ? s + n : NULL;
}

/* A name that pm_commit_name gives. */
static bool is_numbered(const char *name) {
    const char *rest = skip_digits(name, NAME_DIGITS);
    return rest != NULL && (strcmp(rest, "." PM_SEGMENT_SUFFIX) == 0 ||
                            strcmp(rest, "." PM_REMOVALS_SUFFIX) == 0 ||
                            strcmp(rest, "." PM_RUN_SUFFIX) == 0);
}

/* scratch-<process>-<n>, of pm_file_scratch */
static bool is_scratch(const char *name) {
    static const char prefix[] = "scratch-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    const char *rest = skip_digits(name + sizeof prefix - 1, 1);
    rest = rest != NULL && *rest == '-' ? skip_digits(rest + 1, 1) : NULL;
    return rest != NULL && *rest == 0;
}

typedef struct sweep {
    const char *dir;
    const pm_manifest *m;
} sweep;

static int sweep_entry(void *ctx, const char *name) {
    const sweep *s = ctx;
    char path[MAX_PATH_BYTES];
    bool left_over = strcmp(name, PM_MANIFEST_NEW) == 0 || is_scratch(name) ||
                     (is_numbered(name) && find_file(s->m, name) == PM_END);
    /* unlink leaves directories alone */
    if (left_over && pm_path_join(path, sizeof path, s->dir, name, NULL) == PM_OK) {
        (void)pm_sys_get()->unlink(path);
    }
    return 0;
}

void pm_commit_sweep(const char *dir, const pm_manifest *m) {
    sweep s = {dir, m};
    (void)pm_sys_get()->list_dir(dir, sweep_entry, &s);
}

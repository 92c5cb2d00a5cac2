/* What a power loss leaves. A table of calls that writes down each change of the file
 * system in memory, and from that trace, for any prefix of it, the states that the disk
 * may be found in:
 *
 * - bytes of a file are safe up to its last sync; each later write is kept, dropped,
 *   torn at 512 bytes, or has made the file longer and left zeros;
 * - names in a directory are safe up to the directory's last sync; later changes are kept
 *   or dropped, in any choice that keeps the order of the changes of each name. A rename
 *   is kept as a whole, or leaves the file under both names; an exchange as a whole.
 *
 * A sync of a file says nothing of its name, and one of a name nothing of its bytes. */
#ifndef PM_TESTS_CRASH_FILES_H
#define PM_TESTS_CRASH_FILES_H

#include "memory_files.h"

enum { CRASH_NAME = 80, CRASH_SECTOR = 512 };

typedef enum crash_kind {
    CRASH_LINK,     /* name is now node */
    CRASH_UNLINK,   /* name is gone */
    CRASH_RENAME,   /* name is now called other */
    CRASH_EXCHANGE, /* name and other have changed places */
    CRASH_WRITE,    /* bytes [at, at + n) of node */
    CRASH_CUT,      /* node has n bytes */
    CRASH_SYNC,     /* node, a file or a directory */
    CRASH_MARK      /* the test says: all before is acknowledged, as state n */
} crash_kind;

typedef struct crash_op {
    crash_kind kind;
    uint64_t dir; /* node of the directory, for changes of names */
    uint64_t node;
    bool is_dir; /* of a link */
    char name[CRASH_NAME], other[CRASH_NAME];
    size_t at, n;
    uint8_t *bytes;
    size_t safe_from; /* the first operation that makes this one safe; SIZE_MAX: none */
} crash_op;

typedef struct crash_trace {
    crash_op *ops;
    size_t n, room;
    size_t start; /* operations before it are what stood at the beginning */
} crash_trace;

/* Where the calls are written down; NULL: nowhere. */
static crash_trace *crash_now;
static pthread_mutex_t crash_mutex = PTHREAD_MUTEX_INITIALIZER;

/* A process that is killed: so many more changing calls are made, and none after them
 * (they fail, which whoever is killed never learns). SIZE_MAX: it lives. */
static size_t crash_calls_left = SIZE_MAX;

/* Whether the process is dead by now. Under crash_mutex. */
static inline bool crash_is_dead(void) {
    if (crash_calls_left == 0) {
        errno = EIO;
        return true;
    }
    crash_calls_left -= crash_calls_left != SIZE_MAX;
    return false;
}

/* ---- the trace ---- */

static inline crash_op *crash_add(crash_trace *t, crash_kind kind) {
    t->ops = mem_room(t->ops, t->n, &t->room, sizeof *t->ops);
    crash_op *op = &t->ops[t->n++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->safe_from = SIZE_MAX;
    return op;
}

static inline void crash_release(crash_trace *t) {
    for (size_t i = 0; i < t->n; i++) {
        free(t->ops[i].bytes);
    }
    free(t->ops);
    memset(t, 0, sizeof *t);
}

static inline void crash_copy_name(char out[CRASH_NAME], const char *clean) {
    const char *slash = strrchr(clean, '/');
    const char *name = slash != NULL ? slash + 1 : clean;
    CHECK(strlen(name) < CRASH_NAME);
    strcpy(out, name);
}

/* A change of a name in its directory. */
static inline crash_op *crash_add_name(crash_trace *t, crash_kind kind,
                                       const char *path) {
    char clean[MEM_PATH];
    mem_clean(clean, path);
    const mem_node *dir = mem_parent(clean);
    CHECK(dir != NULL);
    crash_op *op = crash_add(t, kind);
    op->dir = dir->id;
    crash_copy_name(op->name, clean);
    return op;
}

static inline void crash_add_two(crash_trace *t, crash_kind kind, const char *from,
                                 const char *to) {
    char clean[MEM_PATH];
    crash_op *op = crash_add_name(t, kind, from);
    mem_clean(clean, to);
    CHECK(mem_parent(clean)->id == op->dir); /* the core moves nothing elsewhere */
    crash_copy_name(op->other, clean);
}

static inline void crash_add_link(crash_trace *t, const char *path) {
    const mem_node *node = mem_find(path);
    crash_op *op = crash_add_name(t, CRASH_LINK, path);
    op->node = node->id;
    op->is_dir = node->is_dir;
}

static inline void crash_add_write(crash_trace *t, uint64_t node, size_t at,
                                   const void *bytes, size_t n) {
    crash_op *op = crash_add(t, CRASH_WRITE);
    op->node = node;
    op->at = at;
    op->n = n;
    op->bytes = malloc(n > 0 ? n : 1);
    CHECK(op->bytes != NULL);
    if (n > 0) {
        memcpy(op->bytes, bytes, n);
    }
}

static inline void crash_add_sync(crash_trace *t, uint64_t node) {
    crash_add(t, CRASH_SYNC)->node = node;
}

static inline bool crash_is_of(const crash_op *op, uint64_t node) {
    return op->kind == CRASH_WRITE || op->kind == CRASH_CUT ? op->node == node
           : op->kind <= CRASH_EXCHANGE                     ? op->dir == node
                                                            : false;
}

/* Begins to write down; what stands is safe. */
static inline void crash_begin(crash_trace *t) {
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < mem_n_names; i++) {
        const mem_node *node = mem_names[i].node;
        crash_add_link(t, mem_names[i].path);
        if (!node->is_dir) {
            crash_add_write(t, node->id, 0, node->bytes, node->n);
        }
    }
    t->start = t->n;
    crash_now = t;
}

static inline void crash_mark(uint64_t state) {
    crash_add(crash_now, CRASH_MARK)->n = state;
}

/* Ends it, and finds out from when on each change is safe. */
static inline void crash_end(void) {
    crash_trace *t = crash_now;
    crash_now = NULL;
    for (size_t i = 0; i < t->n; i++) {
        crash_op *op = &t->ops[i];
        op->safe_from = i < t->start ? i : SIZE_MAX;
        for (size_t k = i + 1; k < t->n && op->safe_from == SIZE_MAX; k++) {
            if (t->ops[k].kind == CRASH_SYNC && crash_is_of(op, t->ops[k].node)) {
                op->safe_from = k;
            }
        }
    }
}

/* The newest state acknowledged before operation `end`; 0: none. */
static inline uint64_t crash_acknowledged(const crash_trace *t, size_t end) {
    uint64_t state = 0;
    for (size_t i = 0; i < end; i++) {
        state = t->ops[i].kind == CRASH_MARK ? t->ops[i].n : state;
    }
    return state;
}

/* ---- the calls ---- */

static inline int crash_open(const char *path, int flags, int mode) {
    pthread_mutex_lock(&crash_mutex);
    bool stood = mem_find(path) != NULL;
    bool changes = !stood || (flags & O_TRUNC) != 0;
    int fd = changes && crash_is_dead() ? -1 : mem_open(path, flags, mode);
    if (fd >= 0 && crash_now != NULL && !stood) {
        crash_add_link(crash_now, path);
    } else if (fd >= 0 && crash_now != NULL && (flags & O_TRUNC) != 0) {
        crash_add(crash_now, CRASH_CUT)->node = mem_of(fd)->node->id;
    }
    pthread_mutex_unlock(&crash_mutex);
    return fd;
}

static inline int64_t crash_write(int fd, const void *from, size_t n) {
    pthread_mutex_lock(&crash_mutex);
    size_t at = mem_of(fd)->offset;
    int64_t done = crash_is_dead() ? -1 : mem_write(fd, from, n);
    if (done > 0 && crash_now != NULL) {
        crash_add_write(crash_now, mem_of(fd)->node->id, at, from, (size_t)done);
    }
    pthread_mutex_unlock(&crash_mutex);
    return done;
}

static inline int crash_sync(int fd) {
    pthread_mutex_lock(&crash_mutex);
    int answer = crash_is_dead() ? -1 : mem_sync(fd);
    if (answer == 0 && crash_now != NULL) {
        crash_add_sync(crash_now, mem_of(fd)->node->id);
    }
    pthread_mutex_unlock(&crash_mutex);
    return answer;
}

static inline int crash_truncate(int fd, uint64_t bytes) {
    pthread_mutex_lock(&crash_mutex);
    int answer = crash_is_dead() ? -1 : mem_truncate(fd, bytes);
    if (answer == 0 && crash_now != NULL) {
        crash_op *op = crash_add(crash_now, CRASH_CUT);
        op->node = mem_of(fd)->node->id;
        op->n = (size_t)bytes;
    }
    pthread_mutex_unlock(&crash_mutex);
    return answer;
}

static inline int crash_two(crash_kind kind, const char *from, const char *to) {
    pthread_mutex_lock(&crash_mutex);
    int answer = crash_is_dead()        ? -1
                 : kind == CRASH_RENAME ? mem_rename(from, to)
                                        : mem_exchange(from, to);
    if (answer == 0 && crash_now != NULL) {
        crash_add_two(crash_now, kind, from, to);
    }
    pthread_mutex_unlock(&crash_mutex);
    return answer;
}

static inline int crash_rename(const char *from, const char *to) {
    return crash_two(CRASH_RENAME, from, to);
}

static inline int crash_exchange(const char *a, const char *b) {
    return crash_two(CRASH_EXCHANGE, a, b);
}

static inline int crash_take_away(const char *path, bool is_dir) {
    pthread_mutex_lock(&crash_mutex);
    int answer = crash_is_dead() ? -1 : mem_take_away(path, is_dir);
    if (answer == 0 && crash_now != NULL) {
        crash_add_name(crash_now, CRASH_UNLINK, path);
    }
    pthread_mutex_unlock(&crash_mutex);
    return answer;
}

static inline int crash_unlink(const char *path) {
    return crash_take_away(path, false);
}

static inline int crash_remove_dir(const char *path) {
    return crash_take_away(path, true);
}

static inline int crash_make_dir(const char *path) {
    pthread_mutex_lock(&crash_mutex);
    int answer = crash_is_dead() ? -1 : mem_make_dir(path);
    if (answer == 0 && crash_now != NULL) {
        crash_add_link(crash_now, path);
    }
    pthread_mutex_unlock(&crash_mutex);
    return answer;
}

static inline pm_sys crash_sys(void) {
    pm_sys table = mem_sys;
    table.open = crash_open;
    table.write = crash_write;
    table.truncate = crash_truncate;
    table.sync = crash_sync;
    table.rename = crash_rename;
    table.exchange = crash_exchange;
    table.unlink = crash_unlink;
    table.make_dir = crash_make_dir;
    table.remove_dir = crash_remove_dir;
    return table;
}

/* ---- states ---- */

/* How one crash treats what is not safe. */
typedef struct crash_chance {
    uint32_t seed;
    unsigned names_kept, bytes_kept; /* of 16 */
    unsigned torn, zeroed;           /* of 16, of the writes that are not kept whole */
} crash_chance;

static inline uint32_t crash_random(uint32_t *state, uint32_t below) {
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* The k-th way for a prefix: first the extremes, then all between them. */
static inline crash_chance crash_choose(uint32_t seed, size_t k) {
    static const crash_chance extremes[] = {
        {0, 16, 16, 0, 0}, /* a killed process: all is there */
        {0, 0, 0, 0, 0},   /* nothing that was not synced */
        {0, 16, 0, 0, 16}, /* names, and sizes, without bytes */
        {0, 16, 0, 0, 0},  /* names alone */
        {0, 16, 0, 16, 0}, /* names, and bytes in part */
        {0, 0, 16, 0, 0},  /* bytes without names */
    };
    enum { N_EXTREMES = sizeof extremes / sizeof *extremes };
    crash_chance c;
    if (k < N_EXTREMES) {
        c = extremes[k];
    } else {
        static const unsigned often[] = {16, 14, 8, 2, 0};
        uint32_t s = seed;
        c.names_kept = often[crash_random(&s, 4)];
        c.bytes_kept = often[crash_random(&s, 5)];
        c.torn = often[crash_random(&s, 5)];
        c.zeroed = often[crash_random(&s, 5)];
    }
    c.seed = seed;
    return c;
}

typedef struct crash_entry { /* of the state that is made */
    uint64_t dir, node;
    char name[CRASH_NAME];
    bool is_dir, gone;
    bool stopped; /* a change of this name was dropped, and so are all after it */
} crash_entry;

typedef struct crash_names {
    crash_entry *at;
    size_t n, room;
} crash_names;

/* The number of a name's entry, which is made (gone) where it was never heard of. */
static inline size_t crash_entry_of(crash_names *e, uint64_t dir, const char *name) {
    for (size_t i = 0; i < e->n; i++) {
        if (e->at[i].dir == dir && strcmp(e->at[i].name, name) == 0) {
            return i;
        }
    }
    e->at = mem_room(e->at, e->n, &e->room, sizeof *e->at);
    crash_entry *entry = &e->at[e->n];
    memset(entry, 0, sizeof *entry);
    entry->dir = dir;
    entry->gone = true;
    strcpy(entry->name, name);
    return e->n++;
}

static inline void crash_put_node(crash_entry *to, const crash_entry *from) {
    to->node = from->node;
    to->is_dir = from->is_dir;
    to->gone = from->gone;
}

/* One change of names, kept. both: a rename leaves the old name too. */
static inline void crash_keep(crash_names *e, const crash_op *op, bool both) {
    size_t a = crash_entry_of(e, op->dir, op->name);
    if (op->kind == CRASH_LINK) {
        e->at[a].node = op->node;
        e->at[a].is_dir = op->is_dir;
        e->at[a].gone = false;
    } else if (op->kind == CRASH_UNLINK) {
        e->at[a].gone = true;
    } else {
        size_t b = crash_entry_of(e, op->dir, op->other);
        crash_entry old = e->at[b];
        crash_put_node(&e->at[b], &e->at[a]);
        if (op->kind == CRASH_EXCHANGE) {
            crash_put_node(&e->at[a], &old);
        } else {
            e->at[a].gone = !both;
        }
    }
}

static inline bool crash_has_two(const crash_op *op) {
    return op->kind == CRASH_RENAME || op->kind == CRASH_EXCHANGE;
}

static inline void crash_drop(crash_names *e, const crash_op *op) {
    size_t a = crash_entry_of(e, op->dir, op->name);
    e->at[a].stopped = true;
    if (crash_has_two(op)) {
        size_t b = crash_entry_of(e, op->dir, op->other);
        e->at[b].stopped = true;
    }
}

static inline bool crash_is_stopped(crash_names *e, const crash_op *op) {
    size_t a = crash_entry_of(e, op->dir, op->name);
    size_t b = crash_has_two(op) ? crash_entry_of(e, op->dir, op->other) : a;
    return e->at[a].stopped || e->at[b].stopped;
}

static inline void crash_choose_names(crash_names *e, const crash_trace *t, size_t end,
                                      crash_chance *c) {
    for (size_t i = 0; i < end; i++) {
        const crash_op *op = &t->ops[i];
        if (op->kind > CRASH_EXCHANGE) {
            continue;
        }
        bool safe = op->safe_from < end;
        if (safe ||
            (!crash_is_stopped(e, op) && crash_random(&c->seed, 16) < c->names_kept)) {
            bool halves = !safe && op->kind == CRASH_RENAME && c->names_kept < 16;
            crash_keep(e, op, halves && crash_random(&c->seed, 4) == 0);
        } else {
            crash_drop(e, op);
        }
    }
}

/* Some of the sectors of a write. */
static inline void crash_tear(mem_node *node, const crash_op *op, crash_chance *c) {
    bool in_order = crash_random(&c->seed, 2) == 0;
    size_t sectors = op->n / CRASH_SECTOR + 1;
    size_t whole = crash_random(&c->seed, (uint32_t)sectors + 1);
    for (size_t at = op->at, k = 0; at < op->at + op->n; k++) {
        size_t next = (at / CRASH_SECTOR + 1) * CRASH_SECTOR;
        next = next < op->at + op->n ? next : op->at + op->n;
        if (in_order ? k < whole : crash_random(&c->seed, 2) == 0) {
            mem_put(node, at, op->bytes + (at - op->at), next - at);
        }
        at = next;
    }
}

/* One change of bytes as the crash has it. */
static inline void crash_apply(mem_node *node, const crash_op *op, bool safe,
                               crash_chance *c) {
    bool kept = safe || crash_random(&c->seed, 16) < c->bytes_kept;
    if (op->kind == CRASH_CUT) {
        if (kept && op->n < node->n) {
            mem_cut(node, op->n);
        }
    } else if (kept) {
        mem_put(node, op->at, op->bytes, op->n);
    } else if (crash_random(&c->seed, 16) < c->torn) {
        crash_tear(node, op, c);
    } else if (crash_random(&c->seed, 16) < c->zeroed && op->at + op->n > node->n) {
        mem_put(node, op->at + op->n, NULL, 0);
    }
}

static inline void crash_fill(mem_node *node, uint64_t id, const crash_trace *t,
                              size_t end, crash_chance *c) {
    for (size_t i = 0; i < end; i++) {
        const crash_op *op = &t->ops[i];
        if ((op->kind == CRASH_WRITE || op->kind == CRASH_CUT) && op->node == id) {
            crash_apply(node, op, op->safe_from < end, c);
        }
    }
}

/* Makes the entries of one directory, and puts those that are directories themselves to
 * the list of what is to be made. */
static inline void crash_make(const crash_names *e, uint64_t dir, const char *path,
                              const crash_trace *t, size_t end, crash_chance *c) {
    for (size_t i = 0; i < e->n; i++) {
        const crash_entry *entry = &e->at[i];
        if (entry->dir != dir || entry->gone) {
            continue;
        }
        char below[MEM_PATH];
        int n = snprintf(below, sizeof below, "%s%s%s", path, path[0] != 0 ? "/" : "",
                         entry->name);
        CHECK(n > 0 && n < MEM_PATH);
        mem_node *node = mem_add(below, entry->is_dir);
        if (entry->is_dir) {
            crash_make(e, entry->node, below, t, end, c); /* as deep as the trace */
        } else {
            crash_fill(node, entry->node, t, end, c);
        }
    }
}

/* The file system becomes one that a power loss right before operation `end` may
 * leave. */
static inline void crash_state(const crash_trace *t, size_t end, crash_chance c) {
    crash_names e = {0};
    mem_clear();
    crash_choose_names(&e, t, end, &c);
    crash_make(&e, mem_root.id, "", t, end, &c);
    free(e.at);
}

#endif

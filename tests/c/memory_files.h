/* A POSIX file system in memory behind pm_sys, for sweeps that touch files many thousand
 * times: names and files apart, so that an unlinked file lives as long as a descriptor
 * holds it; directories that must exist; access modes; a lock that an open description
 * holds; a disk that can be full; a clock that a test sets. What stands open, allocated
 * or mapped is counted, so that a test can ask for leaks. Threads of the core may call it
 * at once. Memory is the C library's. */
#ifndef PM_TESTS_MEMORY_FILES_H
#define PM_TESTS_MEMORY_FILES_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/sys.h"
#include "check.h"

enum { MEM_PATH = 256 };

typedef struct mem_node { /* a file or directory, under any number of names */
    uint64_t id;          /* never used again */
    bool is_dir;
    uint8_t *bytes;
    size_t n, capacity;
    uint32_t names, holders; /* entries of mem_names, of mem_fds */
    int64_t modified_s;
    bool locked; /* by one of its holders */
} mem_node;

typedef struct mem_name {
    char path[MEM_PATH];
    mem_node *node;
} mem_name;

typedef struct mem_fd { /* an open description */
    mem_node *node;     /* NULL: closed */
    int flags;
    size_t offset;
    bool holds_lock;
} mem_fd;

static pthread_mutex_t mem_mutex = PTHREAD_MUTEX_INITIALIZER; /* for all below */
static mem_name *mem_names;
static mem_fd *mem_fds;
static size_t mem_n_names, mem_names_room, mem_n_fds;
static uint64_t mem_next_id = 1;
/* bytes in files; the most there were, until a test says otherwise; at most */
static size_t mem_used, mem_peak, mem_disk = SIZE_MAX;
static mem_node mem_root = {.is_dir = true, .names = 1};
static int64_t mem_clock_s;  /* what the machine's clock says; a test sets it */
static atomic_long mem_live; /* allocations and maps */

static inline int mem_fail(int why) {
    errno = why;
    return -1;
}

/* What ends a call that holds the mutex. */
static inline int mem_leave(int answer, int why) {
    pthread_mutex_unlock(&mem_mutex);
    return answer < 0 ? mem_fail(why) : answer;
}

/* Doubles an array where it is full. */
static inline void *mem_room(void *p, size_t n, size_t *room, size_t size) {
    if (n < *room) {
        return p;
    }
    *room = *room > 0 ? 2 * *room : 16;
    p = realloc(p, *room * size);
    CHECK(p != NULL);
    return p;
}

/* ---- names ---- */

/* The path as the table has it: without "./" before and "/" behind. "": the directory
 * in which all names are. */
static inline void mem_clean(char out[MEM_PATH], const char *path) {
    while (path[0] == '.' && (path[1] == '/' || path[1] == 0)) {
        path += path[1] == '/' ? 2 : 1;
    }
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') {
        n--;
    }
    CHECK(n < MEM_PATH);
    memcpy(out, path, n);
    out[n] = 0;
}

static inline mem_name *mem_look(const char *clean) {
    for (size_t i = 0; i < mem_n_names; i++) {
        if (strcmp(mem_names[i].path, clean) == 0) {
            return &mem_names[i];
        }
    }
    return NULL;
}

/* The node of a path, for tests between calls of the core. */
static inline mem_node *mem_find(const char *path) {
    char clean[MEM_PATH];
    mem_clean(clean, path);
    if (clean[0] == 0) {
        return &mem_root;
    }
    mem_name *name = mem_look(clean);
    return name != NULL ? name->node : NULL;
}

/* The directory of a path that need not stand itself: NULL where it is none. */
static inline mem_node *mem_parent(const char *clean) {
    char dir[MEM_PATH];
    const char *slash = strrchr(clean, '/');
    size_t n = slash != NULL ? (size_t)(slash - clean) : 0;
    memcpy(dir, clean, n);
    dir[n] = 0;
    mem_node *node = mem_find(dir);
    return node != NULL && node->is_dir ? node : NULL;
}

/* Whether path is dir or lies below it; *rest is what follows. */
static inline bool mem_below(const char *path, const char *dir, const char **rest) {
    size_t n = strlen(dir);
    *rest = path + n;
    return strncmp(path, dir, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* The name of an entry of dir, or NULL. */
static inline const char *mem_entry_of(const char *path, const char *dir) {
    const char *rest = path;
    if (dir[0] != 0 && (!mem_below(path, dir, &rest) || *rest++ != '/')) {
        return NULL;
    }
    return strchr(rest, '/') == NULL ? rest : NULL;
}

static inline void mem_free_unused(mem_node *node) {
    if (node->names == 0 && node->holders == 0) {
        mem_used -= node->n;
        free(node->bytes);
        free(node);
    }
}

static inline mem_node *mem_add(const char *clean, bool is_dir) {
    mem_node *node = calloc(1, sizeof *node);
    CHECK(node != NULL);
    node->id = mem_next_id++;
    node->is_dir = is_dir;
    node->names = 1;
    node->modified_s = mem_clock_s;
    mem_names = mem_room(mem_names, mem_n_names, &mem_names_room, sizeof *mem_names);
    mem_name *name = &mem_names[mem_n_names++];
    strcpy(name->path, clean);
    name->node = node;
    return node;
}

static inline void mem_drop(mem_name *name) {
    mem_node *node = name->node;
    *name = mem_names[--mem_n_names];
    node->names--;
    mem_free_unused(node);
}

static inline bool mem_is_empty(const char *clean) {
    for (size_t i = 0; i < mem_n_names; i++) {
        if (mem_entry_of(mem_names[i].path, clean) != NULL) {
            return false;
        }
    }
    return true;
}

static inline void mem_move(const char *from, const char *to) {
    for (size_t i = 0; i < mem_n_names; i++) {
        const char *rest;
        if (mem_below(mem_names[i].path, from, &rest)) {
            char moved[2 * MEM_PATH];
            snprintf(moved, sizeof moved, "%s%s", to, rest);
            CHECK(strlen(moved) < MEM_PATH);
            strcpy(mem_names[i].path, moved);
        }
    }
}

/* ---- memory ---- */

static inline void *mem_alloc(size_t bytes) {
    void *p = malloc(bytes);
    atomic_fetch_add(&mem_live, p != NULL);
    return p;
}

static inline void *mem_resize(void *p, size_t bytes) {
    void *q = realloc(p, bytes);
    atomic_fetch_add(&mem_live, p == NULL && q != NULL);
    return q;
}

static inline void mem_release(void *p) {
    atomic_fetch_sub(&mem_live, p != NULL);
    free(p);
}

/* ---- descriptors ---- */

/* An open descriptor; anything else is a mistake of the core that no test forgives. */
static inline mem_fd *mem_of(int fd) {
    CHECK(fd >= 0 && (size_t)fd < mem_n_fds && mem_fds[fd].node != NULL);
    return &mem_fds[fd];
}

static inline int mem_new_fd(mem_node *node, int flags) {
    size_t fd = 0;
    while (fd < mem_n_fds && mem_fds[fd].node != NULL) {
        fd++;
    }
    if (fd == mem_n_fds) {
        mem_fds = realloc(mem_fds, ++mem_n_fds * sizeof *mem_fds);
        CHECK(mem_fds != NULL);
    }
    mem_fds[fd] = (mem_fd){.node = node, .flags = flags};
    node->holders++;
    return (int)fd;
}

static inline void mem_cut(mem_node *node, size_t n) {
    mem_used -= node->n - n;
    node->n = n;
}

/* 0, or why a node cannot be opened so. */
static inline int mem_refuses(const mem_node *node, int flags) {
    if ((flags & O_EXCL) != 0) {
        return EEXIST;
    }
    if ((flags & O_DIRECTORY) != 0 && !node->is_dir) {
        return ENOTDIR;
    }
    return node->is_dir && (flags & O_ACCMODE) != O_RDONLY ? EISDIR : 0;
}

static inline int mem_open(const char *path, int flags, int mode) {
    char clean[MEM_PATH];
    (void)mode;
    pthread_mutex_lock(&mem_mutex);
    mem_clean(clean, path);
    mem_node *node = mem_find(clean);
    if (node == NULL && ((flags & O_CREAT) == 0 || mem_parent(clean) == NULL)) {
        return mem_leave(-1, ENOENT);
    }
    int why = node != NULL ? mem_refuses(node, flags) : 0;
    if (why != 0) {
        return mem_leave(-1, why);
    }
    node = node != NULL ? node : mem_add(clean, false);
    if ((flags & O_TRUNC) != 0) {
        mem_cut(node, 0);
    }
    return mem_leave(mem_new_fd(node, flags), 0);
}

static inline int mem_close(int fd) {
    pthread_mutex_lock(&mem_mutex);
    mem_fd *f = mem_of(fd);
    mem_node *node = f->node;
    if (f->holds_lock) {
        node->locked = false;
    }
    memset(f, 0, sizeof *f);
    node->holders--;
    mem_free_unused(node);
    return mem_leave(0, 0);
}

static inline int64_t mem_read_at(int fd, void *to, size_t n, uint64_t offset) {
    pthread_mutex_lock(&mem_mutex);
    const mem_fd *f = mem_of(fd);
    const mem_node *node = f->node;
    if (node->is_dir || (f->flags & O_ACCMODE) == O_WRONLY) {
        return mem_leave(-1, node->is_dir ? EISDIR : EBADF);
    }
    size_t left = offset < node->n ? node->n - (size_t)offset : 0;
    n = n < left ? n : left;
    if (n > 0) {
        memcpy(to, node->bytes + offset, n);
    }
    pthread_mutex_unlock(&mem_mutex);
    return (int64_t)n;
}

/* Puts bytes at a place of a file, which grows by zeros where it must. */
static inline void mem_put(mem_node *node, size_t at, const void *from, size_t n) {
    size_t end = at + n > node->n ? at + n : node->n;
    if (end > node->capacity) {
        node->capacity = 2 * end;
        node->bytes = realloc(node->bytes, node->capacity);
        CHECK(node->bytes != NULL);
    }
    if (end > node->n) {
        memset(node->bytes + node->n, 0, end - node->n);
        mem_used += end - node->n;
        mem_peak = mem_used > mem_peak ? mem_used : mem_peak;
        node->n = end;
    }
    if (n > 0 && from != NULL) {
        memcpy(node->bytes + at, from, n);
    }
    node->modified_s = mem_clock_s;
}

/* A full disk takes what still fits, then nothing. */
static inline int64_t mem_write(int fd, const void *from, size_t n) {
    pthread_mutex_lock(&mem_mutex);
    mem_fd *f = mem_of(fd);
    if ((f->flags & O_ACCMODE) == O_RDONLY) {
        return mem_leave(-1, EBADF);
    }
    size_t over = f->node->n - f->offset;
    size_t left = (mem_used < mem_disk ? mem_disk - mem_used : 0);
    left = left < SIZE_MAX - over ? left + over : SIZE_MAX;
    if (n > 0 && left == 0) {
        return mem_leave(-1, ENOSPC);
    }
    n = n < left ? n : left;
    mem_put(f->node, f->offset, from, n);
    f->offset += n;
    pthread_mutex_unlock(&mem_mutex);
    return (int64_t)n;
}

static inline int mem_truncate(int fd, uint64_t bytes) {
    pthread_mutex_lock(&mem_mutex);
    mem_fd *f = mem_of(fd);
    if ((f->flags & O_ACCMODE) == O_RDONLY) {
        return mem_leave(-1, EINVAL);
    }
    if (bytes < f->node->n) {
        mem_cut(f->node, (size_t)bytes);
    }
    mem_put(f->node, (size_t)bytes, NULL, 0);
    return mem_leave(0, 0);
}

static inline int mem_lock(int fd) {
    pthread_mutex_lock(&mem_mutex);
    mem_fd *f = mem_of(fd);
    if (f->node->locked && !f->holds_lock) {
        return mem_leave(-1, EWOULDBLOCK);
    }
    f->node->locked = f->holds_lock = true;
    return mem_leave(0, 0);
}

static inline int mem_unlock(int fd) {
    pthread_mutex_lock(&mem_mutex);
    mem_fd *f = mem_of(fd);
    if (f->holds_lock) {
        f->node->locked = f->holds_lock = false;
    }
    return mem_leave(0, 0);
}

static inline int mem_sync(int fd) {
    pthread_mutex_lock(&mem_mutex);
    (void)mem_of(fd);
    return mem_leave(0, 0);
}

static inline void mem_tell(const mem_node *node, pm_stat *out) {
    *out = (pm_stat){.size_bytes = node->n,
                     .is_dir = node->is_dir,
                     .is_regular = !node->is_dir,
                     .inode = node->id,
                     .modified_s = node->modified_s};
}

static inline int mem_stat_fd(int fd, pm_stat *out) {
    pthread_mutex_lock(&mem_mutex);
    mem_tell(mem_of(fd)->node, out);
    return mem_leave(0, 0);
}

static inline int mem_stat_path(const char *path, pm_stat *out) {
    pthread_mutex_lock(&mem_mutex);
    const mem_node *node = mem_find(path);
    if (node == NULL) {
        return mem_leave(-1, ENOENT);
    }
    mem_tell(node, out);
    return mem_leave(0, 0);
}

/* A copy of exactly the file's bytes, so that AddressSanitizer sees a read beyond them.
 * Files that are mapped never change (DESIGN 9). */
static inline void *mem_map(int fd, size_t bytes) {
    pthread_mutex_lock(&mem_mutex);
    const mem_fd *f = mem_of(fd);
    CHECK(bytes <= f->node->n && (f->flags & O_ACCMODE) != O_WRONLY);
    void *p = mem_alloc(bytes);
    if (p != NULL) {
        memcpy(p, f->node->bytes, bytes);
    }
    pthread_mutex_unlock(&mem_mutex);
    return p;
}

static inline int mem_unmap(void *p, size_t bytes) {
    (void)bytes;
    mem_release(p);
    return 0;
}

static inline bool mem_is_local(int fd) {
    pthread_mutex_lock(&mem_mutex);
    (void)mem_of(fd);
    pthread_mutex_unlock(&mem_mutex);
    return true;
}

/* ---- directories ---- */

/* 0, or why the one may not take the other's name. */
static inline int mem_refuses_rename(const char *from, const char *to) {
    const char *rest;
    const mem_node *node = mem_find(from), *old = mem_find(to);
    if (node == NULL || mem_parent(to) == NULL) {
        return ENOENT;
    }
    if (strcmp(from, to) != 0 && mem_below(to, from, &rest)) {
        return EINVAL;
    }
    if (old == NULL) {
        return 0;
    }
    if (old->is_dir != node->is_dir) {
        return old->is_dir ? EISDIR : ENOTDIR;
    }
    return old->is_dir && !mem_is_empty(to) ? ENOTEMPTY : 0;
}

static inline int mem_rename(const char *from, const char *to) {
    char a[MEM_PATH], b[MEM_PATH];
    pthread_mutex_lock(&mem_mutex);
    mem_clean(a, from);
    mem_clean(b, to);
    int why = mem_refuses_rename(a, b);
    if (why != 0) {
        return mem_leave(-1, why);
    }
    if (strcmp(a, b) != 0) {
        mem_name *old = mem_look(b);
        if (old != NULL) {
            mem_drop(old);
        }
        mem_move(a, b);
    }
    return mem_leave(0, 0);
}

static inline int mem_exchange(const char *a, const char *b) {
    char from[MEM_PATH], to[MEM_PATH];
    pthread_mutex_lock(&mem_mutex);
    mem_clean(from, a);
    mem_clean(to, b);
    if (mem_find(from) == NULL || mem_find(to) == NULL) {
        return mem_leave(-1, ENOENT);
    }
    mem_move(from, "/aside");
    mem_move(to, from);
    mem_move("/aside", to);
    return mem_leave(0, 0);
}

/* Of a file, or of an empty directory. */
static inline int mem_take_away(const char *path, bool is_dir) {
    char clean[MEM_PATH];
    pthread_mutex_lock(&mem_mutex);
    mem_clean(clean, path);
    mem_name *name = mem_look(clean);
    if (name == NULL) {
        return mem_leave(-1, ENOENT);
    }
    if (name->node->is_dir != is_dir) {
        return mem_leave(-1, is_dir ? ENOTDIR : EISDIR);
    }
    if (is_dir && !mem_is_empty(clean)) {
        return mem_leave(-1, ENOTEMPTY);
    }
    mem_drop(name);
    return mem_leave(0, 0);
}

static inline int mem_unlink(const char *path) {
    return mem_take_away(path, false);
}

static inline int mem_remove_dir(const char *path) {
    return mem_take_away(path, true);
}

static inline int mem_make_dir(const char *path) {
    char clean[MEM_PATH];
    pthread_mutex_lock(&mem_mutex);
    mem_clean(clean, path);
    if (mem_find(clean) != NULL) {
        return mem_leave(-1, EEXIST);
    }
    if (mem_parent(clean) == NULL) {
        return mem_leave(-1, ENOENT);
    }
    mem_add(clean, true);
    return mem_leave(0, 0);
}

/* The entries of a directory as they are at one moment. */
static inline int mem_entries(const char *path, char (**out)[MEM_PATH], size_t *n) {
    char clean[MEM_PATH];
    pthread_mutex_lock(&mem_mutex);
    mem_clean(clean, path);
    const mem_node *dir = mem_find(clean);
    if (dir == NULL || !dir->is_dir) {
        return mem_leave(-1, dir == NULL ? ENOENT : ENOTDIR);
    }
    *n = 0;
    *out = calloc(mem_n_names + 1, sizeof **out);
    CHECK(*out != NULL);
    for (size_t i = 0; i < mem_n_names; i++) {
        const char *entry = mem_entry_of(mem_names[i].path, clean);
        if (entry != NULL) {
            strcpy((*out)[(*n)++], entry);
        }
    }
    return mem_leave(0, 0);
}

/* The visitor may change the directory: it is told what stood there at the start. */
static inline int mem_list_dir(const char *path,
                               int (*visit)(void *ctx, const char *name), void *ctx) {
    char(*entries)[MEM_PATH];
    size_t n;
    if (mem_entries(path, &entries, &n) != 0) {
        return -1;
    }
    int answer = 0;
    for (size_t i = 0; i < n && answer == 0; i++) {
        answer = visit(ctx, entries[i]);
    }
    free(entries);
    return answer;
}

/* ---- the machine ---- */

static inline int64_t mem_wall_clock_s(void) {
    return mem_clock_s;
}

static inline void mem_pause_ms(uint32_t ms) {
    (void)ms;
}

static inline int64_t mem_process_id(void) {
    return 1;
}

static inline void mem_host_name(char *out, size_t size) {
    snprintf(out, size, "memory");
}

static const pm_sys mem_sys = {.alloc = mem_alloc,
                               .resize = mem_resize,
                               .release = mem_release,
                               .open = mem_open,
                               .close = mem_close,
                               .read_at = mem_read_at,
                               .write = mem_write,
                               .truncate = mem_truncate,
                               .sync = mem_sync,
                               .lock = mem_lock,
                               .unlock = mem_unlock,
                               .stat_fd = mem_stat_fd,
                               .stat_path = mem_stat_path,
                               .rename = mem_rename,
                               .exchange = mem_exchange,
                               .unlink = mem_unlink,
                               .make_dir = mem_make_dir,
                               .remove_dir = mem_remove_dir,
                               .list_dir = mem_list_dir,
                               .map = mem_map,
                               .unmap = mem_unmap,
                               .is_local = mem_is_local,
                               .wall_clock_s = mem_wall_clock_s,
                               .pause_ms = mem_pause_ms,
                               .process_id = mem_process_id,
                               .host_name = mem_host_name};

/* ---- for tests, between calls of the core ---- */

static inline int mem_open_files(void) {
    int n = 0;
    for (size_t i = 0; i < mem_n_fds; i++) {
        n += mem_fds[i].node != NULL;
    }
    return n;
}

static inline int mem_count_nodes(void) {
    return (int)mem_n_names;
}

/* Makes a file of these bytes, or changes the one that stands there. */
static inline void mem_set(const char *path, const uint8_t *bytes, size_t n) {
    char clean[MEM_PATH];
    mem_clean(clean, path);
    mem_name *name = mem_look(clean);
    mem_node *node = name != NULL ? name->node : mem_add(clean, false);
    mem_cut(node, 0);
    mem_put(node, 0, bytes, n);
}

/* Nothing stands any more; nothing may be open. */
static inline void mem_clear(void) {
    CHECK(mem_open_files() == 0);
    while (mem_n_names > 0) {
        mem_drop(&mem_names[mem_n_names - 1]);
    }
    free(mem_names);
    free(mem_fds);
    mem_names = NULL;
    mem_fds = NULL;
    mem_names_room = mem_n_fds = 0;
}

/* ---- images: the whole file system, to come back to ---- */

typedef struct mem_image {
    struct mem_copy {
        char path[MEM_PATH];
        bool is_dir;
        uint8_t *bytes;
        size_t n;
        int64_t modified_s;
    } * at;
    size_t n;
} mem_image;

/* Every name gets a file of its own when the image is loaded. */
static inline mem_image mem_save(void) {
    mem_image image = {.at = calloc(mem_n_names + 1, sizeof *image.at),
                       .n = mem_n_names};
    CHECK(image.at != NULL);
    for (size_t i = 0; i < image.n; i++) {
        const mem_node *node = mem_names[i].node;
        struct mem_copy *copy = &image.at[i];
        strcpy(copy->path, mem_names[i].path);
        copy->is_dir = node->is_dir;
        copy->n = node->n;
        copy->modified_s = node->modified_s;
        copy->bytes = malloc(node->n + 1);
        CHECK(copy->bytes != NULL);
        if (node->n > 0) {
            memcpy(copy->bytes, node->bytes, node->n);
        }
    }
    return image;
}

static inline void mem_load(const mem_image *image) {
    mem_clear();
    for (size_t i = 0; i < image->n; i++) {
        const struct mem_copy *copy = &image->at[i];
        mem_node *node = mem_add(copy->path, copy->is_dir);
        mem_put(node, 0, copy->bytes, copy->n);
        node->modified_s = copy->modified_s;
    }
}

static inline void mem_image_free(mem_image *image) {
    for (size_t i = 0; i < image->n; i++) {
        free(image->at[i].bytes);
    }
    free(image->at);
    memset(image, 0, sizeof *image);
}

#endif

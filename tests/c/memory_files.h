/* A file system in memory behind pm_sys, for sweeps that touch files many thousand
 * times. One flat table of paths; what stands open, allocated or mapped is counted, so
 * that a test can ask for leaks. Memory is the C library's. */
#ifndef PM_TESTS_MEMORY_FILES_H
#define PM_TESTS_MEMORY_FILES_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "base/sys.h"
#include "check.h"

enum { MEM_NODES = 64, MEM_FDS = 32, MEM_PATH = 200 };

typedef struct mem_node {
    char path[MEM_PATH]; /* "": free */
    bool is_dir;
    uint8_t *bytes;
    size_t n, capacity;
} mem_node;

static mem_node mem_nodes[MEM_NODES];
static struct {
    mem_node *node;
    bool used;
} mem_fds[MEM_FDS];
static atomic_long mem_live; /* allocations and maps; threads of the core allocate */

static inline mem_node *mem_find(const char *path) {
    for (int i = 0; i < MEM_NODES; i++) {
        if (mem_nodes[i].path[0] != 0 && strcmp(mem_nodes[i].path, path) == 0) {
            return &mem_nodes[i];
        }
    }
    return NULL;
}

static inline mem_node *mem_add(const char *path, bool is_dir) {
    int i = 0;
    while (i < MEM_NODES && mem_nodes[i].path[0] != 0) {
        i++;
    }
    CHECK(i < MEM_NODES && strlen(path) < MEM_PATH);
    strcpy(mem_nodes[i].path, path);
    mem_nodes[i].is_dir = is_dir;
    return &mem_nodes[i];
}

static inline void mem_drop(mem_node *node) {
    free(node->bytes);
    memset(node, 0, sizeof *node);
}

static inline int mem_fail(int why) {
    errno = why;
    return -1;
}

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

static inline int mem_open(const char *path, int flags, int mode) {
    static mem_node here;
    mem_node *node = strcmp(path, ".") == 0 ? &here : mem_find(path);
    (void)mode;
    if (node == NULL && (flags & O_CREAT) == 0) {
        return mem_fail(ENOENT);
    }
    if (node != NULL && (flags & O_EXCL) != 0) {
        return mem_fail(EEXIST);
    }
    int fd = 0;
    while (fd < MEM_FDS && mem_fds[fd].used) {
        fd++;
    }
    CHECK(fd < MEM_FDS);
    mem_fds[fd].node = node != NULL ? node : mem_add(path, false);
    mem_fds[fd].used = true;
    return fd;
}

static inline int mem_close(int fd) {
    CHECK(fd >= 0 && fd < MEM_FDS && mem_fds[fd].used);
    mem_fds[fd].used = false;
    return 0;
}

static inline int64_t mem_read_at(int fd, void *to, size_t n, uint64_t offset) {
    const mem_node *node = mem_fds[fd].node;
    size_t left = offset < node->n ? node->n - (size_t)offset : 0;
    n = n < left ? n : left;
    if (n > 0) {
        memcpy(to, node->bytes + offset, n);
    }
    return (int64_t)n;
}

static inline int64_t mem_write(int fd, const void *from, size_t n) {
    mem_node *node = mem_fds[fd].node;
    if (n > node->capacity - node->n) {
        node->capacity = 2 * (node->n + n);
        node->bytes = realloc(node->bytes, node->capacity);
        CHECK(node->bytes != NULL);
    }
    memcpy(node->bytes + node->n, from, n);
    node->n += n;
    return (int64_t)n;
}

static inline int mem_sync(int fd) {
    CHECK(mem_fds[fd].used);
    return 0;
}

static inline int mem_stat_fd(int fd, pm_stat *out) {
    const mem_node *node = mem_fds[fd].node;
    *out = (pm_stat){node->n, node->is_dir, !node->is_dir};
    return 0;
}

static inline int mem_stat_path(const char *path, pm_stat *out) {
    const mem_node *node = mem_find(path);
    if (node == NULL) {
        return mem_fail(ENOENT);
    }
    *out = (pm_stat){node->n, node->is_dir, !node->is_dir};
    return 0;
}

/* Whether path is dir or lies below it; *rest is what follows. */
static inline bool mem_below(const char *path, const char *dir, const char **rest) {
    size_t n = strlen(dir);
    *rest = path + n;
    return strncmp(path, dir, n) == 0 && (path[n] == 0 || path[n] == '/');
}

static inline void mem_move(const char *from, const char *to) {
    for (int i = 0; i < MEM_NODES; i++) {
        const char *rest;
        if (mem_nodes[i].path[0] != 0 && mem_below(mem_nodes[i].path, from, &rest)) {
            char moved[2 * MEM_PATH];
            snprintf(moved, sizeof moved, "%s%s", to, rest);
            CHECK(strlen(moved) < MEM_PATH);
            strcpy(mem_nodes[i].path, moved);
        }
    }
}

static inline int mem_rename(const char *from, const char *to) {
    mem_node *old = mem_find(to);
    if (mem_find(from) == NULL) {
        return mem_fail(ENOENT);
    }
    if (old != NULL) {
        if (old->is_dir) {
            return mem_fail(ENOTEMPTY);
        }
        mem_drop(old);
    }
    mem_move(from, to);
    return 0;
}

static inline int mem_exchange(const char *a, const char *b) {
    if (mem_find(a) == NULL || mem_find(b) == NULL) {
        return mem_fail(ENOENT);
    }
    mem_move(a, "aside");
    mem_move(b, a);
    mem_move("aside", b);
    return 0;
}

static inline int mem_unlink(const char *path) {
    mem_node *node = mem_find(path);
    if (node == NULL) {
        return mem_fail(ENOENT);
    }
    mem_drop(node);
    return 0;
}

static inline int mem_make_dir(const char *path) {
    if (mem_find(path) != NULL) {
        return mem_fail(EEXIST);
    }
    mem_add(path, true);
    return 0;
}

static inline int mem_list_dir(const char *path,
                               int (*visit)(void *ctx, const char *name), void *ctx) {
    for (int i = 0; i < MEM_NODES; i++) {
        const char *rest;
        if (mem_nodes[i].path[0] != 0 && mem_below(mem_nodes[i].path, path, &rest) &&
            rest[0] == '/') {
            char name[MEM_PATH];
            strcpy(name, rest + 1); /* the visitor may remove it */
            int answer = visit(ctx, name);
            if (answer != 0) {
                return answer;
            }
        }
    }
    return 0;
}

static inline int mem_remove_dir(const char *path) {
    mem_node *node = mem_find(path);
    if (node == NULL) {
        return mem_fail(ENOENT);
    }
    for (int i = 0; i < MEM_NODES; i++) {
        const char *rest;
        if (mem_nodes[i].path[0] != 0 && mem_below(mem_nodes[i].path, path, &rest) &&
            rest[0] != 0) {
            return mem_fail(ENOTEMPTY);
        }
    }
    mem_drop(node);
    return 0;
}

/* A copy of exactly the file's bytes, so that AddressSanitizer sees a read beyond
 * them. */
static inline void *mem_map(int fd, size_t bytes) {
    const mem_node *node = mem_fds[fd].node;
    CHECK(bytes <= node->n);
    void *p = mem_alloc(bytes);
    if (p != NULL) {
        memcpy(p, node->bytes, bytes);
    }
    return p;
}

static inline int mem_unmap(void *p, size_t bytes) {
    (void)bytes;
    mem_release(p);
    return 0;
}

static inline bool mem_is_local(int fd) {
    return mem_fds[fd].used;
}

static const pm_sys mem_sys = {.alloc = mem_alloc,
                               .resize = mem_resize,
                               .release = mem_release,
                               .open = mem_open,
                               .close = mem_close,
                               .read_at = mem_read_at,
                               .write = mem_write,
                               .sync = mem_sync,
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
                               .is_local = mem_is_local};

static inline int mem_open_files(void) {
    int n = 0;
    for (int i = 0; i < MEM_FDS; i++) {
        n += mem_fds[i].used;
    }
    return n;
}

static inline int mem_count_nodes(void) {
    int n = 0;
    for (int i = 0; i < MEM_NODES; i++) {
        n += mem_nodes[i].path[0] != 0;
    }
    return n;
}

static inline void mem_clear(void) {
    for (int i = 0; i < MEM_NODES; i++) {
        mem_drop(&mem_nodes[i]);
    }
}

#endif

/* The file system in memory with calls that fail: the i-th allocation or the i-th file
 * call, once or from then on, or every one that moves bytes cut short. */
#ifndef PM_TESTS_FAULT_FILES_H
#define PM_TESTS_FAULT_FILES_H

#include "memory_files.h"

typedef enum fault_sort { FAULT_NONE, FAULT_MEMORY, FAULT_FILES } fault_sort;

typedef struct fault_plan {
    fault_sort sort;
    long at; /* the number of the call that fails, of its sort */
    bool for_ever;
    int why;        /* errno; EINTR: only calls that a signal interrupts */
    size_t at_most; /* bytes that one read or write moves; 0: all */
} fault_plan;

static fault_plan fault_now;
static bool fault_over; /* nothing fails any more; the plan stays, for messages */
static atomic_long fault_calls; /* threads of the core count too */
/* met: something failed; must_tell: something failed that no caller may pass over;
 * renamed: a manifest, or an index with its own, took its place; published: and the
 * directory was synced, so that what fails from then on comes too late to be told */
static atomic_bool fault_met, fault_must_tell, fault_renamed, fault_published;
static atomic_bool fault_met_early; /* before it was published */

static inline void fault_begin(fault_plan plan) {
    fault_now = plan;
    fault_over = false;
    atomic_store(&fault_calls, 0);
    atomic_store(&fault_met, false);
    atomic_store(&fault_must_tell, false);
    atomic_store(&fault_renamed, false);
    atomic_store(&fault_published, false);
    atomic_store(&fault_met_early, false);
}

/* may_pass: the core may go on after the failure (cleaning up, or another way to the
 * same end). */
static inline bool fault_here(fault_sort of, bool may_pass) {
    if (fault_over || of != fault_now.sort) {
        return false;
    }
    long i = atomic_fetch_add(&fault_calls, 1);
    if (fault_now.for_ever ? i < fault_now.at : i != fault_now.at) {
        return false;
    }
    bool early = !atomic_load(&fault_published);
    atomic_store(&fault_met, true);
    if (early) {
        atomic_store(&fault_met_early, true);
    }
    if (early && !may_pass) {
        atomic_store(&fault_must_tell, true);
    }
    errno = of == FAULT_MEMORY ? ENOMEM : fault_now.why;
    return true;
}

/* The same for calls that no signal interrupts. */
static inline bool fault_in(bool may_pass) {
    return fault_now.why != EINTR && fault_here(FAULT_FILES, may_pass);
}

/* What the lock's file says is for messages alone. */
static inline bool fault_is_lock(int fd) {
    const mem_name *name = mem_look("index/lock");
    return name != NULL && name->node == mem_of(fd)->node;
}

static inline size_t fault_cut(size_t n) {
    return fault_now.at_most > 0 && n > fault_now.at_most ? fault_now.at_most : n;
}

static inline void *fault_alloc(size_t n) {
    return fault_here(FAULT_MEMORY, false) ? NULL : mem_alloc(n);
}
static inline void *fault_resize(void *p, size_t n) {
    return fault_here(FAULT_MEMORY, false) ? NULL : mem_resize(p, n);
}
static inline int fault_open(const char *path, int flags, int mode) {
    return fault_here(FAULT_FILES, false) ? -1 : mem_open(path, flags, mode);
}
/* The descriptor is gone all the same; readers do not mind. */
static inline int fault_close(int fd) {
    int done = mem_close(fd);
    return fault_here(FAULT_FILES, true) ? -1 : done;
}
static inline int64_t fault_read_at(int fd, void *to, size_t n, uint64_t at) {
    bool may_pass = fault_is_lock(fd);
    return fault_here(FAULT_FILES, may_pass) ? -1
                                             : mem_read_at(fd, to, fault_cut(n), at);
}
static inline int64_t fault_write(int fd, const void *from, size_t n) {
    bool may_pass = fault_is_lock(fd);
    return fault_here(FAULT_FILES, may_pass) ? -1 : mem_write(fd, from, fault_cut(n));
}
static inline int fault_truncate(int fd, uint64_t n) {
    bool may_pass = fault_is_lock(fd);
    return fault_here(FAULT_FILES, may_pass) ? -1 : mem_truncate(fd, n);
}
static inline int fault_sync(int fd) {
    bool is_dir = mem_of(fd)->node->is_dir;
    int done = fault_here(FAULT_FILES, false) ? -1 : mem_sync(fd);
    if (done == 0 && is_dir && atomic_load(&fault_renamed)) {
        atomic_store(&fault_published, true);
    }
    return done;
}
static inline int fault_lock(int fd) {
    return fault_here(FAULT_FILES, false) ? -1 : mem_lock(fd);
}
static inline int fault_stat_fd(int fd, pm_stat *out) {
    return fault_in(false) ? -1 : mem_stat_fd(fd, out);
}
static inline int fault_stat_path(const char *path, pm_stat *out) {
    return fault_in(false) ? -1 : mem_stat_path(path, out);
}
static inline int fault_rename(const char *from, const char *to) {
    int done = fault_in(false) ? -1 : mem_rename(from, to);
    if (done == 0 && (strcmp(to, "index/manifest") == 0 || strcmp(to, "index") == 0)) {
        atomic_store(&fault_renamed, true);
    }
    return done;
}
static inline int fault_exchange(const char *a, const char *b) {
    int done = fault_in(false) ? -1 : mem_exchange(a, b);
    if (done == 0) {
        atomic_store(&fault_renamed, true);
    }
    return done;
}
static inline int fault_unlink(const char *path) {
    return fault_in(true) ? -1 : mem_unlink(path);
}
static inline int fault_make_dir(const char *path) {
    return fault_in(false) ? -1 : mem_make_dir(path);
}
static inline int fault_remove_dir(const char *path) {
    return fault_in(true) ? -1 : mem_remove_dir(path);
}
static inline int fault_list_dir(const char *path, int (*visit)(void *, const char *),
                                 void *ctx) {
    return fault_in(true) ? -1 : mem_list_dir(path, visit, ctx);
}
/* Where a file cannot be mapped it is read. */
static inline void *fault_map(int fd, size_t n) {
    return fault_in(true) ? NULL : mem_map(fd, n);
}
static inline bool fault_is_local(int fd) {
    return !fault_in(true) && mem_is_local(fd);
}

static inline pm_sys fault_sys(void) {
    pm_sys table = mem_sys;
    table.alloc = fault_alloc;
    table.resize = fault_resize;
    table.open = fault_open;
    table.close = fault_close;
    table.read_at = fault_read_at;
    table.write = fault_write;
    table.truncate = fault_truncate;
    table.sync = fault_sync;
    table.lock = fault_lock;
    table.stat_fd = fault_stat_fd;
    table.stat_path = fault_stat_path;
    table.rename = fault_rename;
    table.exchange = fault_exchange;
    table.unlink = fault_unlink;
    table.make_dir = fault_make_dir;
    table.remove_dir = fault_remove_dir;
    table.list_dir = fault_list_dir;
    table.map = fault_map;
    table.is_local = fault_is_local;
    return table;
}

#endif

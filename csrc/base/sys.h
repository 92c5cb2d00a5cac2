/* The one door to the operating system: every allocation and every file call of the
 * core goes through this table, so that a test can fail the i-th call. Nothing else in
 * csrc/ calls malloc, open, read, write, fsync, rename, mmap ... */
#ifndef PM_BASE_SYS_H
#define PM_BASE_SYS_H

#include "base/status.h"

typedef struct pm_stat {
    uint64_t size_bytes;
    bool is_dir, is_regular;
    uint64_t device, inode; /* together: which file it is, whatever its name */
    int64_t modified_s;     /* seconds since 1970 */
} pm_stat;

/* Each call follows POSIX: -1 (NULL, for memory) on failure with errno set. EINTR is
 * retried by the wrappers below. */
typedef struct pm_sys {
    void *(*alloc)(size_t bytes);
    void *(*resize)(void *p, size_t bytes);
    void (*release)(void *p);
    void (*trim)(void); /* may be NULL */
    int (*open)(const char *path, int flags, int mode);
    int (*close)(int fd);
    int64_t (*read_at)(int fd, void *to, size_t n, uint64_t offset);
    int64_t (*write)(int fd, const void *from, size_t n);
    int (*truncate)(int fd, uint64_t bytes);
    int (*sync)(int fd); /* F_FULLFSYNC on macOS */
    /* An exclusive advisory lock, held by the open file (forked children share it) until
     * unlock or its last close; EWOULDBLOCK at once where another holds it. */
    int (*lock)(int fd);
    int (*unlock)(int fd);
    int (*stat_fd)(int fd, pm_stat *out);
    int (*stat_path)(const char *path, pm_stat *out);
    int (*rename)(const char *from, const char *to);
    /* swaps two directory entries atomically */
    int (*exchange)(const char *a, const char *b);
    int (*unlink)(const char *path);
    int (*make_dir)(const char *path);
    int (*remove_dir)(const char *path);
    /* Calls visit for each entry but . and ..; stops at the first nonzero answer, which
     * it returns. */
    int (*list_dir)(const char *path, int (*visit)(void *ctx, const char *name),
                    void *ctx);
    void *(*map)(int fd, size_t bytes); /* read-only, shared */
    int (*unmap)(void *p, size_t bytes);
    void *(*pages)(size_t bytes); /* zeros; given back by unmap. May be NULL */
    /* false on network and user-space file systems, where mapping is unsafe */
    bool (*is_local)(int fd);
    int64_t (*wall_clock_s)(void); /* seconds since 1970 */
    void (*pause_ms)(uint32_t ms); /* a signal may cut it short */
    int64_t (*process_id)(void);
    void (*host_name)(char *out, size_t size); /* "" where there is none */
} pm_sys;

extern const pm_sys pm_sys_posix;
/* The table in force. The pointer is set once by a test before any other call of the
 * core, never later: no race. */
const pm_sys *pm_sys_get(void);
/* NULL: the operating system's own again. */
void pm_sys_replace(const pm_sys *table);

/* Memory. Sizes of zero give a valid pointer. Overflow of n * size fails like
 * exhaustion. */
void *pm_alloc(size_t bytes);
void *pm_calloc(size_t n, size_t size);
/* Uninitialised; asks for huge pages where large. */
void *pm_alloc_array(size_t n, size_t size);
void *pm_resize_array(void *p, size_t n, size_t size);
void pm_free(void *p);
/* A large block of zeros that goes back to the system when it is freed, whatever thread
 * it was made on: for work that must keep to an amount of memory. n and size as they
 * were. */
void *pm_pages_alloc(size_t n, size_t size);
void pm_pages_free(void *p, size_t n, size_t size);
/* What was freed goes back to the system, where the allocator keeps it. Costs a walk
 * over all that is free: for after large work. */
void pm_memory_trim(void);

/* Files. A pm_file is a descriptor with its name, for messages. */
typedef struct pm_file {
    int fd; /* -1: closed */
    char name[256];
} pm_file;

pm_status pm_file_create(const char *path, pm_file *out,
                         pm_error *err) PM_MUST_CHECK; /* O_EXCL, O_CLOEXEC */
pm_status pm_file_open(const char *path, pm_file *out, pm_error *err) PM_MUST_CHECK;
/* For reading and writing; made where there is none. A link is not followed, and what
 * is no file is PM_FOREIGN. */
pm_status pm_file_open_own(const char *path, pm_file *out, pm_error *err) PM_MUST_CHECK;
/* The exclusive lock of the table; *held false: another has it. */
pm_status pm_file_lock(const pm_file *f, bool *held, pm_error *err) PM_MUST_CHECK;
pm_status pm_file_stat(const pm_file *f, pm_stat *out, pm_error *err) PM_MUST_CHECK;
/* A file without a name, to be written and then read (pm_blob_of_file). It stands in dir
 * as scratch-<process>-<n> until it is unlinked, which is at once. */
pm_status pm_file_scratch(const char *dir, pm_file *out, pm_error *err) PM_MUST_CHECK;
pm_status pm_file_write(pm_file *f, const void *from, size_t n,
                        pm_error *err) PM_MUST_CHECK; /* all n, or an error */
/* Syncs and closes; a failed sync is an error and the file must be discarded. */
pm_status pm_file_commit(pm_file *f, pm_error *err) PM_MUST_CHECK;
void pm_file_close(pm_file *f); /* without sync; safe on a closed file */
pm_status pm_dir_sync(const char *path, pm_error *err) PM_MUST_CHECK;
pm_status pm_dir_make(const char *path, pm_error *err) PM_MUST_CHECK;
pm_status pm_path_rename(const char *from, const char *to, pm_error *err) PM_MUST_CHECK;
pm_status pm_path_exchange(const char *a, const char *b, pm_error *err) PM_MUST_CHECK;
/* PM_IO with ENOENT or ENOTDIR where nothing stands at path. */
pm_status pm_path_stat(const char *path, pm_stat *out, pm_error *err) PM_MUST_CHECK;
/* Whether something stands at path; other failures of stat are errors. */
pm_status pm_path_exists(const char *path, bool *out, pm_error *err) PM_MUST_CHECK;
/* Deletes a directory of plain files (one level). Best effort: what cannot be deleted
 * stays. */
void pm_dir_remove(const char *path);
/* Joins dir and name with one '/'; PM_LIMIT if out is too small. */
pm_status pm_path_join(char *out, size_t size, const char *dir, const char *name,
                       pm_error *err) PM_MUST_CHECK;

/* A whole file, readable until pm_blob_close: mapped, or read into memory. */
typedef enum pm_map_mode { PM_MAP_AUTO, PM_MAP_YES, PM_MAP_NO } pm_map_mode;
typedef struct pm_blob {
    const uint8_t *bytes;
    size_t n;
    bool mapped;
    char name[256]; /* base name, for messages */
} pm_blob;
pm_status pm_blob_open(const char *path, pm_map_mode mode, pm_blob *out,
                       pm_error *err) PM_MUST_CHECK;
/* The first n bytes of an open file, which may be closed then. */
pm_status pm_blob_of_file(const pm_file *f, size_t n, pm_map_mode mode, pm_blob *out,
                          pm_error *err) PM_MUST_CHECK;
void pm_blob_close(pm_blob *b);

#endif

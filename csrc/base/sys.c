/* Memory and files over the table in force: retries after EINTR, messages, and the one
 * way to read a whole file. */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One system call moves at most so much: macOS refuses 2 GB, Linux cuts them. */
enum { PAGES_FROM_BYTES = 256 << 10 };
enum { MAX_IO_BYTES = 1 << 30 };
/* Names that are tried for a scratch file. They are taken where other threads are about
 * to unlink theirs, or where a process with this number died on the way to it. */
enum { SCRATCH_NAMES = 1000 };

/* Set before any other call of the core and never later (see sys.h), so plain reads are
 * safe. */
static const pm_sys *in_force = &pm_sys_posix;

const pm_sys *pm_sys_get(void) {
    return in_force;
}

void pm_sys_replace(const pm_sys *table) {
    in_force = table != NULL ? table : &pm_sys_posix;
}

/* Repeats a call that a signal interrupted. close is never repeated: Linux has closed
 * the descriptor by then. */
#define RETRY(result, call)                                                            \
    do {                                                                               \
        (result) = (call);                                                             \
    } while ((result) < 0 && errno == EINTR)

/* ---- memory ---- */

/* A size of zero asks for one byte, since malloc(0) may be NULL. False where n * size
 * overflows. */
static bool array_bytes(size_t n, size_t size, size_t *bytes) {
    if (size != 0 && n > SIZE_MAX / size) {
        return false;
    }
    *bytes = n * size != 0 ? n * size : 1;
    return true;
}

void *pm_alloc(size_t bytes) {
    return in_force->alloc(bytes != 0 ? bytes : 1);
}

void *pm_alloc_array(size_t n, size_t size) {
    size_t bytes;
    return array_bytes(n, size, &bytes) ? in_force->alloc(bytes) : NULL;
}

void *pm_calloc(size_t n, size_t size) {
    size_t bytes;
    if (!array_bytes(n, size, &bytes)) {
        return NULL;
    }
    void *p = in_force->alloc(bytes);
    if (p != NULL) {
        memset(p, 0, bytes);
    }
    return p;
}

void *pm_resize_array(void *p, size_t n, size_t size) {
    size_t bytes;
    return array_bytes(n, size, &bytes) ? in_force->resize(p, bytes) : NULL;
}

void pm_free(void *p) {
    if (p != NULL) {
        in_force->release(p);
    }
}

/* A block below that is an allocation like any other. */
static bool has_pages(size_t bytes) {
    return bytes >= PAGES_FROM_BYTES && in_force->pages != NULL;
}

void *pm_pages_alloc(size_t n, size_t size) {
    size_t bytes;
    if (!array_bytes(n, size, &bytes)) {
        return NULL;
    }
    return has_pages(bytes) ? in_force->pages(bytes) : pm_calloc(bytes, 1);
}

void pm_pages_free(void *p, size_t n, size_t size) {
    if (p == NULL) {
        return;
    }
    if (has_pages(n * size)) {
        (void)in_force->unmap(p, n * size);
    } else {
        pm_free(p);
    }
}

void pm_memory_trim(void) {
    if (in_force->trim != NULL) {
        in_force->trim();
    }
}

/* ---- files ---- */

static void keep_name(char to[256], const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t n = strlen(name);
    n = n < 255 ? n : 255;
    memcpy(to, name, n);
    to[n] = 0;
}

/* A failure of a call on a path; what exists already has a status of its own. */
static pm_status fail_path(pm_error *err, const char *path, const char *what) {
    int os_errno = errno;
    pm_status code = pm_fail_io(err, os_errno, path, what);
    if (os_errno != EEXIST) {
        return code;
    }
    if (err != NULL) {
        err->code = PM_EXISTS;
    }
    return PM_EXISTS;
}

static pm_status open_as(const char *path, int flags, pm_file *out, const char *what,
                         pm_error *err) {
    int fd;
    RETRY(fd, in_force->open(path, flags | O_CLOEXEC, 0666));
    out->fd = fd < 0 ? -1 : fd;
    keep_name(out->name, path);
    return fd < 0 ? fail_path(err, path, what) : PM_OK;
}

pm_status pm_file_create(const char *path, pm_file *out, pm_error *err) {
    return open_as(path, O_WRONLY | O_CREAT | O_EXCL, out, "cannot create", err);
}

pm_status pm_file_open(const char *path, pm_file *out, pm_error *err) {
    /* Not to wait for the writer of a named pipe; files do not care. */
    return open_as(path, O_RDONLY | O_NONBLOCK, out, "cannot open", err);
}

static pm_status create_scratch(const char *dir, char *path, size_t size, pm_file *out,
                                pm_error *err) {
    pm_status status = PM_EXISTS;
    for (int n = 0; n < SCRATCH_NAMES && status == PM_EXISTS; n++) {
        char name[64];
        snprintf(name, sizeof name, "scratch-%ld-%d", (long)getpid(), n);
        PM_TRY(pm_path_join(path, size, dir, name, err));
        status = open_as(path, O_RDWR | O_CREAT | O_EXCL, out,
                         "cannot create scratch file", err);
    }
    return status;
}

pm_status pm_file_scratch(const char *dir, pm_file *out, pm_error *err) {
    char path[4096];
    out->fd = -1;
    PM_TRY(create_scratch(dir, path, sizeof path, out, err));
    int failed;
    RETRY(failed, in_force->unlink(path));
    if (failed) {
        pm_status status = pm_fail_io(err, errno, path, "cannot unlink scratch file");
        pm_file_close(out);
        return status;
    }
    return PM_OK;
}

pm_status pm_file_open_own(const char *path, pm_file *out, pm_error *err) {
    pm_stat s;
    PM_TRY(open_as(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, out, "cannot open",
                   err));
    pm_status status = pm_file_stat(out, &s, err);
    if (status == PM_OK && !s.is_regular) {
        status = pm_fail(err, PM_FOREIGN, "%s is not a regular file", path);
    }
    if (status != PM_OK) {
        pm_file_close(out);
    }
    return status;
}

pm_status pm_file_stat(const pm_file *f, pm_stat *out, pm_error *err) {
    int failed;
    RETRY(failed, in_force->stat_fd(f->fd, out));
    return failed ? pm_fail_io(err, errno, f->name, "cannot look at") : PM_OK;
}

pm_status pm_file_lock(const pm_file *f, bool *held, pm_error *err) {
    int failed;
    RETRY(failed, in_force->lock(f->fd));
    *held = failed == 0;
    return *held || errno == EWOULDBLOCK
               ? PM_OK
               : pm_fail_io(err, errno, f->name, "cannot lock");
}

pm_status pm_file_write(pm_file *f, const void *from, size_t n, pm_error *err) {
    const uint8_t *p = from;
    while (n > 0) {
        int64_t done;
        RETRY(done, in_force->write(f->fd, p, n < MAX_IO_BYTES ? n : MAX_IO_BYTES));
        if (done <= 0) {
            return pm_fail_io(err, done < 0 ? errno : ENOSPC, f->name, "cannot write");
        }
        p += done;
        n -= (size_t)done;
    }
    return PM_OK;
}

pm_status pm_file_commit(pm_file *f, pm_error *err) {
    int failed;
    RETRY(failed, in_force->sync(f->fd));
    if (failed) {
        pm_status status = pm_fail_io(err, errno, f->name, "cannot sync");
        pm_file_close(f);
        return status;
    }
    int fd = f->fd;
    f->fd = -1;
    if (in_force->close(fd) != 0 && errno != EINTR) {
        return pm_fail_io(err, errno, f->name, "cannot close");
    }
    return PM_OK;
}

void pm_file_close(pm_file *f) {
    if (f->fd >= 0) {
        (void)in_force->close(f->fd);
        f->fd = -1;
    }
}

pm_status pm_dir_sync(const char *path, pm_error *err) {
    pm_file dir;
    PM_TRY(open_as(path, O_RDONLY | O_DIRECTORY, &dir, "cannot open directory", err));
    int failed;
    RETRY(failed, in_force->sync(dir.fd));
    int os_errno = failed ? errno : 0;
    pm_file_close(&dir);
    /* Some network file systems have no such call: their directories are as durable as
     * they make them. */
    if (os_errno == 0 || os_errno == EINVAL || os_errno == ENOTSUP) {
        return PM_OK;
    }
    return pm_fail_io(err, os_errno, path, "cannot sync directory");
}

pm_status pm_dir_make(const char *path, pm_error *err) {
    return in_force->make_dir(path) == 0
               ? PM_OK
               : fail_path(err, path, "cannot make directory");
}

pm_status pm_path_rename(const char *from, const char *to, pm_error *err) {
    int failed;
    RETRY(failed, in_force->rename(from, to));
    return failed ? pm_fail_io(err, errno, from, "cannot rename") : PM_OK;
}

pm_status pm_path_exchange(const char *a, const char *b, pm_error *err) {
    int failed;
    RETRY(failed, in_force->exchange(a, b));
    return failed ? pm_fail_io(err, errno, a, "cannot exchange") : PM_OK;
}

pm_status pm_path_stat(const char *path, pm_stat *out, pm_error *err) {
    int failed;
    RETRY(failed, in_force->stat_path(path, out));
    return failed ? pm_fail_io(err, errno, path, "cannot look at") : PM_OK;
}

pm_status pm_path_exists(const char *path, bool *out, pm_error *err) {
    pm_stat s;
    int failed;
    RETRY(failed, in_force->stat_path(path, &s));
    *out = failed == 0;
    if (failed && errno != ENOENT && errno != ENOTDIR) {
        return pm_fail_io(err, errno, path, "cannot look at");
    }
    return PM_OK;
}

static int unlink_entry(void *ctx, const char *name) {
    char path[4096];
    if (pm_path_join(path, sizeof path, ctx, name, NULL) == PM_OK) {
        (void)in_force->unlink(path);
    }
    return 0;
}

void pm_dir_remove(const char *path) {
    /* a context is not const; unlink_entry only reads it */
    char *dir = (char *)(uintptr_t)path;
    /* A directory that is read while it shrinks may hide entries: a few rounds find
     * them. */
    for (int round = 0; round < 4 && in_force->remove_dir(path) != 0; round++) {
        if (errno == ENOENT || in_force->list_dir(path, unlink_entry, dir) != 0) {
            return;
        }
    }
}

pm_status pm_path_join(char *out, size_t size, const char *dir, const char *name,
                       pm_error *err) {
    size_t n = strlen(dir);
    const char *slash = n > 0 && dir[n - 1] != '/' ? "/" : "";
    int length = snprintf(out, size, "%s%s%s", dir, slash, name);
    if (length < 0 || (size_t)length >= size) {
        return pm_fail(err, PM_LIMIT, "path longer than %zu bytes: %s/%s", size, dir,
                       name);
    }
    return PM_OK;
}

/* ---- whole files ---- */

static pm_status read_whole(const pm_file *f, uint8_t *to, size_t n, pm_error *err) {
    for (size_t at = 0; at < n;) {
        size_t left = n - at;
        int64_t got;
        RETRY(got, in_force->read_at(f->fd, to + at,
                                     left < MAX_IO_BYTES ? left : MAX_IO_BYTES, at));
        if (got < 0) {
            return pm_fail_io(err, errno, f->name, "cannot read");
        }
        if (got == 0) {
            return pm_fail_corrupt(err, f->name, (int64_t)at,
                                   "the file ended after %zu of its %zu bytes", at, n);
        }
        at += (size_t)got;
    }
    return PM_OK;
}

static pm_status blob_read(const pm_file *f, pm_blob *out, pm_error *err) {
    uint8_t *bytes = pm_alloc_array(out->n, 1);
    if (bytes == NULL) {
        return pm_fail_nomem(err, out->n);
    }
    pm_status status = read_whole(f, bytes, out->n, err);
    if (status != PM_OK) {
        pm_free(bytes);
        return status;
    }
    out->bytes = bytes;
    return PM_OK;
}

/* Files of no bytes cannot be mapped, and AUTO falls back to reading where mapping
 * fails. */
static pm_status blob_fill(const pm_file *f, pm_map_mode mode, pm_blob *out,
                           pm_error *err) {
    bool try_map =
        mode == PM_MAP_YES || (mode == PM_MAP_AUTO && in_force->is_local(f->fd));
    if (out->n == 0 || !try_map) {
        return blob_read(f, out, err);
    }
    out->bytes = in_force->map(f->fd, out->n);
    out->mapped = out->bytes != NULL;
    if (out->mapped) {
        return PM_OK;
    }
    return mode == PM_MAP_YES ? pm_fail_io(err, errno, f->name, "cannot map")
                              : blob_read(f, out, err);
}

pm_status pm_blob_of_file(const pm_file *f, size_t n, pm_map_mode mode, pm_blob *out,
                          pm_error *err) {
    *out = (pm_blob){.n = n};
    memcpy(out->name, f->name, sizeof out->name);
    pm_status status = blob_fill(f, mode, out, err);
    if (status != PM_OK) {
        out->n = 0;
    }
    return status;
}

static pm_status blob_size(const pm_file *f, const char *path, size_t *out,
                           pm_error *err) {
    pm_stat s;
    PM_TRY(pm_file_stat(f, &s, err));
    if (!s.is_regular) {
        return pm_fail(err, PM_FOREIGN, "%s is not a regular file", path);
    }
    if (s.size_bytes > SIZE_MAX / 2) {
        return pm_fail(err, PM_LIMIT, "%s is larger than this machine's address space",
                       path);
    }
    *out = (size_t)s.size_bytes;
    return PM_OK;
}

pm_status pm_blob_open(const char *path, pm_map_mode mode, pm_blob *out,
                       pm_error *err) {
    size_t n = 0;
    pm_file f;
    memset(out, 0, sizeof *out);
    keep_name(out->name, path);
    PM_TRY(pm_file_open(path, &f, err));
    pm_status status = blob_size(&f, path, &n, err);
    if (status == PM_OK) {
        status = pm_blob_of_file(&f, n, mode, out, err);
    }
    pm_file_close(&f);
    return status;
}

void pm_blob_close(pm_blob *b) {
    union { /* the bytes are const for readers, not for their owner */
        const uint8_t *read;
        void *own;
    } p = {b->bytes};
    if (b->mapped) {
        (void)in_force->unmap(p.own, b->n);
    } else {
        pm_free(p.own);
    }
    b->bytes = NULL;
    b->n = 0;
    b->mapped = false;
}

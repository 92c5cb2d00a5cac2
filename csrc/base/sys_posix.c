/* The table of Linux and macOS. Each entry is one call; retries and messages are the
 * wrappers' (sys.c). */
#include "base/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { HUGE_PAGE_BYTES = 2 << 20, HUGE_FROM_BYTES = 8 << 20 };

/* A page fault for each 4 KB costs more than the work on most large arrays. Advice:
 * failure is no matter. */
static void *advise_huge(void *p, size_t bytes) {
#ifdef MADV_HUGEPAGE
    if (p != NULL && bytes >= HUGE_FROM_BYTES) {
        uintptr_t page = HUGE_PAGE_BYTES;
        uintptr_t lo = ((uintptr_t)p + page - 1) & ~(page - 1);
        uintptr_t hi = ((uintptr_t)p + bytes) & ~(page - 1);
        int saved = errno;
        (void)madvise((void *)lo, hi - lo, MADV_HUGEPAGE);
        errno = saved;
    }
#else
    (void)bytes;
#endif
    return p;
}

static void *posix_alloc(size_t bytes) {
    return advise_huge(malloc(bytes), bytes);
}

static void *posix_resize(void *p, size_t bytes) {
    return advise_huge(realloc(p, bytes), bytes);
}

static void *posix_pages(size_t bytes) {
    void *p =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? advise_huge(p, bytes) : NULL;
}

static void posix_trim(void) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

static int posix_open(const char *path, int flags, int mode) {
    return open(path, flags, (mode_t)mode);
}

static int64_t posix_read_at(int fd, void *to, size_t n, uint64_t offset) {
    return pread(fd, to, n, (off_t)offset);
}

static int64_t posix_write(int fd, const void *from, size_t n) {
    return write(fd, from, n);
}

static int posix_truncate(int fd, uint64_t bytes) {
    return ftruncate(fd, (off_t)bytes);
}

static int posix_sync(int fd) {
#ifdef F_FULLFSYNC
    /* fsync of macOS leaves the drive's cache alone. File systems without the call have
     * fsync. */
    if (fcntl(fd, F_FULLFSYNC) == 0) {
        return 0;
    }
    if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) {
        return -1;
    }
#endif
    return fsync(fd);
}

static int posix_lock(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB);
}

static int posix_unlock(int fd) {
    return flock(fd, LOCK_UN);
}

static void fill_stat(const struct stat *from, pm_stat *out) {
    out->size_bytes = from->st_size < 0 ? 0 : (uint64_t)from->st_size;
    out->is_dir = S_ISDIR(from->st_mode);
    out->is_regular = S_ISREG(from->st_mode);
    out->device = (uint64_t)from->st_dev;
    out->inode = (uint64_t)from->st_ino;
    out->modified_s = (int64_t)from->st_mtime;
}

static int posix_stat_fd(int fd, pm_stat *out) {
    struct stat s;
    if (fstat(fd, &s) != 0) {
        return -1;
    }
    fill_stat(&s, out);
    return 0;
}

static int posix_stat_path(const char *path, pm_stat *out) {
    struct stat s;
    if (stat(path, &s) != 0) {
        return -1;
    }
    fill_stat(&s, out);
    return 0;
}

static int posix_exchange(const char *a, const char *b) {
#if defined(__linux__) && defined(SYS_renameat2)
    /* linux/fs.h; the wrapper came with glibc 2.28 only */
    const unsigned rename_exchange = 2;
    return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, rename_exchange);
#elif defined(RENAME_SWAP)
    return renamex_np(a, b, RENAME_SWAP);
#else
    (void)a;
    (void)b;
    errno = ENOSYS;
    return -1;
#endif
}

static int posix_make_dir(const char *path) {
    return mkdir(path, 0777);
}

static bool is_dot(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int posix_list_dir(const char *path, int (*visit)(void *ctx, const char *name),
                          void *ctx) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }
    int answer = 0;
    int failed = 0;
    while (answer == 0) {
        errno = 0; /* readdir tells its end from its failure by errno alone */
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            failed = errno;
            break;
        }
        if (!is_dot(entry->d_name)) {
            answer = visit(ctx, entry->d_name);
        }
    }
    int visited = errno;
    closedir(dir);
    errno = failed ? failed : visited;
    return failed ? -1 : answer;
}

static void *posix_map(int fd, size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

#ifdef __linux__
/* linux/magic.h, and those that it lacks: another machine or a process answers the
 * reads. */
static bool is_remote_magic(uint32_t type) {
    switch (type) {
    case 0x00006969u: /* NFS */
    case 0x0000517bu: /* SMB */
    case 0xfe534d42u: /* SMB2 */
    case 0xff534d42u: /* CIFS */
    case 0x65735546u: /* FUSE: sshfs, virtiofs, object stores */
    case 0x01021997u: /* 9P: virtual machines, WSL */
    case 0x0000564cu: /* NCP */
    case 0x5346414fu: /* AFS */
    case 0x6b414653u: /* kAFS */
    case 0x73757245u: /* Coda */
    case 0x00c36400u: /* Ceph */
    case 0x0bd00bd0u: /* Lustre */
    case 0x47504653u: /* GPFS */
    case 0x19830326u: /* BeeGFS */
    case 0xaad7aaeau: /* PanFS */
    case 0x7461636fu: /* OCFS2 */
    case 0x01161970u: /* GFS2 */
    case 0xbacbacbcu: /* VMware shared folders */
    case 0x786f4256u: /* VirtualBox shared folders */
        return true;
    default:
        return false;
    }
}

static bool posix_is_local(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 && !is_remote_magic((uint32_t)s.f_type);
}
#else
static bool posix_is_local(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 && (s.f_flags & MNT_LOCAL) != 0;
}
#endif

/* ---- the machine ---- */

static int64_t posix_wall_clock_s(void) {
    return (int64_t)time(NULL);
}

static void posix_pause_ms(uint32_t ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

static int64_t posix_process_id(void) {
    return (int64_t)getpid();
}

static void posix_host_name(char *out, size_t size) {
    if (gethostname(out, size) != 0) {
        out[0] = 0;
    }
    out[size - 1] = 0; /* a name that was cut need not end */
}

const pm_sys pm_sys_posix = {
    .alloc = posix_alloc,
    .resize = posix_resize,
    .release = free,
    .trim = posix_trim,
    .open = posix_open,
    .close = close,
    .read_at = posix_read_at,
    .write = posix_write,
    .truncate = posix_truncate,
    .sync = posix_sync,
    .lock = posix_lock,
    .unlock = posix_unlock,
    .stat_fd = posix_stat_fd,
    .stat_path = posix_stat_path,
    .rename = rename,
    .exchange = posix_exchange,
    .unlink = unlink,
    .make_dir = posix_make_dir,
    .remove_dir = rmdir,
    .list_dir = posix_list_dir,
    .map = posix_map,
    .unmap = munmap,
    .pages = posix_pages,
    .is_local = posix_is_local,
    .wall_clock_s = posix_wall_clock_s,
    .pause_ms = posix_pause_ms,
    .process_id = posix_process_id,
    .host_name = posix_host_name,
};

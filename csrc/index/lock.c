/* flock on a file that is never removed, only replaced together with its directory: who
 * gets the lock looks whether the path still leads to the file that he locked. Waiting
 * is asking again after short pauses, so that Ctrl-C is heard and an exchanged directory
 * is noticed. */
#include "index/lock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_PATH_BYTES = 4096,
    PAUSE_MS = 20,
    MAX_TIMEOUT_S = 1000 * 1000 * 1000,
    HOST_BYTES = 256,
    OWNER_BYTES = 300
};

typedef struct owner { /* of a lock that another has */
    char name[OWNER_BYTES], host[HOST_BYTES];
    int64_t process; /* PM_NO_OFFSET, and host "", where the file does not say */
} owner;

/* ---- whose it is, for messages ---- */

/* "process 1234 on host". What the file says is not trusted: its owner may have died
 * before he wrote, or it is another's file. */
static void name_owner(const pm_file *f, owner *out) {
    char text[OWNER_BYTES] = "", own[HOST_BYTES] = "";
    *out = (owner){.process = PM_NO_OFFSET};
    (void)pm_sys_get()->read_at(f->fd, text, sizeof text - 1, 0);
    int n = sscanf(text, "%18" SCNd64 " %255[-_.0-9A-Za-z]", &out->process, out->host);
    if (n != 2) {
        *out = (owner){.process = PM_NO_OFFSET, .name = "another process"};
        return;
    }
    pm_sys_get()->host_name(own, sizeof own);
    if (out->process == pm_sys_get()->process_id() && strcmp(out->host, own) == 0) {
        snprintf(out->name, OWNER_BYTES, "another writer of this process");
    } else {
        snprintf(out->name, OWNER_BYTES, "process %" PRId64 " on %s", out->process,
                 out->host);
    }
}

/* Best effort: the lock is held whether this can be written or not. */
static void sign(pm_lock *l) {
    char text[OWNER_BYTES], host[HOST_BYTES];
    pm_sys_get()->host_name(host, sizeof host);
    int n = snprintf(text, sizeof text, "%" PRId64 " %s\n", l->owner, host);
    if (pm_sys_get()->truncate(l->file.fd, 0) == 0) {
        pm_status ignored = pm_file_write(&l->file, text, (size_t)n, NULL);
        (void)ignored;
    }
}

/* ---- taking ---- */

/* Whether the path leads to the file that is open. */
static pm_status leads_to(const pm_file *f, const char *path, bool *same,
                          pm_error *err) {
    pm_stat here, there;
    pm_error why;
    pm_error_clear(&why);
    *same = false;
    PM_TRY(pm_file_stat(f, &here, err));
    pm_status status = pm_path_stat(path, &there, &why);
    if (status == PM_IO && (why.os_errno == ENOENT || why.os_errno == ENOTDIR)) {
        return PM_OK;
    }
    if (status != PM_OK) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    *same = here.device == there.device && here.inode == there.inode;
    return PM_OK;
}

/* The lock, if it is to be had at once; other: who has it else. */
static pm_status ask(pm_file *f, const char *path, bool *held, owner *other,
                     pm_error *err) {
    *held = false;
    PM_TRY(pm_file_open_own(path, f, err));
    pm_status status = pm_file_lock(f, held, err);
    if (status == PM_OK && *held) {
        status = leads_to(f, path, held, err);
    }
    if (status == PM_OK && *held) {
        return PM_OK;
    }
    name_owner(f, other);
    pm_file_close(f);
    *held = false;
    return status;
}

static uint64_t milliseconds(double s) {
    return s > 0 ? (uint64_t)((s < MAX_TIMEOUT_S ? s : MAX_TIMEOUT_S) * 1000) : 0;
}

static pm_status locked(const char *dir, const owner *other, uint64_t waited_ms,
                        pm_error *err) {
    pm_fail(err, PM_LOCKED, "%s is locked by %s; waited %g s", dir, other->name,
            (double)waited_ms / 1000);
    if (err != NULL) {
        err->offset = other->process;
        memcpy(err->file, other->host, sizeof err->file);
    }
    pm_error_hint(err, "end that writer, or wait for it with a longer timeout");
    return PM_LOCKED;
}

static pm_status wait_for(pm_file *f, const char *dir, const char *path,
                          uint64_t timeout_ms, pm_cancel *cancel, pm_error *err) {
    owner other;
    for (uint64_t waited_ms = 0;; waited_ms += PAUSE_MS) {
        bool held;
        PM_TRY(ask(f, path, &held, &other, err));
        if (held) {
            return PM_OK;
        }
        if (waited_ms >= timeout_ms) {
            return locked(dir, &other, timeout_ms, err);
        }
        if (cancel != NULL && pm_cancel_look(cancel)) {
            return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
        pm_sys_get()->pause_ms(PAUSE_MS);
    }
}

pm_status pm_lock_take(pm_lock *l, const char *dir, double timeout_s, pm_cancel *cancel,
                       pm_error *err) {
    char path[MAX_PATH_BYTES];
    memset(l, 0, sizeof *l);
    l->file.fd = -1;
    PM_TRY(pm_path_join(path, sizeof path, dir, PM_LOCK_NAME, err));
    PM_TRY(wait_for(&l->file, dir, path, milliseconds(timeout_s), cancel, err));
    l->owner = pm_sys_get()->process_id();
    sign(l);
    return PM_OK;
}

/* ---- holding ---- */

pm_status pm_lock_check(const pm_lock *l, const char *dir, pm_error *err) {
    char path[MAX_PATH_BYTES];
    bool same;
    if (l->owner != pm_sys_get()->process_id()) {
        return pm_fail(err, PM_INVALID,
                       "the writer belongs to process %" PRId64
                       ": a process forked from it cannot use it",
                       l->owner);
    }
    PM_TRY(pm_path_join(path, sizeof path, dir, PM_LOCK_NAME, err));
    PM_TRY(leads_to(&l->file, path, &same, err));
    return same ? PM_OK
                : pm_fail(err, PM_INVALID,
                          "%s was replaced or removed while it was written to", dir);
}

void pm_lock_drop(pm_lock *l) {
    if (l->owner == 0) {
        return;
    }
    /* Forked children share the lock, and a close gives it back only when all of them
     * have closed: so the owner says so, and a child must not. */
    if (l->owner == pm_sys_get()->process_id()) {
        (void)pm_sys_get()->unlock(l->file.fd);
    }
    pm_file_close(&l->file);
    l->owner = 0;
}

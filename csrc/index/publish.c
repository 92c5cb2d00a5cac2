/* The order that durability asks for: segment files synced (by their writer), manifest
 * synced, directory synced, rename, parent directory synced. If that last sync fails,
 * the step is taken back: a crash could have undone it. */
#include "index/publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "index/lock.h"

enum { MAX_PATH_BYTES = 4096, MAX_TRIES = 1000, LOCK_WAIT_S = 5 };

static char *copy_string(const char *s, size_t n) {
    char *copy = pm_alloc(n + 1);
    if (copy != NULL) {
        memcpy(copy, s, n);
        copy[n] = 0;
    }
    return copy;
}

/* Damaged indexes, and those of another version, may be replaced; what is no index may
 * not. */
static pm_status check_index(const char *path, pm_error *err) {
    char manifest[MAX_PATH_BYTES];
    pm_container c;
    PM_TRY(pm_manifest_probe(path, err));
    PM_TRY(pm_path_join(manifest, sizeof manifest, path, PM_MANIFEST_NAME, err));
    pm_status status =
        pm_container_open(&c, manifest, PM_FILE_MANIFEST, PM_MAP_NO, NULL, 0, err);
    if (status == PM_OK) {
        pm_container_close(&c);
    }
    return status == PM_FOREIGN || status == PM_NOMEM || status == PM_IO ? status
                                                                         : PM_OK;
}

static pm_status check_place(const pm_site *s, bool *exists, pm_error *err) {
    PM_TRY(pm_path_exists(s->path, exists, err));
    if (!*exists) {
        return PM_OK;
    }
    if (s->if_exists == PM_EXISTS_RAISE) {
        return pm_fail(err, PM_EXISTS, "%s exists", s->path);
    }
    return check_index(s->path, err);
}

/* mkdir is the one test for a free name that no other process can come between. */
static pm_status make_directory(pm_site *s, pm_error *err) {
    pm_buf name;
    pm_buf_init(&name);
    pm_status status = PM_EXISTS;
    for (int n = 0; status == PM_EXISTS && n < MAX_TRIES; n++) {
        pm_buf_clear(&name);
        pm_buf_printf(&name, "%s.building-%ld-%d", s->path, (long)getpid(), n);
        pm_buf_put_u8(&name, 0);
        status = pm_buf_status(&name, err);
        if (status == PM_OK) {
            status = pm_dir_make((const char *)name.p, err);
        }
    }
    if (status == PM_OK) {
        s->directory = (char *)name.p; /* made by pm_alloc's kin, so pm_free takes it */
    } else {
        pm_buf_release(&name);
    }
    return status;
}

pm_status pm_site_open(pm_site *s, const char *path, pm_if_exists if_exists,
                       pm_error *err) {
    memset(s, 0, sizeof *s);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    if (n == 0 || (n == 1 && path[0] == '/')) {
        return pm_fail(err, PM_INVALID, "the path of the index is empty");
    }
    s->if_exists = if_exists;
    s->path = copy_string(path, n);
    if (s->path == NULL) {
        return pm_fail_nomem(err, n);
    }
    bool exists;
    PM_TRY(check_place(s, &exists, err));
    return make_directory(s, err);
}

void pm_site_close(pm_site *s) {
    if (s->directory != NULL) {
        pm_dir_remove(s->directory);
    }
    pm_free(s->directory);
    pm_free(s->path);
    memset(s, 0, sizeof *s);
}

/* ---- publishing ---- */

static pm_status sync_parent(const char *path, pm_error *err) {
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *parent = slash == NULL ? copy_string(".", 1) : copy_string(path, n);
    if (parent == NULL) {
        return pm_fail_nomem(err, n);
    }
    pm_status status = pm_dir_sync(parent, err);
    pm_free(parent);
    return status;
}

/* Takes a step back after a failure that is being reported already. */
static void take_back(pm_status (*step)(const char *, const char *, pm_error *),
                      const char *from, const char *to) {
    pm_status ignored = step(from, to, NULL);
    (void)ignored;
}

static pm_status put_new(const pm_site *s, pm_error *err) {
    PM_TRY(pm_path_rename(s->directory, s->path, err));
    pm_status status = sync_parent(s->path, err);
    if (status != PM_OK) {
        take_back(pm_path_rename, s->path, s->directory);
    }
    return status;
}

static pm_status exchange(const pm_site *s, pm_error *err) {
    PM_TRY(pm_path_exchange(s->directory, s->path, err));
    pm_status status = sync_parent(s->path, err);
    if (status != PM_OK) {
        take_back(pm_path_exchange, s->directory, s->path);
    }
    return status;
}

/* For file systems that cannot exchange: for an instant nothing stands at the path. */
static pm_status step_aside(const pm_site *s, pm_error *err) {
    char aside[MAX_PATH_BYTES];
    int n = snprintf(aside, sizeof aside, "%s.old", s->directory);
    if (n < 0 || (size_t)n >= sizeof aside) {
        return pm_fail(err, PM_LIMIT, "path longer than %d bytes: %s", MAX_PATH_BYTES,
                       s->directory);
    }
    PM_TRY(pm_path_rename(s->path, aside, err));
    pm_status status = put_new(s, err);
    if (status != PM_OK) {
        take_back(pm_path_rename, aside, s->path);
        return status;
    }
    pm_dir_remove(aside);
    return PM_OK;
}

static bool cannot_exchange(const pm_error *err) {
    return err->os_errno == EINVAL || err->os_errno == ENOSYS ||
           err->os_errno == ENOTSUP;
}

static pm_status put_in_place_of_old(const pm_site *s, pm_error *err) {
    pm_error why;
    pm_error_clear(&why);
    pm_status status = exchange(s, &why);
    if (status == PM_IO && cannot_exchange(&why)) {
        return step_aside(s, err);
    }
    if (status != PM_OK && err != NULL) {
        *err = why;
    }
    return status;
}

/* No writer is at work on what is taken away. One that waits for the lock finds, when it
 * gets it, that it is not that of the path any more, and asks again. */
static pm_status replace_old(const pm_site *s, pm_cancel *cancel, pm_error *err) {
    pm_lock lock;
    PM_TRY(pm_lock_take(&lock, s->path, LOCK_WAIT_S, cancel, err));
    pm_status status = put_in_place_of_old(s, err);
    if (status == PM_OK) {
        pm_dir_remove(s->directory); /* the old index, after an exchange */
    }
    pm_lock_drop(&lock);
    return status;
}

pm_status pm_site_publish(pm_site *s, const pm_manifest *m, pm_cancel *cancel,
                          pm_error *err) {
    bool exists, renamed;
    PM_TRY(pm_manifest_write(m, s->directory, &renamed, err));
    PM_TRY(check_place(s, &exists, err));
    PM_TRY(exists ? replace_old(s, cancel, err) : put_new(s, err));
    pm_free(s->directory);
    s->directory = NULL;
    return PM_OK;
}

/* One writer at a time: the lock between processes, waiting for it, its owner's death,
 * forked children, a directory that is exchanged. Files stand in a fresh directory under
 * $TMPDIR. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "index/lock.h"

static char root[256], dir[300], other[300], path[400];

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(name, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ---- other processes ---- */

typedef struct peer { /* a child that does one thing and then waits to be told */
    pid_t pid;
    int told, tells;
} peer;

static void tell(int fd) {
    CHECK(write(fd, "x", 1) == 1);
}

/* False: the other end is gone. */
static bool listen_to(int fd) {
    char c;
    return read(fd, &c, 1) == 1;
}

/* Runs first in a child, and second when it is told to; either may be NULL. */
static peer start(void (*first)(void), void (*second)(void)) {
    int down[2], up[2];
    peer p;
    CHECK(pipe(down) == 0 && pipe(up) == 0);
    p.pid = fork();
    CHECK(p.pid >= 0);
    if (p.pid == 0) {
        close(down[1]);
        if (first != NULL) {
            first();
        }
        tell(up[1]);
        if (listen_to(down[0]) && second != NULL) {
            second();
        }
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    p.told = down[1];
    p.tells = up[0];
    CHECK(listen_to(p.tells));
    return p;
}

/* Its end; 0 or the signal that killed it. */
static int end(peer p) {
    int status;
    CHECK(waitpid(p.pid, &status, 0) == p.pid);
    close(p.told);
    close(p.tells);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int go_on(peer p) {
    tell(p.told);
    return end(p);
}

/* ---- */

static pm_lock held; /* of this process, or of the child that first() runs in */

static void take(void) {
    pm_error err;
    CHECK(pm_lock_take(&held, dir, 0, NULL, &err) == PM_OK);
    CHECK(held.owner == getpid() && pm_lock_check(&held, dir, &err) == PM_OK);
}

static void drop(void) {
    pm_lock_drop(&held);
    pm_lock_drop(&held); /* does nothing */
}

static void drop_later(void) {
    usleep(150 * 1000);
    drop();
}

static void check_is_locked(void) {
    pm_lock l;
    pm_error err;
    CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_LOCKED && err.code == PM_LOCKED);
    pm_lock_drop(&l);
}

static void check_is_free(void) {
    take();
    drop();
}

/* In a child, so that what this process holds is another's. */
static void in_a_child(void (*what)(void)) {
    CHECK(go_on(start(what, NULL)) == 0);
}

static void test_one_process_has_it(void) {
    pm_lock none = {.owner = 0};
    pm_lock_drop(&none);
    take();
    check_is_locked();
    in_a_child(check_is_locked);
    drop();
    in_a_child(check_is_free);
    check_is_free();
    CHECK(access(path, F_OK) == 0); /* never removed: another may wait at it */
}

static void test_the_owner_is_named(void) {
    char expected[1024], host[256];
    pm_error err;
    pm_lock l;
    peer p = start(take, drop);
    pm_sys_get()->host_name(host, sizeof host);
    snprintf(expected, sizeof expected, "%s is locked by process %ld on %s; waited 0 s",
             dir, (long)p.pid, host);
    CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_LOCKED);
    CHECK(strcmp(err.message, expected) == 0 && strstr(err.hint, "timeout") != NULL);
    CHECK(go_on(p) == 0);
    take();
    CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_LOCKED);
    CHECK(strstr(err.message, "another writer of this process") != NULL);
    /* what the file says is for messages, and anything may stand there */
    static const char *const texts[] = {
        "", "17", "x y", "1 \x1b[2Jevil\n", "-5 \n", "99999999999999999999999 host"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put(path, texts[i]);
        CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_LOCKED);
        CHECK(strstr(err.message, "locked by ") != NULL);
        CHECK(strchr(err.message, '\x1b') == NULL &&
              strstr(err.message, "evil") == NULL);
    }
    drop();
}

static void test_waits_until_it_is_free(void) {
    pm_error err;
    peer p = start(take, drop_later);
    double from = seconds();
    tell(p.told);
    CHECK(pm_lock_take(&held, dir, 60, NULL, &err) == PM_OK);
    CHECK(seconds() - from > 0.1 && seconds() - from < 30);
    CHECK(end(p) == 0);
    drop();
}

static void test_waits_no_longer_than_told(void) {
    pm_error err;
    pm_lock l;
    take();
    double from = seconds();
    CHECK(pm_lock_take(&l, dir, 0.2, NULL, &err) == PM_LOCKED);
    CHECK(seconds() - from >= 0.19 && strstr(err.message, "waited 0.2 s") != NULL);
    static const double odd[] = {-1.0, 0.0 / 0.0};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        CHECK(pm_lock_take(&l, dir, odd[i], NULL, &err) == PM_LOCKED);
    }
    drop();
}

static bool stop_at_third(void *ctx) {
    return ++*(int *)ctx == 3;
}

static void test_waiting_can_be_cancelled(void) {
    pm_error err;
    pm_lock l;
    pm_cancel cancel;
    int polls = 0;
    take();
    pm_cancel_init(&cancel, stop_at_third, &polls);
    double from = seconds();
    CHECK(pm_lock_take(&l, dir, 1.0 / 0.0, &cancel, &err) == PM_CANCELLED);
    CHECK(polls == 3 && seconds() - from < 10);
    drop();
}

static void test_dies_with_its_owner(void) {
    peer p = start(take, NULL);
    check_is_locked();
    CHECK(kill(p.pid, SIGKILL) == 0);
    CHECK(end(p) == SIGKILL);
    check_is_free();
}

/* ---- forked children ---- */

static void check_is_not_mine(void) {
    pm_error err;
    CHECK(pm_lock_check(&held, dir, &err) == PM_INVALID);
    CHECK(strstr(err.message, "forked") != NULL);
}

static void drop_the_parents(void) {
    check_is_not_mine();
    drop();
}

static void test_a_forked_child_neither_owns_nor_frees_it(void) {
    take();
    in_a_child(drop_the_parents);
    in_a_child(check_is_locked);
    /* a child that holds the descriptor does not keep the lock when the owner drops it */
    peer p = start(check_is_not_mine, NULL);
    drop();
    check_is_free();
    CHECK(go_on(p) == 0);
}

/* Dies with the lock; its child has let go of it. */
static void take_and_fork(void) {
    take();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        drop();
        sleep(2);
        _exit(0);
    }
    usleep(100 * 1000);
}

static void test_a_child_that_let_go_keeps_nothing(void) {
    peer p = start(take_and_fork, NULL);
    CHECK(kill(p.pid, SIGKILL) == 0);
    CHECK(end(p) == SIGKILL);
    check_is_free();
}

/* ---- directories ---- */

static void exchange(void) {
    CHECK(pm_path_exchange(dir, other, NULL) == PM_OK);
}

static void exchange_and_drop(void) {
    usleep(100 * 1000);
    exchange();
    drop();
}

static void test_an_exchanged_directory_is_noticed(void) {
    pm_error err;
    CHECK(mkdir(other, 0777) == 0);
    take();
    exchange();
    CHECK(pm_lock_check(&held, dir, &err) == PM_INVALID);
    CHECK(strstr(err.message, "replaced") != NULL);
    in_a_child(check_is_free); /* that of the directory which stands there */
    exchange();
    CHECK(pm_lock_check(&held, dir, &err) == PM_OK);
    drop();
    /* who waited for the old one's lock gets the new one's */
    peer p = start(take, exchange_and_drop);
    tell(p.told);
    CHECK(pm_lock_take(&held, dir, 60, NULL, &err) == PM_OK);
    CHECK(pm_lock_check(&held, dir, &err) == PM_OK);
    CHECK(end(p) == 0);
    in_a_child(check_is_locked);
    drop();
    exchange();
    pm_dir_remove(other);
    take();
    CHECK(rename(dir, other) == 0);
    CHECK(pm_lock_check(&held, dir, &err) == PM_INVALID);
    drop();
    CHECK(rename(other, dir) == 0);
}

static void test_what_is_no_lock_is_refused(void) {
    char target[400], text[16] = "";
    pm_error err;
    pm_lock l;
    CHECK(unlink(path) == 0);
    snprintf(target, sizeof target, "%s/precious", root);
    put(target, "precious");
    CHECK(symlink(target, path) == 0); /* of an index that came from elsewhere */
    CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_IO && err.os_errno == ELOOP);
    FILE *f = fopen(target, "r");
    CHECK(f != NULL && fgets(text, sizeof text, f) != NULL && fclose(f) == 0);
    CHECK(strcmp(text, "precious") == 0);
    CHECK(unlink(path) == 0 && mkfifo(path, 0666) == 0);
    CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_FOREIGN);
    CHECK(unlink(path) == 0 && mkdir(path, 0777) == 0);
    CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_IO && err.os_errno == EISDIR);
    CHECK(rmdir(path) == 0 && unlink(target) == 0);
    CHECK(pm_lock_take(&l, "/no/such/place", 0, NULL, &err) == PM_IO &&
          err.os_errno == ENOENT);
    if (geteuid() != 0) { /* root writes everywhere */
        CHECK(chmod(dir, 0555) == 0);
        CHECK(pm_lock_take(&l, dir, 0, NULL, &err) == PM_IO && err.os_errno == EACCES);
        CHECK(chmod(dir, 0777) == 0);
    }
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/pm-test-lock-XXXXXX", tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(root) != NULL);
    snprintf(dir, sizeof dir, "%s/index", root);
    snprintf(other, sizeof other, "%s/other", root);
    snprintf(path, sizeof path, "%s/lock", dir);
    CHECK(mkdir(dir, 0777) == 0);
    test_one_process_has_it();
    test_the_owner_is_named();
    test_waits_until_it_is_free();
    test_waits_no_longer_than_told();
    test_waiting_can_be_cancelled();
    test_dies_with_its_owner();
    test_a_forked_child_neither_owns_nor_frees_it();
    test_a_child_that_let_go_keeps_nothing();
    test_an_exchanged_directory_is_noticed();
    test_what_is_no_lock_is_refused();
    pm_dir_remove(dir);
    pm_dir_remove(root);
    printf("test_lock: ok\n");
    return 0;
}

/* Queries when memory runs out: the i-th allocation fails, for every i until none does.
 * Each time an error, and nothing is left allocated. */
#include <stdatomic.h>
#include <unistd.h>

#include "base/sys.h"
#include "query_fixture.h"

static long calls, fail_at, live;

static void *failing_alloc(size_t n) {
    void *p = calls++ == fail_at ? NULL : pm_sys_posix.alloc(n);
    live += p != NULL;
    return p;
}

static void *failing_resize(void *old, size_t n) {
    void *p = calls++ == fail_at ? NULL : pm_sys_posix.resize(old, n);
    live += p != NULL && old == NULL;
    return p;
}

static void counting_release(void *p) {
    live -= p != NULL;
    pm_sys_posix.release(p);
}

int main(void) {
    char dir[] = "/tmp/pressmark-query-faults-XXXXXX", path[64];
    pm_error err;
    pm_sys table = pm_sys_posix;
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/index", dir);
    CHECK(fixture_build(path, 60, true, &err) == PM_OK);
    fixture_delete(path);
    table.alloc = failing_alloc;
    table.resize = failing_resize;
    table.release = counting_release;
    pm_sys_replace(&table);
    for (fail_at = 0;; fail_at++) {
        calls = 0;
        live = 0;
        pm_error_clear(&err);
        pm_status status = fixture_read(path, false, &err);
        if (live != 0) {
            fprintf(stderr, "allocation %ld failed: status %d, %ld left: %s\n", fail_at,
                    (int)status, live, err.message);
        }
        CHECK(live == 0);
        if (calls <= fail_at) {
            CHECK(status == PM_OK);
            break;
        }
        if (status != PM_NOMEM) {
            fprintf(stderr, "allocation %ld failed: status %d: %s\n", fail_at,
                    (int)status, err.message);
        }
        CHECK(status == PM_NOMEM);
    }
    pm_sys_replace(&pm_sys_posix);
    pm_dir_remove(path);
    CHECK(rmdir(dir) == 0);
    printf("test_query_faults: %ld allocations failed one by one, each an error, "
           "nothing left\n",
           fail_at);
    return 0;
}

/* Memory whose k-th allocation fails, and that counts what is held. */
#ifndef PM_TESTS_FAILING_MEMORY_H
#define PM_TESTS_FAILING_MEMORY_H

#include "base/sys.h"

static struct { long calls, fail_at, blocks; } fake;

static bool fails(void) {
    return ++fake.calls == fake.fail_at;
}

static void *fake_alloc(size_t bytes) {
    void *p = fails() ? NULL : pm_sys_posix.alloc(bytes);
    fake.blocks += p != NULL;
    return p;
}

static void *fake_resize(void *old, size_t bytes) {
    void *p = fails() ? NULL : pm_sys_posix.resize(old, bytes);
    fake.blocks += p != NULL && old == NULL;
    return p;
}

static void fake_release(void *p) {
    fake.blocks -= p != NULL;
    pm_sys_posix.release(p);
}

#endif

/* Worker threads for one call, and the way to stop long work. No thread outlives the
 * call that started it. */
#ifndef PM_BASE_TASK_H
#define PM_BASE_TASK_H

#include <stdatomic.h>

#include "base/status.h"

/* The caller's wish to stop. poll is called on the calling thread only, at most every
 * 20 ms; true means stop. stop may be set from any thread: it goes from 0 to 1 once and
 * is only read otherwise, so a late look only delays. */
typedef struct pm_cancel {
    bool (*poll)(void *ctx); /* may be NULL */
    void *ctx;
    atomic_int stop;
    uint32_t work_left; /* until the clock is looked at again */
    uint64_t last_poll_ns;
} pm_cancel;

void pm_cancel_init(pm_cancel *c, bool (*poll)(void *ctx), void *ctx);
/* Slow path of pm_cancel_tick: looks at the clock, polls if 20 ms have passed. */
bool pm_cancel_look(pm_cancel *c);
/* For loops on the calling thread: true when the work must stop. c may be NULL. work:
 * about nanoseconds since the last call. Cost 1 ns unless the budget of about 1 ms of
 * work is spent. */
static inline bool pm_cancel_tick(pm_cancel *c, uint32_t work) {
    if (c == NULL) {
        return false;
    }
    if (c->work_left > work) {
        c->work_left -= work;
        return false;
    }
    return pm_cancel_look(c);
}
/* The same where a status is returned. */
static inline pm_status pm_cancel_check(pm_cancel *c, uint32_t work, pm_error *err) {
    return pm_cancel_tick(c, work)
               ? pm_fail(err, PM_CANCELLED, "cancelled by the caller")
               : PM_OK;
}
/* For loops on workers: whether the calling thread has said stop. */
static inline bool pm_cancel_stopped(const pm_cancel *c) {
    return c != NULL && atomic_load_explicit(&c->stop, memory_order_relaxed) != 0;
}

/* One task of a parallel loop. worker in [0, threads) names the thread's private
 * state. */
typedef pm_status (*pm_task)(void *ctx, size_t i, unsigned worker, pm_error *err);
/* Runs task for i in [0, n) on at most threads threads (1: on the calling thread); the
 * calling thread polls cancel. The error of the lowest failing i is returned; after a
 * failure or a stop no further i is begun. Where threads cannot be started, the work is
 * done on those that could. */
pm_status pm_parallel_for(size_t n, unsigned threads, pm_task task, void *ctx,
                          pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
unsigned pm_cpu_count(void); /* processors this process may run on, at least 1 */

#endif

/* Tasks are claimed in ascending order from one counter, and what is claimed is always
 * run: when task i fails, every task below i has been or is being run, so the lowest
 * failure does not depend on timing. */
#include "base/task.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"

enum {
    POLL_NS = 20 * 1000 * 1000,
    WORK_BUDGET_NS = 1000 * 1000,
    STACK_BYTES = 2 << 20 /* macOS gives threads 512 KB */
};

static uint64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- cancelling ---- */

void pm_cancel_init(pm_cancel *c, bool (*poll)(void *ctx), void *ctx) {
    c->poll = poll;
    c->ctx = ctx;
    atomic_init(&c->stop, 0);
    c->work_left = WORK_BUDGET_NS;
    c->last_poll_ns = now_ns(CLOCK_MONOTONIC);
}

bool pm_cancel_look(pm_cancel *c) {
    c->work_left = WORK_BUDGET_NS;
    if (pm_cancel_stopped(c)) {
        c->work_left = 0;
        return true;
    }
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    if (c->poll == NULL || now - c->last_poll_ns < POLL_NS) {
        return false;
    }
    c->last_poll_ns = now;
    if (c->poll(c->ctx)) {
        atomic_store_explicit(&c->stop, 1, memory_order_relaxed);
        c->work_left = 0;
        return true;
    }
    return false;
}

static pm_status cancelled(pm_error *err) {
    return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
}

/* ---- one parallel loop ---- */

typedef struct loop {
    size_t n;
    pm_task task;
    void *ctx;
    const pm_cancel *cancel;
    /* each index is handed out once; nothing else hangs on the order of threads */
    atomic_size_t next;
    atomic_int failed; /* goes from 0 to 1 once; a late look only begins a task more */
    pthread_mutex_t lock;
    pthread_cond_t all_done;
    unsigned running; /* under lock */
} loop;

typedef struct worker {
    loop *in;
    unsigned number;
    pthread_t thread;
    /* its lowest failure; read by the calling thread after the join */
    size_t failed_at;
    pm_status status;
    pm_error err;
} worker;

static void run_claims(loop *l, worker *w) {
    while (atomic_load_explicit(&l->failed, memory_order_relaxed) == 0 &&
           !pm_cancel_stopped(l->cancel)) {
        size_t i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);
        if (i >= l->n) {
            return;
        }
        w->status = l->task(l->ctx, i, w->number, &w->err);
        if (w->status != PM_OK) {
            w->failed_at = i;
            atomic_store_explicit(&l->failed, 1, memory_order_relaxed);
            return;
        }
    }
}

static void *worker_main(void *arg) {
    worker *w = arg;
    loop *l = w->in;
    run_claims(l, w);
    pthread_mutex_lock(&l->lock);
    if (--l->running == 0) {
        pthread_cond_signal(&l->all_done);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static pm_status run_here(size_t n, pm_task task, void *ctx, pm_cancel *cancel,
                          pm_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (cancel != NULL && pm_cancel_look(cancel)) {
            return cancelled(err);
        }
        PM_TRY(task(ctx, i, 0, err));
    }
    return pm_cancel_stopped(cancel) ? cancelled(err) : PM_OK;
}

/* Signals are the calling thread's (Python looks for them there), but for those that a
 * fault in the thread raises. */
static void block_signals(sigset_t *old) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_BLOCK, &all, old);
}

/* Returns how many could be started. */
static unsigned start_workers(loop *l, worker *workers, unsigned threads) {
    sigset_t old;
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) {
        return 0;
    }
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    block_signals(&old);
    unsigned started = 0;
    pthread_mutex_lock(&l->lock);
    for (; started < threads; started++) {
        worker *w = &workers[started];
        w->in = l;
        w->number = started;
        w->failed_at = SIZE_MAX;
        w->status = PM_OK;
        if (pthread_create(&w->thread, &attr, worker_main, w) != 0) {
            break;
        }
    }
    l->running = started;
    pthread_mutex_unlock(&l->lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return started;
}

#ifdef __APPLE__
static int init_wakeup(pthread_cond_t *c) {
    return pthread_cond_init(c, NULL);
}
static void wait_a_slice(loop *l) {
    struct timespec slice = {0, POLL_NS};
    pthread_cond_timedwait_relative_np(&l->all_done, &l->lock, &slice);
}
#else
static int init_wakeup(pthread_cond_t *c) {
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) {
        return -1;
    }
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
    return failed;
}
static void wait_a_slice(loop *l) {
    uint64_t until = now_ns(CLOCK_MONOTONIC) + POLL_NS;
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    pthread_cond_timedwait(&l->all_done, &l->lock, &t);
}
#endif

/* The callback runs without the lock: it may take long, and take locks of its own. */
static void wait_for_all(loop *l, pm_cancel *cancel) {
    pthread_mutex_lock(&l->lock);
    while (l->running > 0) {
        wait_a_slice(l);
        if (cancel != NULL && l->running > 0) {
            pthread_mutex_unlock(&l->lock);
            (void)pm_cancel_look(cancel);
            pthread_mutex_lock(&l->lock);
        }
    }
    pthread_mutex_unlock(&l->lock);
}

static pm_status join_all(worker *workers, unsigned started, const pm_cancel *cancel,
                          pm_error *err) {
    const worker *lowest = NULL;
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].status != PM_OK &&
            (lowest == NULL || workers[i].failed_at < lowest->failed_at)) {
            lowest = &workers[i];
        }
    }
    if (lowest != NULL) {
        if (err != NULL) {
            *err = lowest->err;
        }
        return lowest->status;
    }
    return pm_cancel_stopped(cancel) ? cancelled(err) : PM_OK;
}

static pm_status run_loop(loop *l, worker *workers, unsigned threads, pm_cancel *cancel,
                          pm_error *err) {
    unsigned started = start_workers(l, workers, threads);
    if (started == 0) {
        return run_here(l->n, l->task, l->ctx, cancel, err);
    }
    wait_for_all(l, cancel);
    return join_all(workers, started, cancel, err);
}

pm_status pm_parallel_for(size_t n, unsigned threads, pm_task task, void *ctx,
                          pm_cancel *cancel, pm_error *err) {
    if (threads <= 1 || n == 0) {
        return run_here(n, task, ctx, cancel, err);
    }
    threads = n < threads ? (unsigned)n : threads;
    loop l = {.n = n, .task = task, .ctx = ctx, .cancel = cancel};
    atomic_init(&l.next, 0);
    atomic_init(&l.failed, 0);
    worker *workers = pm_alloc_array(threads, sizeof *workers);
    if (workers == NULL) {
        return pm_fail_nomem(err, threads * sizeof *workers);
    }
    pm_status status;
    if (pthread_mutex_init(&l.lock, NULL) != 0) {
        status = run_here(n, task, ctx, cancel, err);
    } else if (init_wakeup(&l.all_done) != 0) {
        status = run_here(n, task, ctx, cancel, err);
        pthread_mutex_destroy(&l.lock);
    } else {
        status = run_loop(&l, workers, threads, cancel, err);
        pthread_cond_destroy(&l.all_done);
        pthread_mutex_destroy(&l.lock);
    }
    pm_free(workers);
    return status;
}

unsigned pm_cpu_count(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return (unsigned)CPU_COUNT(&set);
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

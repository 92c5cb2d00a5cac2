/* Who may write to an index: one process at a time, told by an advisory lock on the
 * file "lock" in its directory. The kernel gives the lock back when its owner ends,
 * however it ends; what the file says of the owner is for messages alone. Readers never
 * look at it. */
#ifndef PM_INDEX_LOCK_H
#define PM_INDEX_LOCK_H

#include "base/sys.h"
#include "base/task.h"

#define PM_LOCK_NAME "lock"

typedef struct pm_lock {
    pm_file file;
    /* the process that took it: a forked child does not own it; 0: not held */
    int64_t owner;
} pm_lock;

/* Waits for at most timeout_s (0: asks once). PM_LOCKED names the owner's process and
 * host; PM_CANCELLED; PM_IO where the file cannot be made. dir must be an index: the
 * file is made in any directory. The lock is that of the directory which stands at dir when it is
 * taken: if the directory was exchanged while waiting, its successor's lock is taken. */
pm_status pm_lock_take(pm_lock *l, const char *dir, double timeout_s, pm_cancel *cancel,
                       pm_error *err) PM_MUST_CHECK;
/* Whether the directory at dir is still the one that is locked, and this process the
 * one that locked it: PM_INVALID where it is not. */
pm_status pm_lock_check(const pm_lock *l, const char *dir, pm_error *err) PM_MUST_CHECK;
/* Gives the lock back. In a forked child: closes the descriptor, and the parent keeps
 * the lock. (A child that lives on without this keeps the lock from others when the
 * parent is killed.) Safe when not held, and on zeros. */
void pm_lock_drop(pm_lock *l);

#endif

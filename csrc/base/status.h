/* What went wrong, as a value: every fallible function of the core returns a pm_status
 * and fills a pm_error at the point of detection. Invariant: a status other than PM_OK
 * means that err (if given) was filled exactly once. */
#ifndef PM_BASE_STATUS_H
#define PM_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum pm_status {
    PM_OK = 0,
    PM_NOMEM = -1,   /* an allocation failed */
    PM_IO = -2,      /* a file call failed; os_errno tells */
    PM_LOCKED = -3,  /* another writer holds the index */
    PM_INVALID = -4, /* the caller's argument is wrong; message says which and why */
    /* a stated limit was reached; message says the limit and how to raise it */
    PM_LIMIT = -5,
    PM_CANCELLED = -6, /* the caller's cancel callback said stop */
    /* a file does not hold what it must; file, offset, expected and found are given */
    PM_CORRUPT = -7,
    PM_TOO_OLD = -8,    /* format version below what this build reads */
    PM_TOO_NEW = -9,    /* format version above what this build reads */
    PM_SYNTAX = -10,    /* query text; pos and end are code points */
    PM_INTERNAL = -11,  /* a bug in pressmark */
    PM_FOREIGN = -12,   /* not a pressmark index or file */
    PM_DUPLICATE = -13, /* a document key exists already */
    PM_AMBIGUOUS = -14, /* query with two readings; hint holds both */
    PM_FIELD = -15,     /* query names a field that does not exist */
    PM_GONE = -16,      /* the generation is no longer retained */
    PM_EXISTS = -17     /* the path exists */
} pm_status;

enum { PM_NO_OFFSET = -1 };

typedef struct pm_error {
    pm_status code;
    int os_errno; /* 0 where no system call failed */
    /* byte in file, or row of the input; PM_LOCKED: the owner's process; PM_GONE: the
     * newest generation; PM_NO_OFFSET where there is none */
    int64_t offset;
    /* code points of the query, [pos, end); PM_NO_OFFSET where there is none */
    int64_t pos, end;
    char file[256]; /* the file's name; PM_LOCKED: the owner's host; or "" */
    /* one sentence, or for query errors the sentence alone (the caret is drawn by the
     * caller) */
    char message[1024];
    char hint[1024]; /* what to do instead, or "" */
} pm_error;

#define PM_MUST_CHECK __attribute__((warn_unused_result))
#define PM_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Hands a failure on to the caller. */
#define PM_TRY(call)                                                                   \
    do {                                                                               \
        pm_status pm_try_status_ = (call);                                             \
        if (pm_try_status_ != PM_OK) {                                                 \
            return pm_try_status_;                                                     \
        }                                                                              \
    } while (0)

/* The same where resources must be released first: sets status and jumps to out. */
#define PM_GO(call)                                                                    \
    do {                                                                               \
        status = (call);                                                               \
        if (status != PM_OK) {                                                         \
            goto out;                                                                  \
        }                                                                              \
    } while (0)

/* Clears err to "no error". err may be NULL here and below. */
void pm_error_clear(pm_error *err);
/* Fills err (offset, pos, end none; file, hint empty) and returns code, so that a
 * failure is one statement. */
pm_status pm_fail(pm_error *err, pm_status code, const char *format, ...)
    PM_PRINTF(3, 4);
/* As pm_fail with PM_CORRUPT, the file and the offset where the bad value stands. */
pm_status pm_fail_corrupt(pm_error *err, const char *file, int64_t offset,
                          const char *format, ...) PM_PRINTF(4, 5);
/* As pm_fail with PM_IO: message says what was done to which file, errno is kept. */
pm_status pm_fail_io(pm_error *err, int os_errno, const char *file, const char *what);
/* As pm_fail with PM_NOMEM: bytes is what was asked for. */
pm_status pm_fail_nomem(pm_error *err, size_t bytes);
/* Sets err->hint (after pm_fail). */
void pm_error_hint(pm_error *err, const char *format, ...) PM_PRINTF(2, 3);

#endif

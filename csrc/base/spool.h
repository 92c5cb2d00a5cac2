/* Bytes put one after the other and read once they are complete: kept in memory while
 * they are few, in a nameless scratch file beyond that, so that work on any amount of
 * data needs memory for a part of it alone. Sticky: after the first failure puts do
 * nothing, and view tells. Scratch files are written with write() and read through a
 * read-only mapping; they have no name, so that no death of the process leaves one. */
#ifndef PM_BASE_SPOOL_H
#define PM_BASE_SPOOL_H

#include <string.h>

#include "base/buffer.h"
#include "base/sys.h"
#include "base/types.h"

/* Where scratch files are made, and how much each spool keeps in memory before. */
typedef struct pm_scratch {
    const char *dir; /* borrowed while any spool is in use */
    size_t keep_bytes;
} pm_scratch;

typedef struct pm_spool {
    const pm_scratch *scratch; /* NULL: memory alone */
    pm_buf head;               /* what is not in the file */
    pm_file file;              /* open from the spilling to the first view */
    pm_blob blob;              /* the file, once viewed */
    uint64_t n;                /* bytes put */
    size_t quick;              /* bytes that head takes without another look */
    bool spilled, viewed;
    pm_status status;
    pm_error error;
} pm_spool;

/* Allocates nothing. scratch: borrowed until release; NULL keeps all in memory. */
void pm_spool_init(pm_spool *s, const pm_scratch *scratch);
void pm_spool_release(pm_spool *s); /* safe twice, and on zeros */
void pm_spool_put_slow(pm_spool *s, const void *bytes, size_t n);
static inline void pm_spool_put(pm_spool *s, const void *bytes, size_t n) {
    if (n > s->quick) {
        pm_spool_put_slow(s, bytes, n);
    } else if (n > 0) {
        memcpy(s->head.p + s->head.n, bytes, n);
        s->head.n += n;
        s->n += n;
        s->quick -= n;
    }
}
static inline void pm_spool_put_u32(pm_spool *s, uint32_t v) {
    pm_spool_put(s, &v, sizeof v);
}
static inline void pm_spool_put_u64(pm_spool *s, uint64_t v) {
    pm_spool_put(s, &v, sizeof v);
}
/* All bytes, contiguous, readable (8-byte aligned, PM_READ_SLACK zeros behind them)
 * until release; nothing can be put any more. May be called again. Where the scratch
 * file cannot be mapped (network file systems), it is read into memory. */
pm_status pm_spool_view(pm_spool *s, pm_bytes *out, pm_error *err) PM_MUST_CHECK;

#endif

/* Sources that come compressed: zstd frames, fed piece by piece. */
#ifndef PM_BASE_UNZSTD_H
#define PM_BASE_UNZSTD_H

#include "base/buffer.h"

typedef struct pm_unzstd pm_unzstd; /* a zstd decompressor, window up to 2^31 */
pm_status pm_unzstd_new(pm_unzstd **out, pm_error *err) PM_MUST_CHECK;
void pm_unzstd_free(pm_unzstd *z);
/* Appends what in decompresses to. *done: the frame has ended (further frames may
 * follow). */
pm_status pm_unzstd_feed(pm_unzstd *z, pm_bytes in, pm_buf *out, bool *done,
                         pm_error *err) PM_MUST_CHECK;

#endif

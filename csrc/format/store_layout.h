/* Names of the store's sections and zstd through the core's own allocator, for the
 * store's writer and its reader only. */
#ifndef PM_FORMAT_STORE_LAYOUT_H
#define PM_FORMAT_STORE_LAYOUT_H

#define ZSTD_STATIC_LINKING_ONLY /* contexts with an allocator of one's own */
#include <zstd.h>
#include <zstd_errors.h>

#include "format/container.h"

enum {
    PM_SECTION_TOFF = PM_FOURCC('T', 'O', 'F', 'F'),
    PM_SECTION_TBLK = PM_FOURCC('T', 'B', 'L', 'K'),
    PM_SECTION_TEXT = PM_FOURCC('T', 'E', 'X', 'T'),
    PM_SECTION_CHKP = PM_FOURCC('C', 'H', 'K', 'P')
};

static inline void *pm_zstd_alloc(void *ctx, size_t bytes) {
    (void)ctx;
    return pm_alloc(bytes);
}

static inline void pm_zstd_free(void *ctx, void *p) {
    (void)ctx;
    pm_free(p);
}

static inline ZSTD_customMem pm_zstd_memory(void) {
    return (ZSTD_customMem){pm_zstd_alloc, pm_zstd_free, NULL};
}

#endif

/* Makes damage that checksums do not show: for the tests that want readers to look for
 * themselves. */
#ifndef PM_TESTS_CONTAINER_REPAIR_H
#define PM_TESTS_CONTAINER_REPAIR_H

#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "format/container_layout.h"

static inline bool in_file(uint64_t offset, uint64_t size, size_t n) {
    return offset <= n && size <= n - offset;
}

/* Makes the checksums of a container fit its bytes, as far as its table can be
 * found. */
static inline void repair(uint8_t *b, size_t n) {
    if (n < PM_HEADER_BYTES + PM_FOOTER_BYTES) {
        return;
    }
    uint8_t *footer = b + n - PM_FOOTER_BYTES;
    uint64_t table = pm_load64(footer + PM_FOOTER_TABLE);
    uint64_t table_bytes =
        (uint64_t)pm_load32(footer + PM_FOOTER_SECTIONS) * PM_ENTRY_BYTES;
    if (in_file(table, table_bytes, n)) {
        for (uint64_t at = table; at < table + table_bytes; at += PM_ENTRY_BYTES) {
            uint64_t offset = pm_load64(b + at + 8), size = pm_load64(b + at + 16);
            if (in_file(offset, size, n)) {
                pm_store64(b + at + 24, pm_hash64(b + offset, size));
            }
        }
        pm_store64(footer + PM_FOOTER_TABLE_HASH, pm_hash64(b + table, table_bytes));
    }
    uint8_t both[PM_HEADER_BYTES + PM_FOOTER_HASH];
    memcpy(both, b, PM_HEADER_BYTES);
    memcpy(both + PM_HEADER_BYTES, footer, PM_FOOTER_HASH);
    pm_store64(footer + PM_FOOTER_HASH, pm_hash64(both, sizeof both));
}

#endif

/* Where the container's own fields stand (docs/FORMAT.md), for its writer and its
 * reader only. */
#ifndef PM_FORMAT_CONTAINER_LAYOUT_H
#define PM_FORMAT_CONTAINER_LAYOUT_H

#include <string.h>

#include "format/container.h"

#define PM_MAGIC "PRESSMK\x1a"
enum { PM_MAGIC_BYTES = 8, PM_SECTION_ALIGNMENT = 64, PM_SECTION_SLACK = 64 };

enum { PM_HEADER_VERSION = 8, PM_HEADER_KIND = 12, PM_HEADER_BYTES = 64 };

enum { PM_ENTRY_BYTES = 32 };

enum {
    PM_FOOTER_TABLE = 0,
    PM_FOOTER_SECTIONS = 8,
    PM_FOOTER_VERSION = 12,
    PM_FOOTER_SIZE = 16,
    PM_FOOTER_TABLE_HASH = 24,
    PM_FOOTER_KIND = 32,
    PM_FOOTER_HASH = 48,
    PM_FOOTER_MAGIC = 56,
    PM_FOOTER_BYTES = 64
};

static inline void pm_store32(uint8_t *p, uint32_t v) {
    memcpy(p, &v, sizeof v);
}

static inline void pm_store64(uint8_t *p, uint64_t v) {
    memcpy(p, &v, sizeof v);
}

/* Four characters as they are where they can be printed, else the number. */
enum { PM_SECTION_NAME = 16 };
const char *pm_section_name(uint32_t id, char out[PM_SECTION_NAME]);

#endif

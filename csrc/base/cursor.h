/* Reads bytes that nobody vouches for. A read past the end gives 0 and sets bad, which
 * is checked once a record: there is no other way in which the core parses a file. */
#ifndef PM_BASE_CURSOR_H
#define PM_BASE_CURSOR_H

#include <string.h>

#include "base/buffer.h"

typedef struct pm_cursor {
    const uint8_t *p, *end;
    bool bad;
} pm_cursor;

/* No bytes may come as NULL: the cursor then stands on an empty string, so that no
 * pointer arithmetic is done on NULL. */
static inline pm_cursor pm_cursor_of(pm_bytes b) {
    const uint8_t *p = b.n > 0 ? b.p : (const uint8_t *)"";
    return (pm_cursor){p, p + b.n, false};
}
static inline size_t pm_cursor_left(const pm_cursor *c) {
    return (size_t)(c->end - c->p);
}

/* n bytes, or NULL with bad set. */
static inline const uint8_t *pm_cursor_take(pm_cursor *c, size_t n) {
    if (n > pm_cursor_left(c)) {
        c->bad = true;
        c->p = c->end;
        return NULL;
    }
    const uint8_t *at = c->p;
    c->p += n;
    return at;
}

/* Unaligned little-endian loads. The core runs on little-endian machines only (checked
 * at build time). */
static inline uint16_t pm_load16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}
static inline uint32_t pm_load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t pm_load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint8_t pm_cursor_u8(pm_cursor *c) {
    const uint8_t *p = pm_cursor_take(c, 1);
    return p ? *p : 0;
}
static inline uint16_t pm_cursor_u16(pm_cursor *c) {
    const uint8_t *p = pm_cursor_take(c, 2);
    return p ? pm_load16(p) : 0;
}
static inline uint32_t pm_cursor_u32(pm_cursor *c) {
    const uint8_t *p = pm_cursor_take(c, 4);
    return p ? pm_load32(p) : 0;
}
static inline uint64_t pm_cursor_u64(pm_cursor *c) {
    const uint8_t *p = pm_cursor_take(c, 8);
    return p ? pm_load64(p) : 0;
}
/* LEB128; more than 10 bytes, or bits beyond 64, are bad. */
uint64_t pm_cursor_varint(pm_cursor *c);
/* varint length, then so many bytes. */
pm_bytes pm_cursor_string(pm_cursor *c);

#endif

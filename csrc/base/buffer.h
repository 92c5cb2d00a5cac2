/* A growing byte string with sticky failure: after the first failed growth every call
 * does nothing and pm_buf_failed tells. Numbers are written little-endian. Owned by
 * whoever declares it. */
#ifndef PM_BASE_BUFFER_H
#define PM_BASE_BUFFER_H

#include "base/status.h"

typedef struct pm_bytes { /* borrowed bytes, not NUL-terminated */
    const uint8_t *p;
    size_t n;
} pm_bytes;

typedef struct pm_buf {
    uint8_t *p;
    size_t n, capacity;
    bool failed;
} pm_buf;

void pm_buf_init(pm_buf *b);
void pm_buf_release(pm_buf *b);
void pm_buf_clear(pm_buf *b); /* length 0; capacity stays; failure is forgotten */
/* Room for n more bytes; NULL after failure. The caller writes there and calls
 * pm_buf_grew. */
uint8_t *pm_buf_room(pm_buf *b, size_t n);
void pm_buf_grew(pm_buf *b, size_t n);
void pm_buf_put(pm_buf *b, const void *bytes, size_t n);
void pm_buf_put_u8(pm_buf *b, uint8_t v);
void pm_buf_put_u16(pm_buf *b, uint16_t v);
void pm_buf_put_u32(pm_buf *b, uint32_t v);
void pm_buf_put_u64(pm_buf *b, uint64_t v);
void pm_buf_put_varint(pm_buf *b, uint64_t v); /* LEB128, at most 10 bytes */
void pm_buf_pad(pm_buf *b, size_t alignment);  /* zeros up to the next multiple */
void pm_buf_printf(pm_buf *b, const char *format, ...) PM_PRINTF(2, 3);
/* PM_NOMEM if any call failed. */
pm_status pm_buf_status(const pm_buf *b, pm_error *err) PM_MUST_CHECK;
static inline pm_bytes pm_buf_bytes(const pm_buf *b) {
    return (pm_bytes){b->p, b->n};
}

/* Growing array of one element type, failing like pm_buf: PM_GROW(ptr, n, cap, more) is
 * true when ptr has room for n + more elements. */
bool pm_grow(void **p, size_t n, size_t *capacity, size_t more, size_t size);
#define PM_GROW(p, n, capacity, more)                                                  \
    pm_grow((void **)&(p), (n), &(capacity), (more), sizeof *(p))

#endif

/* Growth by doubling, so that n appended bytes cost O(n) copies in all. */
#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

#include "base/sys.h"

enum { FIRST_BYTES = 64 };

void pm_buf_init(pm_buf *b) {
    memset(b, 0, sizeof *b);
}

void pm_buf_release(pm_buf *b) {
    pm_free(b->p);
    pm_buf_init(b);
}

void pm_buf_clear(pm_buf *b) {
    b->n = 0;
    b->failed = false;
}

bool pm_grow(void **p, size_t n, size_t *capacity, size_t more, size_t size) {
    if (more <= *capacity - n) {
        return true;
    }
    if (more > SIZE_MAX - n) {
        return false;
    }
    size_t least = FIRST_BYTES / size > 0 ? FIRST_BYTES / size : 1;
    size_t wanted = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
    wanted = wanted > least ? wanted : least;
    wanted = wanted > n + more ? wanted : n + more;
    void *old; /* copied, not cast: *p is of the caller's pointer type */
    memcpy(&old, p, sizeof old);
    void *grown = pm_resize_array(old, wanted, size);
    if (grown == NULL) {
        return false;
    }
    memcpy(p, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

uint8_t *pm_buf_room(pm_buf *b, size_t n) {
    if (b->failed) {
        return NULL;
    }
    if (b->p == NULL || n > b->capacity - b->n) {
        size_t more = n > 0 ? n : 1; /* room for nothing is a valid pointer too */
        if (!PM_GROW(b->p, b->n, b->capacity, more)) {
            b->failed = true;
            return NULL;
        }
    }
    return b->p + b->n;
}

void pm_buf_grew(pm_buf *b, size_t n) {
    if (!b->failed) {
        b->n += n;
    }
}

void pm_buf_put(pm_buf *b, const void *bytes, size_t n) {
    uint8_t *to = pm_buf_room(b, n);
    if (to != NULL && n > 0) {
        memcpy(to, bytes, n);
        b->n += n;
    }
}

void pm_buf_put_u8(pm_buf *b, uint8_t v) {
    pm_buf_put(b, &v, sizeof v);
}

void pm_buf_put_u16(pm_buf *b, uint16_t v) {
    pm_buf_put(b, &v, sizeof v);
}

void pm_buf_put_u32(pm_buf *b, uint32_t v) {
    pm_buf_put(b, &v, sizeof v);
}

void pm_buf_put_u64(pm_buf *b, uint64_t v) {
    pm_buf_put(b, &v, sizeof v);
}

void pm_buf_put_varint(pm_buf *b, uint64_t v) {
    uint8_t bytes[10];
    size_t n = 0;
    while (v >= 0x80) {
        bytes[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (uint8_t)v;
    pm_buf_put(b, bytes, n);
}

void pm_buf_pad(pm_buf *b, size_t alignment) {
    size_t over = b->n % alignment;
    size_t n = over != 0 ? alignment - over : 0;
    uint8_t *to = pm_buf_room(b, n);
    if (to != NULL) {
        memset(to, 0, n);
        b->n += n;
    }
}

void pm_buf_printf(pm_buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *to = n >= 0 ? pm_buf_room(b, (size_t)n + 1) : NULL;
    if (to == NULL) {
        b->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf((char *)to, (size_t)n + 1, format, args);
    va_end(args);
    b->n += (size_t)n;
}

pm_status pm_buf_status(const pm_buf *b, pm_error *err) {
    return b->failed ? pm_fail_nomem(err, b->n) : PM_OK;
}

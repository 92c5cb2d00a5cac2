/* The two reads that are too long to inline. */
#include "base/cursor.h"

static uint64_t fail(pm_cursor *c) {
    c->bad = true;
    c->p = c->end;
    return 0;
}

uint64_t pm_cursor_varint(pm_cursor *c) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (c->p == c->end) {
            return fail(c);
        }
        uint8_t byte = *c->p++;
        if (shift == 63 && byte > 1) {
            return fail(c);
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return v;
        }
    }
    return fail(c);
}

pm_bytes pm_cursor_string(pm_cursor *c) {
    uint64_t n = pm_cursor_varint(c);
    if (n > pm_cursor_left(c)) {
        fail(c);
        return (pm_bytes){c->end, 0};
    }
    const uint8_t *p = pm_cursor_take(c, (size_t)n);
    return (pm_bytes){p, (size_t)n};
}

/* Reading valid UTF-8 one code point at a time, inlined for the tokenizer. Private to
 * csrc/text. Invariant: the text was sanitised (utf8.h), so a lead byte is followed by
 * all its bytes. */
#ifndef PM_TEXT_CODE_POINT_H
#define PM_TEXT_CODE_POINT_H

#include <stdbool.h>
#include <stddef.h>

#include "text/unicode_tables.h"

typedef struct pm_cp {
    uint32_t cp;
    uint8_t len;   /* bytes; 0 at the end of the text */
    uint8_t class; /* PM_CHAR_..., without bits; PM_CHAR_OTHER at the end of the text */
    uint8_t bits;  /* PM_CHAR_UPPER, PM_CHAR_LOWER, PM_CHAR_ACCENTED */
} pm_cp;

static inline uint32_t pm_cp_decode(const uint8_t *p, uint8_t *len) {
    if (p[0] < 0x80) {
        *len = 1;
        return p[0];
    }
    if (p[0] < 0xe0) {
        *len = 2;
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if (p[0] < 0xf0) {
        *len = 3;
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 |
               (p[2] & 0x3f);
    }
    *len = 4;
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
           (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
}

/* The code point at `at` <= n. */
static inline pm_cp pm_cp_at(const uint8_t *text, size_t n, size_t at) {
    pm_cp c = {0, 0, PM_CHAR_OTHER, 0};
    if (at < n) {
        c.cp = pm_cp_decode(text + at, &c.len);
        uint8_t byte = pm_char(c.cp);
        c.class = byte & PM_CHAR_CLASS;
        c.bits = byte & (uint8_t)~PM_CHAR_CLASS;
    }
    return c;
}

/* Extend, Format and ZWJ stay with what they follow (UAX #29, WB4). */
static inline bool pm_class_stays(unsigned class) {
    return class >= PM_CHAR_EXTEND && class <= PM_CHAR_ZWJ;
}
static inline bool pm_class_is_letter(unsigned class) {
    return class == PM_CHAR_LETTER || class == PM_CHAR_HEBREW;
}
/* Letters, digits and connectors: what a word consists of. */
static inline bool pm_class_is_word(unsigned class) {
    return class >= PM_CHAR_LETTER && class <= PM_CHAR_UNDERSCORE;
}

#endif

/* One token at a known start: the pieces of pm_token_next. Private to csrc/text. Every
 * scanner is a function of the text from the start on and reads a bounded part of what
 * follows the token, so that tokenising is linear and restartable. */
#ifndef PM_TEXT_SCAN_H
#define PM_TEXT_SCAN_H

#include "text/analyzer_internal.h"
#include "text/code_point.h"
#include "text/tokenizer.h"

enum {
    PM_EMAIL_LOCAL_BYTES = 64, /* longest part before @ (RFC 5321) */
    PM_URL_SCHEME_BYTES = 16
};

typedef struct pm_scan {
    const pm_analyzer *an;
    const uint8_t *text;
    size_t n;
} pm_scan;

static inline pm_cp pm_scan_at(const pm_scan *s, size_t at) {
    return pm_cp_at(s->text, s->n, at);
}
/* Byte at `at`, or 0 behind the end. */
static inline uint8_t pm_scan_byte(const pm_scan *s, size_t at) {
    return at < s->n ? s->text[at] : 0;
}
static inline bool pm_is_ascii_alnum(uint8_t c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Each answers the token's end, or 0 where no such token starts at `start`. */
size_t pm_scan_url(const pm_scan *s, size_t start);
size_t pm_scan_email(const pm_scan *s, size_t start);
/* U.S., with a possessive ending */
size_t pm_scan_dotted(const pm_scan *s, size_t start);
size_t pm_scan_emoji(const pm_scan *s, size_t start, pm_cp first);
size_t pm_scan_keycap(const pm_scan *s, size_t start);
/* A word or number: UAX #29 from `at` on, where its first letter or digit stands; start
 * < at where a sign (#, @, $) belongs to the token. */
size_t pm_scan_word(const pm_scan *s, size_t start, size_t at);
/* One Han or kana character or a grapheme cluster whose first code point ends at
 * `at`. */
size_t pm_scan_cluster(const pm_scan *s, size_t at);
/* End of the code points from `at` on that stay with what they follow, at most `budget`
 * of them, which is lessened. */
size_t pm_scan_marks(const pm_scan *s, size_t at, unsigned *budget);

#endif

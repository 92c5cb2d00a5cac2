/* Sanitising follows the Unicode standard's "substitution of maximal subparts" (section
 * 3.9, table 3-8), with surrogates as the one exception: Python text that was encoded
 * with surrogatepass must keep its number of code points. */
#include "text/utf8.h"

#include <string.h>

#include "base/cursor.h"
#include "text/code_point.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

static size_t ascii_run(const uint8_t *p, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n && ((pm_load64(p + i) | pm_load64(p + i + 8)) & HIGH_BITS) == 0;
         i += 16) {
    }
    while (i < n && p[i] < 0x80) {
        i++;
    }
    return i;
}

/* What the second byte may be: E0, ED, F0 and F4 exclude overlong forms, surrogates and
 * numbers above 10FFFF. */
static bool second_fits(uint8_t lead, uint8_t second) {
    switch (lead) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return second >= 0x80 && second <= 0xbf;
    }
}

static bool is_surrogate(const uint8_t *p, size_t n) {
    return n >= 3 && p[0] == 0xed && p[1] >= 0xa0 && p[1] <= 0xbf && p[2] >= 0x80 &&
           p[2] <= 0xbf;
}

/* Length of the sequence at p (n > 0 bytes, not ASCII); *valid tells whether it is a
 * code point. Otherwise it is what one U+FFFD stands for. */
static size_t sequence(const uint8_t *p, size_t n, bool *valid) {
    uint8_t lead = p[0];
    size_t want = lead < 0xc2 || lead > 0xf4 ? 1
                  : lead < 0xe0              ? 2
                  : lead < 0xf0              ? 3
                                             : 4;
    *valid = false;
    if (is_surrogate(p, n)) {
        return 3;
    }
    if (want == 1 || n < 2 || !second_fits(lead, p[1])) {
        return 1;
    }
    size_t len = 2;
    while (len < want && len < n && (p[len] & 0xc0) == 0x80) {
        len++;
    }
    *valid = len == want;
    return len;
}

/* Length of the longest valid start of p. */
static size_t valid_run(const uint8_t *p, size_t n) {
    size_t i = 0;
    while (i < n) {
        bool valid = true;
        size_t len =
            p[i] < 0x80 ? ascii_run(p + i, n - i) : sequence(p + i, n - i, &valid);
        if (!valid) {
            break;
        }
        i += len;
    }
    return i;
}

enum { REPLACEMENT_BYTES = 3 };

void pm_utf8_sanitize(pm_bytes in, pm_buf *out, size_t *replaced) {
    size_t count = 0, i = 0;
    while (i < in.n) {
        size_t run = valid_run(in.p + i, in.n - i);
        pm_buf_put(out, in.p + i, run);
        i += run;
        if (i < in.n) {
            bool valid;
            i += sequence(in.p + i, in.n - i, &valid);
            pm_buf_put(out, "\xef\xbf\xbd", REPLACEMENT_BYTES);
            count++;
        }
    }
    *replaced = count;
}

size_t pm_utf8_sanitized_bytes(pm_bytes in) {
    size_t n = 0, i = 0;
    while (i < in.n) {
        size_t run = valid_run(in.p + i, in.n - i);
        i += run;
        n += run;
        if (i < in.n) {
            bool valid;
            i += sequence(in.p + i, in.n - i, &valid);
            n += REPLACEMENT_BYTES;
        }
    }
    return n;
}

bool pm_utf8_valid(pm_bytes in) {
    return valid_run(in.p, in.n) == in.n;
}

uint32_t pm_utf8_decode(const uint8_t *text, size_t at, unsigned *len) {
    uint8_t bytes;
    uint32_t cp = pm_cp_decode(text + at, &bytes);
    *len = bytes;
    return cp;
}

size_t pm_utf8_before(const uint8_t *text, size_t at) {
    do {
        at--;
    } while (at > 0 && (text[at] & 0xc0) == 0x80);
    return at;
}

unsigned pm_utf8_encode(uint32_t cp, uint8_t out[4]) {
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    unsigned len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (unsigned i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    out[0] = (uint8_t)((len == 2 ? 0xc0 : len == 3 ? 0xe0 : 0xf0) | cp);
    return len;
}

/* Continuation bytes have bit 7 set and bit 6 clear; eight are counted at once. */
size_t pm_utf8_count(const uint8_t *text, size_t n_bytes) {
    size_t i = 0, continuations = 0;
    for (; i + 8 <= n_bytes; i += 8) {
        uint64_t w = pm_load64(text + i);
        uint64_t bits = (w >> 7) & (~w >> 6) & UINT64_C(0x0101010101010101);
        continuations += (size_t)((bits * UINT64_C(0x0101010101010101)) >> 56);
    }
    for (; i < n_bytes; i++) {
        continuations += (text[i] & 0xc0) == 0x80;
    }
    return n_bytes - continuations;
}

/* Tokens that are no words: addresses, dotted acronyms, emoji. Addresses are ASCII, but
 * for letters in a URL's path. */
#include "text/scan.h"

#include <string.h>

#include "base/types.h"

/* ---- URLs ---- */

static bool url_has_byte(uint8_t c) {
    return c > ' ' && c < 0x7f && strchr("\"'<>\\^`{|}", c) == NULL;
}

/* Where the part behind "scheme://" or "www." starts, or 0. */
static size_t url_body(const pm_scan *s, size_t start) {
    size_t at = start;
    while (at - start < PM_URL_SCHEME_BYTES && pm_is_ascii_alnum(pm_scan_byte(s, at))) {
        at++;
    }
    if (s->n - at >= 3 && memcmp(s->text + at, "://", 3) == 0) {
        return at + 3;
    }
    const uint8_t *p = s->text + start;
    bool www = at - start == 3 && (p[0] | 0x20) == 'w' && (p[1] | 0x20) == 'w' &&
               (p[2] | 0x20) == 'w';
    return www && pm_scan_byte(s, at) == '.' ? at + 1 : 0;
}

/* Steps back over the punctuation of the sentence around a URL: "(see
 * http://a.b/c_(d).)". */
static size_t trim_url(const pm_scan *s, size_t body, size_t end) {
    int open = 0;
    for (size_t i = body; i < end; i++) {
        open += (s->text[i] == '(') - (s->text[i] == ')');
    }
    for (; end > body; end--) {
        uint8_t c = s->text[end - 1];
        if (c == ')' && open < 0) {
            open++;
        } else if (strchr(".,;:!?]*_~(", c) == NULL || c == '\0') {
            break;
        }
        open -= c == '(';
    }
    return end;
}

size_t pm_scan_url(const pm_scan *s, size_t start) {
    size_t body = url_body(s, start);
    pm_cp first = pm_scan_at(s, body);
    if (body == 0 || !pm_class_is_word(first.class) ||
        first.class == PM_CHAR_UNDERSCORE) {
        return 0;
    }
    unsigned count = (unsigned)(body - start);
    for (size_t at = body;; count++) {
        pm_cp c = pm_scan_at(s, at);
        if (count == PM_MAX_TOKEN_CODE_POINTS) {
            return at;
        }
        bool fits = c.cp < 0x80 ? c.len > 0 && url_has_byte((uint8_t)c.cp)
                                : pm_class_is_word(c.class) || pm_class_stays(c.class);
        if (!fits) {
            return trim_url(s, body, at);
        }
        at += c.len;
    }
}

/* ---- e-mail ---- */

static bool is_local_byte(uint8_t c) {
    return pm_is_ascii_alnum(c) || (c != 0 && strchr("._%+-", c) != NULL);
}

/* End of "label.label.tld" at `at`, or 0: two labels at least, the last of letters. */
static size_t email_domain(const pm_scan *s, size_t at) {
    size_t end = 0, limit = at + PM_MAX_TOKEN_CODE_POINTS - PM_EMAIL_LOCAL_BYTES - 1;
    for (unsigned labels = 1;; labels++) {
        size_t label = at, letters = 0;
        while (at < limit && (pm_is_ascii_alnum(pm_scan_byte(s, at)) ||
                              (at > label && pm_scan_byte(s, at) == '-'))) {
            letters += pm_scan_byte(s, at) > '9';
            at++;
        }
        while (at > label && s->text[at - 1] == '-') {
            at--;
        }
        if (labels > 1 && at - label >= 2 && letters == at - label) {
            end = at;
        }
        if (at == label || at >= limit || pm_scan_byte(s, at) != '.') {
            break;
        }
        at++;
    }
    return end != 0 && pm_class_is_word(pm_scan_at(s, end).class) ? 0 : end;
}

size_t pm_scan_email(const pm_scan *s, size_t start) {
    size_t at = start;
    while (at - start <= PM_EMAIL_LOCAL_BYTES && is_local_byte(pm_scan_byte(s, at))) {
        at++;
    }
    bool local =
        at > start && at - start <= PM_EMAIL_LOCAL_BYTES && pm_scan_byte(s, at) == '@';
    return local && s->text[at - 1] != '.' ? email_domain(s, at + 1) : 0;
}

/* ---- U.S. ---- */

/* End of one letter with its marks at `at`, or 0 where another word character follows
 * it. */
static size_t lone_letter(const pm_scan *s, size_t at, unsigned *budget) {
    pm_cp c = pm_scan_at(s, at);
    if (!pm_class_is_letter(c.class) || *budget == 0) {
        return 0;
    }
    --*budget;
    size_t end = pm_scan_marks(s, at + c.len, budget);
    return pm_class_is_word(pm_scan_at(s, end).class) ? 0 : end;
}

/* Takes 's behind an acronym. */
static size_t possessive(const pm_scan *s, size_t end, unsigned budget) {
    pm_cp apostrophe = pm_scan_at(s, end);
    size_t at = end + apostrophe.len;
    if (apostrophe.class != PM_CHAR_APOSTROPHE || budget < 2 ||
        (pm_scan_byte(s, at) | 0x20) != 's') {
        return end;
    }
    return pm_class_is_word(pm_scan_at(s, at + 1).class) ? end : at + 1;
}

size_t pm_scan_dotted(const pm_scan *s, size_t start) {
    unsigned budget = PM_MAX_TOKEN_CODE_POINTS, letters = 1;
    size_t end = lone_letter(s, start, &budget);
    if (end == 0) {
        return 0;
    }
    while (pm_scan_byte(s, end) == '.' && budget > 0) {
        unsigned left = budget - 1;
        size_t next = lone_letter(s, end + 1, &left);
        if (next == 0) {
            budget--;
            end++;
            break;
        }
        end = next;
        budget = left;
        letters++;
    }
    return letters > 1 ? possessive(s, end, budget) : 0;
}

/* ---- emoji ---- */

size_t pm_scan_keycap(const pm_scan *s, size_t start) {
    static const uint8_t selector[3] = {0xef, 0xb8, 0x8f},
                         keycap[3] = {0xe2, 0x83, 0xa3};
    size_t at = start + 1;
    if (s->n - at >= 3 && memcmp(s->text + at, selector, 3) == 0) {
        at += 3;
    }
    return s->n - at >= 3 && memcmp(s->text + at, keycap, 3) == 0 ? at + 3 : 0;
}

static bool is_pictographic(unsigned class) {
    return class == PM_CHAR_EMOJI || class == PM_CHAR_PICTURE;
}

/* Extended grapheme cluster (UAX #29, GB9 and GB11); a flag is two indicators. */
size_t pm_scan_emoji(const pm_scan *s, size_t start, pm_cp first) {
    size_t at = start + first.len;
    unsigned budget = PM_MAX_TOKEN_CODE_POINTS - 1;
    pm_cp c = pm_scan_at(s, at);
    if (first.class == PM_CHAR_PICTURE && c.cp != 0xfe0f) {
        return 0;
    }
    if (first.class == PM_CHAR_FLAG && c.class == PM_CHAR_FLAG) {
        at += c.len;
        budget--;
    }
    bool after_zwj = false;
    for (; budget > 0; budget--) {
        c = pm_scan_at(s, at);
        bool joins =
            after_zwj && first.class != PM_CHAR_FLAG && is_pictographic(c.class);
        if (c.class != PM_CHAR_EXTEND && c.class != PM_CHAR_ZWJ && !joins) {
            break;
        }
        after_zwj = c.class == PM_CHAR_ZWJ;
        at += c.len;
    }
    return at;
}

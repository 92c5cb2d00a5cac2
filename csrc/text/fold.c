/* Folding in two steps: characters (invisible ones dropped, apostrophes unified, case
 * folded, composed), then endings and signs of the kind (possessive, sign, acronym
 * dots, digit commas) on the result, which is what makes fold(fold(x)) equal fold(x).
 * ASCII takes the first step by a table look-up of a sort: one conditional bit. */
#include <string.h>

#include "text/analyzer_internal.h"
#include "text/code_point.h"
#include "text/normal.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

/* ---- characters ---- */

static bool is_ignorable(uint32_t cp) {
    size_t lo = 0, hi = PM_N_IGNORABLE;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (cp > pm_unicode_ignorable[mid][1]) {
            lo = mid + 1;
        } else if (cp < pm_unicode_ignorable[mid][0]) {
            hi = mid;
        } else {
            return true;
        }
    }
    return false;
}

/* In an emoji the invisible characters make the picture, all but the selector of text
 * or picture style. */
static bool is_dropped(uint32_t cp, unsigned kind) {
    return kind == PM_KIND_EMOJI ? cp == 0xfe0e || cp == 0xfe0f : is_ignorable(cp);
}

static uint32_t unify(uint32_t cp, bool dotless_i) {
    switch (cp) {
    case 0x2018:
    case 0x2019:
    case 0x201b:
    case 0x2bc:
    case 0xff07:
        return '\'';
    case 'I':
        return dotless_i ? 0x131 : cp;
    case 0x130:
        return dotless_i ? 'i' : cp;
    default:
        return cp;
    }
}

/* Appends src with single characters replaced. The Turkish capital I with a combining
 * dot is one letter. */
static void replace_characters(const pm_analyzer *an, pm_bytes src, unsigned kind,
                               pm_buf *out) {
    bool dotless_i = an->rules->dotless_i;
    for (size_t at = 0; at < src.n;) {
        pm_cp c = pm_cp_at(src.p, src.n, at);
        at += c.len;
        if (dotless_i && c.cp == 'I' && pm_cp_at(src.p, src.n, at).cp == 0x307) {
            c.cp = 0x130;
            at += 2;
        }
        if (!is_dropped(c.cp, kind)) {
            uint8_t utf8[4];
            pm_buf_put(out, utf8, pm_utf8_encode(unify(c.cp, dotless_i), utf8));
        }
    }
}

/* Case folding of a decomposed string can give one that folds further (U+0345); three
 * rounds reach the end of that. */
static pm_status fold_case(pm_buf *text, pm_error *err) {
    pm_points points;
    pm_buf next;
    pm_points_init(&points);
    pm_buf_init(&next);
    pm_status status = PM_OK;
    for (int round = 0; round < 3; round++) {
        pm_buf_clear(&next);
        PM_GO(pm_points_decompose(&points, text->p, text->n, true, err));
        PM_GO(pm_points_compose(&points, &next, err));
        bool same =
            next.n == text->n && (next.n == 0 || memcmp(next.p, text->p, next.n) == 0);
        pm_buf swap = *text;
        *text = next;
        next = swap;
        if (same) {
            break;
        }
    }
out:
    pm_points_release(&points);
    pm_buf_release(&next);
    return status;
}

/* Folding can bring forth an apostrophe (U+0149), so characters are replaced before and
 * after. */
static pm_status fold_unicode(const pm_analyzer *an, pm_bytes src, unsigned kind,
                              pm_buf *text, pm_error *err) {
    pm_buf first;
    pm_buf_init(&first);
    pm_status status = PM_OK;
    replace_characters(an, src, kind, &first);
    PM_GO(pm_buf_status(&first, err));
    PM_GO(fold_case(&first, err));
    replace_characters(an, pm_buf_bytes(&first), kind, text);
    PM_GO(pm_buf_status(text, err));
out:
    pm_buf_release(&first);
    return status;
}

static bool is_lower_ascii(const uint8_t *p, size_t n) {
    bool capital = false;
    for (size_t i = 0; i < n; i++) {
        capital |= p[i] >= 'A' && p[i] <= 'Z';
    }
    return !capital;
}

/* Sets text (empty) to the folded characters of src. */
static pm_status fold_characters(const pm_analyzer *an, pm_bytes src, unsigned kind,
                                 pm_buf *text, pm_error *err) {
    bool ascii = pm_is_ascii(src.p, src.n);
    if (!ascii || (an->rules->dotless_i && !is_lower_ascii(src.p, src.n))) {
        return fold_unicode(an, src, kind, text, err);
    }
    uint8_t *to = pm_buf_room(text, src.n);
    for (size_t i = 0; to != NULL && i < src.n; i++) {
        uint8_t c = src.p[i];
        to[i] = (uint8_t)(c | (c >= 'A' && c <= 'Z' ? 0x20 : 0));
    }
    pm_buf_grew(text, src.n);
    return pm_buf_status(text, err);
}

/* ---- endings and signs, on folded characters ---- */

static size_t without_possessive(const uint8_t *p, size_t n) {
    while (n > 2 && p[n - 2] == '\'' && p[n - 1] == 's' && !pm_is_contraction(p, n)) {
        n -= 2;
    }
    return n > 2 && p[n - 1] == '\'' && p[n - 2] == 's' ? n - 1 : n;
}

/* Bytes of the leading sign, or 0. */
static size_t sign_length(pm_bytes text, unsigned kind) {
    pm_cp c = pm_cp_at(text.p, text.n, 0);
    bool sign = (kind == PM_KIND_HANDLE && c.class == PM_CHAR_AT) ||
                (kind == PM_KIND_HASHTAG && c.class == PM_CHAR_HASH) ||
                (kind == PM_KIND_NUMBER && c.class == PM_CHAR_CURRENCY);
    return sign && c.len < text.n ? c.len : 0;
}

/* Drops the characters of one class in place: the dots of an acronym, the commas of a
 * number. */
static size_t without_class(uint8_t *p, size_t n, unsigned class) {
    size_t kept = 0;
    for (size_t at = 0; at < n;) {
        pm_cp c = pm_cp_at(p, n, at);
        if (c.class != class) {
            memmove(p + kept, p + at, c.len);
            kept += c.len;
        }
        at += c.len;
    }
    return kept;
}

static pm_bytes fold_endings(const pm_analyzer *an, pm_buf *text, unsigned kind) {
    pm_bytes b = pm_buf_bytes(text);
    size_t sign = sign_length(b, kind);
    uint8_t *p = text->p + sign;
    size_t n = b.n - sign;
    if (an->rules->english_possessive) {
        n = without_possessive(p, n);
    }
    if (kind == PM_KIND_ACRONYM && memchr(p, '.', n) != NULL) {
        n = without_class(p, n, PM_CHAR_DOT);
    }
    if (kind == PM_KIND_NUMBER) {
        n = without_class(p, n, PM_CHAR_COMMA);
    }
    return (pm_bytes){p, n};
}

/* Where folding leaves nothing (a token of invisible characters), the surface in NFC
 * stands for itself. */
static pm_status put_surface(pm_bytes surface, pm_buf *out, pm_error *err) {
    pm_points points;
    pm_points_init(&points);
    pm_status status = pm_points_decompose(&points, surface.p, surface.n, false, err);
    if (status == PM_OK) {
        status = pm_points_compose(&points, out, err);
    }
    pm_points_release(&points);
    return status;
}

pm_status pm_fold(const pm_analyzer *an, const uint8_t *surface, size_t n,
                  unsigned kind, pm_buf *out, pm_error *err) {
    pm_buf text;
    pm_buf_init(&text);
    pm_status status = PM_OK;
    pm_bytes src = {surface, n}, folded = {0};
    PM_GO(fold_characters(an, src, kind, &text, err));
    folded = pm_buf_bytes(&text);
    bool whole = kind == PM_KIND_URL || kind == PM_KIND_EMAIL || kind == PM_KIND_EMOJI;
    if (!whole && folded.n > 0) {
        folded = fold_endings(an, &text, kind);
    }
    if (folded.n == 0) {
        PM_GO(put_surface(src, out, err));
    } else {
        pm_buf_put(out, folded.p, folded.n);
        PM_GO(pm_buf_status(out, err));
    }
out:
    pm_buf_release(&text);
    return status;
}

/* The accentless key: marks on Latin, Greek and Cyrillic letters go, letters that a
 * language counts as its own stay, and letters that do not decompose are spelled by a
 * table. */
#include "text/analyzer_internal.h"
#include "text/code_point.h"
#include "text/normal.h"
#include "text/utf8.h"

#include <string.h>

static bool in_list(const uint32_t *list, uint32_t cp) {
    for (; list != NULL && *list != 0; list++) {
        if (*list == cp) {
            return true;
        }
    }
    return false;
}

static bool is_own(const pm_analyzer *an, uint32_t cp) {
    return cp != 0 && (in_list(an->rules->own, cp) || in_list(pm_own_everywhere, cp));
}

static const char *plain_letter(uint32_t cp) {
    size_t lo = 0, hi = pm_n_plain_letters;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (pm_plain_letters[mid].cp == cp) {
            return pm_plain_letters[mid].plain;
        }
        if (pm_plain_letters[mid].cp < cp) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

static void put_point(pm_buf *out, uint32_t cp) {
    uint8_t utf8[4];
    pm_buf_put(out, utf8, pm_utf8_encode(cp, utf8));
}

/* One letter and the marks behind it, points[i, end). */
static void put_letter(const pm_analyzer *an, const int32_t *points, size_t i,
                       size_t end, pm_buf *out) {
    uint32_t letter = (uint32_t)points[i];
    if ((pm_char(letter) & PM_CHAR_ACCENTED) == 0) {
        for (; i < end; i++) {
            put_point(out, (uint32_t)points[i]);
        }
        return;
    }
    /* The mark of a letter of its own (the ring of å) is part of it; any other is
     * dropped. */
    for (size_t m = i + 1; m < end; m++) {
        uint32_t composed = pm_compose_pair(letter, (uint32_t)points[m]);
        letter = is_own(an, composed) ? composed : letter;
    }
    const char *plain = is_own(an, letter) ? NULL : plain_letter(letter);
    if (plain != NULL) {
        pm_buf_put(out, plain, strlen(plain));
    } else {
        put_point(out, letter);
    }
}

static pm_status strip(const pm_analyzer *an, const uint8_t *folded, size_t n,
                       pm_buf *out, pm_error *err) {
    pm_points points;
    pm_buf plain;
    pm_points_init(&points);
    pm_buf_init(&plain);
    pm_status status = PM_OK;
    PM_GO(pm_points_decompose(&points, folded, n, false, err));
    for (size_t i = 0; i < points.n;) {
        size_t end = i + 1;
        while (end < points.n &&
               (pm_char((uint32_t)points.at[end]) & PM_CHAR_CLASS) == PM_CHAR_EXTEND) {
            end++;
        }
        put_letter(an, points.at, i, end, &plain);
        i = end;
    }
    PM_GO(pm_buf_status(&plain, err));
    PM_GO(pm_points_decompose(&points, plain.p, plain.n, false, err));
    PM_GO(pm_points_compose(&points, out, err));
out:
    pm_points_release(&points);
    pm_buf_release(&plain);
    return status;
}

pm_status pm_unaccent(const pm_analyzer *an, const uint8_t *folded, size_t n,
                      pm_buf *out, bool *changed, pm_error *err) {
    size_t before = out->n;
    *changed = false;
    if (pm_is_ascii(folded, n)) {
        pm_buf_put(out, folded, n);
        return pm_buf_status(out, err);
    }
    PM_TRY(strip(an, folded, n, out, err));
    *changed = out->n - before != n || memcmp(out->p + before, folded, n) != 0;
    return PM_OK;
}

/* utf8proc's decompose and compose steps are called on our own buffer; its convenience
 * functions call malloc. */
#include "text/normal.h"

#include <string.h>
#include <utf8proc.h>

#include "base/cursor.h"
#include "base/sys.h"
#include "text/utf8.h"

enum { LONGEST_UTF8 = 4 };

void pm_points_init(pm_points *p) {
    p->at = p->inside;
    p->n = 0;
    p->capacity = sizeof p->inside / sizeof *p->inside;
}

void pm_points_release(pm_points *p) {
    if (p->at != p->inside) {
        pm_free(p->at);
    }
    pm_points_init(p);
}

static pm_status reserve(pm_points *p, size_t n, pm_error *err) {
    if (n <= p->capacity) {
        return PM_OK;
    }
    int32_t *at = pm_alloc_array(n, sizeof *at);
    if (at == NULL) {
        return pm_fail_nomem(err, n * sizeof *at);
    }
    pm_points_release(p);
    p->at = at;
    p->capacity = n;
    return PM_OK;
}

pm_status pm_points_decompose(pm_points *p, const uint8_t *utf8, size_t n, bool fold,
                              pm_error *err) {
    int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (fold ? UTF8PROC_CASEFOLD : 0);
    for (int attempt = 0; attempt < 2; attempt++) {
        utf8proc_ssize_t got = utf8proc_decompose(utf8, (utf8proc_ssize_t)n, p->at,
                                                  (utf8proc_ssize_t)p->capacity,
                                                  (utf8proc_option_t)options);
        if (got < 0) {
            return pm_fail(err, PM_INTERNAL, "text to fold is not valid UTF-8: %s",
                           utf8proc_errmsg(got));
        }
        if ((size_t)got <= p->capacity) {
            p->n = (size_t)got;
            return PM_OK;
        }
        PM_TRY(reserve(p, (size_t)got, err));
    }
    return pm_fail(err, PM_INTERNAL, "utf8proc asked twice for a larger buffer");
}

pm_status pm_points_compose(pm_points *p, pm_buf *out, pm_error *err) {
    utf8proc_ssize_t n = utf8proc_normalize_utf32(
        p->at, (utf8proc_ssize_t)p->n,
        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    p->n = n < 0 ? 0 : (size_t)n;
    uint8_t *to = pm_buf_room(out, p->n * LONGEST_UTF8);
    size_t len = 0;
    for (size_t i = 0; to != NULL && i < p->n; i++) {
        len += pm_utf8_encode((uint32_t)p->at[i], to + len);
    }
    pm_buf_grew(out, len);
    return pm_buf_status(out, err);
}

uint32_t pm_compose_pair(uint32_t base, uint32_t mark) {
    int32_t pair[2] = {(int32_t)base, (int32_t)mark};
    utf8proc_ssize_t n = utf8proc_normalize_utf32(
        pair, 2, (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    return n == 1 ? (uint32_t)pair[0] : 0;
}

bool pm_is_ascii(const uint8_t *p, size_t n) {
    uint64_t high = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        high |= pm_load64(p + i) & UINT64_C(0x8080808080808080);
    }
    for (; i < n; i++) {
        high |= p[i] & 0x80;
    }
    return high == 0;
}

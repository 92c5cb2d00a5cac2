/* ASCII by bytes; everything else by utf8proc's full folding and NFC. */
#include "text/casefold.h"

#include <utf8proc.h>

static bool is_ascii(pm_bytes text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static void fold_ascii(pm_bytes text, pm_buf *out) {
    uint8_t *to = pm_buf_room(out, text.n);
    for (size_t i = 0; to != NULL && i < text.n; i++) {
        uint8_t c = text.p[i];
        to[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    if (to != NULL) {
        pm_buf_grew(out, text.n);
    }
}

/* utf8proc decomposes into an array of code points, which is composed and encoded in
 * place. */
static pm_status fold_unicode(pm_bytes text, pm_buf *out, pm_error *err) {
    const utf8proc_option_t options =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD;
    pm_buf points;
    pm_buf_init(&points);
    utf8proc_ssize_t n =
        utf8proc_decompose(text.p, (utf8proc_ssize_t)text.n, NULL, 0, options);
    if (n < 0) {
        return pm_fail(err, PM_INVALID, "not valid UTF-8");
    }
    /* One place more: the encoder ends with a NUL. */
    utf8proc_int32_t *at =
        (utf8proc_int32_t *)(void *)pm_buf_room(&points, ((size_t)n + 1) * sizeof *at);
    if (at != NULL) {
        utf8proc_decompose(text.p, (utf8proc_ssize_t)text.n, at, n, options);
        n = utf8proc_reencode(at, n, options);
        pm_buf_put(out, at, n < 0 ? 0 : (size_t)n);
    }
    pm_status status = at == NULL ? pm_fail_nomem(err, (size_t)n * sizeof *at)
                       : n < 0    ? pm_fail(err, PM_INVALID, "cannot be case-folded")
                                  : pm_buf_status(out, err);
    pm_buf_release(&points);
    return status;
}

pm_status pm_casefold(pm_bytes text, pm_buf *out, pm_error *err) {
    if (!is_ascii(text)) {
        return fold_unicode(text, out, err);
    }
    fold_ascii(text, out);
    return pm_buf_status(out, err);
}

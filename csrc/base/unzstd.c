/* One streaming decompressor. Its context and window (up to 2 GB, if the frame asks for
 * it) are zstd's own allocations, outside base/sys.h; output grows by zstd's step. */
#include "base/unzstd.h"

#include <zstd.h>

#include "base/sys.h"

struct pm_unzstd {
    ZSTD_DCtx *stream;
};

pm_status pm_unzstd_new(pm_unzstd **out, pm_error *err) {
    pm_unzstd *z = pm_calloc(1, sizeof *z);
    if (z == NULL) {
        return pm_fail_nomem(err, sizeof *z);
    }
    z->stream = ZSTD_createDCtx();
    if (z->stream == NULL) {
        pm_free(z);
        return pm_fail_nomem(err, 0);
    }
    /* sources made with --long=27 and more */
    ZSTD_DCtx_setParameter(z->stream, ZSTD_d_windowLogMax, 31);
    *out = z;
    return PM_OK;
}

void pm_unzstd_free(pm_unzstd *z) {
    if (z != NULL) {
        ZSTD_freeDCtx(z->stream);
        pm_free(z);
    }
}

pm_status pm_unzstd_feed(pm_unzstd *z, pm_bytes in, pm_buf *out, bool *done,
                         pm_error *err) {
    ZSTD_inBuffer from = {in.p, in.n, 0};
    size_t room = ZSTD_DStreamOutSize();
    *done = false;
    for (;;) {
        uint8_t *at = pm_buf_room(out, room);
        if (at == NULL) {
            return pm_fail_nomem(err, room);
        }
        ZSTD_outBuffer to = {at, room, 0};
        size_t left = ZSTD_decompressStream(z->stream, &to, &from);
        if (ZSTD_isError(left)) {
            return pm_fail(err, PM_INVALID, "not a sound zstd stream: %s",
                           ZSTD_getErrorName(left));
        }
        pm_buf_grew(out, to.pos);
        *done = left == 0;
        if (from.pos == from.size && (left == 0 || to.pos < to.size)) {
            return PM_OK;
        }
    }
}

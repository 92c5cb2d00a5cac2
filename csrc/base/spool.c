/* What has been put lies in the file, then in head; once complete, in one of the two.
 * The file ends with slack, since nothing is readable behind a mapped file whose last
 * page is full. */
#include "base/spool.h"

#include <assert.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 16 }; /* to the file at once */

static const uint8_t slack[PM_READ_SLACK];

void pm_spool_init(pm_spool *s, const pm_scratch *scratch) {
    memset(s, 0, sizeof *s);
    s->scratch = scratch;
    s->file.fd = -1;
}

void pm_spool_release(pm_spool *s) {
    if (s->spilled) {
        pm_file_close(&s->file);
        pm_blob_close(&s->blob);
    }
    pm_buf_release(&s->head);
    pm_spool_init(s, s->scratch);
}

static void write_out(pm_spool *s, const void *bytes, size_t n) {
    if (s->status == PM_OK) {
        s->status = pm_file_write(&s->file, bytes, n, &s->error);
    }
}

/* From now on head holds a piece at most. */
static void spill(pm_spool *s) {
    if (!s->spilled) {
        s->status = pm_file_scratch(s->scratch->dir, &s->file, &s->error);
        s->spilled = s->status == PM_OK;
    }
    write_out(s, s->head.p, s->head.n);
    if (s->head.capacity > PIECE_BYTES) {
        pm_buf_release(&s->head);
    }
    pm_buf_clear(&s->head);
}

static size_t room_of(const pm_spool *s) {
    size_t room = s->spilled           ? PIECE_BYTES
                  : s->scratch != NULL ? s->scratch->keep_bytes
                                       : SIZE_MAX;
    return room - s->head.n;
}

void pm_spool_put_slow(pm_spool *s, const void *bytes, size_t n) {
    assert(!s->viewed);
    s->quick = 0;
    if (s->status != PM_OK || n == 0) {
        return;
    }
    s->n += n;
    if (n > room_of(s)) {
        spill(s);
    }
    if (s->spilled && n >= PIECE_BYTES) {
        write_out(s, bytes, n);
        return;
    }
    pm_buf_put(&s->head, bytes, n);
    if (s->head.failed) {
        s->status = pm_fail_nomem(&s->error, n);
    }
    if (s->status == PM_OK) {
        size_t room = room_of(s), held = s->head.capacity - s->head.n;
        s->quick = held < room ? held : room;
    }
}

/* Puts slack behind the bytes and makes them one piece. */
static pm_status settle(pm_spool *s, pm_error *err) {
    if (!s->spilled) {
        pm_buf_put(&s->head, slack, sizeof slack);
        return pm_buf_status(&s->head, err);
    }
    if (s->n > SIZE_MAX / 2) {
        return pm_fail(err, PM_LIMIT, "%s is larger than this machine's address space",
                       s->file.name);
    }
    PM_TRY(pm_file_write(&s->file, s->head.p, s->head.n, err));
    PM_TRY(pm_file_write(&s->file, slack, sizeof slack, err));
    PM_TRY(pm_blob_of_file(&s->file, (size_t)s->n + sizeof slack, PM_MAP_AUTO, &s->blob,
                           err));
    pm_file_close(&s->file);
    pm_buf_release(&s->head);
    return PM_OK;
}

pm_status pm_spool_view(pm_spool *s, pm_bytes *out, pm_error *err) {
    *out = (pm_bytes){slack, 0};
    if (s->status == PM_OK && !s->viewed) {
        s->viewed = true;
        s->quick = 0;
        s->status = settle(s, &s->error);
    }
    if (s->status != PM_OK) {
        if (err != NULL) {
            *err = s->error;
        }
        return s->status;
    }
    *out = (pm_bytes){s->spilled ? s->blob.bytes : s->head.p, (size_t)s->n};
    return PM_OK;
}

/* Finds and decompresses stored texts. What a block may decompress to comes from the
 * table and is at most PM_STORE_BLOCK; what a frame says of itself must fit that, and
 * is never allocated. */
#include "format/store.h"

#include <inttypes.h>

#include "format/store_layout.h"

enum { NO_BLOCK = -1 };

/* ---- opening ---- */

static pm_status too_short(const pm_container *file, uint32_t id, const pm_cursor *at,
                           pm_bytes all, const char *what, pm_error *err) {
    return pm_section_corrupt(file, id, (uint64_t)(at->p - all.p), err,
                              "expected %s, which does not fit", what);
}

static pm_status open_offsets(pm_store *s, pm_error *err) {
    pm_bytes b;
    PM_TRY(pm_container_need(s->file, PM_SECTION_TOFF, &b, err));
    pm_cursor at = pm_cursor_of(b);
    if (!pm_frames_open(&at, s->n_units + 1, &s->text_starts) ||
        pm_cursor_left(&at) != 0) {
        return too_short(s->file, PM_SECTION_TOFF, &at, b, "the start of each text",
                         err);
    }
    PM_TRY(pm_container_need(s->file, PM_SECTION_TBLK, &b, err));
    at = pm_cursor_of(b);
    s->n_blocks = pm_cursor_u32(&at);
    if (at.bad || s->n_blocks == UINT32_MAX ||
        !pm_frames_open(&at, s->n_blocks + 1, &s->raw_starts) ||
        !pm_frames_open(&at, s->n_blocks + 1, &s->compressed_starts) ||
        pm_cursor_left(&at) != 0) {
        return too_short(s->file, PM_SECTION_TBLK, &at, b,
                         "where each block starts, raw and compressed", err);
    }
    return PM_OK;
}

static pm_status open_checkpoints(pm_store *s, uint32_t n_positions, pm_error *err) {
    pm_bytes b;
    PM_TRY(pm_container_need(s->file, PM_SECTION_CHKP, &b, err));
    pm_cursor at = pm_cursor_of(b);
    s->n_checkpoints = n_positions / PM_CHECKPOINT + (n_positions % PM_CHECKPOINT != 0);
    if (!pm_frames_open(&at, s->n_checkpoints, &s->checkpoint_bytes) ||
        !pm_frames_open(&at, s->n_checkpoints, &s->checkpoint_extras) ||
        pm_cursor_left(&at) != 0) {
        return too_short(s->file, PM_SECTION_CHKP, &at, b,
                         "a checkpoint for each 64 positions", err);
    }
    return PM_OK;
}

static uint64_t raw_size(const pm_store *s) {
    return pm_frames_get(&s->raw_starts, s->n_blocks);
}

/* The ends of texts, raw and compressed blocks must meet. */
static pm_status check_ends(const pm_store *s, pm_error *err) {
    uint64_t texts = pm_frames_get(&s->text_starts, s->n_units), raw = raw_size(s);
    uint64_t compressed = pm_frames_get(&s->compressed_starts, s->n_blocks);
    if (texts != raw) {
        return pm_section_corrupt(s->file, PM_SECTION_TOFF, 0, err,
                                  "texts of %" PRIu64 " bytes in blocks of %" PRIu64,
                                  texts, raw);
    }
    if (compressed != s->text.n) {
        return pm_section_corrupt(s->file, PM_SECTION_TBLK, 0, err,
                                  "compressed blocks of %" PRIu64
                                  " bytes, section TEXT has %zu",
                                  compressed, s->text.n);
    }
    return PM_OK;
}

pm_status pm_store_open(pm_store *s, const pm_container *file, uint32_t n_units,
                        uint32_t n_positions, pm_error *err) {
    static const uint32_t ids[] = {PM_SECTION_TOFF, PM_SECTION_TBLK, PM_SECTION_CHKP,
                                   PM_SECTION_TEXT};
    memset(s, 0, sizeof *s);
    s->file = file;
    pm_bytes b;
    bool any = false;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        any = pm_container_find(file, ids[i], &b) || any;
    }
    if (!any) {
        return PM_OK;
    }
    if (n_units == UINT32_MAX) {
        return pm_section_corrupt(file, PM_SECTION_TOFF, 0, err, "too many units");
    }
    s->n_units = n_units;
    PM_TRY(open_offsets(s, err));
    PM_TRY(open_checkpoints(s, n_positions, err));
    PM_TRY(pm_container_need(file, PM_SECTION_TEXT, &s->text, err));
    PM_TRY(check_ends(s, err));
    s->present = true;
    return PM_OK;
}

/* ---- units and checkpoints ---- */

bool pm_store_unit(const pm_store *s, pm_unit u, uint64_t *lo, uint64_t *hi) {
    *lo = *hi = 0;
    if (!s->present || u >= s->n_units) {
        return false;
    }
    uint64_t from = pm_frames_get(&s->text_starts, u),
             to = pm_frames_get(&s->text_starts, u + 1);
    if (from > to || to > raw_size(s)) {
        return false;
    }
    *lo = from;
    *hi = to;
    return true;
}

uint64_t pm_store_length(const pm_store *s, pm_unit u) {
    uint64_t lo, hi;
    return pm_store_unit(s, u, &lo, &hi) ? hi - lo : 0;
}

bool pm_store_checkpoint_item(const pm_store *s, uint32_t k, uint32_t *byte,
                              uint32_t *code_point) {
    uint64_t bytes = pm_frames_get(&s->checkpoint_bytes, k),
             extra = pm_frames_get(&s->checkpoint_extras, k);
    *byte = *code_point = 0;
    if (bytes > UINT32_MAX || extra > bytes) {
        return false;
    }
    *byte = (uint32_t)bytes;
    *code_point = (uint32_t)(bytes - extra);
    return true;
}

void pm_store_checkpoint(const pm_store *s, pm_pos unit_start, pm_pos pos, pm_pos *at,
                         uint32_t *byte, uint32_t *code_point) {
    uint32_t token = pos > unit_start ? pos - unit_start : 0;
    pm_pos checked = unit_start + token / PM_CHECKPOINT * PM_CHECKPOINT;
    uint32_t k = checked / PM_CHECKPOINT;
    *at = unit_start;
    *byte = *code_point = 0;
    if (checked == unit_start || k >= s->n_checkpoints) {
        return;
    }
    if (pm_store_checkpoint_item(s, k, byte, code_point)) {
        *at = checked;
    }
}

/* ---- blocks ---- */

/* The last that starts at or before the byte. */
uint32_t pm_store_find_block(const pm_store *s, uint64_t raw_byte) {
    uint32_t lo = 0, hi = s->n_blocks;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (pm_frames_get(&s->raw_starts, mid) <= raw_byte) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

bool pm_store_block(const pm_store *s, uint32_t b, pm_text_block *out) {
    if (b >= s->n_blocks) {
        return false;
    }
    uint64_t lo = pm_frames_get(&s->raw_starts, b),
             hi = pm_frames_get(&s->raw_starts, b + 1),
             from = pm_frames_get(&s->compressed_starts, b),
             to = pm_frames_get(&s->compressed_starts, b + 1);
    if (lo >= hi || hi - lo > PM_STORE_BLOCK || from >= to || to > s->text.n) {
        return false;
    }
    *out = (pm_text_block){lo, hi, {s->text.p + from, (size_t)(to - from)}};
    return true;
}

/* ---- reading ---- */

struct pm_text_reader {
    const pm_store *store;
    ZSTD_DCtx *zstd;
    int64_t block; /* the one in raw, or NO_BLOCK */
    uint8_t raw[PM_STORE_BLOCK];
};

pm_status pm_text_reader_new(const pm_store *s, pm_text_reader **out, pm_error *err) {
    pm_text_reader *r = pm_alloc(sizeof *r);
    *out = NULL;
    if (r == NULL) {
        return pm_fail_nomem(err, sizeof *r);
    }
    r->store = s;
    r->block = NO_BLOCK;
    r->zstd = ZSTD_createDCtx_advanced(pm_zstd_memory());
    if (r->zstd == NULL) {
        pm_free(r);
        return pm_fail_nomem(err, 0);
    }
    *out = r;
    return PM_OK;
}

void pm_text_reader_free(pm_text_reader *r) {
    if (r != NULL) {
        ZSTD_freeDCtx(r->zstd);
        pm_free(r);
    }
}

/* zstd reads older formats, too, and frames that are skipped: not here. */
static bool is_frame(pm_bytes b, size_t content_size) {
    return b.n >= 4 && pm_load32(b.p) == ZSTD_MAGICNUMBER &&
           ZSTD_getFrameContentSize(b.p, b.n) == content_size;
}

static pm_status damaged_block(const pm_store *s, uint32_t b, pm_error *err) {
    return pm_section_corrupt(s->file, PM_SECTION_TBLK, 0, err,
                              "block %" PRIu32 " takes raw bytes [%" PRIu64 ", %" PRIu64
                              "), compressed [%" PRIu64 ", %" PRIu64 ")",
                              b, pm_frames_get(&s->raw_starts, b),
                              pm_frames_get(&s->raw_starts, b + 1),
                              pm_frames_get(&s->compressed_starts, b),
                              pm_frames_get(&s->compressed_starts, b + 1));
}

/* Decompresses block b, unless it is there already; *lo, *hi: what it takes of the raw
 * text. */
static pm_status load_block(pm_text_reader *r, uint32_t b, uint64_t *lo, uint64_t *hi,
                            pm_error *err) {
    const pm_store *s = r->store;
    pm_text_block block;
    if (!pm_store_block(s, b, &block)) {
        return damaged_block(s, b, err);
    }
    *lo = block.lo;
    *hi = block.hi;
    if (r->block == (int64_t)b) {
        return PM_OK;
    }
    r->block = NO_BLOCK;
    uint64_t at = (uint64_t)(block.packed.p - s->text.p);
    size_t expected = (size_t)(block.hi - block.lo);
    if (!is_frame(block.packed, expected)) {
        return pm_section_corrupt(s->file, PM_SECTION_TEXT, at, err,
                                  "block %" PRIu32 " is no zstd frame of %zu bytes", b,
                                  expected);
    }
    size_t n =
        ZSTD_decompressDCtx(r->zstd, r->raw, expected, block.packed.p, block.packed.n);
    if (ZSTD_isError(n) && ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation) {
        return pm_fail_nomem(err, expected);
    }
    if (n != expected) {
        return pm_section_corrupt(
            s->file, PM_SECTION_TEXT, at, err,
            "block %" PRIu32 " does not decompress to %zu bytes: %s", b, expected,
            ZSTD_isError(n) ? ZSTD_getErrorName(n) : "it is shorter");
    }
    r->block = b;
    return PM_OK;
}

pm_status pm_text_read_block(pm_text_reader *r, uint32_t b, uint64_t lo, uint64_t hi,
                             pm_buf *out, pm_error *err) {
    uint64_t from, to;
    PM_TRY(load_block(r, b, &from, &to, err));
    if (lo < from || hi > to) {
        return damaged_block(r->store, b, err);
    }
    pm_buf_put(out, r->raw + (lo - from), (size_t)(hi - lo));
    return pm_buf_status(out, err);
}

/* Appends raw bytes [lo, hi), lo < hi. */
static pm_status read_raw(pm_text_reader *r, uint64_t lo, uint64_t hi, pm_buf *out,
                          pm_error *err) {
    const pm_store *s = r->store;
    for (uint32_t b = pm_store_find_block(s, lo); lo < hi; b++) {
        pm_text_block block;
        if (!pm_store_block(s, b, &block) || lo < block.lo || lo >= block.hi) {
            return damaged_block(s, b, err);
        }
        uint64_t end = hi < block.hi ? hi : block.hi;
        PM_TRY(pm_text_read_block(r, b, lo, end, out, err));
        lo = end;
    }
    return PM_OK;
}

pm_status pm_text_read(pm_text_reader *r, pm_unit u, uint64_t lo, uint64_t hi,
                       pm_buf *out, pm_error *err) {
    const pm_store *s = r->store;
    uint64_t from, to;
    if (!s->present || u >= s->n_units) {
        return pm_fail(err, PM_INVALID,
                       "no text is stored for unit %" PRIu32 " of %" PRIu32, u,
                       s->n_units);
    }
    if (!pm_store_unit(s, u, &from, &to)) {
        return pm_section_corrupt(s->file, PM_SECTION_TOFF, 0, err,
                                  "the text of unit %" PRIu32
                                  " ends before it starts, or beyond all texts",
                                  u);
    }
    uint64_t length = to - from;
    hi = hi < length ? hi : length;
    return lo < hi ? read_raw(r, from + lo, from + hi, out, err) : PM_OK;
}

/* ---- verifying ---- */

static pm_status check_order(const pm_store *s, pm_error *err) {
    if (!pm_frames_verify(&s->text_starts) || pm_frames_get(&s->text_starts, 0) != 0) {
        return pm_section_corrupt(s->file, PM_SECTION_TOFF, 0, err,
                                  "widths and offsets do not fit each other");
    }
    for (pm_unit u = 0; u < s->n_units; u++) {
        uint64_t lo, hi;
        if (!pm_store_unit(s, u, &lo, &hi)) {
            return pm_section_corrupt(
                s->file, PM_SECTION_TOFF, 0, err,
                "the text of unit %" PRIu32 " ends before it starts", u);
        }
    }
    if (!pm_frames_verify(&s->raw_starts) || !pm_frames_verify(&s->compressed_starts) ||
        pm_frames_get(&s->raw_starts, 0) != 0 ||
        pm_frames_get(&s->compressed_starts, 0) != 0) {
        return pm_section_corrupt(s->file, PM_SECTION_TBLK, 0, err,
                                  "widths and offsets do not fit each other");
    }
    return PM_OK;
}

static pm_status check_checkpoints(const pm_store *s, pm_error *err) {
    bool good = pm_frames_verify(&s->checkpoint_bytes) &&
                pm_frames_verify(&s->checkpoint_extras);
    for (uint32_t k = 0; k < s->n_checkpoints && good; k++) {
        uint64_t byte = pm_frames_get(&s->checkpoint_bytes, k);
        good = byte <= UINT32_MAX && pm_frames_get(&s->checkpoint_extras, k) <= byte;
    }
    return good ? PM_OK
                : pm_section_corrupt(s->file, PM_SECTION_CHKP, 0, err,
                                     "a checkpoint has more code points than bytes, or "
                                     "cannot be decoded");
}

pm_status pm_store_verify(const pm_store *s, pm_cancel *cancel, pm_error *err) {
    enum { BLOCK_NS = 40 * 1000 };
    if (!s->present) {
        return PM_OK;
    }
    PM_TRY(check_order(s, err));
    PM_TRY(check_checkpoints(s, err));
    pm_text_reader *r;
    PM_TRY(pm_text_reader_new(s, &r, err));
    pm_status status = PM_OK;
    for (uint32_t b = 0; b < s->n_blocks && status == PM_OK; b++) {
        uint64_t lo, hi;
        status = pm_cancel_tick(cancel, BLOCK_NS)
                     ? pm_fail(err, PM_CANCELLED, "interrupted")
                     : load_block(r, b, &lo, &hi, err);
    }
    pm_text_reader_free(r);
    return status;
}

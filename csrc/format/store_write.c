/* Compresses raw text block by block, and writes the store's sections. */
#include "format/store.h"
#include "format/store_layout.h"

/* ---- packer ---- */

struct pm_packer {
    ZSTD_CCtx *zstd;
};

pm_status pm_packer_new(pm_packer **out, pm_error *err) {
    pm_packer *p = pm_alloc(sizeof *p);
    *out = NULL;
    if (p == NULL) {
        return pm_fail_nomem(err, sizeof *p);
    }
    p->zstd = ZSTD_createCCtx_advanced(pm_zstd_memory());
    if (p->zstd == NULL) {
        pm_free(p);
        return pm_fail_nomem(err, 0);
    }
    *out = p;
    return PM_OK;
}

void pm_packer_free(pm_packer *p) {
    if (p != NULL) {
        ZSTD_freeCCtx(p->zstd);
        pm_free(p);
    }
}

static pm_status pack_block(pm_packer *p, pm_bytes raw, pm_buf *out, pm_error *err) {
    size_t bound = ZSTD_compressBound(raw.n);
    uint8_t *to = pm_buf_room(out, bound);
    if (to == NULL) {
        return pm_buf_status(out, err);
    }
    size_t n = ZSTD_compressCCtx(p->zstd, to, bound, raw.p, raw.n, PM_STORE_LEVEL);
    if (!ZSTD_isError(n)) {
        pm_buf_grew(out, n);
        return PM_OK;
    }
    if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation) {
        return pm_fail_nomem(err, bound);
    }
    return pm_fail(err, PM_INTERNAL, "zstd cannot compress %zu bytes: %s", raw.n,
                   ZSTD_getErrorName(n));
}

pm_status pm_packer_chunk(pm_packer *p, pm_bytes raw, pm_buf *out, pm_buf *blocks,
                          pm_error *err) {
    size_t start = out->n;
    for (size_t at = 0; at < raw.n; at += PM_STORE_BLOCK) {
        size_t left = raw.n - at;
        pm_bytes block = {raw.p + at, left < PM_STORE_BLOCK ? left : PM_STORE_BLOCK};
        pm_buf_put_u64(blocks, at);
        pm_buf_put_u64(blocks, out->n - start);
        PM_TRY(pack_block(p, block, out, err));
    }
    return pm_buf_status(blocks, err);
}

/* ---- sections ---- */

static void put_u64s(pm_container_writer *w, const uint64_t *values, size_t n,
                     size_t stride) {
    pm_framing f;
    pm_frames_begin(&f, w->scratch);
    for (size_t i = 0; i < n; i++) {
        pm_frames_put(&f, values[i * stride]);
    }
    pm_frames_finish_to(&f, w);
}

static void write_offsets(pm_container_writer *w, const pm_store_data *d) {
    uint32_t n_blocks = (uint32_t)d->n_blocks;
    pm_container_begin(w, PM_SECTION_TOFF, PM_SECTION_REQUIRED);
    put_u64s(w, d->text_starts, (size_t)d->n_units + 1, 1);
    pm_container_end(w);
    pm_container_begin(w, PM_SECTION_TBLK, PM_SECTION_REQUIRED);
    pm_container_put(w, &n_blocks, sizeof n_blocks);
    put_u64s(w, d->blocks, d->n_blocks + 1, 2);
    put_u64s(w, d->blocks + 1, d->n_blocks + 1, 2);
    pm_container_end(w);
}

static void write_checkpoints(pm_container_writer *w, const pm_store_data *d) {
    pm_framing bytes, extras;
    pm_frames_begin(&bytes, w->scratch);
    pm_frames_begin(&extras, w->scratch);
    for (size_t i = 0; i < d->n_checkpoints; i++) {
        uint32_t byte = d->checkpoints[2 * i], code_point = d->checkpoints[2 * i + 1];
        pm_frames_put(&bytes, byte);
        pm_frames_put(&extras, byte - code_point);
    }
    pm_container_begin(w, PM_SECTION_CHKP, PM_SECTION_REQUIRED);
    pm_frames_finish_to(&bytes, w);
    pm_frames_finish_to(&extras, w);
    pm_container_end(w);
}

/* What tells where the texts stand. */
static pm_status write_tables(pm_container_writer *w, const pm_store_data *data,
                              pm_error *err) {
    if (data->n_blocks >= UINT32_MAX) {
        return pm_fail(err, PM_LIMIT, "a segment cannot hold %zu blocks of text",
                       data->n_blocks);
    }
    write_offsets(w, data);
    write_checkpoints(w, data);
    return pm_container_status(w, err);
}

pm_status pm_store_write(pm_container_writer *w, const pm_store_data *data,
                         pm_error *err) {
    PM_TRY(write_tables(w, data, err));
    pm_store_begin(w);
    for (size_t i = 0; i < data->n_parts; i++) {
        pm_container_put(w, data->parts[i].p, data->parts[i].n);
    }
    pm_container_end(w);
    return PM_OK;
}

void pm_store_begin(pm_container_writer *w) {
    pm_container_begin(w, PM_SECTION_TEXT, PM_SECTION_REQUIRED);
}

pm_status pm_store_finish(pm_container_writer *w, const pm_store_data *data,
                          pm_error *err) {
    pm_container_end(w);
    return write_tables(w, data, err);
}

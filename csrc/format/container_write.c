/* Writes a container front to back in pieces of about 1 MB, hashing on the way. Each
 * byte passes emit() once, so the file's hash covers exactly what was written. */
#include <string.h>

#include "format/container.h"
#include "format/container_layout.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PENDING_BYTES = 1 << 20, ALIGNMENT = PM_SECTION_ALIGNMENT };
enum {
    PUT_NS = 20,
    PUT_BYTE_NS = 1
}; /* a put, and each of its bytes: two hashes, a write */

static const uint8_t zeros[2 * ALIGNMENT];

/* ---- failure and release ---- */

static void release(pm_container_writer *w) {
    pm_file_close(&w->file);
    pm_buf_release(&w->pending);
    pm_free(w->hash_memory);
    pm_free(w->path);
    w->hash_memory = w->section_hash = w->file_hash = NULL;
    w->path = NULL;
    w->open = false;
}

void pm_container_fail(pm_container_writer *w, pm_status status, const pm_error *why) {
    if (w->status == PM_OK) {
        w->status = status;
        w->error = *why;
    }
}

pm_status pm_container_status(const pm_container_writer *w, pm_error *err) {
    if (w->status != PM_OK && err != NULL) {
        *err = w->error;
    }
    return w->status;
}

static void misuse(pm_container_writer *w, uint32_t id, const char *what) {
    if (w->status == PM_OK) {
        char name[PM_SECTION_NAME];
        w->status = pm_fail(&w->error, PM_INTERNAL, "section %s of %s: %s",
                            pm_section_name(id, name), w->file.name, what);
    }
}

void pm_container_abandon(pm_container_writer *w, const char *path) {
    (void)path;
    if (w->path != NULL) {
        pm_file_close(&w->file);
        (void)pm_sys_get()->unlink(w->path);
    }
    release(w);
    misuse(w, 0, "used after it was closed");
}

/* ---- bytes ---- */

static void flush(pm_container_writer *w) {
    if (w->status == PM_OK && w->pending.n > 0) {
        w->status = pm_file_write(&w->file, w->pending.p, w->pending.n, &w->error);
        pm_buf_clear(&w->pending);
    }
}

static void emit(pm_container_writer *w, const void *bytes, size_t n) {
    if (w->status != PM_OK || n == 0) {
        return;
    }
    XXH3_128bits_update(w->file_hash, bytes, n);
    w->at += n;
    if (n > PENDING_BYTES - w->pending.n) {
        flush(w);
    }
    if (w->status == PM_OK && n >= PENDING_BYTES) {
        w->status = pm_file_write(&w->file, bytes, n, &w->error);
    } else if (w->status == PM_OK) {
        /* create reserved PENDING_BYTES */
        memcpy(w->pending.p + w->pending.n, bytes, n);
        w->pending.n += n;
    }
}

/* Zeros: at least `least`, then up to the alignment. */
static void pad(pm_container_writer *w, size_t least) {
    size_t over = (size_t)((w->at + least) % ALIGNMENT);
    emit(w, zeros, least + (over != 0 ? ALIGNMENT - over : 0));
}

/* ---- creating ---- */

static pm_status reserve(pm_container_writer *w, const char *path, pm_error *err) {
    size_t path_bytes = strlen(path) + 1, state = sizeof(XXH3_state_t);
    w->path = pm_alloc(path_bytes);
    w->hash_memory = pm_alloc(2 * state + ALIGNMENT);
    if (w->path == NULL || w->hash_memory == NULL ||
        pm_buf_room(&w->pending, PENDING_BYTES) == NULL) {
        return pm_fail_nomem(err, PENDING_BYTES);
    }
    memcpy(w->path, path, path_bytes);
    /* the states want 64 bytes, and are a multiple of that */
    uintptr_t over = (uintptr_t)w->hash_memory % ALIGNMENT;
    w->file_hash = (uint8_t *)w->hash_memory + (ALIGNMENT - over);
    w->section_hash = (uint8_t *)w->file_hash + state;
    XXH3_128bits_reset(w->file_hash);
    return PM_OK;
}

pm_status pm_container_create(pm_container_writer *w, const char *path, uint32_t kind,
                              pm_error *err) {
    memset(w, 0, sizeof *w);
    pm_error_clear(&w->error);
    w->file.fd = -1;
    w->kind = kind;
    pm_status status = reserve(w, path, err);
    if (status == PM_OK) {
        status = pm_file_create(path, &w->file, err);
    }
    if (status != PM_OK) {
        release(w);
        misuse(w, 0, "used after it could not be created");
        return status;
    }
    uint8_t header[PM_HEADER_BYTES] = PM_MAGIC;
    pm_store32(header + PM_HEADER_VERSION, PM_FORMAT_VERSION);
    pm_store32(header + PM_HEADER_KIND, kind);
    emit(w, header, sizeof header);
    return PM_OK;
}

/* ---- sections ---- */

static bool has_section(const pm_container_writer *w, uint32_t id) {
    for (uint32_t i = 0; i < w->n_sections; i++) {
        if (w->sections[i].id == id) {
            return true;
        }
    }
    return false;
}

void pm_container_begin(pm_container_writer *w, uint32_t id, uint32_t flags) {
    if (w->status != PM_OK) {
        return;
    }
    if (w->open || w->n_sections == PM_MAX_SECTIONS || has_section(w, id)) {
        misuse(w, id, "begun inside another, twice, or beyond the limit of sections");
        return;
    }
    w->sections[w->n_sections] = (pm_section){id, flags, w->at, 0, 0};
    w->open = true;
    XXH3_64bits_reset(w->section_hash);
}

void pm_container_put(pm_container_writer *w, const void *bytes, size_t n) {
    if (w->status != PM_OK) {
        return;
    }
    if (!w->open) {
        misuse(w, 0, "bytes outside a section");
        return;
    }
    uint64_t work = n < UINT32_MAX / PUT_BYTE_NS ? n * PUT_BYTE_NS : UINT32_MAX;
    if (pm_cancel_tick(w->cancel, PUT_NS + (uint32_t)work)) {
        w->status = pm_fail(&w->error, PM_CANCELLED, "cancelled by the caller");
        return;
    }
    XXH3_64bits_update(w->section_hash, bytes, n);
    emit(w, bytes, n);
}

void pm_container_put_spool(pm_container_writer *w, pm_spool *s) {
    pm_bytes bytes;
    pm_error err;
    pm_status status = pm_spool_view(s, &bytes, &err);
    if (status != PM_OK) {
        pm_container_fail(w, status, &err);
        return;
    }
    pm_container_put(w, bytes.p, bytes.n);
}

void pm_container_end(pm_container_writer *w) {
    if (w->status != PM_OK) {
        return;
    }
    if (!w->open) {
        misuse(w, 0, "ended and not begun");
        return;
    }
    pm_section *s = &w->sections[w->n_sections++];
    s->size = w->at - s->offset;
    s->hash = XXH3_64bits_digest(w->section_hash);
    w->open = false;
    pad(w, PM_SECTION_SLACK);
}

void pm_container_section(pm_container_writer *w, uint32_t id, uint32_t flags,
                          pm_bytes bytes) {
    pm_container_begin(w, id, flags);
    pm_container_put(w, bytes.p, bytes.n);
    pm_container_end(w);
}

/* ---- finishing ---- */

static void emit_table(pm_container_writer *w) {
    uint8_t table[PM_MAX_SECTIONS * PM_ENTRY_BYTES], footer[PM_FOOTER_BYTES] = {0};
    size_t table_bytes = (size_t)w->n_sections * PM_ENTRY_BYTES;
    for (uint32_t i = 0; i < w->n_sections; i++) {
        const pm_section *s = &w->sections[i];
        uint8_t *entry = table + (size_t)i * PM_ENTRY_BYTES;
        pm_store32(entry, s->id);
        pm_store32(entry + 4, s->flags);
        pm_store64(entry + 8, s->offset);
        pm_store64(entry + 16, s->size);
        pm_store64(entry + 24, s->hash);
    }
    pm_store64(footer + PM_FOOTER_TABLE, w->at);
    pm_store32(footer + PM_FOOTER_SECTIONS, w->n_sections);
    pm_store32(footer + PM_FOOTER_VERSION, PM_FORMAT_VERSION);
    pm_store64(footer + PM_FOOTER_SIZE, w->at + table_bytes + PM_FOOTER_BYTES);
    pm_store64(footer + PM_FOOTER_TABLE_HASH, pm_hash64(table, table_bytes));
    pm_store32(footer + PM_FOOTER_KIND, w->kind);
    uint8_t both[PM_HEADER_BYTES + PM_FOOTER_HASH] = PM_MAGIC;
    pm_store32(both + PM_HEADER_VERSION, PM_FORMAT_VERSION);
    pm_store32(both + PM_HEADER_KIND, w->kind);
    memcpy(both + PM_HEADER_BYTES, footer, PM_FOOTER_HASH);
    pm_store64(footer + PM_FOOTER_HASH, pm_hash64(both, sizeof both));
    memcpy(footer + PM_FOOTER_MAGIC, PM_MAGIC, PM_MAGIC_BYTES);
    emit(w, table, table_bytes);
    emit(w, footer, sizeof footer);
}

pm_status pm_container_finish(pm_container_writer *w, uint64_t *size, pm_hash128 *hash,
                              pm_error *err) {
    if (w->open) {
        misuse(w, w->sections[w->n_sections].id, "not ended");
    }
    emit_table(w);
    flush(w);
    if (w->status == PM_OK) {
        w->status = pm_file_commit(&w->file, &w->error);
    }
    pm_status status = pm_container_status(w, err);
    if (status != PM_OK) {
        pm_container_abandon(w, w->path);
        return status;
    }
    XXH128_hash_t h = XXH3_128bits_digest(w->file_hash);
    *hash = (pm_hash128){h.low64, h.high64};
    *size = w->at;
    release(w);
    misuse(w, 0, "used after finish");
    return PM_OK;
}

/* The one file format: a header, sections, a section table and a footer. Segments,
 * manifests and sidecars are containers of different kinds. Invariant: every section
 * lies inside the file, is 64-byte aligned and is followed by at least PM_READ_SLACK
 * readable bytes. Knows nothing of what sections mean. docs/FORMAT.md is the law.
 *
 * Offsets increase in the order of the table; an id stands once.
 *
 *   header 64 B: "PRESSMK\x1a" | u32 version | u32 kind | zeros
 *   sections, each 64-byte aligned, zeros between, at least 64 zeros after each
 *   table, 64-byte aligned: n x { u32 id, u32 flags, u64 offset, u64 size, u64 xxh3 }
 *   footer 64 B: u64 table offset | u32 n sections | u32 version | u64 file size
 *                | u64 xxh3 of table | u32 kind | zeros
 *                | u64 xxh3 of header and of the footer's bytes before this field
 *                | "PRESSMK\x1a" */
#ifndef PM_FORMAT_CONTAINER_H
#define PM_FORMAT_CONTAINER_H

#include "base/buffer.h"
#include "base/hash.h"
#include "base/spool.h"
#include "base/task.h"

enum { PM_FORMAT_VERSION = 1, PM_FORMAT_OLDEST = 1 };
#define PM_FOURCC(a, b, c, d)                                                          \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
enum {
    PM_FILE_SEGMENT = PM_FOURCC('S', 'E', 'G', 'M'),
    PM_FILE_MANIFEST = PM_FOURCC('M', 'A', 'N', 'I'),
    PM_FILE_SIDECAR = PM_FOURCC('S', 'I', 'D', 'E')
};
/* Flags: a reader that does not know the id must refuse the file. */
enum { PM_SECTION_REQUIRED = 1 };
enum { PM_MAX_SECTIONS = 256 };

typedef struct pm_section {
    uint32_t id, flags;
    uint64_t offset, size, hash;
} pm_section;

/* Writes a new file section by section. Sticky: after a failure calls do nothing and
 * finish tells. */
typedef struct pm_container_writer {
    pm_file file;
    uint32_t kind, n_sections;
    uint64_t at; /* bytes written */
    bool open;   /* a section is open */
    pm_section sections[PM_MAX_SECTIONS];
    void *section_hash, *file_hash; /* streaming XXH3 states */
    void *hash_memory;              /* holds both */
    char *path;                     /* of a file that is not finished; NULL otherwise */
    pm_buf pending;                 /* bytes not yet handed to the file */
    /* where section writers keep what they cannot put yet; NULL: in memory. Set after
     * create by who must bound its memory; borrowed */
    const pm_scratch *scratch;
    /* looked at as bytes are put, which fails with PM_CANCELLED then; NULL: never. Set
     * after create, where all puts are the calling thread's; borrowed */
    pm_cancel *cancel;
    pm_status status;
    pm_error error;
} pm_container_writer;

pm_status pm_container_create(pm_container_writer *w, const char *path, uint32_t kind,
                              pm_error *err) PM_MUST_CHECK;
void pm_container_begin(pm_container_writer *w, uint32_t id, uint32_t flags);
void pm_container_put(pm_container_writer *w, const void *bytes, size_t n);
/* The spool's bytes; nothing can be put into it any more. */
void pm_container_put_spool(pm_container_writer *w, pm_spool *s);
void pm_container_end(pm_container_writer *w);
/* For section writers that cannot go on: as if the writer itself had failed so. */
void pm_container_fail(pm_container_writer *w, pm_status status, const pm_error *why);
/* What finish would tell. */
pm_status pm_container_status(const pm_container_writer *w,
                              pm_error *err) PM_MUST_CHECK;
/* begin, put, end. */
void pm_container_section(pm_container_writer *w, uint32_t id, uint32_t flags,
                          pm_bytes bytes);
/* Writes table and footer, syncs, closes; size and XXH3-128 of the whole file. On
 * failure the file is unlinked. */
pm_status pm_container_finish(pm_container_writer *w, uint64_t *size, pm_hash128 *hash,
                              pm_error *err) PM_MUST_CHECK;
/* Closes and unlinks what create made. Does nothing after finish, after a failed
 * create, or twice. path: the one given to create. */
void pm_container_abandon(pm_container_writer *w, const char *path);

typedef struct pm_container {
    pm_blob blob; /* owned */
    uint32_t kind, version, n_sections;
    pm_section sections[PM_MAX_SECTIONS];
} pm_container;

/* Opens and checks header, footer and table: O(sections). PM_FOREIGN, PM_TOO_OLD,
 * PM_TOO_NEW, PM_CORRUPT. known: ids this reader knows; an unknown required one is
 * PM_TOO_NEW. */
pm_status pm_container_open(pm_container *c, const char *path, uint32_t kind,
                            pm_map_mode mode, const uint32_t *known, size_t n_known,
                            pm_error *err) PM_MUST_CHECK;
void pm_container_close(pm_container *c);
/* The section's bytes; false (and empty bytes) where it is absent. */
bool pm_container_find(const pm_container *c, uint32_t id, pm_bytes *out);
/* As find; absent is PM_CORRUPT naming the section. */
pm_status pm_container_need(const pm_container *c, uint32_t id, pm_bytes *out,
                            pm_error *err) PM_MUST_CHECK;
/* Every section's checksum, every gap zero. */
pm_status pm_container_verify(const pm_container *c, pm_cancel *cancel,
                              pm_error *err) PM_MUST_CHECK;
/* PM_CORRUPT in this file, at a byte of this section. */
pm_status pm_section_corrupt(const pm_container *c, uint32_t id, uint64_t at,
                             pm_error *err, const char *format, ...) PM_PRINTF(5, 6);

#endif

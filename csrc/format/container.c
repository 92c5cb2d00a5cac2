/* Opens a container without believing it: every field is checked before it is used,
 * whether checksums fit or not. The order of the checks is that of usefulness to
 * whoever reads the message: not ours, other version, truncated, damaged. */
#include "format/container.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cursor.h"
#include "format/container_layout.h"

/* ---- names for messages ---- */

static bool is_printable(uint8_t byte) {
    return byte >= 0x20 && byte < 0x7f;
}

const char *pm_section_name(uint32_t id, char out[PM_SECTION_NAME]) {
    uint8_t c[4];
    memcpy(c, &id, sizeof c);
    if (is_printable(c[0]) && is_printable(c[1]) && is_printable(c[2]) &&
        is_printable(c[3])) {
        snprintf(out, PM_SECTION_NAME, "%c%c%c%c", c[0], c[1], c[2], c[3]);
    } else {
        snprintf(out, PM_SECTION_NAME, "0x%08" PRIx32, id);
    }
    return out;
}

/* What a file that is not ours looks like. */
static const char *guess(pm_bytes b) {
    static const struct {
        const char *begin, *what;
        size_t n;
    } known[] = {{"PK\x03\x04", "a zip archive", 4},
                 {"\x1f\x8b", "gzip data", 2},
                 {"\x28\xb5\x2f\xfd", "zstd data", 4},
                 {"SQLite format 3", "an SQLite database", 15},
                 {"PAR1", "a Parquet file", 4},
                 {"ARROW1", "an Arrow file", 6},
                 {"%PDF", "a PDF document", 4},
                 {"\x7f"
                  "ELF",
                  "a program", 4},
                 {"\xff\xd8\xff", "a JPEG picture", 3},
                 {"\x89PNG", "a PNG picture", 4},
                 {"\x80\x04\x95", "a Python pickle", 3},
                 {"{", "JSON", 1},
                 {"[", "JSON", 1},
                 {"<", "XML or HTML", 1}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (b.n >= known[i].n && memcmp(b.p, known[i].begin, known[i].n) == 0) {
            return known[i].what;
        }
    }
    size_t n = b.n < 256 ? b.n : 256, text = 0;
    while (text < n &&
           (b.p[text] >= 0x20 || (b.p[text] >= '\t' && b.p[text] <= '\r'))) {
        text++;
    }
    return b.n == 0    ? "an empty file"
           : text == n ? "text"
                       : "binary data of an unknown kind";
}

/* ---- failures ---- */

static pm_status recode(pm_error *err, pm_status code) {
    if (err != NULL) {
        err->code = code;
    }
    return code;
}

pm_status pm_section_corrupt(const pm_container *c, uint32_t id, uint64_t at,
                             pm_error *err, const char *format, ...) {
    char text[512], name[PM_SECTION_NAME];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    uint64_t base = 0;
    for (uint32_t i = 0; i < c->n_sections; i++) {
        base = c->sections[i].id == id ? c->sections[i].offset : base;
    }
    return pm_fail_corrupt(err, c->blob.name, (int64_t)(base + at),
                           "section %s, byte %" PRIu64 ": %s",
                           pm_section_name(id, name), at, text);
}

/* ---- opening ---- */

static bool has_magic(pm_bytes b, uint64_t at) {
    return b.n >= PM_MAGIC_BYTES && at <= b.n - PM_MAGIC_BYTES &&
           memcmp(b.p + at, PM_MAGIC, PM_MAGIC_BYTES) == 0;
}

/* Ours at all? The footer's magic speaks for a file whose first bytes are damaged. */
static pm_status check_magic(const pm_container *c, pm_bytes b, pm_error *err) {
    bool begins = has_magic(b, 0),
         ends = b.n >= PM_MAGIC_BYTES && has_magic(b, b.n - PM_MAGIC_BYTES);
    bool too_short = b.n < PM_HEADER_BYTES + PM_FOOTER_BYTES;
    if (begins && ends && !too_short) {
        return PM_OK;
    }
    if (begins ||
        (b.n > 0 && b.n < PM_MAGIC_BYTES && memcmp(b.p, PM_MAGIC, b.n) == 0)) {
        return pm_fail_corrupt(err, c->blob.name, (int64_t)b.n,
                               "truncated, or never finished: the file ends after %zu "
                               "bytes without a footer",
                               b.n);
    }
    if (ends && !too_short) {
        return pm_fail_corrupt(
            err, c->blob.name, 0,
            "the header is damaged: expected the bytes \"PRESSMK\\x1a\"");
    }
    pm_fail_corrupt(err, c->blob.name, 0,
                    "%s is not a pressmark file: it seems to be %s", c->blob.name,
                    guess(b));
    return recode(err, PM_FOREIGN);
}

/* A version that the footer does not repeat is damage, not a version: its place is the
 * same in all versions. */
static pm_status check_version(pm_container *c, const uint8_t *header,
                               const uint8_t *footer, pm_error *err) {
    uint32_t version = pm_load32(header + PM_HEADER_VERSION),
             again = pm_load32(footer + PM_FOOTER_VERSION);
    c->version = version;
    if (version != again) {
        return pm_fail_corrupt(err, c->blob.name, PM_HEADER_VERSION,
                               "format version %" PRIu32 " in the header, %" PRIu32
                               " in the footer",
                               version, again);
    }
    if (version >= PM_FORMAT_OLDEST && version <= PM_FORMAT_VERSION) {
        return PM_OK;
    }
    bool is_new = version > PM_FORMAT_VERSION;
    pm_fail_corrupt(err, c->blob.name, PM_HEADER_VERSION,
                    "%s has format version %" PRIu32
                    "; this pressmark reads versions %d to %d",
                    c->blob.name, version, PM_FORMAT_OLDEST, PM_FORMAT_VERSION);
    if (err != NULL) {
        pm_error_hint(err, is_new ? "upgrade pressmark" : "build the index again");
    }
    return recode(err, is_new ? PM_TOO_NEW : PM_TOO_OLD);
}

static pm_status check_footer(const pm_container *c, uint32_t kind,
                              const uint8_t *header, const uint8_t *footer,
                              pm_error *err) {
    const char *file = c->blob.name;
    int64_t at = (int64_t)(c->blob.n - PM_FOOTER_BYTES);
    uint64_t size = pm_load64(footer + PM_FOOTER_SIZE);
    if (size != c->blob.n) {
        return pm_fail_corrupt(
            err, file, at + PM_FOOTER_SIZE,
            "the footer tells of %" PRIu64 " bytes, the file has %zu", size, c->blob.n);
    }
    uint8_t both[PM_HEADER_BYTES + PM_FOOTER_HASH];
    memcpy(both, header, PM_HEADER_BYTES);
    memcpy(both + PM_HEADER_BYTES, footer, PM_FOOTER_HASH);
    uint64_t found = pm_hash64(both, sizeof both),
             expected = pm_load64(footer + PM_FOOTER_HASH);
    if (found != expected) {
        return pm_fail_corrupt(err, file, at + PM_FOOTER_HASH,
                               "header or footer is damaged: checksum %016" PRIx64
                               ", expected %016" PRIx64,
                               found, expected);
    }
    uint32_t is = pm_load32(header + PM_HEADER_KIND);
    if (is != kind || pm_load32(footer + PM_FOOTER_KIND) != kind) {
        char a[PM_SECTION_NAME], b[PM_SECTION_NAME];
        return pm_fail_corrupt(
            err, file, PM_HEADER_KIND,
            "a file of kind %s stands where one of kind %s is expected",
            pm_section_name(is, a), pm_section_name(kind, b));
    }
    return PM_OK;
}

static pm_status check_section(const pm_container *c, uint32_t i, uint64_t table,
                               pm_error *err) {
    const pm_section *s = &c->sections[i];
    uint64_t least = PM_HEADER_BYTES;
    if (i > 0) {
        least = s[-1].offset + s[-1].size + PM_SECTION_SLACK;
    }
    int64_t at = (int64_t)(table + (uint64_t)i * PM_ENTRY_BYTES);
    char name[PM_SECTION_NAME];
    pm_section_name(s->id, name);
    if (s->offset % PM_SECTION_ALIGNMENT != 0 || s->offset < least ||
        s->offset > table || s->size > table - s->offset ||
        table - s->offset - s->size < PM_SECTION_SLACK) {
        return pm_fail_corrupt(err, c->blob.name, at,
                               "section %s: %" PRIu64 " bytes at %" PRIu64
                               ", expected within [%" PRIu64 ", %" PRIu64 ")",
                               name, s->size, s->offset, least, table);
    }
    if ((s->flags & ~(uint32_t)PM_SECTION_REQUIRED) != 0) {
        return pm_fail_corrupt(err, c->blob.name, at + 4,
                               "section %s: flags %#" PRIx32 ", expected 0 or 1", name,
                               s->flags);
    }
    for (uint32_t k = 0; k < i; k++) {
        if (c->sections[k].id == s->id) {
            return pm_fail_corrupt(err, c->blob.name, at, "section %s stands twice",
                                   name);
        }
    }
    return PM_OK;
}

static pm_status read_table(pm_container *c, const uint8_t *footer, pm_error *err) {
    uint64_t table = pm_load64(footer + PM_FOOTER_TABLE),
             end = c->blob.n - PM_FOOTER_BYTES;
    uint32_t n = pm_load32(footer + PM_FOOTER_SECTIONS);
    int64_t at = (int64_t)end;
    if (n > PM_MAX_SECTIONS) {
        return pm_fail_corrupt(err, c->blob.name, at + PM_FOOTER_SECTIONS,
                               "%" PRIu32 " sections, expected at most %d", n,
                               PM_MAX_SECTIONS);
    }
    uint64_t bytes = (uint64_t)n * PM_ENTRY_BYTES;
    if (bytes > end - PM_HEADER_BYTES || table != end - bytes ||
        table % PM_SECTION_ALIGNMENT != 0) {
        return pm_fail_corrupt(err, c->blob.name, at,
                               "section table at %" PRIu64 " with %" PRIu32
                               " entries, expected to end at the footer, at %" PRIu64,
                               table, n, end);
    }
    const uint8_t *p = c->blob.bytes + table;
    uint64_t found = pm_hash64(p, (size_t)bytes),
             expected = pm_load64(footer + PM_FOOTER_TABLE_HASH);
    if (found != expected) {
        return pm_fail_corrupt(err, c->blob.name, (int64_t)table,
                               "the section table is damaged: checksum %016" PRIx64
                               ", expected %016" PRIx64,
                               found, expected);
    }
    for (uint32_t i = 0; i < n; i++, p += PM_ENTRY_BYTES) {
        c->sections[i] = (pm_section){pm_load32(p), pm_load32(p + 4), pm_load64(p + 8),
                                      pm_load64(p + 16), pm_load64(p + 24)};
        PM_TRY(check_section(c, i, table, err));
    }
    c->n_sections = n;
    return PM_OK;
}

static pm_status check_known(const pm_container *c, const uint32_t *known,
                             size_t n_known, pm_error *err) {
    for (uint32_t i = 0; i < c->n_sections; i++) {
        const pm_section *s = &c->sections[i];
        bool found = (s->flags & PM_SECTION_REQUIRED) == 0;
        for (size_t k = 0; k < n_known && !found; k++) {
            found = known[k] == s->id;
        }
        if (!found) {
            char name[PM_SECTION_NAME];
            pm_fail_corrupt(err, c->blob.name, (int64_t)s->offset,
                            "%s (format version %" PRIu32
                            ") needs section %s, which this pressmark (format version "
                            "%d) does not know",
                            c->blob.name, c->version, pm_section_name(s->id, name),
                            PM_FORMAT_VERSION);
            return recode(err, PM_TOO_NEW);
        }
    }
    return PM_OK;
}

static pm_status check_container(pm_container *c, uint32_t kind, const uint32_t *known,
                                 size_t n_known, pm_error *err) {
    pm_bytes b = {c->blob.bytes, c->blob.n};
    PM_TRY(check_magic(c, b, err));
    const uint8_t *footer = b.p + (b.n - PM_FOOTER_BYTES);
    PM_TRY(check_version(c, b.p, footer, err));
    PM_TRY(check_footer(c, kind, b.p, footer, err));
    PM_TRY(read_table(c, footer, err));
    c->kind = kind;
    return check_known(c, known, n_known, err);
}

pm_status pm_container_open(pm_container *c, const char *path, uint32_t kind,
                            pm_map_mode mode, const uint32_t *known, size_t n_known,
                            pm_error *err) {
    memset(c, 0, sizeof *c);
    PM_TRY(pm_blob_open(path, mode, &c->blob, err));
    pm_status status = check_container(c, kind, known, n_known, err);
    if (status != PM_OK) {
        pm_container_close(c);
    }
    return status;
}

void pm_container_close(pm_container *c) {
    pm_blob_close(&c->blob);
    c->n_sections = 0;
}

/* ---- sections ---- */

bool pm_container_find(const pm_container *c, uint32_t id, pm_bytes *out) {
    for (uint32_t i = 0; i < c->n_sections; i++) {
        const pm_section *s = &c->sections[i];
        if (s->id == id) {
            *out = (pm_bytes){c->blob.bytes + s->offset, (size_t)s->size};
            return true;
        }
    }
    *out = (pm_bytes){NULL, 0};
    return false;
}

pm_status pm_container_need(const pm_container *c, uint32_t id, pm_bytes *out,
                            pm_error *err) {
    if (pm_container_find(c, id, out)) {
        return PM_OK;
    }
    char name[PM_SECTION_NAME];
    return pm_fail_corrupt(err, c->blob.name, PM_NO_OFFSET, "section %s is missing",
                           pm_section_name(id, name));
}

static pm_status check_zeros(const pm_container *c, uint64_t lo, uint64_t hi,
                             pm_cancel *cancel, pm_error *err) {
    for (uint64_t i = lo; i < hi; i++) {
        PM_TRY(pm_cancel_check(cancel, 1, err)); /* mostly there are few */
        if (c->blob.bytes[i] != 0) {
            return pm_fail_corrupt(err, c->blob.name, (int64_t)i,
                                   "byte %#x between sections, expected 0",
                                   c->blob.bytes[i]);
        }
    }
    return PM_OK;
}

static pm_status check_hash(const pm_container *c, const pm_section *s,
                            pm_cancel *cancel, pm_error *err) {
    uint64_t found;
    if (!pm_hash64_long(c->blob.bytes + s->offset, (size_t)s->size, cancel, &found)) {
        return pm_cancel_check(cancel, 0, err);
    }
    return found == s->hash ? PM_OK
                            : pm_section_corrupt(c, s->id, 0, err,
                                                 "the section's %" PRIu64
                                                 " bytes have the checksum %016" PRIx64
                                                 ", expected %016" PRIx64,
                                                 s->size, found, s->hash);
}

pm_status pm_container_verify(const pm_container *c, pm_cancel *cancel, pm_error *err) {
    uint64_t at = PM_HEADER_BYTES;
    for (uint32_t i = 0; i < c->n_sections; i++) {
        const pm_section *s = &c->sections[i];
        PM_TRY(check_zeros(c, at, s->offset, cancel, err));
        PM_TRY(check_hash(c, s, cancel, err));
        at = s->offset + s->size;
    }
    uint64_t table =
        c->blob.n - PM_FOOTER_BYTES - (uint64_t)c->n_sections * PM_ENTRY_BYTES;
    return check_zeros(c, at, table, cancel, err);
}

/* Opens the sections of a segment file together, each told the counts of INFO and
 * refusing to differ from them. */
#include "format/segment.h"

#include "base/buffer.h"
#include "base/cursor.h"

enum { INFO = PM_FOURCC('I', 'N', 'F', 'O') };

/* Every section that a segment of this version may have. */
static const uint32_t known_sections[] = {
    INFO,
    PM_FOURCC('L', 'E', 'X', 'I'),
    PM_FOURCC('S', 'T', 'E', 'M'),
    PM_FOURCC('F', 'O', 'R', 'M'),
    PM_FOURCC('S', 'U', 'R', 'F'),
    PM_FOURCC('U', 'N', 'A', 'C'),
    PM_FOURCC('S', 'T', 'R', 'M'),
    PM_FOURCC('P', 'O', 'S', 'I'),
    PM_FOURCC('D', 'O', 'C', 'S'),
    PM_FOURCC('U', 'N', 'I', 'T'),
    PM_FOURCC('S', 'E', 'N', 'T'),
    PM_FOURCC('P', 'A', 'R', 'A'),
    PM_FOURCC('Q', 'U', 'O', 'T'),
    PM_FOURCC('T', 'O', 'F', 'F'),
    PM_FOURCC('T', 'B', 'L', 'K'),
    PM_FOURCC('T', 'E', 'X', 'T'),
    PM_FOURCC('C', 'H', 'K', 'P'),
    PM_FOURCC('K', 'E', 'Y', 'S'),
    PM_FOURCC('C', 'O', 'L', 'S'),
};

/* ---- INFO ---- */

static void put_string(pm_buf *out, pm_bytes s) {
    pm_buf_put_varint(out, s.n);
    pm_buf_put(out, s.p, s.n);
}

pm_status pm_segment_info_write(pm_container_writer *w, const pm_segment_info *info,
                                pm_error *err) {
    const uint32_t counts[] = {info->n_docs,   info->n_fields, info->n_positions,
                               info->n_tokens, info->n_groups, info->n_forms,
                               info->n_ids};
    pm_buf out;
    pm_buf_init(&out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        pm_buf_put_varint(&out, counts[i]);
    }
    put_string(&out, info->lang);
    for (uint32_t i = 0; i < info->n_fields; i++) {
        put_string(&out, info->fields[i]);
    }
    pm_buf_put_u64(&out, info->fingerprint);
    pm_status status = pm_buf_status(&out, err);
    if (status == PM_OK) {
        pm_container_section(w, INFO, PM_SECTION_REQUIRED, pm_buf_bytes(&out));
    }
    pm_buf_release(&out);
    return status;
}

static uint32_t read_count(pm_cursor *c, uint32_t most) {
    uint64_t n = pm_cursor_varint(c);
    c->bad = c->bad || n > most;
    return c->bad ? 0 : (uint32_t)n;
}

/* Reads INFO as far as it makes sense by itself; false where it does not. */
static bool parse_info(pm_cursor *c, pm_segment_info *info) {
    uint32_t most = PM_MAX_POSITIONS;
    *info = (pm_segment_info){.n_docs = read_count(c, most)};
    info->n_fields = read_count(c, PM_MAX_FIELDS);
    info->n_positions = read_count(c, most);
    info->n_tokens = read_count(c, most);
    info->n_groups = read_count(c, most);
    info->n_forms = read_count(c, most);
    info->n_ids = read_count(c, most);
    info->lang = pm_cursor_string(c);
    for (uint32_t i = 0; i < info->n_fields; i++) {
        info->fields[i] = pm_cursor_string(c);
    }
    info->fingerprint = pm_cursor_u64(c);
    return !c->bad && pm_cursor_left(c) == 0 && info->n_fields > 0;
}

static pm_status open_info(pm_segment *s, pm_error *err) {
    pm_bytes bytes;
    pm_segment_info *info = &s->info;
    PM_TRY(pm_container_need(&s->file, INFO, &bytes, err));
    pm_cursor c = pm_cursor_of(bytes);
    if (!parse_info(&c, info)) {
        return pm_section_corrupt(
            &s->file, INFO, (uint64_t)(c.p - bytes.p), err,
            "expected 7 counts, the language, %u fields and a fingerprint in "
            "%zu bytes",
            info->n_fields, bytes.n);
    }
    uint64_t n_units = (uint64_t)info->n_docs * info->n_fields;
    if (n_units + info->n_tokens != info->n_positions) {
        return pm_section_corrupt(
            &s->file, INFO, 0, err,
            "expected one position for each of %u tokens and %llu units, "
            "found %u",
            info->n_tokens, (unsigned long long)n_units, info->n_positions);
    }
    if (info->n_groups > info->n_forms || info->n_forms > info->n_ids ||
        info->n_ids > info->n_tokens) {
        return pm_section_corrupt(
            &s->file, INFO, 0, err,
            "expected groups <= forms <= ids <= tokens, found %u, %u, %u, %u",
            info->n_groups, info->n_forms, info->n_ids, info->n_tokens);
    }
    return PM_OK;
}

/* ---- the whole ---- */

static pm_status open_lexicon(pm_segment *s, pm_error *err) {
    const pm_segment_info *info = &s->info;
    const pm_lexicon *lex = &s->lexicon;
    PM_TRY(pm_lexicon_open(&s->lexicon, &s->file, err));
    if (lex->n_groups != info->n_groups || lex->n_forms != info->n_forms ||
        lex->n_ids != info->n_ids) {
        return pm_section_corrupt(
            &s->file, known_sections[1], 0, err,
            "expected %u groups, %u forms, %u ids as INFO says, found %u, %u, %u",
            info->n_groups, info->n_forms, info->n_ids, lex->n_groups, lex->n_forms,
            lex->n_ids);
    }
    return PM_OK;
}

static pm_status open_sections(pm_segment *s, pm_error *err) {
    const pm_container *file = &s->file;
    const pm_segment_info *info = &s->info;
    PM_TRY(open_info(s, err));
    PM_TRY(open_lexicon(s, err));
    PM_TRY(pm_stream_open(&s->stream, file, info->n_positions, err));
    PM_TRY(pm_postings_open(&s->postings, file, info->n_groups, err));
    PM_TRY(pm_bounds_open(&s->bounds, file, info->n_docs, info->n_fields,
                          info->n_positions, err));
    PM_TRY(pm_zones_open(&s->zones, file, info->n_positions, err));
    PM_TRY(pm_store_open(&s->store, file, info->n_docs * info->n_fields,
                         info->n_positions, err));
    PM_TRY(pm_keys_open(&s->keys, file, info->n_docs, err));
    return pm_columns_open(&s->columns, file, info->n_docs, err);
}

pm_status pm_segment_open(pm_segment *s, const char *path, pm_map_mode mode,
                          pm_error *err) {
    size_t n_known = sizeof known_sections / sizeof *known_sections;
    PM_TRY(pm_container_open(&s->file, path, PM_FILE_SEGMENT, mode, known_sections,
                             n_known, err));
    pm_status status = open_sections(s, err);
    if (status != PM_OK) { /* columns, the only section that owns memory, opens last */
        pm_container_close(&s->file);
    }
    return status;
}

void pm_segment_close(pm_segment *s) {
    pm_columns_close(&s->columns);
    pm_container_close(&s->file);
}

/* Walks forward token by token and goes by a checkpoint where that is shorter. What the
 * stored text says is never believed: where it does not hold the token, the answer is
 * PM_CORRUPT. Code points are counted on from the place counted last. */
#include "query/locate.h"

#include "text/utf8.h"

void pm_locator_init(pm_locator *l, const pm_snapshot *snapshot) {
    *l = (pm_locator){.snapshot = snapshot};
    pm_buf_init(&l->text);
}

void pm_locator_release(pm_locator *l) {
    pm_text_reader_free(l->reader);
    pm_buf_release(&l->text);
    *l = (pm_locator){0};
}

static pm_status use_part(pm_locator *l, const pm_part *part, pm_error *err) {
    if (l->part == part) {
        return PM_OK;
    }
    pm_text_reader_free(l->reader);
    l->reader = NULL;
    l->part = NULL;
    if (part->segment.store.present) {
        PM_TRY(pm_text_reader_new(&part->segment.store, &l->reader, err));
    }
    l->part = part;
    l->unit = PM_END;
    return PM_OK;
}

pm_status pm_locator_text(pm_locator *l, const pm_part *part, pm_unit unit,
                          pm_error *err) {
    PM_TRY(use_part(l, part, err));
    if (unit >= part->segment.bounds.n_units) {
        return pm_fail_corrupt(err, part->segment.file.blob.name, PM_NO_OFFSET,
                               "a token that lies in no field");
    }
    if (l->unit == unit) {
        return PM_OK;
    }
    l->unit = PM_END;
    pm_buf_clear(&l->text);
    if (l->reader != NULL) {
        PM_TRY(pm_text_read(l->reader, unit, 0, UINT64_MAX, &l->text, err));
        if (!pm_utf8_valid(pm_buf_bytes(&l->text))) {
            return pm_fail_corrupt(err, part->segment.file.blob.name, PM_NO_OFFSET,
                                   "the stored text of field %u is not UTF-8", unit);
        }
    }
    l->unit = unit;
    l->unit_start = pm_bounds_start(&part->segment.bounds, unit);
    l->has_token = false;
    l->counted_bytes = 0;
    l->counted_points = 0;
    return PM_OK;
}

static pm_status disagree(const pm_locator *l, pm_error *err) {
    return pm_fail_corrupt(err, l->part->segment.file.blob.name, PM_NO_OFFSET,
                           "the stored text of field %u does not hold the tokens that "
                           "the index has for it",
                           l->unit);
}

/* Goes back, or far ahead, by the checkpoint before pos. */
static pm_status jump(pm_locator *l, pm_pos pos, size_t *byte, pm_pos *at,
                      pm_error *err) {
    uint32_t start_byte, points;
    pm_store_checkpoint(&l->part->segment.store, l->unit_start, pos, at, &start_byte,
                        &points);
    if (start_byte > l->text.n ||
        (start_byte < l->text.n && (l->text.p[start_byte] & 0xc0) == 0x80)) {
        return disagree(l, err);
    }
    *byte = start_byte;
    l->counted_bytes = start_byte;
    l->counted_points = points;
    return PM_OK;
}

/* Makes l->token the token at pos. */
static pm_status find_token(pm_locator *l, pm_pos pos, pm_error *err) {
    size_t byte = l->token.end;
    pm_pos at = l->pos + 1;
    if (l->has_token && l->pos == pos) {
        return PM_OK;
    }
    if (!l->has_token || pos < l->pos || pos - l->pos > PM_CHECKPOINT) {
        PM_TRY(jump(l, pos, &byte, &at, err));
    }
    l->has_token = false;
    if (at > pos) {
        return disagree(l, err);
    }
    for (; at <= pos; at++) {
        if (!pm_token_next(l->snapshot->analyzer, l->text.p, l->text.n, &byte,
                           &l->token)) {
            return disagree(l, err);
        }
    }
    l->pos = pos;
    l->has_token = true;
    return PM_OK;
}

/* Code points before a byte, counted from where the last count ended, either way: hits
 * that overlap go back a little again and again. */
static int64_t points_before(pm_locator *l, size_t byte) {
    if (byte < l->counted_bytes) {
        l->counted_points -=
            (int64_t)pm_utf8_count(l->text.p + byte, l->counted_bytes - byte);
    } else {
        l->counted_points += (int64_t)pm_utf8_count(l->text.p + l->counted_bytes,
                                                    byte - l->counted_bytes);
    }
    l->counted_bytes = byte;
    return l->counted_points;
}

pm_status pm_locate(pm_locator *l, const pm_part *part, pm_unit unit, pm_pos lo,
                    pm_pos hi, pm_place *out, pm_error *err) {
    PM_TRY(pm_locator_text(l, part, unit, err));
    if (l->reader == NULL) {
        *out = (pm_place){.start = lo - l->unit_start, .end = hi - l->unit_start};
        return PM_OK;
    }
    PM_TRY(find_token(l, lo, err));
    out->start_byte = l->token.start;
    out->start = points_before(l, l->token.start);
    PM_TRY(find_token(l, hi - 1, err));
    out->end_byte = l->token.end;
    out->end = points_before(l, l->token.end);
    return PM_OK;
}

/* Both sides are cut out of the unit's whole text, walking away from the hit; a run of
 * white space counts as one character, however long it is. */
#include "analysis/context.h"

#include <string.h>

#include "text/utf8.h"

static bool is_space(uint32_t cp) {
    return cp <= 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* Appends text with every run of white space as one space. */
static void put_smooth(pm_buf *out, const uint8_t *text, size_t from, size_t to) {
    bool spaced = false;
    for (size_t at = from; at < to;) {
        unsigned len;
        bool space = is_space(pm_utf8_decode(text, at, &len));
        if (!space) {
            pm_buf_put(out, text + at, len);
        } else if (!spaced) {
            pm_buf_put_u8(out, ' ');
        }
        spaced = space;
        at += len;
    }
}

/* First byte of the last `width` shown characters of text[from, to). */
static size_t back(const uint8_t *text, size_t from, size_t to, size_t width) {
    bool spaced = false;
    size_t at = to;
    while (at > from) {
        size_t before = pm_utf8_before(text, at);
        unsigned len;
        bool space = is_space(pm_utf8_decode(text, before, &len));
        if (!(space && spaced)) {
            if (width == 0) {
                break;
            }
            width--;
        }
        spaced = space;
        at = before;
    }
    return at;
}

static size_t forward(const uint8_t *text, size_t from, size_t to, size_t width) {
    bool spaced = false;
    size_t at = from;
    while (at < to) {
        unsigned len;
        bool space = is_space(pm_utf8_decode(text, at, &len));
        if (!(space && spaced)) {
            if (width == 0) {
                break;
            }
            width--;
        }
        spaced = space;
        at += len;
    }
    return at;
}

/* The punctuation that belongs to the last word of a sentence: up to the next white
 * space. */
static size_t to_space(const uint8_t *text, size_t at, size_t n) {
    while (at < n) {
        unsigned len;
        if (is_space(pm_utf8_decode(text, at, &len))) {
            break;
        }
        at += len;
    }
    return at;
}

typedef struct frame { /* tokens that may be shown */
    pm_pos lo, hi;
} frame;

/* The field, narrowed to the hit's sentence or paragraph and to so many words. */
static frame frame_of(const pm_hits *h, size_t i, const pm_part *part, pm_unit unit,
                      const pm_kwic_options *o) {
    const pm_segment *seg = &part->segment;
    frame f = {pm_bounds_start(&seg->bounds, unit), pm_bounds_end(&seg->bounds, unit)};
    pm_pos lo, hi, last = h->hi[i] - 1;
    pm_zone zone = o->scope == PM_SCOPE_SENTENCE ? PM_ZONE_SENTENCE : PM_ZONE_PARAGRAPH;
    if (o->scope != PM_SCOPE_FIELD &&
        pm_zone_at(&seg->zones, zone, h->lo[i], NULL, &lo, &hi)) {
        f.lo = lo > f.lo ? lo : f.lo;
        if (pm_zone_at(&seg->zones, zone, last, NULL, &lo, &hi)) {
            f.hi = hi < f.hi ? hi : f.hi;
        }
    }
    f.lo = f.lo < h->lo[i] ? f.lo : h->lo[i]; /* whatever the file says */
    f.hi = f.hi > h->hi[i] ? f.hi : h->hi[i];
    if (o->unit == PM_KWIC_WORDS) {
        f.lo = h->lo[i] - f.lo > o->width ? h->lo[i] - (pm_pos)o->width : f.lo;
        f.hi = f.hi - h->hi[i] > o->width ? h->hi[i] + (pm_pos)o->width : f.hi;
    }
    return f;
}

/* Without stored text: the surfaces of tokens [lo, hi), with spaces. */
static void put_surfaces(const pm_segment *seg, pm_pos lo, pm_pos hi, pm_buf *scratch,
                         pm_buf *out) {
    for (pm_pos p = lo; p < hi; p++) {
        if (pm_lexicon_surface(&seg->lexicon, pm_stream_at(&seg->stream, p), scratch)) {
            if (p > lo) {
                pm_buf_put_u8(out, ' ');
            }
            pm_buf_put(out, scratch->p, scratch->n);
        }
    }
}

static pm_status cut_surfaces(const pm_hits *h, size_t i, const pm_segment *seg,
                              frame f, const pm_kwic_options *o, pm_buf *left,
                              pm_buf *hit, pm_buf *right, pm_error *err) {
    pm_buf scratch, side;
    pm_buf_init(&scratch);
    pm_buf_init(&side);
    size_t width = o->unit == PM_KWIC_WORDS ? SIZE_MAX : o->width;
    pm_pos reach = o->unit == PM_KWIC_WORDS || o->width > UINT32_MAX / 2
                       ? UINT32_MAX / 2
                       : (pm_pos)o->width;
    pm_pos from = h->lo[i] - f.lo > reach ? h->lo[i] - reach : f.lo,
           to = f.hi - h->hi[i] > reach ? h->hi[i] + reach : f.hi;
    put_surfaces(seg, from, h->lo[i], &scratch, &side);
    size_t start = side.n == 0 ? 0 : back(side.p, 0, side.n, width);
    pm_buf_put(left, side.p + start, side.n - start);
    put_surfaces(seg, h->lo[i], h->hi[i], &scratch, hit);
    pm_buf_clear(&side);
    put_surfaces(seg, h->hi[i], to, &scratch, &side);
    pm_buf_put(right, side.p, side.n == 0 ? 0 : forward(side.p, 0, side.n, width));
    pm_status status = pm_buf_status(&side, err);
    if (status == PM_OK) {
        status = pm_buf_status(&scratch, err);
    }
    pm_buf_release(&side);
    pm_buf_release(&scratch);
    return status;
}

pm_status pm_context_cut(const pm_hits *h, size_t i, const pm_kwic_options *o,
                         pm_locator *l, pm_buf *left, pm_buf *hit, pm_buf *right,
                         pm_error *err) {
    pm_unit unit;
    pm_place place, edge;
    const pm_part *part = pm_hits_place(h, i, &unit);
    frame f = frame_of(h, i, part, unit, o);
    if (!part->segment.store.present) {
        return cut_surfaces(h, i, &part->segment, f, o, left, hit, right, err);
    }
    bool whole = o->scope == PM_SCOPE_FIELD && o->unit == PM_KWIC_CHARS;
    PM_TRY(pm_locator_text(l, part, unit, err));
    size_t from = 0, to = l->text.n;
    if (!whole) {
        PM_TRY(pm_locate(l, part, unit, f.lo, f.hi, &edge, err));
        from = edge.start_byte;
        to = o->scope == PM_SCOPE_FIELD ? edge.end_byte
                                        : to_space(l->text.p, edge.end_byte, l->text.n);
    }
    PM_TRY(pm_locate(l, part, unit, h->lo[i], h->hi[i], &place, err));
    if (o->unit == PM_KWIC_CHARS) {
        from = back(l->text.p, from, place.start_byte, o->width);
        to = forward(l->text.p, place.end_byte, to, o->width);
    }
    put_smooth(left, l->text.p, from, place.start_byte);
    put_smooth(hit, l->text.p, place.start_byte, place.end_byte);
    put_smooth(right, l->text.p, place.end_byte, to);
    return PM_OK;
}

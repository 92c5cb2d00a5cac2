/* Reads the lexicon in place. Nested ranges by select in bit maps, the way back by
 * rank; texts by front-coded blocks. */
#include "format/lexicon.h"

#include <limits.h>

#include "format/lexicon_layout.h"
#include "format/recipe.h"

/* ---- opening ---- */

typedef struct parser { /* of one section */
    const pm_container *file;
    uint32_t id;
    const uint8_t *start;
    pm_cursor at;
    pm_error *err;
} parser;

static pm_status begin(parser *p, const pm_container *file, uint32_t id,
                       pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, id, &bytes, err));
    *p = (parser){file, id, bytes.p, pm_cursor_of(bytes), err};
    return PM_OK;
}

/* PM_CORRUPT unless the part that began at `from` could be taken. */
static pm_status took(const parser *p, const uint8_t *from, bool good,
                      const char *part) {
    if (good && !p->at.bad) {
        return PM_OK;
    }
    return pm_section_corrupt(
        p->file, p->id, (uint64_t)(from - p->start), p->err,
        "expected %s, which does not fit into the %zu bytes that are left", part,
        (size_t)(p->at.end - from));
}

static pm_status take_bits(parser *p, uint32_t n, pm_bitmap *out, const char *part) {
    const uint8_t *from = p->at.p;
    return took(p, from, pm_bits_open(&p->at, n, out), part);
}

static pm_status take_packed(parser *p, uint32_t n, pm_packed *out, const char *part) {
    const uint8_t *from = p->at.p;
    return took(p, from, pm_packed_open(&p->at, n, out), part);
}

static pm_status take_starts(parser *p, uint32_t n, uint32_t n_total, pm_starts *out,
                             const char *part) {
    const uint8_t *from = p->at.p;
    return took(p, from, pm_starts_open(&p->at, n, n_total, out), part);
}

/* The strings that fill the next n_bytes, SIZE_MAX: the rest. */
static pm_status take_strings(parser *p, uint32_t n, size_t n_bytes, pm_strings *out,
                              const char *part) {
    const uint8_t *from = p->at.p;
    size_t size = n_bytes == SIZE_MAX ? pm_cursor_left(&p->at) : n_bytes;
    const uint8_t *bytes = pm_cursor_take(&p->at, size);
    return took(p, from,
                bytes != NULL && pm_strings_open((pm_bytes){bytes, size}, n, out),
                part);
}

static pm_status at_end(const parser *p) {
    if (p->at.p == p->at.end) {
        return PM_OK;
    }
    return pm_section_corrupt(p->file, p->id, (uint64_t)(p->at.p - p->start), p->err,
                              "%zu bytes more than expected", pm_cursor_left(&p->at));
}

static pm_status open_tables(pm_lexicon *lex, pm_error *err) {
    parser p;
    PM_TRY(begin(&p, lex->file, PM_SECTION_LEXI, err));
    lex->n_groups = pm_cursor_u32(&p.at);
    lex->n_forms = pm_cursor_u32(&p.at);
    lex->n_ids = pm_cursor_u32(&p.at);
    PM_TRY(took(&p, p.start, true, "three counts"));
    PM_TRY(take_starts(&p, lex->n_groups, lex->n_forms, &lex->group_forms,
                       "starts of the groups among the forms"));
    PM_TRY(take_starts(&p, lex->n_forms, lex->n_ids, &lex->form_ids,
                       "starts of the forms among the ids"));
    PM_TRY(take_bits(&p, lex->n_groups, &lex->has_stem,
                     "bits of the groups whose stem is stored"));
    PM_TRY(
        take_bits(&p, lex->n_forms, &lex->is_stem, "bits of the forms that are stems"));
    PM_TRY(take_packed(&p, lex->n_ids, &lex->cases, "case classes"));
    const uint8_t *from = p.at.p;
    PM_TRY(took(&p, from, pm_frames_open(&p.at, lex->n_ids, &lex->counts), "counts"));
    return at_end(&p);
}

static pm_status open_dict(const pm_container *file, uint32_t id, uint32_t n,
                           pm_dict *out, pm_error *err) {
    parser p;
    PM_TRY(begin(&p, file, id, err));
    return took(&p, p.start,
                pm_dict_open((pm_bytes){p.start, pm_cursor_left(&p.at)}, n, out),
                "a dictionary of as many strings as the tables tell");
}

static pm_status open_surfaces(pm_lexicon *lex, pm_error *err) {
    parser p;
    PM_TRY(begin(&p, lex->file, PM_SECTION_SURF, err));
    PM_TRY(take_bits(&p, lex->n_ids, &lex->spelled,
                     "bits of the ids that are spelled out"));
    PM_TRY(take_packed(&p, lex->n_ids, &lex->recipes, "recipes"));
    return take_strings(&p, (uint32_t)lex->spelled.n_ones, SIZE_MAX,
                        &lex->spelled_surfaces, "surfaces that are spelled out");
}

static pm_status take_bare(parser *p, pm_starts *keys, pm_packed *refs,
                           uint32_t *n_refs, pm_strings *strings) {
    const uint8_t *from = p->at.p;
    uint32_t n = pm_cursor_u32(&p->at), n_bytes;
    *n_refs = pm_cursor_u32(&p->at);
    n_bytes = pm_cursor_u32(&p->at);
    PM_TRY(took(p, from, true, "three counts"));
    PM_TRY(take_starts(p, n, *n_refs, keys, "starts of the accentless keys"));
    PM_TRY(take_packed(p, *n_refs, refs, "what accentless keys refer to"));
    return take_strings(p, n, n_bytes, strings, "accentless keys");
}

static pm_status open_bare(pm_lexicon *lex, pm_error *err) {
    parser p;
    PM_TRY(begin(&p, lex->file, PM_SECTION_UNAC, err));
    PM_TRY(take_bare(&p, &lex->bare_form_keys, &lex->bare_form_refs,
                     &lex->n_bare_form_refs, &lex->bare_forms));
    PM_TRY(take_bare(&p, &lex->bare_stem_keys, &lex->bare_stem_refs,
                     &lex->n_bare_stem_refs, &lex->bare_stems));
    return at_end(&p);
}

pm_status pm_lexicon_open(pm_lexicon *lex, const pm_container *file, pm_error *err) {
    memset(lex, 0, sizeof *lex);
    lex->file = file;
    PM_TRY(open_tables(lex, err));
    PM_TRY(open_dict(file, PM_SECTION_FORM, lex->n_forms, &lex->folded, err));
    lex->forms = lex->folded.sorted;
    PM_TRY(open_dict(file, PM_SECTION_STEM, (uint32_t)lex->has_stem.n_ones, &lex->stems,
                     err));
    PM_TRY(open_surfaces(lex, err));
    return open_bare(lex, err);
}

/* ---- ranges ---- */

pm_range pm_lexicon_group_forms(const pm_lexicon *lex, pm_group g) {
    return pm_starts_get(&lex->group_forms, g);
}

pm_range pm_lexicon_form_ids(const pm_lexicon *lex, pm_form f) {
    return pm_starts_get(&lex->form_ids, f);
}

pm_range pm_lexicon_group_ids(const pm_lexicon *lex, pm_group g) {
    pm_range forms = pm_lexicon_group_forms(lex, g);
    if (forms.lo == forms.hi) {
        return (pm_range){0, 0};
    }
    pm_range first = pm_lexicon_form_ids(lex, forms.lo);
    pm_range last =
        forms.hi - forms.lo == 1 ? first : pm_lexicon_form_ids(lex, forms.hi - 1);
    return first.lo <= last.hi ? (pm_range){first.lo, last.hi} : (pm_range){0, 0};
}

pm_form pm_lexicon_id_form(const pm_lexicon *lex, pm_id id) {
    return pm_starts_item(&lex->form_ids, id);
}

pm_group pm_lexicon_form_group(const pm_lexicon *lex, pm_form f) {
    return pm_starts_item(&lex->group_forms, f);
}

uint32_t pm_lexicon_id_count(const pm_lexicon *lex, pm_id id) {
    return id < lex->n_ids ? (uint32_t)pm_frames_get(&lex->counts, id) + 1 : 0;
}

uint64_t pm_lexicon_ids_count(const pm_lexicon *lex, pm_range ids) {
    uint64_t sum = 0;
    uint32_t end = ids.hi < lex->n_ids ? ids.hi : lex->n_ids;
    for (uint32_t id = ids.lo; id < end; id++) {
        sum += pm_lexicon_id_count(lex, id);
    }
    return sum;
}

unsigned pm_lexicon_id_case(const pm_lexicon *lex, pm_id id) {
    return (unsigned)pm_packed_get(&lex->cases, id);
}

/* First id of the range whose case class is at least `least`. */
static uint32_t first_case(const pm_lexicon *lex, pm_range ids, unsigned least) {
    while (ids.lo < ids.hi) {
        uint32_t mid = ids.lo + (ids.hi - ids.lo) / 2;
        if (pm_lexicon_id_case(lex, mid) < least) {
            ids.lo = mid + 1;
        } else {
            ids.hi = mid;
        }
    }
    return ids.lo;
}

pm_range pm_lexicon_case_ids(const pm_lexicon *lex, pm_form f, unsigned lo,
                             unsigned hi) {
    pm_range ids = pm_lexicon_form_ids(lex, f);
    if (lo > hi) {
        return (pm_range){ids.lo, ids.lo};
    }
    uint32_t from = first_case(lex, ids, lo);
    uint32_t to =
        hi == UINT_MAX ? ids.hi : first_case(lex, (pm_range){from, ids.hi}, hi + 1);
    return (pm_range){from, to};
}

/* ---- lookups ---- */

bool pm_lexicon_find_form(const pm_lexicon *lex, pm_bytes folded, pm_buf *scratch,
                          pm_form *out) {
    return pm_dict_find(&lex->folded, folded, scratch, out);
}

/* The stored stems are few, and the stems of most words in a text are among them. */
bool pm_lexicon_find_group(const pm_lexicon *lex, pm_bytes stem, pm_buf *scratch,
                           pm_group *out) {
    uint32_t item;
    if (pm_dict_find(&lex->stems, stem, scratch, &item)) {
        uint64_t group = pm_bits_select(&lex->has_stem, item);
        *out = (pm_group)group;
        return group < lex->n_groups;
    }
    if (!pm_dict_find(&lex->folded, stem, scratch, &item) ||
        !pm_bitmap_get(&lex->is_stem, item)) {
        return false;
    }
    *out = pm_lexicon_form_group(lex, item);
    return *out != PM_END;
}

static pm_range find_bare(const pm_strings *keys, const pm_starts *starts, pm_bytes key,
                          pm_buf *scratch) {
    uint32_t rank;
    bool equal;
    if (!pm_strings_find(keys, key, scratch, &rank, &equal) || !equal) {
        return (pm_range){0, 0};
    }
    return pm_starts_get(starts, rank);
}

pm_range pm_lexicon_find_bare_form(const pm_lexicon *lex, pm_bytes key,
                                   pm_buf *scratch) {
    return find_bare(&lex->bare_forms, &lex->bare_form_keys, key, scratch);
}

pm_range pm_lexicon_find_bare_stem(const pm_lexicon *lex, pm_bytes key,
                                   pm_buf *scratch) {
    return find_bare(&lex->bare_stems, &lex->bare_stem_keys, key, scratch);
}

static uint32_t bare_ref(const pm_packed *refs, uint32_t i, uint32_t n) {
    uint64_t ref = i < refs->n ? pm_packed_get(refs, i) : PM_END;
    return ref < n ? (uint32_t)ref : PM_END;
}

pm_form pm_lexicon_bare_form_ref(const pm_lexicon *lex, uint32_t i) {
    return bare_ref(&lex->bare_form_refs, i, lex->n_forms);
}

pm_group pm_lexicon_bare_stem_ref(const pm_lexicon *lex, uint32_t i) {
    return bare_ref(&lex->bare_stem_refs, i, lex->n_groups);
}

pm_range pm_lexicon_bare_form_refs(const pm_lexicon *lex, uint32_t key) {
    return pm_starts_get(&lex->bare_form_keys, key);
}

pm_range pm_lexicon_bare_stem_refs(const pm_lexicon *lex, uint32_t key) {
    return pm_starts_get(&lex->bare_stem_keys, key);
}

pm_range pm_lexicon_prefix(const pm_lexicon *lex, pm_bytes prefix, pm_buf *scratch) {
    return pm_dict_prefix(&lex->folded, prefix, scratch);
}

pm_form pm_lexicon_ranked_form(const pm_lexicon *lex, uint32_t rank) {
    return pm_dict_item(&lex->folded, rank);
}

uint32_t pm_lexicon_form_rank(const pm_lexicon *lex, pm_form f) {
    return pm_dict_rank(&lex->folded, f);
}

/* ---- texts ---- */

bool pm_lexicon_form_text(const pm_lexicon *lex, pm_form f, pm_buf *out) {
    return pm_dict_get(&lex->folded, f, out);
}

bool pm_lexicon_group_stem(const pm_lexicon *lex, pm_group g, pm_buf *out) {
    if (pm_bitmap_get(&lex->has_stem, g)) {
        return pm_dict_get(&lex->stems, (uint32_t)pm_bitmap_rank(&lex->has_stem, g),
                           out);
    }
    pm_range forms = pm_lexicon_group_forms(lex, g);
    uint64_t f = pm_bitmap_after(&lex->is_stem, forms.lo);
    pm_buf_clear(out);
    return f < forms.hi && pm_lexicon_form_text(lex, (pm_form)f, out);
}

static bool spelled_surface(const pm_lexicon *lex, pm_id id, pm_buf *out) {
    return pm_strings_get(&lex->spelled_surfaces,
                          (uint32_t)pm_bitmap_rank(&lex->spelled, id), out);
}

bool pm_lexicon_surface(const pm_lexicon *lex, pm_id id, pm_buf *out) {
    if (pm_bitmap_get(&lex->spelled, id)) {
        return spelled_surface(lex, id, out);
    }
    return pm_lexicon_form_text(lex, pm_lexicon_id_form(lex, id), out) &&
           pm_recipe_apply((unsigned)pm_packed_get(&lex->recipes, id), out);
}

/* ---- walking ---- */

void pm_surface_iter_init(pm_surface_iter *it, const pm_lexicon *lex) {
    it->lex = lex;
    it->id = PM_END; /* one before the first id of a form, modulo 2^32 */
    it->end = 0;
    it->left = lex->n_ids;
    pm_buf_init(&it->text);
    pm_strings_iter_init(&it->forms, &lex->forms, 0);
}

bool pm_surface_iter_next(pm_surface_iter *it) {
    const pm_lexicon *lex = it->lex;
    it->id++;
    while (it->id >= it->end) {
        uint32_t rank = it->forms.i;
        if (it->left == 0 || !pm_strings_iter_next(&it->forms)) {
            it->left = it->id = it->end = 0;
            return false;
        }
        pm_range ids = pm_lexicon_form_ids(lex, pm_lexicon_ranked_form(lex, rank));
        it->id = ids.lo;
        it->end = ids.hi - ids.lo < it->left ? ids.hi : ids.lo + it->left;
    }
    it->left--;
    if (pm_bitmap_get(&lex->spelled, it->id)) {
        return spelled_surface(lex, it->id, &it->text);
    }
    pm_buf_clear(&it->text);
    pm_buf_put(&it->text, it->forms.text.p, it->forms.text.n);
    return pm_recipe_apply((unsigned)pm_packed_get(&lex->recipes, it->id), &it->text);
}

void pm_surface_iter_release(pm_surface_iter *it) {
    pm_strings_iter_release(&it->forms);
    pm_buf_release(&it->text);
}

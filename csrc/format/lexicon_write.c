/* Writes the lexicon's five sections from arrays in id order. What must wait goes to the
 * container writer's scratch. */
#include <string.h>

#include "format/lexicon.h"
#include "format/lexicon_layout.h"
#include "format/recipe.h"
#include "format/strsort.h"

/* Hands a section to the file, if its buffer did not fail, and releases the buffer. */
static pm_status put_section(pm_container_writer *w, uint32_t id, pm_buf *b,
                             pm_error *err) {
    pm_status status = pm_buf_status(b, err);
    if (status == PM_OK) {
        pm_container_section(w, id, PM_SECTION_REQUIRED, pm_buf_bytes(b));
    }
    pm_buf_release(b);
    return status;
}

static bool same(pm_bytes a, pm_bytes b) {
    return pm_bytes_compare(a, b) == 0;
}

/* ---- LEXI and STEM ---- */

/* Which groups' stems must be stored, and which forms are their group's stem. */
static void find_stems(const pm_lexicon_data *d, uint64_t *has_stem,
                       uint64_t *is_stem) {
    for (uint32_t g = 0; g < d->n_groups; g++) {
        uint32_t f = d->group_forms[g], end = d->group_forms[g + 1];
        while (f < end && !same(d->forms[f], d->stems[g])) {
            f++;
        }
        if (f < end) {
            pm_bits_set(is_stem, f);
        } else {
            pm_bits_set(has_stem, g);
        }
    }
}

static void write_cases(pm_container_writer *w, const uint8_t *cases, uint32_t n) {
    unsigned max = 0;
    for (uint32_t i = 0; i < n; i++) {
        max = cases[i] > max ? cases[i] : max;
    }
    pm_packed_writer packed;
    pm_packed_writer_begin(&packed, w, pm_packed_width(max));
    for (uint32_t i = 0; i < n; i++) {
        pm_packed_writer_put(&packed, cases[i]);
    }
    pm_packed_writer_end(&packed);
}

static void write_tables(pm_container_writer *w, const pm_lexicon_data *d,
                         const uint64_t *has_stem, const uint64_t *is_stem) {
    const uint32_t sizes[] = {d->n_groups, d->n_forms, d->n_ids};
    pm_container_begin(w, PM_SECTION_LEXI, PM_SECTION_REQUIRED);
    pm_container_put(w, sizes, sizeof sizes);
    pm_starts_write(w, d->group_forms, d->n_groups);
    pm_starts_write(w, d->form_ids, d->n_forms);
    pm_bits_write(w, has_stem, d->n_groups);
    pm_bits_write(w, is_stem, d->n_forms);
    write_cases(w, d->id_cases, d->n_ids);
    pm_framing counts;
    pm_frames_begin(&counts, w->scratch);
    for (uint32_t i = 0; i < d->n_ids; i++) {
        pm_frames_put(&counts, d->id_counts[i] - UINT32_C(1));
    }
    pm_frames_finish_to(&counts, w);
    pm_container_end(w);
}

static pm_status write_dict(pm_container_writer *w, uint32_t id, const pm_bytes *items,
                            const uint32_t *order, uint32_t n, pm_error *err) {
    pm_status status = pm_dict_write(w, id, items, order, n, err);
    /* A form twice is the builder's fault, not that of a document's key. */
    return status == PM_DUPLICATE
               ? pm_fail(err, PM_INTERNAL, "the lexicon was given a form or stem twice")
               : status;
}

static pm_status write_stems(pm_container_writer *w, const pm_lexicon_data *d,
                             const uint64_t *has_stem, pm_error *err) {
    uint32_t n = 0, at = 0;
    for (uint32_t g = 0; g < d->n_groups; g++) {
        n += pm_bits_get(has_stem, g);
    }
    pm_bytes *stems = pm_alloc_array(n, sizeof *stems);
    if (stems == NULL) {
        return pm_fail_nomem(err, n * sizeof *stems);
    }
    for (uint32_t g = 0; g < d->n_groups; g++) {
        if (pm_bits_get(has_stem, g)) {
            stems[at++] = d->stems[g];
        }
    }
    pm_status status = write_dict(w, PM_SECTION_STEM, stems, NULL, n, err);
    pm_free(stems);
    return status;
}

static pm_status write_tables_and_stems(pm_container_writer *w,
                                        const pm_lexicon_data *d, pm_error *err) {
    size_t groups = pm_bits_words(d->n_groups), forms = pm_bits_words(d->n_forms);
    uint64_t *has_stem = pm_calloc(groups + forms, sizeof *has_stem);
    if (has_stem == NULL) {
        return pm_fail_nomem(err, (groups + forms) * sizeof *has_stem);
    }
    uint64_t *is_stem = has_stem + groups;
    find_stems(d, has_stem, is_stem);
    write_tables(w, d, has_stem, is_stem);
    pm_status status = write_stems(w, d, has_stem, err);
    pm_free(has_stem);
    return status;
}

/* ---- SURF ---- */

/* recipes[n_ids]; bits: the surfaces that no recipe makes. Returns their number. */
static uint32_t find_recipes(const pm_lexicon_data *d, uint8_t *recipes,
                             uint64_t *bits) {
    uint32_t n = 0;
    for (uint32_t f = 0; f < d->n_forms; f++) {
        for (uint32_t i = d->form_ids[f]; i < d->form_ids[f + 1]; i++) {
            recipes[i] = (uint8_t)pm_recipe_find(d->forms[f], d->surfaces[i]);
            if (recipes[i] == 0) {
                pm_bits_set(bits, i);
                n++;
            }
        }
    }
    return n;
}

static void write_recipes(pm_container_writer *w, const uint8_t *recipes, uint32_t n) {
    pm_packed_writer packed;
    pm_packed_writer_begin(&packed, w, pm_packed_width(PM_RECIPES - 1));
    for (uint32_t i = 0; i < n; i++) {
        pm_packed_writer_put(&packed, recipes[i]);
    }
    pm_packed_writer_end(&packed);
}

static pm_status write_spelled(pm_container_writer *w, const pm_lexicon_data *d,
                               const uint64_t *bits, uint32_t n, pm_error *err) {
    uint32_t *spelled = pm_alloc_array(n, sizeof *spelled), at = 0;
    if (spelled == NULL) {
        return pm_fail_nomem(err, n * sizeof *spelled);
    }
    for (uint32_t i = 0; at < n; i++) {
        spelled[at] = i;
        at += pm_bits_get(bits, i);
    }
    pm_strings_write(w, d->surfaces, spelled, n);
    pm_free(spelled);
    return PM_OK;
}

static pm_status write_surfaces(pm_container_writer *w, const pm_lexicon_data *d,
                                pm_error *err) {
    pm_status status = PM_OK;
    uint8_t *recipes = pm_alloc_array(d->n_ids, 1);
    uint64_t *bits = pm_calloc(pm_bits_words(d->n_ids), sizeof *bits);
    if (recipes == NULL || bits == NULL) {
        status = pm_fail_nomem(err, d->n_ids);
        goto out;
    }
    uint32_t n = find_recipes(d, recipes, bits);
    pm_container_begin(w, PM_SECTION_SURF, PM_SECTION_REQUIRED);
    pm_bits_write(w, bits, d->n_ids);
    write_recipes(w, recipes, d->n_ids);
    PM_GO(write_spelled(w, d, bits, n, err));
    pm_container_end(w);
    status = pm_container_status(w, err);
out:
    pm_free(recipes);
    pm_free(bits);
    return status;
}

/* ---- UNAC ---- */

/* keys[0, n) sorted, refs beside them: makes keys different, and starts[...] where each
 * one's refs begin. */
static uint32_t join_equal(pm_bytes *keys, uint32_t *starts, uint32_t n) {
    uint32_t n_keys = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (n_keys == 0 || !same(keys[n_keys - 1], keys[i])) {
            starts[n_keys] = i;
            keys[n_keys++] = keys[i];
        }
    }
    starts[n_keys] = n;
    return n_keys;
}

static void encode_keys(pm_buf *out, const pm_bytes *keys, const uint32_t *starts,
                        uint32_t n_keys, const uint32_t *refs, uint32_t max) {
    pm_buf strings;
    pm_buf_init(&strings);
    pm_strings_encode(&strings, keys, n_keys);
    out->failed |= strings.failed || strings.n > UINT32_MAX;
    pm_buf_put_u32(out, n_keys);
    pm_buf_put_u32(out, starts[n_keys]);
    pm_buf_put_u32(out, (uint32_t)strings.n);
    pm_starts_encode(out, starts, n_keys);
    pm_packed_encode(out, refs, starts[n_keys], max);
    pm_buf_put(out, strings.p, strings.n);
    pm_buf_release(&strings);
}

/* The items that have an accentless key, by key. */
static pm_status encode_bare(pm_buf *out, const pm_bytes *bare, uint32_t n_items,
                             pm_error *err) {
    pm_status status = PM_OK;
    uint32_t n = 0, at = 0;
    for (uint32_t i = 0; i < n_items; i++) {
        n += bare[i].n > 0;
    }
    size_t room = (size_t)n + 1;
    pm_bytes *unsorted = pm_alloc_array(room, 2 * sizeof *unsorted);
    uint32_t *items = pm_alloc_array(room, 4 * sizeof *items);
    if (unsorted == NULL || items == NULL) {
        status = pm_fail_nomem(err, room * 2 * sizeof *unsorted);
        goto out;
    }
    pm_bytes *keys = unsorted + room;
    uint32_t *order = items + room, *refs = order + room, *starts = refs + room;
    for (uint32_t i = 0; i < n_items; i++) {
        if (bare[i].n > 0) {
            items[at] = i;
            unsorted[at++] = bare[i];
        }
    }
    PM_GO(pm_strings_sort(unsorted, n, order, err));
    for (uint32_t r = 0; r < n; r++) {
        keys[r] = unsorted[order[r]];
        refs[r] = items[order[r]];
    }
    uint32_t n_keys = join_equal(keys, starts, n);
    encode_keys(out, keys, starts, n_keys, refs, n_items);
out:
    pm_free(unsorted);
    pm_free(items);
    return status;
}

static pm_status write_bare(pm_container_writer *w, const pm_lexicon_data *d,
                            pm_error *err) {
    pm_buf b;
    pm_buf_init(&b);
    pm_status status = encode_bare(&b, d->bare_forms, d->n_forms, err);
    if (status == PM_OK) {
        status = encode_bare(&b, d->bare_stems, d->n_groups, err);
    }
    if (status != PM_OK) {
        pm_buf_release(&b);
        return status;
    }
    return put_section(w, PM_SECTION_UNAC, &b, err);
}

pm_status pm_lexicon_write(pm_container_writer *w, const pm_lexicon_data *data,
                           pm_error *err) {
    PM_TRY(write_tables_and_stems(w, data, err));
    PM_TRY(write_dict(w, PM_SECTION_FORM, data->forms, data->form_order, data->n_forms,
                      err));
    PM_TRY(write_surfaces(w, data, err));
    return write_bare(w, data, err);
}

/* Decodes the whole lexicon and checks each part against the others: what a search
 * relies on, it may rely on after this. */
#include <inttypes.h>

#include "format/lexicon.h"
#include "format/lexicon_layout.h"
#include "format/recipe.h"

typedef struct checker {
    const pm_lexicon *lex;
    pm_buf a, b; /* scratch */
    pm_cancel *cancel;
    pm_error *err;
} checker;

static pm_status broken(const checker *c, uint32_t section, const char *what,
                        uint32_t i) {
    /* what could not be read was sound, for all we know */
    if (c->a.failed || c->b.failed) {
        return pm_fail_nomem(c->err, 0);
    }
    PM_TRY(pm_cancel_check(c->cancel, 0, c->err)); /* so it was, if it was stopped */
    return pm_section_corrupt(c->lex->file, section, 0, c->err, "%s (item %" PRIu32 ")",
                              what, i);
}

static pm_status check_tables(const checker *c) {
    const pm_lexicon *lex = c->lex;
    const char *bad = !pm_starts_verify(&lex->group_forms, c->cancel)
                          ? "starts of the groups: ranks do not fit the bits"
                      : !pm_starts_verify(&lex->form_ids, c->cancel)
                          ? "starts of the forms: ranks do not fit the bits"
                      : !pm_bitmap_verify(&lex->has_stem)
                          ? "stored stems: ranks do not fit the bits"
                      : !pm_bitmap_verify(&lex->is_stem)
                          ? "forms that are stems: ranks do not fit the bits"
                      : !pm_frames_verify(&lex->counts)
                          ? "counts: widths and offsets do not fit each other"
                          : NULL;
    if (bad != NULL) {
        return broken(c, PM_SECTION_LEXI, bad, 0);
    }
    if (pm_lexicon_ids_count(lex, (pm_range){0, lex->n_ids}) > PM_MAX_POSITIONS) {
        return broken(c, PM_SECTION_LEXI, "more occurrences than a segment can hold",
                      0);
    }
    return PM_OK;
}

/* Forms of a group in bytewise order, one of them its stem or the stem stored. */
static pm_status check_group(checker *c, pm_group g) {
    const pm_lexicon *lex = c->lex;
    pm_range forms = pm_lexicon_group_forms(lex, g);
    uint32_t stems = pm_bitmap_get(&lex->has_stem, g);
    for (pm_form f = forms.lo; f < forms.hi; f++) {
        PM_TRY(pm_cancel_check(c->cancel, 20, c->err));
        stems += pm_bitmap_get(&lex->is_stem, f);
        if (f > forms.lo &&
            pm_lexicon_form_rank(lex, f - 1) >= pm_lexicon_form_rank(lex, f)) {
            return broken(c, PM_SECTION_FORM, "the forms of a group are out of order",
                          f);
        }
    }
    pm_group found;
    if (stems != 1 || !pm_lexicon_group_stem(lex, g, &c->a) ||
        !pm_lexicon_find_group(lex, pm_buf_bytes(&c->a), &c->b, &found) || found != g) {
        return broken(c, PM_SECTION_STEM, "the stem of a group does not lead to it", g);
    }
    return PM_OK;
}

/* Groups by falling frequency, then by stem. */
static pm_status check_groups(checker *c) {
    uint64_t before = UINT64_MAX;
    for (pm_group g = 0; g < c->lex->n_groups; g++) {
        PM_TRY(pm_cancel_check(c->cancel, 500, c->err));
        PM_TRY(check_group(c, g)); /* leaves the stem in a */
        uint64_t count = pm_lexicon_ids_count(c->lex, pm_lexicon_group_ids(c->lex, g));
        if (count > before) {
            return broken(c, PM_SECTION_LEXI, "groups are not by falling frequency", g);
        }
        if (count == before) {
            if (!pm_lexicon_group_stem(c->lex, g - 1, &c->b) ||
                pm_bytes_compare(pm_buf_bytes(&c->b), pm_buf_bytes(&c->a)) >= 0) {
                return broken(c, PM_SECTION_STEM,
                              "groups of one frequency are not by stem", g);
            }
        }
        before = count;
    }
    return PM_OK;
}

/* Ids of a form by case class, then by surface. */
static pm_status check_form(checker *c, pm_form f) {
    const pm_lexicon *lex = c->lex;
    pm_range ids = pm_lexicon_form_ids(lex, f);
    for (pm_id id = ids.lo; id < ids.hi; id++) {
        PM_TRY(pm_cancel_check(c->cancel, 200, c->err));
        pm_buf swap = c->a;
        c->a = c->b;
        c->b = swap;
        bool is_spelled = pm_bitmap_get(&lex->spelled, id);
        if (is_spelled != (pm_packed_get(&lex->recipes, id) == 0) ||
            !pm_lexicon_surface(lex, id, &c->a)) {
            return broken(c, PM_SECTION_SURF, "a surface cannot be made", id);
        }
        if (id == ids.lo) {
            continue;
        }
        unsigned now = pm_lexicon_id_case(lex, id),
                 before = pm_lexicon_id_case(lex, id - 1);
        if (now < before ||
            (now == before &&
             pm_bytes_compare(pm_buf_bytes(&c->b), pm_buf_bytes(&c->a)) >= 0)) {
            return broken(c, PM_SECTION_SURF,
                          "the ids of a form are not by case class and surface", id);
        }
    }
    return PM_OK;
}

static pm_status check_forms(checker *c) {
    const pm_lexicon *lex = c->lex;
    if (!pm_bitmap_verify(&lex->spelled) ||
        !pm_strings_verify(&lex->spelled_surfaces, false, &c->a, c->cancel)) {
        return broken(c, PM_SECTION_SURF, "bits or strings cannot be decoded", 0);
    }
    for (pm_form f = 0; f < lex->n_forms; f++) {
        PM_TRY(check_form(c, f));
    }
    return PM_OK;
}

static pm_status check_bare(checker *c, const pm_strings *keys, const pm_starts *starts,
                            const pm_packed *refs, uint32_t n_items) {
    if (!pm_strings_verify(keys, true, &c->a, c->cancel) ||
        !pm_starts_verify(starts, c->cancel)) {
        return broken(c, PM_SECTION_UNAC, "accentless keys cannot be decoded", 0);
    }
    for (uint32_t k = 0; k < starts->n; k++) {
        PM_TRY(pm_cancel_check(c->cancel, 50, c->err));
        pm_range r = pm_starts_get(starts, k);
        for (uint32_t i = r.lo; i < r.hi; i++) {
            uint64_t ref = pm_packed_get(refs, i);
            if (ref >= n_items || (i > r.lo && pm_packed_get(refs, i - 1) >= ref)) {
                return broken(
                    c, PM_SECTION_UNAC,
                    "what an accentless key refers to is out of range or order", k);
            }
        }
    }
    return PM_OK;
}

static pm_status check_all(checker *c) {
    const pm_lexicon *lex = c->lex;
    PM_TRY(check_tables(c));
    if (!pm_dict_verify(&lex->folded, &c->a, c->cancel)) {
        return broken(c, PM_SECTION_FORM,
                      "forms are not sorted, or their maps do not fit", 0);
    }
    if (!pm_dict_verify(&lex->stems, &c->a, c->cancel)) {
        return broken(c, PM_SECTION_STEM,
                      "stems are not sorted, or their maps do not fit", 0);
    }
    PM_TRY(check_groups(c));
    PM_TRY(check_forms(c));
    PM_TRY(check_bare(c, &lex->bare_forms, &lex->bare_form_keys, &lex->bare_form_refs,
                      lex->n_forms));
    return check_bare(c, &lex->bare_stems, &lex->bare_stem_keys, &lex->bare_stem_refs,
                      lex->n_groups);
}

pm_status pm_lexicon_verify(const pm_lexicon *lex, pm_cancel *cancel, pm_error *err) {
    checker c = {.lex = lex, .cancel = cancel, .err = err};
    pm_buf_init(&c.a);
    pm_buf_init(&c.b);
    pm_status status = check_all(&c);
    if (status == PM_CORRUPT && (c.a.failed || c.b.failed)) {
        status = pm_fail_nomem(err, c.a.n);
    }
    pm_buf_release(&c.a);
    pm_buf_release(&c.b);
    return status;
}

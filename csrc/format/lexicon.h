/* The words of a segment: ids ordered by (stem group, folded form, case class,
 * surface), groups by descending frequency (ties: by stem). A group is a range of
 * forms, a form a range of ids: each layer of matching is one contiguous id range.
 *
 * A stem that is a form of its own group (most are) is not stored again, and a surface
 * is mostly told by how it differs from its form.
 *
 * Section LEXI: u32 n_groups, n_forms, n_ids | starts of groups among forms
 *               | starts of forms among ids
 *               | bits over groups: the stem stands in STEM
 *               | bits over forms: the form is its group's stem
 *               | packed case class of each id | frames of count - 1 of each id
 * Section FORM: dictionary (format/dict.h) of the folded forms, by form
 * Section STEM: dictionary of the stems that are no form of their group, in group order
 * Section SURF: bits over ids: the surface stands here
 *               | packed recipe of each id (0: it stands here; else the form with a
 *               prefix, a suffix and capitals, see docs/FORMAT.md)
 *               | strings that stand here, in id order
 * Section UNAC: for forms, then for stems: u32 n keys, u32 n refs, u32 bytes of the
 *               strings | starts of keys among refs | packed refs
 *               | strings: accentless keys, sorted, of the forms (stems) that have
 *               accents
 * Arrays (starts, packed, frames): format/packed.h; bits: codec/bitset.h; strings:
 * format/strings.h. */
#ifndef PM_FORMAT_LEXICON_H
#define PM_FORMAT_LEXICON_H

#include "base/types.h"
#include "format/container.h"
#include "format/dict.h"
#include "format/packed.h"
#include "format/strings.h"

typedef struct pm_lexicon_data { /* what a writer is given; ids in final order */
    uint32_t n_groups, n_forms, n_ids;
    const uint32_t *group_forms; /* [n_groups + 1] */
    const uint32_t *form_ids;    /* [n_forms + 1] */
    const uint32_t *id_counts;   /* [n_ids], each >= 1 */
    const uint8_t *id_cases;     /* [n_ids] pm_case */
    const pm_bytes *stems, *forms, *surfaces;
    /* without accents; n == 0 where equal to the stem or form */
    const pm_bytes *bare_stems, *bare_forms;
    /* [n_forms] the form of each rank in bytewise order, from who knows it; NULL: found
     * by the writer */
    const uint32_t *form_order;
} pm_lexicon_data;
/* Memory: a byte an id, 4 an id whose surface is spelled out, 4 a form (40 where
 * form_order is NULL), 56 a stem that is no form, about 100 a word with accents; and the
 * container writer's scratch. */
pm_status pm_lexicon_write(pm_container_writer *w, const pm_lexicon_data *data,
                           pm_error *err) PM_MUST_CHECK;

typedef struct pm_lexicon { /* immutable view */
    const pm_container *file;
    uint32_t n_groups, n_forms, n_ids;
    pm_starts group_forms, form_ids;
    /* groups whose stem stands in stems; forms that are their group's stem */
    pm_bitmap has_stem, is_stem;
    pm_packed cases;
    pm_frames counts;
    pm_dict folded, stems;
    pm_strings forms;  /* those of folded, sorted: string r is the form of rank r */
    pm_bitmap spelled; /* ids whose surface stands in spelled_surfaces */
    pm_packed recipes;
    pm_strings spelled_surfaces;
    pm_strings bare_forms, bare_stems;        /* sorted accentless keys */
    pm_starts bare_form_keys, bare_stem_keys; /* refs of each key */
    pm_packed bare_form_refs, bare_stem_refs; /* increasing within a key */
    uint32_t n_bare_form_refs, n_bare_stem_refs;
} pm_lexicon;

pm_status pm_lexicon_open(pm_lexicon *lex, const pm_container *file,
                          pm_error *err) PM_MUST_CHECK;
/* Everything decoded and checked: order, nesting, lookup of each string. */
pm_status pm_lexicon_verify(const pm_lexicon *lex, pm_cancel *cancel,
                            pm_error *err) PM_MUST_CHECK;

/* Ranges; out-of-range arguments or damage give empty ranges. Never lo > hi, never
 * beyond n. */
pm_range pm_lexicon_group_forms(const pm_lexicon *lex, pm_group g);
pm_range pm_lexicon_form_ids(const pm_lexicon *lex, pm_form f);
pm_range pm_lexicon_group_ids(const pm_lexicon *lex, pm_group g);
pm_form pm_lexicon_id_form(const pm_lexicon *lex, pm_id id); /* O(1), PM_END if none */
pm_group pm_lexicon_form_group(const pm_lexicon *lex, pm_form f); /* the same */
/* Occurrences in this segment. */
uint32_t pm_lexicon_id_count(const pm_lexicon *lex, pm_id id);
uint64_t pm_lexicon_ids_count(const pm_lexicon *lex, pm_range ids);
unsigned pm_lexicon_id_case(const pm_lexicon *lex, pm_id id); /* pm_case */
/* The ids of a form whose case class is in [lo, hi]. */
pm_range pm_lexicon_case_ids(const pm_lexicon *lex, pm_form f, unsigned lo,
                             unsigned hi);

/* Lookups. scratch is overwritten. False: not there (damage counts as not there; verify
 * tells). */
bool pm_lexicon_find_form(const pm_lexicon *lex, pm_bytes folded, pm_buf *scratch,
                          pm_form *out);
bool pm_lexicon_find_group(const pm_lexicon *lex, pm_bytes stem, pm_buf *scratch,
                           pm_group *out);
/* Forms (groups) that have accents and whose accentless key equals key: refs i in [0,
 * n) by the functions below. */
pm_range pm_lexicon_find_bare_form(const pm_lexicon *lex, pm_bytes key,
                                   pm_buf *scratch);
pm_range pm_lexicon_find_bare_stem(const pm_lexicon *lex, pm_bytes key,
                                   pm_buf *scratch);
pm_form pm_lexicon_bare_form_ref(const pm_lexicon *lex, uint32_t i);
pm_group pm_lexicon_bare_stem_ref(const pm_lexicon *lex, uint32_t i);
/* Ranks (in sorted order of folded forms) of the forms that begin with prefix. */
pm_range pm_lexicon_prefix(const pm_lexicon *lex, pm_bytes prefix, pm_buf *scratch);
pm_form pm_lexicon_ranked_form(const pm_lexicon *lex, uint32_t rank);
/* PM_END for f out of range or damage */
uint32_t pm_lexicon_form_rank(const pm_lexicon *lex, pm_form f);

/* Keys in sorted order, for whoever copies a lexicon: key i of bare_forms (bare_stems)
 * has these refs. */
pm_range pm_lexicon_bare_form_refs(const pm_lexicon *lex, uint32_t key);
pm_range pm_lexicon_bare_stem_refs(const pm_lexicon *lex, uint32_t key);

/* Texts, replacing out's content; false after damage. */
bool pm_lexicon_form_text(const pm_lexicon *lex, pm_form f, pm_buf *out);
bool pm_lexicon_group_stem(const pm_lexicon *lex, pm_group g, pm_buf *out);
bool pm_lexicon_surface(const pm_lexicon *lex, pm_id id, pm_buf *out);

/* Walks all surfaces, in the bytewise order of their forms (not of ids), several times
 * faster than one by one. */
typedef struct pm_surface_iter {
    const pm_lexicon *lex;
    pm_strings_iter forms;
    pm_id id, end; /* id: the current one's; end: of its form */
    uint32_t left; /* ids to come: no damage makes the walk longer */
    pm_buf text;   /* the current surface */
} pm_surface_iter;
void pm_surface_iter_init(pm_surface_iter *it, const pm_lexicon *lex);
bool pm_surface_iter_next(pm_surface_iter *it); /* false at the end or after damage */
void pm_surface_iter_release(pm_surface_iter *it);

#endif

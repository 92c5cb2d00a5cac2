/* The words of a segment: ids ordered by (stem group, folded form, case class, surface), groups by descending frequency (ties:
 * by stem). A group is a range of forms, a form a range of ids: each layer of matching is one contiguous id range.
 *
 * Sections: LEXI tables (u32 first form of each group + end, u32 first id of each form + end, u32 count of each id,
 *           u8 case class of each id), STEM stems sorted + u32 group of each, FORM forms sorted + u32 form of each + u32 rank
 *           of each form, SURF surfaces in id order, UNAC accentless keys of the forms and stems that have accents. */
#ifndef PM_FORMAT_LEXICON_H
#define PM_FORMAT_LEXICON_H

#include "base/types.h"
#include "format/container.h"
#include "format/strings.h"

typedef struct pm_lexicon_data { /* what a writer is given; ids in final order */
    uint32_t n_groups, n_forms, n_ids;
    const uint32_t *group_forms; /* [n_groups + 1] */
    const uint32_t *form_ids;    /* [n_forms + 1] */
    const uint32_t *id_counts;   /* [n_ids], each >= 1 */
    const uint8_t *id_cases;     /* [n_ids] pm_case */
    const pm_bytes *stems, *forms, *surfaces;
    const pm_bytes *bare_stems, *bare_forms; /* without accents; n == 0 where equal to the stem or form */
} pm_lexicon_data;
pm_status pm_lexicon_write(pm_container_writer *w, const pm_lexicon_data *data, pm_error *err) PM_MUST_CHECK;

typedef struct pm_range { /* half-open */
    uint32_t lo, hi;
} pm_range;

typedef struct pm_lexicon { /* immutable view */
    const pm_container *file;
    uint32_t n_groups, n_forms, n_ids;
    const uint8_t *group_forms, *form_ids, *id_counts, *id_cases; /* little-endian arrays */
    const uint8_t *stem_groups, *form_sorted, *form_ranks;
    pm_strings stems, forms, surfaces;
    pm_strings bare_forms, bare_stems;               /* sorted keys */
    const uint8_t *bare_form_refs, *bare_stem_refs;  /* u32 start of each key's refs + end, then refs */
    uint32_t n_bare_form_refs, n_bare_stem_refs;
} pm_lexicon;

pm_status pm_lexicon_open(pm_lexicon *lex, const pm_container *file, pm_error *err) PM_MUST_CHECK;
/* Everything decoded and checked: order, nesting, lookup of each string. */
pm_status pm_lexicon_verify(const pm_lexicon *lex, pm_error *err) PM_MUST_CHECK;

/* Ranges; out-of-range arguments or damage give empty ranges. Never lo > hi, never beyond n. */
pm_range pm_lexicon_group_forms(const pm_lexicon *lex, pm_group g);
pm_range pm_lexicon_form_ids(const pm_lexicon *lex, pm_form f);
pm_range pm_lexicon_group_ids(const pm_lexicon *lex, pm_group g);
pm_form pm_lexicon_id_form(const pm_lexicon *lex, pm_id id);   /* O(log), PM_END if none */
pm_group pm_lexicon_form_group(const pm_lexicon *lex, pm_form f);
uint32_t pm_lexicon_id_count(const pm_lexicon *lex, pm_id id); /* occurrences in this segment */
uint64_t pm_lexicon_ids_count(const pm_lexicon *lex, pm_range ids);
unsigned pm_lexicon_id_case(const pm_lexicon *lex, pm_id id);  /* pm_case */
/* The ids of a form whose case class is in [lo, hi]. */
pm_range pm_lexicon_case_ids(const pm_lexicon *lex, pm_form f, unsigned lo, unsigned hi);

/* Lookups. scratch is overwritten. False: not there (damage counts as not there; verify tells). */
bool pm_lexicon_find_form(const pm_lexicon *lex, pm_bytes folded, pm_buf *scratch, pm_form *out);
bool pm_lexicon_find_group(const pm_lexicon *lex, pm_bytes stem, pm_buf *scratch, pm_group *out);
/* Forms (groups) that have accents and whose accentless key equals key: refs i in [0, n) by the functions below. */
pm_range pm_lexicon_find_bare_form(const pm_lexicon *lex, pm_bytes key, pm_buf *scratch);
pm_range pm_lexicon_find_bare_stem(const pm_lexicon *lex, pm_bytes key, pm_buf *scratch);
pm_form pm_lexicon_bare_form_ref(const pm_lexicon *lex, uint32_t i);
pm_group pm_lexicon_bare_stem_ref(const pm_lexicon *lex, uint32_t i);
/* Ranks (in sorted order of folded forms) of the forms that begin with prefix. */
pm_range pm_lexicon_prefix(const pm_lexicon *lex, pm_bytes prefix, pm_buf *scratch);
pm_form pm_lexicon_ranked_form(const pm_lexicon *lex, uint32_t rank);

/* Texts, replacing out's content; false after damage. */
bool pm_lexicon_form_text(const pm_lexicon *lex, pm_form f, pm_buf *out);
bool pm_lexicon_surface(const pm_lexicon *lex, pm_id id, pm_buf *out);

#endif

/* What the parts of a merge share: its inputs with their live stretches, and the words
 * of the result. Private to csrc/index/merge*.c. */
#ifndef PM_INDEX_MERGE_INNER_H
#define PM_INDEX_MERGE_INNER_H

#include "index/merge.h"

/* Neighbouring live documents of an input, as long a stretch as there is. */
typedef struct pm_merge_run {
    pm_doc doc, doc_end; /* of the input */
    pm_doc new_doc;      /* of the first, in the result */
    pm_pos lo, hi;       /* positions of the input */
    uint32_t shift;      /* from the input's positions to the result's, modulo 2^32 */
} pm_merge_run;

typedef struct pm_merge_source {
    const pm_segment *s;
    const uint64_t *live; /* NULL: all */
    const pm_merge_run *runs;
    size_t n_runs;
    uint32_t n_docs; /* live */
    uint64_t n_tokens;
    uint64_t n_seen;        /* ids met: no damage lets a walk go on beyond n_ids */
    const uint32_t *counts; /* live occurrences of each id; NULL: the lexicon's */
    /* u32 pairs: an id, and its number in the order of meeting (see pm_merge_words) */
    pm_spool ids;
    /* u32 pairs: a form's number in the order of meeting, and its group here */
    pm_spool groups;
    pm_spool run_spool, count_spool;
} pm_merge_source;

/* Words are met in the bytewise order of forms; ids of a form by case and surface. */
typedef struct pm_merge_words {
    uint32_t n_groups, n_forms, n_ids;
    uint32_t *ids;            /* [n_ids] final number of each id met */
    uint32_t *groups;         /* [n_forms] group of each form met */
    uint32_t *totals;         /* [n_groups] occurrences */
    const uint32_t *first_id; /* [n_forms + 1] first id met of each form met */
    pm_spool first_ids;
} pm_merge_words;

typedef struct pm_merging {
    const pm_merge *m;
    pm_scratch scratch;
    pm_container_writer *w;
    pm_merge_source *sources; /* [m->n_inputs] */
    uint32_t n_docs, n_units, n_fields, n_positions;
    uint64_t n_tokens;
    bool store;
    pm_spool unit_starts; /* u32 x (n_units + 1), once the places are written */
    pm_merge_words words;
} pm_merging;

/* Each writes sections of the file, in this order. */
pm_status pm_merge_texts(pm_merging *g, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_keys(pm_merging *g, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_columns(pm_merging *g, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_places(pm_merging *g, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_lexicon(pm_merging *g, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_stream(pm_merging *g, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_postings(pm_merging *g, pm_error *err) PM_MUST_CHECK;

/* PM_CANCELLED where the caller wants to stop; work: about nanoseconds. */
static inline pm_status pm_merge_tick(const pm_merging *g, uint32_t work,
                                      pm_error *err) {
    return pm_cancel_tick(g->m->cancel, work)
               ? pm_fail(err, PM_CANCELLED, "cancelled by the caller")
               : PM_OK;
}
/* PM_CORRUPT in an input. */
pm_status pm_merge_damaged(const pm_merge_source *in, pm_error *err, const char *what);
/* The spool's values as an array; refs: pm_bytes, of this process. */
pm_status pm_merge_u32s(pm_spool *s, const uint32_t **out, pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_u64s(pm_spool *s, const uint64_t **out, pm_error *err) PM_MUST_CHECK;

pm_status pm_merge_refs(pm_spool *s, const pm_bytes **out, pm_error *err) PM_MUST_CHECK;

/* Strings one after the other, got by number once they are viewed; 4 GB together. */
typedef struct pm_merge_strings {
    pm_spool bytes, ends; /* ends: u32 */
    pm_bytes all;
    const uint32_t *end_at;
    uint32_t n;
} pm_merge_strings;
void pm_merge_strings_init(pm_merge_strings *t, const pm_scratch *scratch);
void pm_merge_strings_release(pm_merge_strings *t);
pm_status pm_merge_strings_put(pm_merge_strings *t, pm_bytes s,
                               pm_error *err) PM_MUST_CHECK;
pm_status pm_merge_strings_view(pm_merge_strings *t, pm_error *err) PM_MUST_CHECK;
static inline pm_bytes pm_merge_strings_get(const pm_merge_strings *t, uint32_t i) {
    uint32_t lo = i > 0 ? t->end_at[i - 1] : 0;
    return (pm_bytes){t->all.p + lo, t->end_at[i] - lo};
}

/* Bits one after the other. */
typedef struct pm_merge_bits {
    pm_spool words;
    uint64_t word, n; /* n bits, those of the last word that is not full in word */
    uint64_t ones;
} pm_merge_bits;
void pm_merge_bits_init(pm_merge_bits *b, const pm_scratch *scratch);
void pm_merge_bits_release(pm_merge_bits *b);
/* n <= 64 bits; the others of the word are 0. */
void pm_merge_bits_put(pm_merge_bits *to, uint64_t word, unsigned n);
pm_status pm_merge_bits_view(pm_merge_bits *b, const uint64_t **out,
                             pm_error *err) PM_MUST_CHECK;

/* The run that holds a document; NULL where it is dead. */
const pm_merge_run *pm_merge_run_of(const pm_merge_source *in, pm_doc doc);

/* Walks the ids of the live documents' positions, sentinels (PM_END) too. */
enum { PM_MERGE_PIECE = 4096 };
typedef struct pm_merge_walk {
    const pm_merge_source *in;
    size_t run;
    pm_pos at; /* next in that run */
} pm_merge_walk;
void pm_merge_walk_init(pm_merge_walk *walk, const pm_merge_source *in);
/* Up to PM_MERGE_PIECE of them; 0: the end. *pos: where the first stands in the
 * result. */
size_t pm_merge_walk_next(pm_merge_walk *walk, uint32_t *ids, pm_pos *pos);

/* Numbers of the input's ids in the result, PM_END for those that are not there:
 * allocated, for its n_ids. by: numbers of the ids met. */
pm_status pm_merge_map(pm_merge_source *in, const uint32_t *by, uint32_t **out,
                       pm_error *err) PM_MUST_CHECK;

#endif

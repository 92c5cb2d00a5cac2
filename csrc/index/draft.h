/* A segment in the making: chunks laid end to end in the order of rows. Each gets its
 * place first (in order, cheap), then is copied there (in parallel). Invariant: no byte
 * of a draft depends on which worker made what, but for the numbers in the stream,
 * which the pieces tell how to read. */
#ifndef PM_INDEX_DRAFT_H
#define PM_INDEX_DRAFT_H

#include "index/chunk.h"

typedef struct pm_piece { /* positions of one chunk, from start to the next piece's */
    uint32_t start;
    unsigned worker;
} pm_piece;

typedef struct pm_draft {
    uint32_t n_fields;
    bool store;
    uint32_t n_docs, n_units, n_positions;
    uint64_t meta_bytes, text_bytes, packed_bytes;
    uint32_t *stream; /* [n_positions] */
    size_t stream_capacity;
    uint64_t *sentences, *paragraphs;
    size_t sentences_capacity, paragraphs_capacity;
    uint32_t *quote_starts, *quote_lengths;
    size_t n_quotes, quote_starts_capacity, quote_lengths_capacity;
    uint32_t *unit_starts; /* [n_units + 1] */
    size_t unit_starts_capacity;
    pm_piece *pieces;
    size_t n_pieces, pieces_capacity;
    /* Only where text is stored: */
    uint64_t *text_starts; /* [n_units + 1] */
    size_t text_starts_capacity;
    uint64_t *blocks; /* pairs, as pm_store_data */
    size_t n_blocks, blocks_capacity;
    uint32_t *checkpoints; /* pairs */
    size_t checkpoints_capacity;
} pm_draft;

void pm_draft_init(pm_draft *d, uint32_t n_fields, bool store);
void pm_draft_release(pm_draft *d);          /* empty, as after init */
uint64_t pm_draft_memory(const pm_draft *d); /* bytes in use */
/* Gives digested chunks their places; *first_piece: piece of the first. */
pm_status pm_draft_place(pm_draft *d, const pm_chunk *chunks, size_t n,
                         size_t *first_piece, pm_error *err) PM_MUST_CHECK;
/* Copies a chunk to the place of its piece, but for its compressed text, which the caller
 * writes. Chunks may be settled in parallel. */
void pm_draft_settle(pm_draft *d, size_t piece, const pm_chunk *c);

#endif

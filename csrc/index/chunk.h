/* A chunk: some documents' texts, cut off by a rule that knows the rows alone, and what
 * one worker makes of them: numbers of the tokens in its own dictionary, marks of
 * sentences and quotations, compressed text. Everything in it counts from the chunk's
 * start, since where the chunk will stand in its segment is not known yet. Reused from
 * chunk to chunk. */
#ifndef PM_INDEX_CHUNK_H
#define PM_INDEX_CHUNK_H

#include "format/store.h"
#include "index/cut.h"
#include "index/surfaces.h"

typedef struct pm_chunk {
    /* What goes in. */
    pm_buf text; /* units' texts end to end; PM_TEXT_SLACK zeros after digestion */
    uint32_t *unit_bytes; /* [n_units] */
    size_t n_units, unit_bytes_capacity;
    uint32_t n_docs;
    uint64_t meta_bytes; /* keys and string values */
    /* What comes out. */
    unsigned worker; /* whose dictionary ids are numbers of */
    uint32_t *ids;   /* [n_positions], PM_END at sentinels */
    size_t n_positions, ids_capacity;
    /* byte of each token in its unit, 0 at sentinels; if text is stored */
    uint32_t *starts;
    size_t starts_capacity;
    uint32_t *unit_tokens; /* [n_units] */
    size_t unit_tokens_capacity;
    uint64_t *sentences, *paragraphs; /* bits over positions, set at sentinels too */
    size_t sentences_capacity, paragraphs_capacity;
    pm_span32 *quotes; /* positions */
    size_t n_quotes, quotes_capacity;
    pm_buf packed, blocks; /* of pm_packer_chunk */
} pm_chunk;

void pm_chunk_init(pm_chunk *c);
void pm_chunk_release(pm_chunk *c);
void pm_chunk_clear(pm_chunk *c); /* empty; memory stays, but that of a large text */
uint64_t pm_chunk_memory(const pm_chunk *c); /* bytes it holds */
/* Appends a document of n texts, valid UTF-8 of less than 4 GB each. */
pm_status pm_chunk_add(pm_chunk *c, const pm_bytes *texts, uint32_t n,
                       pm_error *err) PM_MUST_CHECK;

/* One worker's private state. */
typedef struct pm_digester {
    pm_surfaces surfaces;
    pm_tokens tokens;
    pm_packer *packer; /* NULL: text is not stored */
} pm_digester;
pm_status pm_digester_init(pm_digester *d, bool store, pm_error *err) PM_MUST_CHECK;
void pm_digester_release(pm_digester *d);          /* safe on zeros */
uint64_t pm_digester_memory(const pm_digester *d); /* without the surfaces' slots */
/* Fills the chunk's output, anew when called again. worker: the digester's number. */
pm_status pm_chunk_digest(pm_chunk *c, pm_digester *d, unsigned worker,
                          const pm_analyzer *an, pm_error *err) PM_MUST_CHECK;

/* Room for bits [0, n_bits); words beyond those of old_bits are zeroed. False: no
 * memory. */
bool pm_grow_bits(uint64_t **words, size_t *capacity, size_t old_bits, size_t n_bits);

#endif

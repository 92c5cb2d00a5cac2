/* Where chunks end: a rule over the sizes of rows alone, so that neither threads nor
 * memory nor a merge can move a border. The compressed text of a segment starts a block
 * anew with each chunk; rows of one segment are counted from its first. */
#ifndef PM_INDEX_CUT_H
#define PM_INDEX_CUT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* a chunk is full when it has so many bytes of text and metadata */
    PM_CHUNK_BYTES = 256 << 10,
    /* what a value counts as, a string's bytes besides; a key counts its bytes */
    PM_VALUE_BYTES = 8
};

typedef struct pm_cut { /* the chunk so far; zeros at a segment's start */
    uint64_t bytes, bound;
} pm_cut;

/* Takes the next row: text_bytes over all its fields, as valid UTF-8. True where it
 * begins a chunk: at the start, after a full one, or where a segment of segment_tokens
 * positions might not hold the chunk (a token has a byte, a text its sentinel). */
static inline bool pm_cut_before(pm_cut *c, uint64_t text_bytes, uint32_t n_fields,
                                 uint64_t meta_bytes, uint32_t segment_tokens) {
    uint64_t bound = text_bytes + n_fields;
    bool begins = c->bound == 0 || c->bytes >= PM_CHUNK_BYTES ||
                  c->bound + bound > segment_tokens;
    if (begins) {
        *c = (pm_cut){0, 0};
    }
    c->bytes += text_bytes + meta_bytes;
    c->bound += bound;
    return begins;
}

#endif

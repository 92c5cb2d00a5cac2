/* The original text of each unit, never normalised, in zstd blocks; and checkpoints
 * from which a token's offset is found by tokenising a few words. All sections are
 * absent where the index keeps no text.
 *
 * Section TOFF: frames (format/packed.h) of text start x (n_units + 1), in the
 *               concatenated raw text
 * Section TBLK: u32 n | frames of raw start x (n + 1)
 *               | frames of compressed start x (n + 1)
 * Section TEXT: zstd frames, one a block of at most PM_STORE_BLOCK raw bytes (a chunk
 *               of documents starts a block anew)
 * Section CHKP: for every PM_CHECKPOINT positions an item; the unit's token number
 *               64, 128 ... at position p has item p / PM_CHECKPOINT (no other token of
 *               any unit has that one): where its byte and code point start in the
 *               unit's text: frames of byte, frames of byte - code point; items that no
 *               token has are 0. Counted from the unit, so that a merge moves them. */
#ifndef PM_FORMAT_STORE_H
#define PM_FORMAT_STORE_H

#include "base/task.h"
#include "base/types.h"
#include "format/container.h"
#include "format/packed.h"

enum { PM_STORE_BLOCK = 1 << 15, PM_STORE_LEVEL = 1, PM_CHECKPOINT = 64 };

/* Compresses one chunk of raw text (any length) into blocks; block entries are relative
 * to the chunk. One packer a thread. */
typedef struct pm_packer pm_packer;
pm_status pm_packer_new(pm_packer **out, pm_error *err) PM_MUST_CHECK;
void pm_packer_free(pm_packer *p);
/* Appends compressed bytes to out and, for each block, u64 raw start and u64 compressed
 * start (both from the chunk's start, the latter from out's length at the call) to
 * blocks. */
pm_status pm_packer_chunk(pm_packer *p, pm_bytes raw, pm_buf *out, pm_buf *blocks,
                          pm_error *err) PM_MUST_CHECK;

typedef struct pm_store_data {
    const uint64_t *text_starts; /* [n_units + 1] */
    uint32_t n_units;
    const uint64_t *blocks; /* pairs, absolute, + end pair */
    size_t n_blocks;
    const pm_bytes *parts; /* compressed bytes, in order */
    size_t n_parts;
    const uint32_t *checkpoints; /* pairs: byte, code point */
    size_t n_checkpoints;        /* ceil(n_positions / PM_CHECKPOINT) */
} pm_store_data;
/* What is made of the arrays waits in the container writer's scratch. */
pm_status pm_store_write(pm_container_writer *w, const pm_store_data *data,
                         pm_error *err) PM_MUST_CHECK;
/* The same for a writer that does not hold the text: begin, then pm_container_put of
 * each part in order, then finish, which does not look at parts. No other section in
 * between. */
void pm_store_begin(pm_container_writer *w);
pm_status pm_store_finish(pm_container_writer *w, const pm_store_data *data,
                          pm_error *err) PM_MUST_CHECK;

typedef struct pm_store {
    const pm_container *file;
    bool present;
    pm_frames text_starts;                   /* n_units + 1 */
    pm_frames raw_starts, compressed_starts; /* n_blocks + 1 */
    /* n_checkpoints; extra: byte - code point */
    pm_frames checkpoint_bytes, checkpoint_extras;
    pm_bytes text;
    uint32_t n_units, n_blocks, n_checkpoints;
} pm_store;

/* present is false where the file has none of the sections. O(1): sizes alone are
 * checked. */
pm_status pm_store_open(pm_store *s, const pm_container *file, uint32_t n_units,
                        uint32_t n_positions, pm_error *err) PM_MUST_CHECK;
/* Decompresses everything; whether texts are UTF-8 is not checked here. */
pm_status pm_store_verify(const pm_store *s, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;
/* Bytes of a unit's text; 0 for damage. */
uint64_t pm_store_length(const pm_store *s, pm_unit u);

/* A block: where it lies in the raw text, and its bytes. False for damage, or b >=
 * n_blocks. */
typedef struct pm_text_block {
    uint64_t lo, hi; /* raw; 1 to PM_STORE_BLOCK bytes */
    pm_bytes packed;
} pm_text_block;
bool pm_store_block(const pm_store *s, uint32_t b, pm_text_block *out);
/* The block that holds a byte of the raw text, if any does. */
uint32_t pm_store_find_block(const pm_store *s, uint64_t raw_byte);
/* Where a unit's text lies in the raw text; false for damage or u >= n_units. */
bool pm_store_unit(const pm_store *s, pm_unit u, uint64_t *lo, uint64_t *hi);
/* Item k of the checkpoints; false for damage. */
bool pm_store_checkpoint_item(const pm_store *s, uint32_t k, uint32_t *byte,
                              uint32_t *code_point);

/* Reads texts; keeps the last block, so that reading in order decompresses each block
 * once. One a thread. */
typedef struct pm_text_reader pm_text_reader;
pm_status pm_text_reader_new(const pm_store *s, pm_text_reader **out,
                             pm_error *err) PM_MUST_CHECK;
void pm_text_reader_free(pm_text_reader *r);
/* Appends bytes [lo, hi) of a unit's text (hi clipped to its length) to out. */
pm_status pm_text_read(pm_text_reader *r, pm_unit u, uint64_t lo, uint64_t hi,
                       pm_buf *out, pm_error *err) PM_MUST_CHECK;
/* Appends raw bytes [lo, hi), lo < hi, of block b, which holds them. */
pm_status pm_text_read_block(pm_text_reader *r, uint32_t b, uint64_t lo, uint64_t hi,
                             pm_buf *out, pm_error *err) PM_MUST_CHECK;
/* Where a tokenizer may start for pos; the caller checks byte and code_point against
 * the text. The unit's last checkpoint at or before pos: its position (a multiple of
 * PM_CHECKPOINT after the unit's start, or that, then 0, 0), byte and code point. */
void pm_store_checkpoint(const pm_store *s, pm_pos unit_start, pm_pos pos, pm_pos *at,
                         uint32_t *byte, uint32_t *code_point);

#endif

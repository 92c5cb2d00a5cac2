/* The distinct surfaces that one worker has met, numbered in order of first meeting,
 * and how often each was met. A surface is its bytes and its kind: where one spelling
 * comes in two kinds it has two numbers here (the lexicon unites them if they fold
 * alike). Private to one thread at a time. Knows nothing of chunks, folding or
 * files. */
#ifndef PM_INDEX_SURFACES_H
#define PM_INDEX_SURFACES_H

#include "text/tokenizer.h"

/* Bytes that must be readable after a text that is numbered. */
enum { PM_TEXT_SLACK = 16 };

/* Open addressing, linear probing; half a cache line each, so that a probe of a short
 * word touches one line. */
typedef struct pm_surface_slot {
    uint64_t head[2]; /* first 16 bytes, zeros after the end */
    uint32_t shape;   /* length << 4 | kind; 0: the slot is free */
    uint32_t hash, id, count;
} pm_surface_slot;

typedef struct pm_surface {
    uint32_t at, shape; /* bytes [at, at + shape >> 4) of the dictionary */
    uint32_t hash, count;
} pm_surface;

typedef struct pm_surfaces {
    pm_surface_slot *slots; /* 2^bits, aligned to a cache line within memory */
    void *memory;
    unsigned bits;
    pm_surface *words; /* by number */
    size_t n, capacity;
    pm_buf bytes;
} pm_surfaces;

void pm_surfaces_init(pm_surfaces *s);    /* allocates nothing */
void pm_surfaces_release(pm_surfaces *s); /* empty, as after init */
/* ids[i] = the number of token i, counted once more. PM_TEXT_SLACK bytes after the text
 * can be read. Cost about 5 ns a token met before. PM_LIMIT when the distinct surfaces
 * take 4 GB. */
pm_status pm_surfaces_number(pm_surfaces *s, const uint8_t *text,
                             const pm_token *tokens, size_t n, uint32_t *ids,
                             pm_error *err) PM_MUST_CHECK;
/* Brings words[].count up to date and gives the slots back, half of the memory: nothing
 * more is numbered until release. */
void pm_surfaces_settle(pm_surfaces *s);
/* Bytes it holds: slots, and the rest, which settle leaves. */
uint64_t pm_surfaces_slot_memory(const pm_surfaces *s);
uint64_t pm_surfaces_word_memory(const pm_surfaces *s);
/* Takes back the count of n numbers (PM_END among them is skipped); after settle. */
void pm_surfaces_discount(pm_surfaces *s, const uint32_t *ids, size_t n);
static inline pm_bytes pm_surface_bytes(const pm_surfaces *s, const pm_surface *w) {
    return (pm_bytes){s->bytes.p + w->at, w->shape >> 4};
}

#endif

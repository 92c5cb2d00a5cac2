/* Sixty-four bytes of text as bit masks: what the fast way of pm_tokenize reads. Private to csrc/text. The scalar loop is
 * the definition; the SSE2 body (part of every x86-64) gives the same, which a test compares. */
#ifndef PM_TEXT_ASCII_BLOCK_H
#define PM_TEXT_ASCII_BLOCK_H

#include <stdint.h>

typedef struct pm_ascii_block {
    uint64_t letter; /* A-Z a-z */
    uint64_t upper;  /* A-Z */
    uint64_t odd;    /* 0-9 _ @ # $ *: a token with one goes the slow way */
    uint64_t high;   /* not ASCII */
    uint64_t apostrophe, dot, colon, slash;
    uint64_t zone;   /* . ! ? " and line ends: sentences, paragraphs or quotations may begin or end there */
} pm_ascii_block;

void pm_ascii_block_scalar(const uint8_t *p, pm_ascii_block *b);
/* The fastest that the target has. Reads p[0..63]. */
void pm_ascii_block_load(const uint8_t *p, pm_ascii_block *b);

#endif

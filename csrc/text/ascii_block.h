/* Sixty-four bytes of text as bit masks: what the fast way of pm_tokenize reads.
 * Private to csrc/text. The scalar body is the definition; a test compares the others
 * to it. */
#ifndef PM_TEXT_ASCII_BLOCK_H
#define PM_TEXT_ASCII_BLOCK_H

#include <stdint.h>

typedef struct pm_ascii_block {
    uint64_t letter; /* A-Z a-z */
    uint64_t upper;  /* A-Z */
    uint64_t odd;    /* 0-9 _ @ # $ *: a token with one goes the slow way */
    uint64_t high;   /* not ASCII */
    uint64_t apostrophe, dot, colon;
    /* . ! ? " and line ends: sentences, paragraphs or quotations may begin or end
     * there */
    uint64_t zone;
} pm_ascii_block;

/* Reads p[0..63]. */
typedef void (*pm_ascii_block_load)(const uint8_t *p, pm_ascii_block *b);
void pm_ascii_block_scalar(const uint8_t *p, pm_ascii_block *b);
/* The bodies that this machine can run, slowest first (the scalar one is at[0]); how
 * many. The last is the one to use. */
enum { PM_MAX_BLOCK_LOADS = 4 };
unsigned pm_ascii_block_loads(pm_ascii_block_load at[PM_MAX_BLOCK_LOADS]);
pm_ascii_block_load pm_ascii_block_fastest(void);

#endif

/* Words within a Levenshtein distance of one, asked in sorted order: what a string has
 * in common with the one before is not looked at again, and a beginning that cannot be
 * continued to a match rejects all that share it. Code points count, not bytes. */
#ifndef PM_QUERY_FUZZY_H
#define PM_QUERY_FUZZY_H

#include "base/arena.h"
#include "base/buffer.h"

typedef struct pm_fuzzy {
    uint32_t *word; /* code points [n] */
    uint32_t n, distance;
    /* rows[d][j]: distance of the first d code points of the last string from the first
     * j of the word, at most distance + 1; as many rows as a match can have code
     * points, and one */
    uint8_t *rows;
    uint32_t *last; /* its code points, as far as there are rows for */
    uint32_t known; /* rows that hold */
    bool dead;      /* the last known row has nothing within the distance */
} pm_fuzzy;

/* Arena memory: about (n + 3)^2 bytes. */
pm_status pm_fuzzy_init(pm_fuzzy *f, pm_bytes word, unsigned distance, pm_arena *arena,
                        pm_error *err) PM_MUST_CHECK;
/* Whether text (valid UTF-8) is within the distance. Strings may come in any order;
 * sorted is fast. */
bool pm_fuzzy_match(pm_fuzzy *f, pm_bytes text);

#endif

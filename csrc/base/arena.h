/* Memory that goes all at once: what a query or a build step allocates lives until its
 * arena is released. */
#ifndef PM_BASE_ARENA_H
#define PM_BASE_ARENA_H

#include "base/status.h"

typedef struct pm_arena {
    struct pm_arena_block *blocks; /* newest first */
    uint8_t *at, *end;             /* free space of the newest block */
} pm_arena;

void pm_arena_init(pm_arena *a); /* allocates nothing */
void pm_arena_release(pm_arena *a);
/* Aligned to 16 bytes; NULL when memory runs out. Valid until release or reset. Cost
 * O(1). */
void *pm_arena_alloc(pm_arena *a, size_t bytes);
/* NULL on overflow too; zeroed */
void *pm_arena_array(pm_arena *a, size_t n, size_t size);
char *pm_arena_copy(pm_arena *a, const void *bytes, size_t n); /* with a final NUL */
/* Gives everything back but the newest (largest) block. */
void pm_arena_reset(pm_arena *a);

#endif

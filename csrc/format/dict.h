/* n different strings, found by number and by text: sorted, with the way from rank to
 * item and back.
 *
 *   u8 flags (1: items are in sorted order, and there are no maps)
 *   | unless flags & 1: packed item of each rank, packed rank of each item
 *     (format/packed.h)
 *   | u64 x ceil(n / 16): first 8 bytes of the string that begins each block
 *   | strings, sorted (format/strings.h), to the end */
#ifndef PM_FORMAT_DICT_H
#define PM_FORMAT_DICT_H

#include "format/packed.h"
#include "format/strings.h"

/* A section that is the dictionary of n items. PM_DUPLICATE with the later item's number
 * as offset, and nothing written; PM_NOMEM. order: the item of each rank, from who knows
 * it (their strings must increase: PM_INTERNAL); NULL: found here, which takes 36 bytes
 * an item. Memory: 4 bytes an item, and the container writer's scratch. */
pm_status pm_dict_write(pm_container_writer *w, uint32_t section, const pm_bytes *items,
                        const uint32_t *order, uint32_t n, pm_error *err) PM_MUST_CHECK;
/* The same for strings that stand in sorted order: order[r] is the item of sorted[r]. */
pm_status pm_dict_write_sorted(pm_container_writer *w, uint32_t section,
                               const pm_bytes *sorted, const uint32_t *order,
                               uint32_t n, pm_error *err) PM_MUST_CHECK;

typedef struct pm_dict { /* immutable view */
    pm_strings sorted;
    pm_packed items, ranks; /* empty where is_sorted */
    const uint8_t *heads;
    uint32_t n, n_heads;
    bool is_sorted;
} pm_dict;

bool pm_dict_open(pm_bytes bytes, uint32_t n, pm_dict *out); /* O(1); false: damage */
/* Strings strictly increasing, maps inverse to each other. False: damage, no memory for
 * scratch, or stopped (pm_cancel_stopped). */
bool pm_dict_verify(const pm_dict *d, pm_buf *scratch, pm_cancel *cancel);

/* Replaces out's content with item i's text; false for i >= n or damage. */
bool pm_dict_get(const pm_dict *d, uint32_t i, pm_buf *out);
/* Number of strings < key, and whether the one of that rank equals key. False only
 * after damage. */
bool pm_dict_search(const pm_dict *d, pm_bytes key, uint32_t *rank, bool *equal);
/* The item whose text equals key; false: not there (damage counts as not there). */
bool pm_dict_find(const pm_dict *d, pm_bytes key, pm_buf *scratch, uint32_t *item);
/* The item of a rank, the rank of an item; UINT32_MAX beyond the end or after
 * damage. */
uint32_t pm_dict_item(const pm_dict *d, uint32_t rank);
uint32_t pm_dict_rank(const pm_dict *d, uint32_t item);
/* Ranks of the strings that begin with prefix. */
pm_range pm_dict_prefix(const pm_dict *d, pm_bytes prefix, pm_buf *scratch);

#endif

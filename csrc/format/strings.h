/* A list of strings, front-coded in blocks of 16 so that any one is found by decoding
 * at most 16. May be sorted (bytewise): then it can be searched.
 *
 *   u32 n | u32 block offset x ceil(n / 16) (from the first block) | blocks:
 *     varint length, bytes; then for each further string:
 *     u8 head = shared << 4 | rest | varint shared - 15 where that nibble is 15
 *     | varint rest - 15 likewise | rest bytes
 *   shared: bytes in common with the string before */
#ifndef PM_FORMAT_STRINGS_H
#define PM_FORMAT_STRINGS_H

#include "base/cursor.h"
#include "base/task.h"
#include "format/container.h"

enum { PM_STRINGS_BLOCK = 16 };

/* Total below 4 GB, else out->failed. */
void pm_strings_encode(pm_buf *out, const pm_bytes *items, size_t n);
/* The same straight to an open section: items[order[0]], items[order[1]] ... (order
 * NULL: as they stand). The bytes wait in the container writer's scratch. */
void pm_strings_write(pm_container_writer *w, const pm_bytes *items,
                      const uint32_t *order, size_t n);

typedef struct pm_strings { /* immutable view */
    pm_bytes offsets, blocks;
    uint32_t n;
} pm_strings;

/* Checks sizes only, O(1). n: the count it must hold, or UINT32_MAX for any. False:
 * damage. */
bool pm_strings_open(pm_bytes bytes, uint32_t n, pm_strings *out);
/* Decodes everything: blocks in order and used up; sorted: strictly increasing. False:
 * damage, no memory for scratch, or stopped (pm_cancel_stopped). */
bool pm_strings_verify(const pm_strings *s, bool sorted, pm_buf *scratch,
                       pm_cancel *cancel);
/* Replaces out's content with string i. False after damage or i >= n (or when out
 * failed). Cost: 16 strings. */
bool pm_strings_get(const pm_strings *s, uint32_t i, pm_buf *out);
/* Sorted lists: number of strings < key in *rank, and whether the one there equals key.
 * False only after damage. Cost O(log n); decodes without copying, so scratch is left
 * alone. */
bool pm_strings_find(const pm_strings *s, pm_bytes key, pm_buf *scratch, uint32_t *rank,
                     bool *equal);
/* The same where it is known that the head of block lo is <= key (or lo is 0), and
 * those from block hi on are > key. */
bool pm_strings_find_between(const pm_strings *s, pm_bytes key, uint32_t lo,
                             uint32_t hi, uint32_t *rank, bool *equal);

/* Walks from string i on; text holds the current string. */
typedef struct pm_strings_iter {
    pm_strings list;
    uint32_t i;
    pm_cursor at;
    pm_buf text;
    bool bad;
} pm_strings_iter;
void pm_strings_iter_init(pm_strings_iter *it, const pm_strings *s, uint32_t i);
/* First call gives string i; false at the end or after damage. */
bool pm_strings_iter_next(pm_strings_iter *it);
void pm_strings_iter_release(pm_strings_iter *it);

/* Bytewise order: negative, 0, positive. */
int pm_bytes_compare(pm_bytes a, pm_bytes b);

#endif

/* Keys of the rows that no file holds yet, numbered from 0: exact. A row that was taken
 * out keeps its number, and its key is free. */
#ifndef PM_INDEX_ROWKEYS_H
#define PM_INDEX_ROWKEYS_H

#include "base/buffer.h"

enum { PM_MAX_KEY_BYTES = 65535 };

typedef struct pm_rowkeys {
    pm_buf bytes;
    uint64_t *ends; /* [n] */
    size_t n, ends_capacity;
    size_t n_gone; /* rows taken out */
    /* hash << 32 | row + 1, 0: free; open addressing by the hash */
    uint64_t *table;
    size_t table_size;
} pm_rowkeys;

void pm_rowkeys_init(pm_rowkeys *k); /* allocates nothing */
void pm_rowkeys_release(pm_rowkeys *k);
uint64_t pm_rowkeys_memory(const pm_rowkeys *k); /* bytes in use */
/* The key of the next row, which no row has. */
pm_status pm_rowkeys_add(pm_rowkeys *k, pm_bytes key, pm_error *err) PM_MUST_CHECK;
/* The row that has the key and was not taken out; PM_END: none. */
uint32_t pm_rowkeys_find(const pm_rowkeys *k, pm_bytes key);
pm_bytes pm_rowkeys_get(const pm_rowkeys *k, uint32_t row); /* valid until add */
bool pm_rowkeys_gone(const pm_rowkeys *k, uint32_t row);    /* taken out */
/* Takes out a row that was not taken out before. */
void pm_rowkeys_remove(pm_rowkeys *k, uint32_t row);
/* Forgets the first n rows; the others' numbers fall by as many. */
void pm_rowkeys_advance(pm_rowkeys *k, uint32_t n);

#endif

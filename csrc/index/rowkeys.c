/* Linear probing without tombstones: what is taken out is closed up (Knuth, TAOCP 3,
 * 6.4, algorithm R), so that one key may be taken out and added any number of times. */
#include "index/rowkeys.h"

#include <string.h>

#include "base/hash.h"
#include "base/sys.h"
#include "base/types.h"

enum { FIRST_TABLE = 1024 };
#define GONE (UINT64_C(1) << 63) /* of an end: its row was taken out */

void pm_rowkeys_init(pm_rowkeys *k) {
    memset(k, 0, sizeof *k);
}

void pm_rowkeys_release(pm_rowkeys *k) {
    pm_buf_release(&k->bytes);
    pm_free(k->ends);
    pm_free(k->table);
    pm_rowkeys_init(k);
}

uint64_t pm_rowkeys_memory(const pm_rowkeys *k) {
    return k->bytes.n + k->n * sizeof *k->ends + k->table_size * sizeof *k->table;
}

static uint64_t start_of(const pm_rowkeys *k, size_t row) {
    return row > 0 ? k->ends[row - 1] & ~GONE : 0;
}

bool pm_rowkeys_gone(const pm_rowkeys *k, uint32_t row) {
    return (k->ends[row] & GONE) != 0;
}

pm_bytes pm_rowkeys_get(const pm_rowkeys *k, uint32_t row) {
    uint64_t lo = start_of(k, row);
    return (pm_bytes){k->bytes.p + lo, (size_t)((k->ends[row] & ~GONE) - lo)};
}

static uint32_t hash_of(pm_bytes key) {
    return (uint32_t)(pm_hash64(key.p, key.n) >> 32);
}

static uint32_t row_in(uint64_t slot) {
    return (uint32_t)slot - 1;
}

static size_t home_of(const pm_rowkeys *k, uint64_t slot) {
    return (size_t)(slot >> 32) & (k->table_size - 1);
}

static size_t after(const pm_rowkeys *k, size_t i) {
    return (i + 1) & (k->table_size - 1);
}

static void put(pm_rowkeys *k, uint64_t slot) {
    size_t i = home_of(k, slot);
    while (k->table[i] != 0) {
        i = after(k, i);
    }
    k->table[i] = slot;
}

static pm_status grow_table(pm_rowkeys *k, pm_error *err) {
    if ((k->n + 1) * 3 < k->table_size * 2) {
        return PM_OK;
    }
    pm_rowkeys grown = *k;
    grown.table_size = k->table_size > 0 ? 2 * k->table_size : FIRST_TABLE;
    grown.table = pm_calloc(grown.table_size, sizeof *grown.table);
    if (grown.table == NULL) {
        return pm_fail_nomem(err, grown.table_size * sizeof *grown.table);
    }
    for (size_t i = 0; i < k->table_size; i++) {
        if (k->table[i] != 0) {
            put(&grown, k->table[i]);
        }
    }
    pm_free(k->table);
    *k = grown;
    return PM_OK;
}

pm_status pm_rowkeys_add(pm_rowkeys *k, pm_bytes key, pm_error *err) {
    PM_TRY(grow_table(k, err));
    if (!PM_GROW(k->ends, k->n, k->ends_capacity, 1)) {
        return pm_fail_nomem(err, (k->n + 1) * sizeof *k->ends);
    }
    pm_buf_put(&k->bytes, key.p, key.n);
    PM_TRY(pm_buf_status(&k->bytes, err));
    k->ends[k->n++] = k->bytes.n;
    put(k, (uint64_t)hash_of(key) << 32 | (uint32_t)k->n);
    return PM_OK;
}

uint32_t pm_rowkeys_find(const pm_rowkeys *k, pm_bytes key) {
    if (k->table_size == 0) {
        return PM_END;
    }
    uint64_t hash = hash_of(key);
    for (size_t i = home_of(k, hash << 32); k->table[i] != 0; i = after(k, i)) {
        uint32_t row = row_in(k->table[i]);
        pm_bytes has = pm_rowkeys_get(k, row);
        if (k->table[i] >> 32 == hash && has.n == key.n &&
            memcmp(has.p, key.p, key.n) == 0) {
            return row;
        }
    }
    return PM_END;
}

/* Moves back what probed past the slot i, which becomes free. */
static void close_up(pm_rowkeys *k, size_t i) {
    for (size_t j = after(k, i); k->table[j] != 0; j = after(k, j)) {
        size_t mask = k->table_size - 1;
        if (((j - home_of(k, k->table[j])) & mask) >= ((j - i) & mask)) {
            k->table[i] = k->table[j];
            i = j;
        }
    }
    k->table[i] = 0;
}

void pm_rowkeys_remove(pm_rowkeys *k, uint32_t row) {
    uint64_t slot = (uint64_t)hash_of(pm_rowkeys_get(k, row)) << 32 | (row + 1);
    size_t i = home_of(k, slot);
    while (k->table[i] != slot) {
        i = after(k, i);
    }
    close_up(k, i);
    k->ends[row] |= GONE;
    k->n_gone++;
}

/* The table anew: the rows left are few, those that are not in a draft yet. */
static void fill_table(pm_rowkeys *k) {
    memset(k->table, 0, k->table_size * sizeof *k->table);
    k->n_gone = 0;
    for (uint32_t row = 0; row < k->n; row++) {
        if (pm_rowkeys_gone(k, row)) {
            k->n_gone++;
        } else {
            put(k, (uint64_t)hash_of(pm_rowkeys_get(k, row)) << 32 | (row + 1));
        }
    }
}

void pm_rowkeys_advance(pm_rowkeys *k, uint32_t n) {
    uint64_t shift = start_of(k, n);
    k->n -= n;
    k->bytes.n -= (size_t)shift;
    if (k->n > 0) {
        for (size_t i = 0; i < k->n; i++) {
            k->ends[i] = k->ends[i + n] - shift; /* the mark stays */
        }
        memmove(k->bytes.p, k->bytes.p + shift, k->bytes.n);
    }
    if (k->table != NULL) {
        fill_table(k);
    }
}

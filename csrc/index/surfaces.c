/* The hash of a short word is one 64 x 64 -> 128 bit product of its two masked halves
 * (as in wyhash); longer words take XXH3. The seeds hold bytes that no UTF-8 text has,
 * so that neither factor is zero. Tokens are taken in blocks: all hashes first, their
 * slots prefetched, then the probes, which hides the misses of rare words behind each
 * other. */
#include "index/surfaces.h"

#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/sys.h"
#include "base/types.h"

enum { FIRST_BITS = 12, MAX_BITS = 31, LINE_BYTES = 64, BLOCK = 64, SHORT_BYTES = 16 };

typedef struct key {
    uint64_t head[2];
    uint32_t shape, hash;
} key;

/* Keeps the first n bytes of the two words. */
#define LOW(n) ((n) == 0 ? 0 : UINT64_MAX >> ((64 - 8 * (n)) & 63))
#define MASK(n)                                                                        \
    { LOW((n) < 8 ? (n) : 8), LOW((n) < 8 ? 0 : (n)-8) }
static const uint64_t masks[SHORT_BYTES + 1][2] = {
    MASK(0),  MASK(1),  MASK(2),  MASK(3),  MASK(4),  MASK(5),
    MASK(6),  MASK(7),  MASK(8),  MASK(9),  MASK(10), MASK(11),
    MASK(12), MASK(13), MASK(14), MASK(15), MASK(16)};

__extension__ typedef unsigned __int128 product;

static inline uint32_t hash_short(const uint64_t head[2], uint32_t length) {
    product p = (product)(head[0] ^ 0xffa0761d6478bd64u) *
                (head[1] ^ 0xffe7037ed1a0b428u ^ length);
    return (uint32_t)((uint64_t)p >> 32) ^ (uint32_t)(uint64_t)(p >> 64);
}

static inline key key_of(const uint8_t *text, const pm_token *t) {
    const uint8_t *p = text + t->start;
    uint32_t n = t->end - t->start;
    key k = {{pm_load64(p), pm_load64(p + 8)}, n << 4 | t->kind, 0};
    if (n <= SHORT_BYTES) {
        k.head[0] &= masks[n][0];
        k.head[1] &= masks[n][1];
        k.hash = hash_short(k.head, n);
    } else {
        k.hash = (uint32_t)pm_hash64(p, n);
    }
    return k;
}

void pm_surfaces_init(pm_surfaces *s) {
    memset(s, 0, sizeof *s);
}

static size_t slot_bytes(unsigned bits) {
    return (sizeof(pm_surface_slot) << bits) + LINE_BYTES;
}

uint64_t pm_surfaces_slot_memory(const pm_surfaces *s) {
    return s->slots != NULL ? slot_bytes(s->bits) : 0;
}

uint64_t pm_surfaces_word_memory(const pm_surfaces *s) {
    return s->n * sizeof *s->words + s->bytes.n;
}

static void free_slots(pm_surfaces *s) {
    pm_pages_free(s->memory, slot_bytes(s->bits), 1);
    s->memory = NULL;
    s->slots = NULL;
}

void pm_surfaces_release(pm_surfaces *s) {
    free_slots(s);
    pm_free(s->words);
    pm_buf_release(&s->bytes);
    pm_surfaces_init(s);
}

static inline size_t home(uint32_t hash, unsigned bits) {
    return hash >> (32 - bits);
}

static void move_slots(const pm_surfaces *s, pm_surface_slot *to, unsigned bits) {
    size_t mask = ((size_t)1 << bits) - 1;
    for (size_t i = 0; i < (size_t)1 << s->bits; i++) {
        if (s->slots[i].shape == 0) {
            continue;
        }
        size_t j = home(s->slots[i].hash, bits);
        while (to[j].shape != 0) {
            j = (j + 1) & mask;
        }
        to[j] = s->slots[i];
    }
}

/* Room for n more surfaces below a load of one half. */
static pm_status make_room(pm_surfaces *s, size_t n, pm_error *err) {
    unsigned bits = s->slots != NULL ? s->bits : FIRST_BITS;
    while (bits < MAX_BITS && (s->n + n) * 2 > (size_t)1 << bits) {
        bits++;
    }
    if (s->slots != NULL && bits == s->bits) {
        return PM_OK;
    }
    size_t bytes = slot_bytes(bits);
    void *memory = pm_pages_alloc(bytes, 1);
    if (memory == NULL) {
        return pm_fail_nomem(err, bytes);
    }
    pm_surface_slot *slots =
        (void *)((uint8_t *)memory + LINE_BYTES - (uintptr_t)memory % LINE_BYTES);
    if (s->slots != NULL) {
        move_slots(s, slots, bits);
    }
    free_slots(s);
    s->memory = memory;
    s->slots = slots;
    s->bits = bits;
    return PM_OK;
}

static pm_status add(pm_surfaces *s, const uint8_t *text, const pm_token *t,
                     const key *k, pm_surface_slot *slot, pm_error *err) {
    size_t n = t->end - t->start;
    if (n > UINT32_MAX - s->bytes.n) {
        pm_fail(err, PM_LIMIT, "the distinct words of a segment take more than 4 GB");
        pm_error_hint(err, "lower pm.limits.segment_tokens");
        return PM_LIMIT;
    }
    if (!PM_GROW(s->words, s->n, s->capacity, 1)) {
        return pm_fail_nomem(err, (s->n + 1) * sizeof *s->words);
    }
    uint32_t at = (uint32_t)s->bytes.n;
    pm_buf_put(&s->bytes, text + t->start, n);
    PM_TRY(pm_buf_status(&s->bytes, err));
    *slot = (pm_surface_slot){
        {k->head[0], k->head[1]}, k->shape, k->hash, (uint32_t)s->n, 0};
    s->words[s->n++] = (pm_surface){at, k->shape, k->hash, 0};
    return PM_OK;
}

static inline bool same(const pm_surfaces *s, const pm_surface_slot *slot, const key *k,
                        const uint8_t *p) {
    if (((slot->head[0] ^ k->head[0]) | (slot->head[1] ^ k->head[1]) |
         (slot->shape ^ k->shape)) != 0) {
        return false;
    }
    size_t n = k->shape >> 4;
    return n <= SHORT_BYTES || (slot->hash == k->hash &&
                                memcmp(s->bytes.p + s->words[slot->id].at, p, n) == 0);
}

/* The slot of a key, or the free one where it belongs. */
static inline pm_surface_slot *find(const pm_surfaces *s, const key *k,
                                    const uint8_t *p) {
    size_t mask = ((size_t)1 << s->bits) - 1;
    size_t i = home(k->hash, s->bits);
    while (!same(s, &s->slots[i], k, p) && s->slots[i].shape != 0) {
        i = (i + 1) & mask;
    }
    return &s->slots[i];
}

static pm_status number_block(pm_surfaces *s, const uint8_t *text,
                              const pm_token *tokens, size_t n, uint32_t *ids,
                              pm_error *err) {
    key keys[BLOCK];
    PM_TRY(make_room(s, n, err));
    for (size_t i = 0; i < n; i++) {
        keys[i] = key_of(text, &tokens[i]);
        __builtin_prefetch(&s->slots[home(keys[i].hash, s->bits)], 1);
    }
    for (size_t i = 0; i < n; i++) {
        pm_surface_slot *slot = find(s, &keys[i], text + tokens[i].start);
        if (slot->shape == 0) {
            PM_TRY(add(s, text, &tokens[i], &keys[i], slot, err));
        }
        slot->count++;
        ids[i] = slot->id;
    }
    return PM_OK;
}

pm_status pm_surfaces_number(pm_surfaces *s, const uint8_t *text,
                             const pm_token *tokens, size_t n, uint32_t *ids,
                             pm_error *err) {
    for (size_t i = 0; i < n; i += BLOCK) {
        PM_TRY(number_block(s, text, tokens + i, n - i < BLOCK ? n - i : BLOCK, ids + i,
                            err));
    }
    return PM_OK;
}

void pm_surfaces_settle(pm_surfaces *s) {
    for (size_t i = 0; s->slots != NULL && i < (size_t)1 << s->bits; i++) {
        if (s->slots[i].shape != 0) {
            s->words[s->slots[i].id].count = s->slots[i].count;
        }
    }
    free_slots(s);
}

void pm_surfaces_discount(pm_surfaces *s, const uint32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (ids[i] != PM_END) {
            s->words[ids[i]].count--;
        }
    }
}

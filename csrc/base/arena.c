/* Bump allocation in blocks, each larger than the one before, so that the newest is the
 * largest and a warm arena (reset, not released) allocates nothing. Under
 * AddressSanitizer what was not handed out is poisoned. */
#include "base/arena.h"

#include <string.h>

#include "base/sys.h"

#if defined(__SANITIZE_ADDRESS__)
#define PM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PM_ASAN 1
#endif
#endif
#ifdef PM_ASAN
#include <sanitizer/asan_interface.h>
enum { GUARD_BYTES = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
enum { GUARD_BYTES = 0 };
#endif

enum { ALIGNMENT = 16, FIRST_BLOCK_BYTES = 4096, MAX_GROWTH_BYTES = 16 << 20 };

struct pm_arena_block {
    struct pm_arena_block *older;
    size_t bytes; /* all of the block, this head included */
};

static size_t round_up(size_t n) {
    return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void free_block(struct pm_arena_block *b) {
    ASAN_UNPOISON_MEMORY_REGION(b, b->bytes);
    pm_free(b);
}

static void use_block(pm_arena *a, struct pm_arena_block *b) {
    a->blocks = b;
    a->at = (uint8_t *)b + round_up(sizeof *b);
    a->end = (uint8_t *)b + b->bytes;
    ASAN_POISON_MEMORY_REGION(a->at, (size_t)(a->end - a->at));
}

void pm_arena_init(pm_arena *a) {
    memset(a, 0, sizeof *a);
}

void pm_arena_release(pm_arena *a) {
    for (struct pm_arena_block *b = a->blocks; b != NULL;) {
        struct pm_arena_block *older = b->older;
        free_block(b);
        b = older;
    }
    pm_arena_init(a);
}

void pm_arena_reset(pm_arena *a) {
    struct pm_arena_block *newest = a->blocks;
    if (newest == NULL) {
        return;
    }
    a->blocks = newest->older;
    pm_arena_release(a);
    newest->older = NULL;
    use_block(a, newest);
}

/* A block with room for bytes (rounded already). Sizes at least grow, at most
 * double. */
static bool add_block(pm_arena *a, size_t bytes) {
    size_t last = a->blocks != NULL ? a->blocks->bytes : FIRST_BLOCK_BYTES / 2;
    size_t size = last + (last < MAX_GROWTH_BYTES ? last : MAX_GROWTH_BYTES);
    size_t needed = round_up(sizeof(struct pm_arena_block)) + bytes;
    size = size > needed ? size : needed;
    struct pm_arena_block *b = pm_alloc_array(size, 1);
    if (b == NULL) {
        return false;
    }
    b->older = a->blocks;
    b->bytes = size;
    use_block(a, b);
    return true;
}

void *pm_arena_alloc(pm_arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 4) {
        return NULL;
    }
    size_t room = round_up(bytes + GUARD_BYTES + (bytes == 0));
    if (room > (size_t)(a->end - a->at) && !add_block(a, room)) {
        return NULL;
    }
    void *p = a->at;
    a->at += room;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

void *pm_arena_array(pm_arena *a, size_t n, size_t size) {
    if (size != 0 && n > SIZE_MAX / size) {
        return NULL;
    }
    void *p = pm_arena_alloc(a, n * size);
    if (p != NULL) {
        memset(p, 0, n * size);
    }
    return p;
}

char *pm_arena_copy(pm_arena *a, const void *bytes, size_t n) {
    char *p = n < SIZE_MAX ? pm_arena_alloc(a, n + 1) : NULL;
    if (p == NULL) {
        return NULL;
    }
    if (n > 0) {
        memcpy(p, bytes, n);
    }
    p[n] = 0;
    return p;
}

/* Damages the sections of a container in memory, past every checksum: each byte
 * changed, and each section cut at each length. What is probed stands last in an
 * allocation of its exact size, so that the sanitizer sees a read of one byte too
 * many. */
#ifndef PM_TESTS_FORMAT_DAMAGE_H
#define PM_TESTS_FORMAT_DAMAGE_H

#include "format_fixture.h"

/* Opens sections and calls every access function; any answer will do. */
typedef void (*damage_probe)(const pm_container *file, void *ctx);

/* Takes an answer that may be any. */
static inline void damage_any(pm_status status) {
    CHECK(status == PM_OK || status == PM_CORRUPT);
}

/* The container's sections in memory, section `last` cut to `size` bytes and put
 * last. */
static inline pm_container damage_copy(const pm_container *from, uint32_t last,
                                       uint64_t size) {
    pm_container c = *from;
    uint64_t n = 0;
    for (uint32_t i = 0; i < from->n_sections; i++) {
        n += i == last ? size : from->sections[i].size;
    }
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    CHECK(bytes != NULL);
    uint64_t at = 0;
    for (uint32_t i = 0; i < from->n_sections; i++) {
        const pm_section *s = &from->sections[i];
        c.sections[i].offset = i == last ? n - size : at;
        c.sections[i].size = i == last ? size : s->size;
        memcpy(bytes + c.sections[i].offset, from->blob.bytes + s->offset,
               c.sections[i].size);
        at += i == last ? 0 : s->size;
    }
    c.blob.bytes = bytes;
    c.blob.n = n;
    return c;
}

static inline uint8_t *damage_bytes(pm_container *c, uint32_t section) {
    union {
        const uint8_t *read;
        uint8_t *write;
    } p = {c->blob.bytes};
    return p.write + c->sections[section].offset;
}

static inline void damage_release(pm_container *c) {
    free(damage_bytes(c, 0) - c->sections[0].offset);
}

static inline void damage_bytes_of(const pm_container *good, uint32_t section,
                                   damage_probe probe, void *ctx) {
    static const uint8_t changes[] = {0x01, 0x02, 0x10, 0x40, 0x80, 0xff};
    pm_container *c = room(1, sizeof *c);
    *c = damage_copy(good, section, good->sections[section].size);
    uint8_t *p = damage_bytes(c, section);
    for (uint64_t i = 0; i < good->sections[section].size; i++) {
        uint8_t was = p[i];
        for (size_t k = 0; k < sizeof changes; k++) {
            p[i] = was ^ changes[k];
            probe(c, ctx);
        }
        p[i] = was;
    }
    damage_release(c);
    free(c);
}

static inline void damage_sweep(const pm_container *good, damage_probe probe,
                                void *ctx) {
    pm_container *c = room(1, sizeof *c);
    for (uint32_t s = 0; s < good->n_sections; s++) {
        damage_bytes_of(good, s, probe, ctx);
        for (uint64_t size = 0; size < good->sections[s].size; size++) {
            *c = damage_copy(good, s, size);
            probe(c, ctx);
            damage_release(c);
        }
    }
    free(c);
}

#endif

/* Unit starts, and a directory of every 512th position, so that the unit of a position
 * is found among the few that begin between two directory entries (a unit takes at
 * least one position, its sentinel: at most 9 steps). */
#include "format/bounds.h"

#include "base/cursor.h"

enum { SECTION = PM_FOURCC('U', 'N', 'I', 'T'), SHIFT = 9, WRITE_ENTRIES = 1024 };

static uint32_t directory_size(uint32_t n_positions) {
    return (n_positions >> SHIFT) + ((n_positions & ((1U << SHIFT) - 1)) != 0);
}

/* The next n entries of the directory, from the k-th on. *unit: that of the entry before
 * (0 at first). */
static void fill_directory(const uint32_t *starts, uint32_t k, uint32_t n,
                           uint32_t *unit, uint32_t *entries) {
    for (uint32_t i = 0; i < n; i++) {
        while (starts[*unit + 1] <= (uint64_t)(k + i) << SHIFT) {
            ++*unit;
        }
        entries[i] = *unit;
    }
}

pm_status pm_bounds_write(pm_container_writer *w, const uint32_t *starts,
                          uint32_t n_units, pm_error *err) {
    uint32_t entries[WRITE_ENTRIES], unit = 0;
    uint32_t n = directory_size(starts[n_units]);
    pm_container_begin(w, SECTION, PM_SECTION_REQUIRED);
    pm_container_put(w, starts, 4 * ((size_t)n_units + 1));
    for (uint32_t k = 0; k < n; k += WRITE_ENTRIES) {
        uint32_t m = n - k < WRITE_ENTRIES ? n - k : WRITE_ENTRIES;
        fill_directory(starts, k, m, &unit, entries);
        pm_container_put(w, entries, m * sizeof *entries);
    }
    pm_container_end(w);
    return pm_container_status(w, err);
}

pm_status pm_bounds_open(pm_bounds *b, const pm_container *file, uint32_t n_docs,
                         uint32_t n_fields, uint32_t n_positions, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, SECTION, &bytes, err));
    uint64_t n_units = (uint64_t)n_docs * n_fields;
    uint64_t expected = 4 * (n_units + 1) + 4 * (uint64_t)directory_size(n_positions);
    if (n_units > n_positions || bytes.n != expected) {
        return pm_section_corrupt(
            file, SECTION, 0, err,
            "%u documents of %u fields, %u positions: expected %llu bytes, found %zu",
            n_docs, n_fields, n_positions, (unsigned long long)expected, bytes.n);
    }
    *b = (pm_bounds){.file = file,
                     .starts = bytes.p,
                     .directory = bytes.p + 4 * (n_units + 1),
                     .n_units = (uint32_t)n_units,
                     .n_positions = n_positions,
                     .n_fields = n_fields};
    return PM_OK;
}

static uint32_t start_at(const pm_bounds *b, uint32_t u) {
    return pm_load32(b->starts + 4 * (size_t)u);
}

pm_pos pm_bounds_start(const pm_bounds *b, pm_unit u) {
    uint32_t start = u < b->n_units ? start_at(b, u) : b->n_positions;
    return start < b->n_positions ? start : b->n_positions;
}

pm_pos pm_bounds_end(const pm_bounds *b, pm_unit u) {
    if (u >= b->n_units) {
        return b->n_positions;
    }
    pm_pos start = pm_bounds_start(b, u), next = pm_bounds_start(b, u + 1);
    return next > start ? next - 1 : start;
}

pm_unit pm_bounds_unit(const pm_bounds *b, pm_pos pos) {
    if (pos >= b->n_positions || b->n_units == 0) {
        return PM_END;
    }
    uint32_t k = pos >> SHIFT, last = b->n_units - 1;
    uint32_t lo = pm_load32(b->directory + 4 * (size_t)k), hi = last;
    if (k + 1 < directory_size(b->n_positions)) {
        hi = pm_load32(b->directory + 4 * ((size_t)k + 1));
    }
    if (lo > hi || hi > last) {
        return PM_END;
    }
    while (lo < hi) { /* the last unit in [lo, hi] that begins at or before pos */
        uint32_t middle = hi - (hi - lo) / 2;
        if (start_at(b, middle) <= pos) {
            lo = middle;
        } else {
            hi = middle - 1;
        }
    }
    return start_at(b, lo) <= pos && pos < start_at(b, lo + 1) ? lo : PM_END;
}

uint32_t pm_bounds_doc_length(const pm_bounds *b, pm_doc d) {
    uint64_t first = (uint64_t)d * b->n_fields, next = first + b->n_fields;
    if (next > b->n_units) {
        return 0;
    }
    pm_pos lo = pm_bounds_start(b, (pm_unit)first),
           hi = pm_bounds_start(b, (pm_unit)next);
    return hi > lo && hi - lo > b->n_fields ? hi - lo - b->n_fields : 0;
}

static pm_status verify_directory(const pm_bounds *b, pm_error *err) {
    uint32_t unit = 0;
    for (uint32_t k = 0; k < directory_size(b->n_positions); k++) {
        while (start_at(b, unit + 1) <= k << SHIFT) {
            unit++;
        }
        uint32_t found = pm_load32(b->directory + 4 * (size_t)k);
        if (found != unit) {
            return pm_section_corrupt(
                b->file, SECTION, 4 * ((uint64_t)b->n_units + 1 + k), err,
                "position %u: expected unit %u, found %u", k << SHIFT, unit, found);
        }
    }
    return PM_OK;
}

pm_status pm_bounds_verify(const pm_bounds *b, pm_cancel *cancel, pm_error *err) {
    if (start_at(b, 0) != 0) {
        return pm_section_corrupt(b->file, SECTION, 0, err,
                                  "expected the first unit at position 0, found %u",
                                  start_at(b, 0));
    }
    for (uint32_t u = 0; u < b->n_units; u++) {
        PM_TRY(pm_cancel_check(cancel, 2, err));
        uint32_t start = start_at(b, u), next = start_at(b, u + 1);
        if (next <= start) {
            return pm_section_corrupt(b->file, SECTION, 4 * ((uint64_t)u + 1), err,
                                      "expected unit %u after position %u, found %u",
                                      u + 1, start, next);
        }
    }
    uint32_t end = start_at(b, b->n_units);
    if (end != b->n_positions) {
        return pm_section_corrupt(b->file, SECTION, 4 * (uint64_t)b->n_units, err,
                                  "expected the last unit to end at %u, found %u",
                                  b->n_positions, end);
    }
    return verify_directory(b, err);
}

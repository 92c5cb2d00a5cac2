/* The table of Wagner and Fischer (1974), row by row along the string, kept for the
 * part that the next string shares. In a sorted list of 300,000 words most strings cost
 * a comparison of their first few code points. */
#include "query/fuzzy.h"

#include "text/utf8.h"

static uint8_t *row_of(const pm_fuzzy *f, uint32_t depth) {
    return f->rows + (size_t)depth * (f->n + 1);
}

pm_status pm_fuzzy_init(pm_fuzzy *f, pm_bytes word, unsigned distance, pm_arena *arena,
                        pm_error *err) {
    *f = (pm_fuzzy){.distance = distance};
    f->word = pm_arena_array(arena, word.n + 1, sizeof *f->word);
    if (f->word == NULL) {
        return pm_fail_nomem(err, word.n * sizeof *f->word);
    }
    for (size_t at = 0; at < word.n; f->n++) {
        unsigned len;
        f->word[f->n] = pm_utf8_decode(word.p, at, &len);
        at += len;
    }
    uint32_t depth = f->n + distance + 1;
    f->last = pm_arena_array(arena, depth, sizeof *f->last);
    f->rows = pm_arena_array(arena, (size_t)(depth + 1) * (f->n + 1), 1);
    if (f->last == NULL || f->rows == NULL) {
        return pm_fail_nomem(err, (size_t)depth * (f->n + 1));
    }
    for (uint32_t j = 0; j <= f->n; j++) {
        f->rows[j] = (uint8_t)(j <= distance ? j : distance + 1);
    }
    return PM_OK;
}

/* Fills the row behind one more code point; false where nothing in it is within the
 * distance. */
static bool fill_row(pm_fuzzy *f, uint32_t depth, uint32_t cp) {
    const uint8_t *above = row_of(f, depth);
    uint8_t *row = row_of(f, depth + 1);
    unsigned most = f->distance + 1, least = most;
    row[0] = (uint8_t)(depth + 1 <= f->distance ? depth + 1 : most);
    least = row[0] < least ? row[0] : least;
    for (uint32_t j = 0; j < f->n; j++) {
        unsigned best = above[j] + (f->word[j] != cp ? 1u : 0u);
        best = above[j + 1] + 1u < best ? above[j + 1] + 1u : best;
        best = row[j] + 1u < best ? row[j] + 1u : best;
        row[j + 1] = (uint8_t)(best < most ? best : most);
        least = row[j + 1] < least ? row[j + 1] : least;
    }
    return least <= f->distance;
}

bool pm_fuzzy_match(pm_fuzzy *f, pm_bytes text) {
    uint32_t depth = 0;
    for (size_t at = 0; at < text.n; depth++) {
        unsigned len;
        uint32_t cp = pm_utf8_decode(text.p, at, &len);
        at += len;
        if (depth == f->n + f->distance) {
            return false; /* longer than any match */
        }
        if (depth < f->known && f->last[depth] == cp) {
            if (f->dead && depth + 1 == f->known) {
                return false;
            }
            continue;
        }
        f->last[depth] = cp;
        f->known = depth + 1;
        f->dead = !fill_row(f, depth, cp);
        if (f->dead) {
            return false;
        }
    }
    return row_of(f, depth)[f->n] <= f->distance;
}

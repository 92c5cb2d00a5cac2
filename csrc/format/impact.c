/* Chooses impacts, among all pairs of bounds, by the score that they allow. */
#include "format/impact.h"

#include <stdbool.h>
#include <string.h>

enum {
    OPEN_TF = 255,
    NO_LENGTH = 255 /* code of no document: its floor is beyond 32 bits */
};

/* Codes below 16 are the length; from there on the code's low 3 bits and a leading 1
 * are the mantissa. */
unsigned pm_length_code(uint32_t length) {
    if (length < 16) {
        return length;
    }
    /* length >> shift in [8, 16) */
    unsigned shift = 28 - (unsigned)__builtin_clz(length);
    return (shift + 1) * 8 + ((length >> shift) & 7);
}

uint64_t pm_length_floor(unsigned code) {
    return code < 16 ? code : (uint64_t)(8 + (code & 7)) << ((code >> 3) - 1);
}

/* A pair's bound grows with tf / ((1 - b) + b * length / average): for b = 0.75 with tf
 * / (average + 3 * length). k1 does not change the order. */
static bool bound_below(unsigned tf_x, unsigned length_x, unsigned tf_y,
                        unsigned length_y, uint64_t average) {
    uint64_t x = tf_x < OPEN_TF ? tf_x : 1 << 20, y = tf_y < OPEN_TF ? tf_y : 1 << 20;
    return x * (average + 3 * pm_length_floor(length_y)) <
           y * (average + 3 * pm_length_floor(length_x));
}

static void swap_to_order(unsigned greater[2], unsigned lesser[2], uint64_t average) {
    if (bound_below(greater[0], greater[1], lesser[0], lesser[1], average)) {
        unsigned t[2] = {greater[0], greater[1]};
        memcpy(greater, lesser, sizeof t);
        memcpy(lesser, t, sizeof t);
    }
}

/* Whether the impact x is tighter than y: by the greater of its pairs' bounds, then by
 * the other. */
static bool tighter(pm_impact x, pm_impact y, uint64_t average) {
    unsigned x_max[2] = {x.tf_a, x.length_a}, x_min[2] = {x.tf_b, x.length_b};
    unsigned y_max[2] = {y.tf_a, y.length_a}, y_min[2] = {y.tf_b, y.length_b};
    swap_to_order(x_max, x_min, average);
    swap_to_order(y_max, y_min, average);
    if (bound_below(x_max[0], x_max[1], y_max[0], y_max[1], average)) {
        return true;
    }
    return !bound_below(y_max[0], y_max[1], x_max[0], x_max[1], average) &&
           bound_below(x_min[0], x_min[1], y_min[0], y_min[1], average);
}

/* Any cover by two pairs splits the documents by tf: those above the split lie under
 * pair a, the rest under pair b, each with its least length. All splits are
 * tried. */
pm_impact pm_impact_choose(const uint32_t *repeats, const uint8_t *length_codes,
                           size_t n, uint64_t average) {
    uint8_t least[OPEN_TF + 1], least_above[OPEN_TF + 1];
    unsigned top = 0;
    memset(least, NO_LENGTH, sizeof least);
    for (size_t i = 0; i < n; i++) {
        unsigned tf = repeats[i] < OPEN_TF ? repeats[i] + 1 : OPEN_TF;
        uint8_t code = length_codes[i];
        least[tf] = code < least[tf] ? code : least[tf];
        top = tf > top ? tf : top;
    }
    least_above[top] = NO_LENGTH;
    for (unsigned tf = top; tf > 0; tf--) {
        least_above[tf - 1] = least[tf] < least_above[tf] ? least[tf] : least_above[tf];
    }
    uint8_t all = least_above[0], below = NO_LENGTH;
    pm_impact best = {(uint8_t)top, all, (uint8_t)top, all};
    for (unsigned tf = 1; tf < top; tf++) {
        if (least[tf] == NO_LENGTH) {
            continue;
        }
        below = least[tf] < below ? least[tf] : below;
        pm_impact split = {(uint8_t)top, least_above[tf], (uint8_t)tf, below};
        if (tighter(split, best, average)) {
            best = split;
        }
    }
    return best;
}

uint64_t pm_impact_average(uint32_t n_docs, uint32_t n_fields, uint32_t n_positions) {
    bool has_tokens = n_docs > 0 && n_positions / n_docs > n_fields;
    return has_tokens ? n_positions / n_docs - n_fields : 1;
}

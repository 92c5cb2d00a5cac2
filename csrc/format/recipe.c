/* The table is part of the format (docs/FORMAT.md, section SURF): entries are never
 * changed. Capitals are ASCII letters only. */
#include "format/recipe.h"

#include <string.h>

enum capitals { NONE, FIRST, ALL };

static const struct recipe {
    char prefix; /* 0: none */
    uint8_t capitals;
    char suffix[5];
} recipes[PM_RECIPES] = {
    {0, NONE, ""},
    {0, NONE, ""},
    {0, FIRST, ""},
    {0, ALL, ""},
    {0, NONE, "'s"},
    {0, FIRST, "'s"},
    {0, ALL, "'s"},
    {0, NONE, "\xe2\x80\x99s"},
    {0, FIRST, "\xe2\x80\x99s"},
    {0, ALL, "\xe2\x80\x99s"},
    {'#', NONE, ""},
    {'#', FIRST, ""},
    {'@', NONE, ""},
    {'@', FIRST, ""},
    {'$', NONE, ""},
};

static uint8_t capital(uint8_t c) {
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_capitalised(unsigned capitals, pm_bytes form, const uint8_t *p) {
    for (size_t i = 0; i < form.n; i++) {
        bool is_capital = capitals == ALL || (capitals == FIRST && i == 0);
        if (p[i] != (is_capital ? capital(form.p[i]) : form.p[i])) {
            return false;
        }
    }
    return true;
}

unsigned pm_recipe_find(pm_bytes form, pm_bytes surface) {
    for (unsigned r = 1; r < PM_RECIPES; r++) {
        size_t before = recipes[r].prefix != 0, after = strlen(recipes[r].suffix);
        if (surface.n != before + form.n + after || surface.n == 0) {
            continue;
        }
        if ((before == 0 || surface.p[0] == (uint8_t)recipes[r].prefix) &&
            memcmp(surface.p + before + form.n, recipes[r].suffix, after) == 0 &&
            is_capitalised(recipes[r].capitals, form, surface.p + before)) {
            return r;
        }
    }
    return 0;
}

bool pm_recipe_apply(unsigned recipe, pm_buf *text) {
    if (recipe == 0 || recipe >= PM_RECIPES) {
        return false;
    }
    const struct recipe *r = &recipes[recipe];
    size_t letters = r->capitals == ALL ? text->n : r->capitals == FIRST && text->n > 0;
    for (size_t i = 0; i < letters; i++) {
        text->p[i] = capital(text->p[i]);
    }
    pm_buf_put(text, r->suffix, strlen(r->suffix));
    if (r->prefix != 0 && pm_buf_room(text, 1) != NULL) {
        memmove(text->p + 1, text->p, text->n);
        text->p[0] = (uint8_t)r->prefix;
        pm_buf_grew(text, 1);
    }
    return !text->failed;
}

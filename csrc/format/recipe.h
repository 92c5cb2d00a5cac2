/* How a surface comes from its folded form, where that takes a capital, a sign or an
 * English possessive: a number instead of a string in the lexicon. */
#ifndef PM_FORMAT_RECIPE_H
#define PM_FORMAT_RECIPE_H

#include "base/buffer.h"

enum { PM_RECIPES = 15 }; /* 1 .. PM_RECIPES - 1; 0: none, the surface is spelled out */

/* The least recipe that makes surface from form, 0 where there is none. */
unsigned pm_recipe_find(pm_bytes form, pm_bytes surface);
/* Turns the form in text into the surface. False for an unknown recipe, or when text
 * failed. */
bool pm_recipe_apply(unsigned recipe, pm_buf *text);

#endif

/* Words and numbers: UAX #29's rules WB4 to WB13b as one loop with one pending
 * connector, and the deviations of docs/TOKENS.md (full stops, commas, colons,
 * elisions, 's after digits, connectors at the edges). */
#include "text/scan.h"

#include <string.h>

#include "base/types.h"

typedef struct word {
    const pm_scan *s;
    size_t start, at; /* at: next byte to look at */
    /* of the token as far as it is certain: connectors behind it may not belong */
    size_t end;
    unsigned budget; /* code points that still fit */
    unsigned last;   /* class of the last code point that does not merely stay */
    /* digits since the last comma; PM_NO_GROUP where no comma can join */
    unsigned group;
    bool grouped;    /* a comma has joined */
    bool apostrophe; /* one has been met */
} word;

enum { PM_NO_GROUP = 1000 };

size_t pm_scan_marks(const pm_scan *s, size_t at, unsigned *budget) {
    for (; *budget > 0; (*budget)--) {
        pm_cp c = pm_scan_at(s, at);
        if (!pm_class_stays(c.class)) {
            break;
        }
        at += c.len;
    }
    return at;
}

size_t pm_scan_cluster(const pm_scan *s, size_t at) {
    unsigned budget = PM_MAX_TOKEN_CODE_POINTS - 1;
    for (; budget > 0; budget--) {
        pm_cp c = pm_scan_at(s, at);
        /* Thai and Lao sara am are letters to UAX #29's word breaks, spacing marks to
         * its grapheme clusters. */
        if (!pm_class_stays(c.class) && c.cp != 0xe33 && c.cp != 0xeb3) {
            break;
        }
        at += c.len;
    }
    return at;
}

static void take(word *w, pm_cp c) {
    w->at += c.len;
    w->budget--;
    if (pm_class_stays(c.class)) {
        if (w->last != PM_CHAR_UNDERSCORE) {
            w->end = w->at;
        }
        return;
    }
    if (c.class == PM_CHAR_DIGIT) {
        w->group += w->group < PM_NO_GROUP;
    } else {
        w->group = PM_NO_GROUP;
    }
    w->last = c.class;
    if (c.class != PM_CHAR_UNDERSCORE) {
        w->end = w->at;
    }
}

/* Whether the bytes before an apostrophe are an elided word. */
static bool is_elision(const word *w, size_t end) {
    const char *const *list = w->s->an->rules->elisions;
    char small[8];
    size_t n = end - w->start;
    if (list == NULL || w->apostrophe || n == 0 || n >= sizeof small) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t c = w->s->text[w->start + i];
        small[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    small[n] = '\0';
    for (; *list != NULL; list++) {
        if (strcmp(small, *list) == 0) {
            return true;
        }
    }
    return false;
}

/* A comma at w->at joins what is before it to exactly three digits behind it. */
static bool comma_joins(const word *w, size_t after) {
    if (w->group == 0 || w->group > 3 || (w->grouped && w->group != 3)) {
        return false;
    }
    for (unsigned i = 0; i < 3; i++) {
        pm_cp c = pm_scan_at(w->s, after);
        if (c.class != PM_CHAR_DIGIT) {
            return false;
        }
        after += c.len;
    }
    return pm_scan_at(w->s, after).class != PM_CHAR_DIGIT;
}

/* 1979's, 747’s: an s behind the apostrophe, and nothing more. */
static bool is_digit_possessive(const word *w, pm_cp next, size_t next_at) {
    if ((next.cp | 0x20) != 's') {
        return false;
    }
    return !pm_class_is_word(pm_scan_at(w->s, next_at + next.len).class);
}

static bool apostrophe_joins(const word *w, pm_cp next, size_t next_at) {
    if (w->last == PM_CHAR_DIGIT) {
        return next.class == PM_CHAR_DIGIT || is_digit_possessive(w, next, next_at);
    }
    return pm_class_is_letter(w->last) && pm_class_is_letter(next.class);
}

/* Whether the connector c at w->at joins; next is the first code point behind it that
 * does not merely stay. */
static bool connector_joins(const word *w, pm_cp c, pm_cp next, size_t next_at) {
    switch (c.class) {
    case PM_CHAR_APOSTROPHE:
        return apostrophe_joins(w, next, next_at);
    case PM_CHAR_DOT:
        return w->last == PM_CHAR_DIGIT && next.class == PM_CHAR_DIGIT;
    case PM_CHAR_COMMA:
        return w->last == PM_CHAR_DIGIT && comma_joins(w, w->at + c.len);
    case PM_CHAR_MIDLETTER:
        return pm_class_is_letter(w->last) && pm_class_is_letter(next.class);
    case PM_CHAR_DOUBLE_QUOTE:
        return w->last == PM_CHAR_HEBREW && next.class == PM_CHAR_HEBREW;
    default:
        return false;
    }
}

/* Takes the connector c where it joins; false ends the token. */
static bool take_connector(word *w, pm_cp c) {
    unsigned budget = w->budget - 1;
    size_t next_at = pm_scan_marks(w->s, w->at + c.len, &budget);
    pm_cp next = pm_scan_at(w->s, next_at);
    if (c.class == PM_CHAR_APOSTROPHE && pm_class_is_word(next.class) &&
        is_elision(w, w->at)) {
        w->end = w->at + c.len;
        return false;
    }
    /* A connector must not be a token's last code point only because the limit is
     * reached. */
    if (budget == 0 || !connector_joins(w, c, next, next_at)) {
        if (w->last == PM_CHAR_HEBREW && c.cp == '\'') { /* geresh, WB7a */
            w->end = next_at;
        }
        return false;
    }
    w->apostrophe |= c.class == PM_CHAR_APOSTROPHE;
    w->grouped |= c.class == PM_CHAR_COMMA;
    w->group = c.class == PM_CHAR_COMMA ? 0 : PM_NO_GROUP;
    w->at = next_at;
    w->budget = budget;
    w->end = next_at;
    return true;
}

size_t pm_scan_word(const pm_scan *s, size_t start, size_t at) {
    word w = {.s = s, .start = start, .at = at, .end = at, .last = PM_CHAR_OTHER};
    w.budget = PM_MAX_TOKEN_CODE_POINTS - (at > start);
    w.apostrophe = at > start; /* nothing is elided behind a sign */
    while (w.budget > 0) {
        pm_cp c = pm_scan_at(s, w.at);
        if (pm_class_is_word(c.class) || pm_class_stays(c.class)) {
            take(&w, c);
        } else if (c.class < PM_CHAR_APOSTROPHE || c.class > PM_CHAR_DOUBLE_QUOTE ||
                   !take_connector(&w, c)) {
            break;
        }
    }
    return w.end;
}

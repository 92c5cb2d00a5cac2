/* Letter-case classes of a surface: one pass that counts. */
#include "text/analyzer.h"
#include "text/code_point.h"
#include "text/utf8.h"

typedef struct letters {
    unsigned n, capitals;
    bool ends_in_s; /* the last letter is a small s */
    bool dotted;    /* every letter stands alone, full stops between them */
    unsigned dots;
} letters;

/* Without 's, whatever its case and apostrophe. */
static size_t without_possessive(const uint8_t *p, size_t n) {
    if (n < 3 || (p[n - 1] | 0x20) != 's') {
        return n;
    }
    size_t at = pm_utf8_before(p, n - 1);
    return at > 0 && pm_cp_at(p, n, at).class == PM_CHAR_APOSTROPHE ? at : n;
}

static letters count(const uint8_t *p, size_t n) {
    letters l = {.dotted = true};
    bool after_letter = false;
    for (size_t at = 0; at < n;) {
        pm_cp c = pm_cp_at(p, n, at);
        at += c.len;
        if (pm_class_is_letter(c.class)) {
            l.n++;
            l.capitals += (c.bits & PM_CHAR_UPPER) != 0;
            l.ends_in_s = c.cp == 's';
            l.dotted &= !after_letter;
            after_letter = true;
        } else if (c.class == PM_CHAR_DOT) {
            l.dots++;
            after_letter = false;
        } else if (!pm_class_stays(c.class)) {
            l.dotted = false;
        }
    }
    return l;
}

pm_case pm_case_class(const uint8_t *surface, size_t n) {
    letters l = count(surface, without_possessive(surface, n));
    if (l.n >= 2 && (l.capitals == l.n || (l.dotted && l.dots >= l.n - 1))) {
        return PM_CASE_ACRONYM;
    }
    if (l.capitals >= 2 && l.ends_in_s && l.capitals + 1 == l.n) {
        return PM_CASE_PLURAL;
    }
    return l.capitals > 0 ? PM_CASE_CAPITAL : PM_CASE_LOWER;
}

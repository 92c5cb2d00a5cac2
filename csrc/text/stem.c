/* libstemmer behind the core's contract. It keeps a buffer of its own, hence one
 * stemmer a thread; its few allocations are the only ones of the core outside
 * base/sys.h. */
#include <libstemmer.h>
#include <limits.h>
#include <string.h>

#include "base/sys.h"
#include "text/analyzer_internal.h"
#include "text/code_point.h"

struct pm_stemmer {
    const pm_language *rules;
    struct sb_stemmer *snowball; /* NULL where nothing is stemmed */
};

pm_status pm_stemmer_new(const pm_analyzer *an, pm_stemmer **out, pm_error *err) {
    pm_stemmer *st = pm_alloc(sizeof *st);
    *out = NULL;
    if (st == NULL) {
        return pm_fail_nomem(err, sizeof *st);
    }
    *st = (pm_stemmer){.rules = an->rules};
    if (an->stems && (st->snowball = sb_stemmer_new(an->lang, "UTF_8")) == NULL) {
        pm_free(st);
        return pm_fail(err, PM_NOMEM,
                       "libstemmer gives no stemmer for '%s': out of memory", an->lang);
    }
    *out = st;
    return PM_OK;
}

void pm_stemmer_free(pm_stemmer *st) {
    if (st != NULL) {
        sb_stemmer_delete(st->snowball);
        pm_free(st);
    }
}

/* Letters (with their marks) and apostrophes. */
static bool is_stemmable(const pm_language *rules, const uint8_t *p, size_t n) {
    for (size_t at = 0; at < n;) {
        pm_cp c = pm_cp_at(p, n, at);
        bool fits = pm_class_is_letter(c.class) || c.class == PM_CHAR_EXTEND ||
                    c.cp == '\'' || (c.cp == 0xb7 && rules->middle_dot_letter);
        if (!fits) {
            return false;
        }
        at += c.len;
    }
    return n > 0 && n <= INT_MAX;
}

/* Bytes of the form that are stemmed. */
static size_t stemmed_length(const pm_language *rules, const uint8_t *p, size_t n) {
    const uint8_t *apostrophe = rules->apostrophe_ends_stem ? memchr(p, '\'', n) : NULL;
    return apostrophe == NULL || apostrophe == p ? n : (size_t)(apostrophe - p);
}

pm_status pm_stem(pm_stemmer *st, const uint8_t *folded, size_t n, pm_buf *out,
                  pm_error *err) {
    pm_bytes stem = {folded, n};
    if (st->snowball != NULL && is_stemmable(st->rules, folded, n)) {
        int stemmed = (int)stemmed_length(st->rules, folded, n);
        const sb_symbol *p = sb_stemmer_stem(st->snowball, folded, stemmed);
        if (p == NULL) {
            return pm_fail_nomem(err, n);
        }
        int len = sb_stemmer_length(st->snowball);
        stem = len > 0 ? (pm_bytes){p, (size_t)len} : stem;
    }
    pm_buf_put(out, stem.p, stem.n);
    return pm_buf_status(out, err);
}

/* Languages and fingerprints. The stemmer has no version of its own, so the fingerprint
 * reads what it does to a fixed list of words, and what folding and accents do to
 * them. */
#include "text/analyzer.h"

#include <libstemmer.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/hash.h"
#include "base/sys.h"
#include "text/analyzer_internal.h"
#include "text/probe_tables.h"
#include "text/tokenizer.h"
#include "text/unicode_tables.h"

/* Raised whenever a rule of tokens, folding, accents or zones changes. */
enum { CHAIN_VERSION = 1 };
/* Of a fingerprint, the low bits that speak of stems. */
enum { STEM_BITS = 32 };

/* ---- languages ---- */

enum { MAX_LANGUAGES = 127, NEAREST = 3 };

/* Written once under pthread_once, then only read: libstemmer's list with "none" behind
 * it. */
static const char *languages[MAX_LANGUAGES + 1];
static pthread_once_t languages_once = PTHREAD_ONCE_INIT;

static void list_languages(void) {
    const char **names = sb_stemmer_list();
    size_t n = 0;
    for (; names[n] != NULL && n < MAX_LANGUAGES - 1; n++) {
        languages[n] = names[n];
    }
    languages[n] = "none";
}

const char *const *pm_languages(void) {
    (void)pthread_once(&languages_once, list_languages);
    return languages;
}

/* Levenshtein distance of short names; a name that begins with the other is nearest of
 * all. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[33];
    size_t na = strlen(a), nb = strlen(b);
    if (na > 0 && strncmp(a, b, na) == 0) {
        return 0;
    }
    if (na > 32 || nb > 32) {
        return UINT32_MAX;
    }
    for (unsigned j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]),
                     insert = row[j - 1] + 1, drop = row[j] + 1;
            diagonal = row[j];
            row[j] = replace < insert ? replace : insert;
            row[j] = row[j] < drop ? row[j] : drop;
        }
    }
    return row[nb];
}

static pm_status unknown_language(const char *lang, pm_error *err) {
    const char *const *names = pm_languages();
    const char *best[NEAREST] = {"", "", ""};
    unsigned best_distance[NEAREST] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    for (; *names != NULL; names++) {
        const char *name = *names;
        unsigned d = distance(lang, name);
        for (int i = 0; i < NEAREST; i++) {
            if (d < best_distance[i]) {
                const char *held = best[i];
                unsigned held_distance = best_distance[i];
                best[i] = name;
                best_distance[i] = d;
                name = held;
                d = held_distance;
            }
        }
    }
    pm_status status = pm_fail(err, PM_INVALID, "unknown language '%.40s'", lang);
    const char *by_code = pm_language_of_code(lang);
    if (by_code != NULL) {
        pm_error_hint(err, "write '%s'", by_code);
    } else {
        pm_error_hint(err, "nearest names: %s, %s, %s; 'none' stems nothing", best[0],
                      best[1], best[2]);
    }
    return status;
}

/* ---- fingerprint ---- */

/* What one word becomes, each with a NUL: folded form and accentless key to texts, stem
 * to stems. */
static pm_status put_forms(const pm_analyzer *an, pm_stemmer *st, const char *word,
                           pm_buf *texts, pm_buf *stems, pm_error *err) {
    pm_buf form;
    pm_buf_init(&form);
    bool changed;
    pm_status status = PM_OK;
    PM_GO(pm_fold(an, (const uint8_t *)word, strlen(word), PM_KIND_WORD, &form, err));
    pm_buf_put(texts, form.p, form.n);
    pm_buf_put_u8(texts, 0);
    PM_GO(pm_unaccent(an, form.p, form.n, texts, &changed, err));
    pm_buf_put_u8(texts, 0);
    PM_GO(pm_stem(st, form.p, form.n, stems, err));
    pm_buf_put_u8(stems, 0);
out:
    pm_buf_release(&form);
    return status;
}

static pm_status put_all_forms(const pm_analyzer *an, pm_buf *texts, pm_buf *stems,
                               pm_error *err) {
    pm_stemmer *st;
    PM_TRY(pm_stemmer_new(an, &st, err));
    pm_status status = PM_OK;
    for (const char *const *word = pm_probe_words; status == PM_OK && *word != NULL;
         word++) {
        status = put_forms(an, st, *word, texts, stems, err);
    }
    pm_stemmer_free(st);
    return status;
}

static pm_status find_fingerprint(pm_analyzer *an, pm_error *err) {
    pm_buf texts, stems;
    pm_buf_init(&texts);
    pm_buf_init(&stems);
    pm_status status = PM_OK;
    pm_buf_put_u32(&texts, CHAIN_VERSION);
    pm_buf_put_u64(&texts, PM_UNICODE_TABLES_HASH);
    pm_buf_put(&texts, PM_UNICODE_VERSION, sizeof PM_UNICODE_VERSION);
    const char *utf8proc_unicode = utf8proc_unicode_version();
    pm_buf_put(&texts, utf8proc_unicode, strlen(utf8proc_unicode) + 1);
    pm_buf_put(&texts, an->lang, strlen(an->lang) + 1);
    PM_GO(put_all_forms(an, &texts, &stems, err));
    PM_GO(pm_buf_status(&texts, err));
    PM_GO(pm_buf_status(&stems, err));
    an->fingerprint = pm_hash64(texts.p, texts.n) >> STEM_BITS << STEM_BITS |
                      pm_hash64(stems.p, stems.n) >> STEM_BITS;
out:
    pm_buf_release(&texts);
    pm_buf_release(&stems);
    return status;
}

bool pm_fingerprint_same_text(uint64_t a, uint64_t b) {
    return a >> STEM_BITS == b >> STEM_BITS;
}

pm_status pm_analyzer_new(const char *lang, pm_analyzer **out, pm_error *err) {
    *out = NULL;
    const char *const *name = pm_languages();
    while (*name != NULL && strcmp(*name, lang) != 0) {
        name++;
    }
    if (*name == NULL) {
        return unknown_language(lang, err);
    }
    pm_analyzer *an = pm_alloc(sizeof *an);
    if (an == NULL) {
        return pm_fail_nomem(err, sizeof *an);
    }
    *an = (pm_analyzer){.lang = *name,
                        .rules = pm_language_find(*name),
                        .stems = strcmp(*name, "none") != 0};
    pm_status status = find_fingerprint(an, err);
    if (status != PM_OK) {
        pm_free(an);
        return status;
    }
    *out = an;
    return PM_OK;
}

void pm_analyzer_free(pm_analyzer *an) {
    pm_free(an);
}
const char *pm_analyzer_lang(const pm_analyzer *an) {
    return an->lang;
}
uint64_t pm_analyzer_fingerprint(const pm_analyzer *an) {
    return an->fingerprint;
}

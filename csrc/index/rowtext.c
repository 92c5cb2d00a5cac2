/* Text that is valid already, nearly all there is, is left where it stands. */
#include "index/rowtext.h"

#include <inttypes.h>
#include <string.h>

#include "text/tokenizer.h"
#include "text/utf8.h"

enum { TICK_TOKENS = 1024, TOKEN_NS = 20, KEPT_BYTES = 1 << 20 };

void pm_rowtext_init(pm_rowtext *t) {
    memset(t, 0, sizeof *t);
}

void pm_rowtext_release(pm_rowtext *t) {
    pm_buf_release(&t->scratch);
}

static pm_status clean_text(pm_rowtext *t, pm_bytes given, pm_bytes *text,
                            const char *field, pm_error *err) {
    if (given.n > PM_MAX_TEXT_BYTES) {
        return pm_fail(err, PM_LIMIT,
                       "the text of field \"%s\" has %zu bytes; the limit is %d", field,
                       given.n, PM_MAX_TEXT_BYTES);
    }
    *text = given;
    if (!pm_utf8_valid(given)) {
        size_t before = t->scratch.n, replaced;
        pm_utf8_sanitize(given, &t->scratch, &replaced);
        t->replaced += replaced;
        *text = (pm_bytes){NULL, t->scratch.n - before}; /* which may still move */
    }
    t->bytes += text->n;
    return PM_OK;
}

static void point_to_scratch(pm_rowtext *t, uint32_t n_fields) {
    const uint8_t *at = t->scratch.p;
    for (uint32_t f = 0; f < n_fields; f++) {
        if (t->texts[f].p == NULL && t->texts[f].n > 0) {
            t->texts[f].p = at;
            at += t->texts[f].n;
        }
    }
}

static pm_status count_tokens(const pm_analyzer *an, pm_bytes text, uint64_t *n,
                              pm_cancel *cancel, pm_error *err) {
    pm_token token;
    for (size_t at = 0; pm_token_next(an, text.p, text.n, &at, &token);) {
        if (++*n % TICK_TOKENS == 0 && pm_cancel_tick(cancel, TICK_TOKENS * TOKEN_NS)) {
            return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
    }
    return PM_OK;
}

static pm_status too_large(uint64_t positions, uint32_t limit, pm_error *err) {
    pm_fail(err, PM_LIMIT,
            "the document takes %" PRIu64 " positions; a segment holds %" PRIu32,
            positions, limit);
    pm_error_hint(err, limit < PM_MAX_POSITIONS ? "raise pm.limits.segment_tokens"
                                                : "split the document");
    return PM_LIMIT;
}

/* A token has a byte, a text its sentinel; where that is too much, tokens are
 * counted. */
static pm_status check_positions(const pm_rowtext *t, const pm_rowtext_rule *rule,
                                 pm_cancel *cancel, pm_error *err) {
    uint64_t n = rule->n_fields;
    if (t->bytes + n <= rule->segment_tokens) {
        return PM_OK;
    }
    for (uint32_t f = 0; f < rule->n_fields; f++) {
        PM_TRY(count_tokens(rule->analyzer, t->texts[f], &n, cancel, err));
    }
    return n <= rule->segment_tokens ? PM_OK : too_large(n, rule->segment_tokens, err);
}

pm_status pm_rowtext_take(pm_rowtext *t, const pm_bytes *given,
                          const pm_rowtext_rule *rule, pm_cancel *cancel,
                          pm_error *err) {
    if (t->scratch.capacity > KEPT_BYTES) {
        pm_buf_release(&t->scratch); /* of one large text */
    }
    pm_buf_clear(&t->scratch);
    t->bytes = t->replaced = 0;
    for (uint32_t f = 0; f < rule->n_fields; f++) {
        PM_TRY(clean_text(t, given[f], &t->texts[f], rule->fields[f], err));
    }
    PM_TRY(pm_buf_status(&t->scratch, err));
    point_to_scratch(t, rule->n_fields);
    return check_positions(t, rule, cancel, err);
}

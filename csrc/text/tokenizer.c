/* Two ways to the same tokens. pm_token_next reads code points and knows all rules.
 * pm_tokenize looks at 64 bytes as bit masks and emits what is certainly a plain word
 * of ASCII letters (and English apostrophes, curly ones too); whatever it is not sure
 * of it hands to pm_token_next. A test holds the two equal. */
#include "text/tokenizer.h"

#include <string.h>

#include "base/sys.h"
#include "base/types.h"
#include "text/ascii_block.h"
#include "text/scan.h"
#include "text/utf8.h"
#include "text/zones.h"

const char *pm_kind_name(pm_kind kind) {
    static const char *const names[] = {"word",    "number", "acronym", "handle",
                                        "hashtag", "url",    "email",   "emoji",
                                        "cjk",     "cluster"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

void pm_tokens_init(pm_tokens *t) {
    *t = (pm_tokens){0};
}

void pm_tokens_release(pm_tokens *t) {
    pm_free(t->at);
    pm_free(t->quotes);
    pm_free(t->marks);
    pm_tokens_init(t);
}

/* ---- one token at a time ---- */

typedef struct found {
    size_t end; /* 0: no token starts here */
    pm_kind kind;
} found;

/* A letter or digit that touches a sign makes it an ordinary character: C#, a@b,
 * &#39;. */
static bool sign_is_bare(const pm_scan *s, size_t at) {
    if (at == 0) {
        return true;
    }
    pm_cp c = pm_scan_at(s, pm_utf8_before(s->text, at));
    return !pm_class_is_word(c.class) && c.cp != '&';
}

static bool has_letter(const pm_scan *s, size_t at, size_t end) {
    while (at < end) {
        pm_cp c = pm_scan_at(s, at);
        if (pm_class_is_letter(c.class)) {
            return true;
        }
        at += c.len;
    }
    return false;
}

/* @name, #name: a word with at least one letter (digits will do behind @), and all the
 * underscores around it. */
static found scan_signed(const pm_scan *s, size_t start, pm_cp sign) {
    size_t body = start + sign.len;
    if (!sign_is_bare(s, start) || !pm_class_is_word(pm_scan_at(s, body).class)) {
        return (found){0};
    }
    size_t end = pm_scan_word(s, start, body);
    bool is_tag = sign.class == PM_CHAR_HASH;
    if (end == body || (is_tag && !has_letter(s, body, end))) {
        return (found){0};
    }
    while (end - start < PM_MAX_TOKEN_CODE_POINTS && pm_scan_byte(s, end) == '_') {
        end++;
    }
    return (found){end, is_tag ? PM_KIND_HASHTAG : PM_KIND_HANDLE};
}

/* Addresses begin with an ASCII letter or digit; a look at what ends the first run of
 * them spares most words the trial. */
static found scan_address(const pm_scan *s, size_t start, bool letter) {
    size_t at = start + 1;
    while (at - start <= PM_EMAIL_LOCAL_BYTES &&
           pm_is_ascii_alnum(pm_scan_byte(s, at))) {
        at++;
    }
    uint8_t c = pm_scan_byte(s, at);
    size_t end = 0;
    if (letter && (c == ':' || c == '.') && (end = pm_scan_url(s, start)) != 0) {
        return (found){end, PM_KIND_URL};
    }
    if (c == '@' || c == '.' || c == '-' || c == '_' || c == '+' || c == '%') {
        size_t window = s->n - start <= PM_EMAIL_LOCAL_BYTES ? s->n - start
                                                             : PM_EMAIL_LOCAL_BYTES + 1;
        end =
            memchr(s->text + start, '@', window) != NULL ? pm_scan_email(s, start) : 0;
    }
    return (found){end, PM_KIND_EMAIL};
}

static found scan_letters(const pm_scan *s, size_t at, pm_cp c) {
    if (c.len == 1) {
        found address = scan_address(s, at, true);
        if (address.end != 0) {
            return address;
        }
    }
    size_t dotted =
        c.len > 1 || pm_scan_byte(s, at + 1) == '.' || pm_scan_byte(s, at + 1) >= 0x80
            ? pm_scan_dotted(s, at)
            : 0;
    if (dotted != 0) {
        return (found){dotted, PM_KIND_ACRONYM};
    }
    size_t end = pm_scan_word(s, at, at);
    bool capitals = (c.bits & PM_CHAR_UPPER) != 0 &&
                    pm_case_class(s->text + at, end - at) == PM_CASE_ACRONYM;
    return (found){end, capitals ? PM_KIND_ACRONYM : PM_KIND_WORD};
}

static found scan_digits(const pm_scan *s, size_t at, pm_cp c) {
    if (c.len == 1) {
        size_t keycap = pm_scan_keycap(s, at);
        if (keycap != 0) {
            return (found){keycap, PM_KIND_EMOJI};
        }
        found address = scan_address(s, at, false);
        if (address.end != 0) {
            return address;
        }
    }
    return (found){pm_scan_word(s, at, at), PM_KIND_NUMBER};
}

static found scan_sign(const pm_scan *s, size_t at, pm_cp c) {
    size_t keycap = c.cp == '#' || c.cp == '*' ? pm_scan_keycap(s, at) : 0;
    if (keycap != 0) {
        return (found){keycap, PM_KIND_EMOJI};
    }
    if (c.class == PM_CHAR_AT || c.class == PM_CHAR_HASH) {
        return scan_signed(s, at, c);
    }
    if (c.class == PM_CHAR_CURRENCY &&
        pm_scan_at(s, at + c.len).class == PM_CHAR_DIGIT) {
        return (found){pm_scan_word(s, at, at + c.len), PM_KIND_NUMBER};
    }
    return (found){0};
}

/* The token that starts at `at` with c, if one does. */
static found scan_token(const pm_scan *s, size_t at, pm_cp c) {
    switch (c.class) {
    case PM_CHAR_LETTER:
    case PM_CHAR_HEBREW:
        return scan_letters(s, at, c);
    case PM_CHAR_DIGIT:
        return scan_digits(s, at, c);
    case PM_CHAR_CJK:
        return (found){pm_scan_cluster(s, at + c.len), PM_KIND_CJK};
    case PM_CHAR_CLUSTER:
        return (found){pm_scan_cluster(s, at + c.len), PM_KIND_CLUSTER};
    case PM_CHAR_EMOJI:
    case PM_CHAR_PICTURE:
    case PM_CHAR_FLAG:
        return (found){pm_scan_emoji(s, at, c), PM_KIND_EMOJI};
    default:
        return scan_sign(s, at, c);
    }
}

static bool next_token(const pm_scan *s, size_t *at, pm_token *out) {
    while (*at < s->n) {
        pm_cp c = pm_scan_at(s, *at);
        found f = scan_token(s, *at, c);
        if (f.end != 0) {
            *out = (pm_token){(uint32_t)*at, (uint32_t)f.end, (uint8_t)f.kind, 0};
            *at = f.end;
            return true;
        }
        *at += c.len;
    }
    return false;
}

bool pm_token_next(const pm_analyzer *an, const uint8_t *text, size_t n, size_t *at,
                   pm_token *out) {
    const pm_scan s = {an, text, n};
    return next_token(&s, at, out);
}

/* ---- all tokens ---- */

enum { BLOCK = 64 };
#define NO_AT SIZE_MAX

typedef struct walk {
    pm_scan s;
    pm_tokens *out;
    size_t base; /* start of the block: everything before it is done */
    size_t sign; /* next '@' at or behind base, or NO_AT */
    /* something that may end a zone stands between the last token and base */
    bool mark_next;
    pm_ascii_block_load load;
    bool joins; /* an apostrophe between letters joins them whatever they are */
} walk;

/* What is certain about a block. Bit i is byte base + i. */
typedef struct runs {
    uint64_t word;    /* bytes of words, or of what the slow way must see */
    uint64_t unsure;  /* bit behind a run: to be read by the slow way */
    uint64_t capital; /* bit behind a run: all capitals */
    uint64_t zone;    /* bytes between words that may end a zone */
} runs;

static uint64_t below(unsigned i) {
    return i >= 64 ? UINT64_MAX : (UINT64_C(1) << i) - 1;
}
static unsigned lowest(uint64_t bits) {
    return (unsigned)__builtin_ctzll(bits);
}

static bool is_letter_byte(uint8_t c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static bool is_word_byte(uint8_t c) {
    return pm_is_ascii_alnum(c) || c == '_' || c >= 0x80;
}

/* U+2018 or U+2019 at base + i. Between small letter and letter it joins, between
 * blanks and words it is punctuation, elsewhere it stays unsure. */
static void place_apostrophe(const walk *w, unsigned i, uint64_t *punctuation,
                             uint64_t *joined) {
    size_t at = w->base + i;
    uint8_t before = at > 0 ? w->s.text[at - 1] : ' ',
            after = pm_scan_byte(&w->s, at + 3);
    if (!is_word_byte(before) || !is_word_byte(after)) {
        *punctuation |= UINT64_C(7) << i;
    } else if (i > 0 && w->joins && before >= 'a' && before <= 'z' &&
               is_letter_byte(after)) {
        *joined |= UINT64_C(7) << i;
    }
}

/* Sorts the commonest characters beyond ASCII: curly quotation marks, dashes, the
 * ellipsis, guillemets, no-break space. */
static void place_high(const walk *w, const uint8_t *p, pm_ascii_block *b,
                       uint64_t *joined) {
    uint64_t punctuation = 0, zone = 0;
    for (uint64_t left = b->high & below(BLOCK - 2); left != 0;) {
        unsigned i = lowest(left);
        left &= left - 1;
        if (p[i] == 0xe2 && p[i + 1] == 0x80) {
            left &= ~(UINT64_C(7) << i);
            switch (p[i + 2]) {
            case 0x98:
            case 0x99:
                place_apostrophe(w, i, &punctuation, joined);
                break;
            case 0x9c:
            case 0x9d:
            case 0xa6:
                zone |= UINT64_C(1) << i; /* fall through */
            case 0x93:
            case 0x94:
                punctuation |= UINT64_C(7) << i;
                break;
            default:
                break;
            }
        } else if (p[i] == 0xc2 &&
                   (p[i + 1] == 0xa0 || p[i + 1] == 0xab || p[i + 1] == 0xbb)) {
            left &= ~(UINT64_C(3) << i);
            punctuation |= UINT64_C(3) << i;
            zone |= (uint64_t)(p[i + 1] != 0xa0) << i;
        }
    }
    b->high &= ~(punctuation | *joined);
    b->zone |= zone;
}

/* Bytes of the block from which an e-mail address could reach its '@'. */
static uint64_t before_sign(walk *w) {
    if (w->sign != NO_AT && w->sign < w->base) {
        const uint8_t *p = memchr(w->s.text + w->base, '@', w->s.n - w->base);
        w->sign = p == NULL ? NO_AT : (size_t)(p - w->s.text);
    }
    if (w->sign == NO_AT || w->sign - w->base >= BLOCK + PM_EMAIL_LOCAL_BYTES) {
        return 0;
    }
    /* behind it there may be another: the rest of the block counts as near */
    size_t sign = w->sign - w->base;
    return sign > PM_EMAIL_LOCAL_BYTES ? ~below((unsigned)(sign - PM_EMAIL_LOCAL_BYTES))
                                       : UINT64_MAX;
}

/* Colons with a slash behind them, as in http://. */
static uint64_t slashes(const uint8_t *p, uint64_t colons) {
    uint64_t with_slash = 0;
    for (colons &= below(BLOCK - 1); colons != 0; colons &= colons - 1) {
        unsigned i = lowest(colons);
        with_slash |= (uint64_t)(p[i + 1] == '/') << i;
    }
    return with_slash;
}

/* A sum carries out of a run of ones exactly if the other summand has a bit in the run:
 * that tells of whole runs at once. */
static runs find_runs(walk *w, const uint8_t *p) {
    pm_ascii_block b;
    w->load(p, &b);
    uint64_t joined = 0;
    if (b.high != 0) {
        place_high(w, p, &b, &joined);
    }
    uint64_t apostrophe =
        w->joins ? b.apostrophe & (b.letter << 1) & (b.letter >> 1) : 0;
    uint64_t word = b.letter | b.odd | b.high | joined | apostrophe;
    uint64_t unsure =
        b.odd | b.high | (apostrophe & (b.upper << 1)) | (word & before_sign(w));
    uint64_t next = word >> 1;
    uint64_t connector =
        (b.dot & next) | slashes(p, b.colon) | (b.apostrophe & ~apostrophe & next);
    runs r;
    r.word = word;
    r.unsure = ((unsure + word) & ~word) | connector;
    r.capital = ~((word & ~b.upper) + word) & ~word;
    r.zone = b.zone & ~word;
    return r;
}

static bool grow(pm_tokens *t, size_t more) {
    if (t->capacity - t->n >= more && t->marks_capacity - t->n_marks >= more) {
        return true;
    }
    return PM_GROW(t->at, t->n, t->capacity, more) &&
           PM_GROW(t->marks, t->n_marks, t->marks_capacity, more);
}

static bool is_high_at(const pm_scan *s, size_t at) {
    return pm_scan_byte(s, at) >= 0x80;
}

/* Whether just a blank stands between a token and the one before: no zone begins or
 * ends there. */
static bool behind_blank(const pm_scan *s, const pm_token *t, bool has_before) {
    return has_before && t[-1].end + 1 == t->start && s->text[t[-1].end] == ' ';
}

/* One token by the slow way, or several where the next ones would come here too. *at
 * moves behind the last. */
static bool take_slowly(walk *w, size_t *at) {
    pm_tokens *t = w->out;
    do {
        if (!grow(t, 1)) {
            return false;
        }
        if (!next_token(&w->s, at, &t->at[t->n])) {
            return true;
        }
        t->marks[t->n_marks] = (uint32_t)t->n;
        t->n_marks += !behind_blank(&w->s, t->at + t->n, t->n > 0);
        t->n++;
    } while (is_high_at(&w->s, *at) || is_high_at(&w->s, *at + 1));
    w->mark_next = false;
    return true;
}

static uint64_t lowest_bit(uint64_t bits) {
    return bits & (~bits + 1);
}

/* Emits the plain words of a block in order, up to the first run that is not plain (or
 * not at its end within the block): answers its start, or BLOCK. *last becomes the end
 * of the last word emitted. No shift by a variable and no branch but the loop's: eight
 * instructions more or less are seen in the time of a whole build. */
static unsigned emit_words(walk *w, const runs *r, unsigned *last) {
    pm_tokens *t = w->out;
    uint64_t starts = r->word & ~(r->word << 1);
    uint64_t ends = ~r->word & (r->word << 1) & below(BLOCK - 1);
    /* those before the first that is unsure */
    ends &= lowest_bit(r->unsure & ends) - 1;
    /* one letter is no acronym */
    uint64_t marked = r->zone + ~r->word, capital = r->capital & ~(starts << 1);
    marked |= w->mark_next ? lowest_bit(starts) : 0;
    pm_token *out = t->at + t->n;
    uint32_t *mark = t->marks + t->n_marks;
    uint32_t number = (uint32_t)t->n, base = (uint32_t)w->base;
    while (ends != 0) {
        uint64_t start = lowest_bit(starts), end = lowest_bit(ends);
        *last = lowest(end);
        *out++ = (pm_token){base + lowest(start), base + *last,
                            (capital & end) != 0 ? PM_KIND_ACRONYM : PM_KIND_WORD, 0};
        *mark = number++;
        mark += (marked & start) != 0;
        starts ^= start;
        ends ^= end;
    }
    w->mark_next = w->mark_next && number == t->n;
    t->n = number;
    t->n_marks = (size_t)(mark - t->marks);
    return starts != 0 ? lowest(starts) : BLOCK;
}

/* A run of words that reaches the block's last two bytes: what ends it cannot be seen
 * whole. */
static bool is_cut(const runs *r, unsigned start) {
    return (~(r->word >> start) & below(BLOCK - 1 - start)) == 0;
}

/* Takes the words of the block at base and moves base to where the next block starts:
 * behind the last token, or at the start of a run that this block cuts. */
static bool take_runs(walk *w, runs r) {
    for (unsigned done = 0;;) {
        if (!grow(w->out, BLOCK / 2)) {
            return false;
        }
        unsigned stop = emit_words(w, &r, &done);
        w->mark_next |= (r.zone & below(stop) & ~below(done)) != 0;
        if (stop == BLOCK || (stop > 0 && is_cut(&r, stop))) {
            w->base += stop;
            return true;
        }
        size_t at = w->base + stop;
        if (!take_slowly(w, &at)) {
            return false;
        }
        if (at - w->base >= BLOCK) {
            w->base = at;
            return true;
        }
        done = (unsigned)(at - w->base);
        /* the rest of a run is no plain word: www.a's */
        if ((r.word >> (done - 1) & r.word >> done & 1) != 0) {
            r.unsure |= lowest_bit(~r.word & ~below(done));
        }
        r.word &= ~below(done);
        r.zone &= ~below(done);
    }
}

static bool take_block(walk *w) {
    size_t left = w->s.n - w->base;
    const uint8_t *p = w->s.text + w->base;
    uint8_t padded[BLOCK];
    if (left < BLOCK) {
        memset(padded, ' ', sizeof padded);
        memcpy(padded, p, left);
        p = padded;
    }
    return take_runs(w, find_runs(w, p));
}

pm_status pm_tokenize(const pm_analyzer *an, pm_bytes text, pm_tokens *out,
                      pm_error *err) {
    out->n = out->n_quotes = out->n_marks = 0;
    if (text.n >= UINT32_MAX - BLOCK) {
        return pm_fail(
            err, PM_LIMIT,
            "a text has %zu bytes, more than the limit of 4 GB: cut it into documents",
            text.n);
    }
    walk w = {.s = {an, text.p, text.n}, .out = out, .load = pm_ascii_block_fastest()};
    w.joins = an->rules->elisions == NULL;
    const uint8_t *sign = text.n > 0 ? memchr(text.p, '@', text.n) : NULL;
    w.sign = sign == NULL ? NO_AT : (size_t)(sign - text.p);
    while (w.base < text.n) {
        if (!take_block(&w)) {
            return pm_fail_nomem(err, out->capacity * 2 * sizeof *out->at);
        }
    }
    return pm_zones_find(an, text, out, err);
}

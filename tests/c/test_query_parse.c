/* The query language: what each text is read as, where each error stands, and that
 * canonical text is read back as the same tree. */
#include <string.h>

#include "check.h"
#include "query/parse.h"

static const char *const FIELDS[] = {"title", "body"};
static const char *const COLUMNS[] = {"outlet", "date", "score"};
static const pm_bytes QS[] = {{(const uint8_t *)"Soleimani", 9},
                              {(const uint8_t *)"quds chief", 10},
                              {(const uint8_t *)"Sul*", 4}};
static const pm_named NAMED[] = {{"qs", QS, 3}, {"none", NULL, 0}};
static const pm_schema SCHEMA = {.n_fields = 2,
                                 .n_columns = 3,
                                 .n_named = 2,
                                 .fields = FIELDS,
                                 .columns = COLUMNS,
                                 .named = NAMED};

/* ---- reading ---- */

typedef struct reading {
    pm_status status;
    pm_query query;
    pm_error err;
    pm_buf text; /* canonical, with a final NUL */
} reading;

static void canonical(const pm_node *root, pm_buf *out) {
    CHECK(pm_query_text(root, out, NULL) == PM_OK);
    pm_buf_put_u8(out, 0);
    CHECK(!out->failed);
}

static reading read_bytes(const char *text, size_t n, const pm_schema *schema,
                          pm_parse_mode mode) {
    reading r;
    pm_error_clear(&r.err);
    pm_buf_init(&r.text);
    r.status = pm_parse(text, n, schema, mode, &pm_limits_default, &r.query, &r.err);
    CHECK(r.status == PM_OK || (r.err.code == r.status && r.err.message[0] != '\0'));
    if (r.status == PM_OK) {
        canonical(r.query.root, &r.text);
    }
    return r;
}

static reading read_text(const char *text, pm_parse_mode mode) {
    return read_bytes(text, strlen(text), &SCHEMA, mode);
}

static const char *text_of(const reading *r) {
    return (const char *)r->text.p;
}

static void forget(reading *r) {
    pm_buf_release(&r->text);
    pm_query_release(&r->query);
}

/* The law: canonical text gives an equal tree, and the same text again. */
static void check_again(const reading *r, const pm_schema *schema, pm_parse_mode mode) {
    reading again = read_bytes(text_of(r), r->text.n - 1, schema, mode);
    if (again.status != PM_OK || !pm_node_equal(r->query.root, again.query.root) ||
        strcmp(text_of(r), text_of(&again)) != 0) {
        fprintf(stderr, "not read back: %s\n", text_of(r));
        CHECK(again.status == PM_OK);
        fprintf(stderr, "but as:        %s\n", text_of(&again));
        CHECK(false);
    }
    forget(&again);
}

/* ---- accepted ---- */

typedef struct row {
    const char *text, *canonical;
} row;

static void check_rows(const row *rows, size_t n, const pm_schema *schema,
                       pm_parse_mode mode) {
    for (size_t i = 0; i < n; i++) {
        reading r = read_bytes(rows[i].text, strlen(rows[i].text), schema, mode);
        if (r.status != PM_OK || strcmp(text_of(&r), rows[i].canonical) != 0) {
            fprintf(stderr, "%s\n  %s\n", rows[i].text,
                    r.status != PM_OK ? r.err.message : text_of(&r));
            CHECK(r.status == PM_OK);
            CHECK(strcmp(text_of(&r), rows[i].canonical) == 0);
        }
        check_again(&r, schema, mode);
        forget(&r);
    }
}
#define CHECK_ROWS(rows, schema, mode)                                                 \
    check_rows((rows), sizeof(rows) / sizeof *(rows), (schema), (mode))

static const row STRICT[] = {
    /* words */
    {"", ""},
    {"  \t\n", ""},
    {"– … !", ""},
    {"missile", "missile"},
    {"missile strike", "missile AND strike"},
    {"missile AND strike", "missile AND strike"},
    {"=strikes ==US", "=strikes AND ==US"},
    {"kill* wom?n *ing", "kill* AND wom?n AND *ing"},
    {"self-defence OR al-Asad", "self-defence OR al-Asad"},
    {"U.S. strike, retaliation!", "U.S. AND strike AND retaliation"},
    {"(strike) , \"(of)\"", "strike AND \"of\""},
    {"wait... e.g. end.", "wait AND e.g. AND end"},
    {"#Iran @khamenei_ir $1.5bn -5 4:12 n/a",
     "#Iran AND @khamenei_ir AND $1.5bn AND 5 AND 4:12 AND n/a"},
    {"https://x.com/a?b=(c), (see www.y.org/*)",
     "https://x.com/a?b=(c) AND see AND www.y.org/*"},
    {"café ÉLYSÉE naïve 習近平", "café AND ÉLYSÉE AND naïve AND 習近平"},
    {"'white' ‘house’ l’Iran workers’", "white AND house AND l’Iran AND workers’"},
    {"=AND", "=AND"},
    {"AND, b", "AND, AND b"},
    {"C++ & AT&T", "C AT&T"},
    {"-foo +bar !baz /x", "foo AND bar AND baz AND x"},
    {"a && b || c", "a AND b AND c"},
    {"foo: bar", "foo AND bar"},
    {"kill?", "kill"},
    {"who did it?!", "who AND did AND it"},
    {"wom?n kill?", "wom?n AND kill?"},
    {"\"kill?\"", "\"kill?\""},
    /* capitals: the whole plain query means nothing by them */
    {"US NATO", "US NATO"},
    {"US AND NATO", "US AND NATO"},
    {"US nato", "US AND nato"},
    {"MADE IN CHINA", "MADE IN CHINA"},
    {"ÉLYSÉE 5", "ÉLYSÉE AND 5"},
    /* phrases */
    {"\"white house\"", "\"white house\""},
    {"“white house„ «a» ”b\"", "\"white house\" AND \"a\" AND \"b\""},
    {"\"closed * door\"", "\"closed * door\""},
    {"\"(closed|shut| =shuts) a door\"", "\"(closed|shut|=shuts) a door\""},
    {"\"a b\"~3 \"a b\"~>0", "\"a b\"~3 AND \"a b\"~>0"},
    {"\"=a ==B c* d?e\"", "\"=a ==B c* d?e\""},
    {"\"to be or NOT, to (be) AND – W/5 title:x\"",
     "\"to be or NOT to be AND W/5 title:x\""},
    {"\"(white) house (D, Del.)\"", "\"white house D Del\""},
    {"\"the [white] house\"x", "\"the white house\" AND x"},
    {"\"WHITE HOUSE\"", "\"WHITE HOUSE\""},
    /* near */
    {"a W/5 b", "a W/5 b"},
    {"a w/5 b NEAR/2 c pre/3 d /4 e", "(((a W/5 b) W/2 c) PRE/3 d) W/4 e"},
    {"a W/s b", "a W/s b"},
    {"a /P b W/5S c PRE/2p d", "((a W/p b) W/5s c) PRE/2p d"},
    {"a W/5 (b OR c)", "a W/5 (b OR c)"},
    {"(a OR b) W/5 (c PRE/1 d)", "(a OR b) W/5 (c PRE/1 d)"},
    {"a W/2 b AND c OR d W/5 e AND f", NULL},
    {"a W/2 b c W/3 d", NULL},
    {"a W/2 b \"c\" W/3 d", "(a W/2 b) AND (\"c\" W/3 d)"},
    {"\"white house\" W/5 trump", "\"white house\" W/5 trump"},
    {"title:white house", "title:white AND house"},
    /* AND OR NOT */
    {"a OR b OR c", "a OR b OR c"},
    {"a OR (b OR c) OR (((d)))", "a OR b OR c OR d"},
    {"a b (c AND d)", "a AND b AND c AND d"},
    {"a b OR c AND d", "(a AND b) OR (c AND d)"},
    {"a NOT b", "a AND NOT b"},
    {"NOT a AND b", "NOT a AND b"},
    {"a AND NOT (b OR c)", "a AND NOT (b OR c)"},
    {"a NOT b W/3 c", "a AND NOT (b W/3 c)"},
    {"a AND NOT (b AND NOT c)", "a AND NOT (b AND NOT c)"},
    {"iran and iraq or not syria", "iran AND and AND iraq AND or AND not AND syria"},
    /* fields */
    {"title:strike", "title:strike"},
    {"title: =strike", "title:=strike"},
    {"title:\"a b\"~2 W/3 body:(c OR d)", "title:\"a b\"~2 W/3 body:(c OR d)"},
    {"title:(a b)", "title:(a AND b)"},
    {"title:(body:(a))", "title:(body:a)"},
    {"title:(a AND outlet:bbc)", "title:(a AND outlet:bbc)"},
    /* metadata */
    {"outlet:bbc", "outlet:bbc"},
    {"outlet: “The Hill”", "outlet:\"The Hill\""},
    {"outlet:*mirror*", "outlet:*mirror*"},
    {"outlet:Évremont", "outlet:\"Évremont\""},
    {"outlet:(bbc OR \"the hill\" OR NOT (x AND NOT y))", NULL},
    {"outlet:(bbc OR \"the hill\")", "outlet:bbc OR outlet:\"the hill\""},
    {"a NOT outlet:(bbc OR hill)", "a AND NOT (outlet:bbc OR outlet:hill)"},
    {"date:2020-01 date:>2020 date:>=2020 date:<2020-01-05 date:<= 2020",
     "date:2020-01 AND date:>2020 AND date:>=2020 AND date:<2020-01-05 AND "
     "date:<=2020"},
    {"date:[2020-01 TO \"2020-02\"]", "date:[2020-01 TO 2020-02]"},
    {"date:[* TO 2020] OR date:[2020 TO *] OR date:[* TO *]",
     "date:<=2020 OR date:>=2020 OR date:[* TO *]"},
    {"date:[\"*\" TO \"TO\"]", "date:[\"*\" TO \"TO\"]"},
    {"date:2020-01..2020-03 date:..2020 date:2020..",
     "date:[2020-01 TO 2020-03] AND date:<=2020 AND date:>=2020"},
    {"score:>-5 score:-1.5", "score:>-5 AND score:-1.5"},
    {"date:2020-01-01T10:30:00", "date:2020-01-01T10:30:00"},
};

static void test_strict_texts_have_one_reading(void) {
    for (size_t i = 0; i < sizeof STRICT / sizeof *STRICT; i++) {
        if (STRICT[i].canonical != NULL) {
            check_rows(&STRICT[i], 1, &SCHEMA, PM_PARSE_STRICT);
        }
    }
}

static void test_names_without_schema(void) {
    static const row rows[] = {
        {"outlet:bbc", "outlet:bbc"},
        {"headline:(a b) W/3 c", NULL},
        {"headline:(a OR b) W/3 c", "headline:(a OR b) W/3 c"},
        {"date:2020-01..2020-02 AND x", "date:[2020-01 TO 2020-02] AND x"},
        {"date:[a TO b] OR date:>5", "date:[a TO b] OR date:>5"},
        {"https://x.com 4:12 breaking: news",
         "https://x.com AND 4:12 AND breaking AND news"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].canonical != NULL) {
            check_rows(&rows[i], 1, NULL, PM_PARSE_STRICT);
        }
    }
    reading r = read_bytes("outlet:bbc", 10, NULL, PM_PARSE_STRICT);
    CHECK(r.query.root->kind == PM_NODE_FIELD &&
          r.query.root->children[0]->kind == PM_NODE_WORD);
    forget(&r);
    r = read_text("outlet:bbc", PM_PARSE_STRICT);
    CHECK(r.query.root->kind == PM_NODE_META && r.query.root->op == PM_META_IS);
    forget(&r);
}

static void test_plain_text_of_a_search_never_fails(void) {
    static const row rows[] = {
        {"", ""},
        {"()[]{}\"", ""},
        {"missile strike", "missile AND strike"},
        {"(iran strikes", "iran AND strikes"},
        {"strike) [sic] {x}", "strike AND sic AND x"},
        {"6\" pipe", "6 AND pipe"},
        {"who is he?", "who AND is AND he"},
        {"Who is Tahuri? The fisherman", "Who AND is AND Tahuri AND The AND fisherman"},
        {"+a -b && c || d", "a AND b AND c AND d"},
        {"foo:bar a|b x^2 c~d", "foo AND bar AND a AND b AND x AND 2 AND c AND d"},
        {"see https://x.com/a?b=*&c:d now", "see AND https://x.com/a?b=*&c:d AND now"},
        {"re: title", "re AND title"},
        {"=== x ===", "x"},
        {"5 * 3 ** ??", "5 AND 3"},
        {"strike strike", "strike AND strike"},
        {"TRUMP IN CHINA", "TRUMP IN CHINA"},
        {"x:AND y", "x AND AND, AND y"},
        {"wait...what", "wait AND what"},
        {"or", "or"},
    };
    CHECK_ROWS(rows, &SCHEMA, PM_PARSE_SEARCH);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reading r = read_text(rows[i].text, PM_PARSE_SEARCH);
        CHECK(r.query.plain);
        forget(&r);
    }
}

static void test_what_makes_a_text_no_longer_plain(void) {
    static const char *const texts[] = {
        "a OR b",       "a W/5 b", "\"a b\"",    "kill*",         "wom?n",
        "=us x",        "==US",    "title:us x", "date:2020",     "a PRE/s b",
        "who? nobody",  "a AND b", "\"a\"~2",    "NOT a b",       "kill~1",
        "kill~",        "$qs x",   "x IN quote", "ATLEAST/3 (a)", "2 OF (a, b)",
        "stem(\"a b\")"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reading r = read_text(texts[i], PM_PARSE_SEARCH);
        CHECK(r.status == PM_OK && !r.query.plain);
        forget(&r);
    }
}

static void test_operators_of_places_and_numbers(void) {
    static const row rows[] = {
        {"a NOT W/3 b", "a NOT W/3 b"},
        {"a NOT pre/3s (b OR c)", "a NOT PRE/3s (b OR c)"},
        {"a W/2 b NOT W/3 c", "(a W/2 b) NOT W/3 c"},
        {"slap IN quote", "slap IN quote"},
        {"slap NOT IN quote", "slap NOT IN quote"},
        {"a W/5 b IN quote", "(a W/5 b) IN quote"},
        {"a IN quote W/5 b", "(a IN quote) W/5 b"},
        {"a IN title", "title:a"},
        {"a W/5 b IN title", "title:(a W/5 b)"},
        {"a NOT IN title", "a NOT IN title"},
        {"(a b) IN title", "title:(a AND b)"},
        {"NOT a IN quote AND b", "NOT (a IN quote) AND b"},
        {"b AND NOT a NOT IN quote", "b AND NOT (a NOT IN quote)"},
        {"ATLEAST/3 (a OR b)", "ATLEAST/3 (a OR b)"},
        {"ATLEAST/3(a)", "ATLEAST/3 (a)"},
        {"FIRST/100 (a W/5 b) AND c", "FIRST/100 (a W/5 b) AND c"},
        {"title:FIRST/5 (a)", "title:(FIRST/5 (a))"},
        {"2 OF (a, b, c)", "2 OF (a, b, c)"},
        {"2 OF (a,b ,\"c, d\" , e OR f)", "2 OF (a, b, \"c d\", (e OR f))"},
        {"1 OF (5,000, (a, b), outlet:bbc)", "1 OF (5,000, (a AND b), outlet:bbc)"},
        {"2 OF (2 OF (a, b), c NOT e, d)", "2 OF ((2 OF (a, b)), (c AND NOT e), d)"},
        {"stem(\"missile strikes\")", "stem(\"missile strikes\")"},
        {"stem( \"* (a|=b) c\"~2 )", "stem(\"* (a|=b) c\"~2)"},
        {"kill~", "kill~1"},
        {"=kill~2", "=kill~2"},
        {"KILL~1.", "KILL~1"},
        {"missile^2 a", "missile^2 AND a"},
        {"a~2^0.50 OR b^2.0", "a~2^0.5 OR b^2"},
        {"(a OR b)^2 OR c", "(a OR b)^2 OR c"},
        {"((a)^2)^1.5", "a^3"},
        {"\"a b\"~3^2 title:c^4", "\"a b\"~3^2 AND title:c^4"},
        {"title:(a OR b)^0.001", "title:(a OR b)^0.001"},
        {"$qs W/5 kill*", "$qs W/5 kill*"},
        {"title:$qs^2 OR $none", "title:$qs^2 OR $none"},
    };
    CHECK_ROWS(rows, &SCHEMA, PM_PARSE_STRICT);
}

static void test_filters(void) {
    static const row rows[] = {
        {"outlet:bbc", "outlet:bbc"},
        {"NOT outlet:bbc", "NOT outlet:bbc"},
        {"NOT outlet:bbc OR date:2020", "(NOT outlet:bbc) OR date:2020"},
        {"NOT (NOT outlet:bbc) date:2020", "NOT (NOT outlet:bbc) AND date:2020"},
        {"outlet:(bbc OR NOT hill) AND date:>2020",
         "(outlet:bbc OR (NOT outlet:hill)) AND date:>2020"},
    };
    CHECK_ROWS(rows, &SCHEMA, PM_PARSE_FILTER);
    reading r = read_bytes("anything:x", 10, NULL, PM_PARSE_FILTER);
    CHECK(r.status == PM_OK && r.query.root->kind == PM_NODE_META);
    forget(&r);
}

/* ---- refused ---- */

typedef struct refusal {
    const char *text;
    pm_status status;
    int64_t pos, end;
    const char *message, *hint; /* parts of */
} refusal;

static const refusal REFUSED[] = {
    {"(Soleimani OR Suleimani W/5 kill*", PM_SYNTAX, 0, 1, "missing ')'", ""},
    {"é (a (b", PM_SYNTAX, 5, 6, "missing ')'", ""},
    {"a )", PM_SYNTAX, 2, 3, "')' without", ""},
    {"()", PM_SYNTAX, 0, 2, "nothing between", ""},
    {"a (–) b", PM_SYNTAX, 2, 5, "nothing between", ""},
    {"\"", PM_SYNTAX, 0, 1, "without its partner", ""},
    {"“a b", PM_SYNTAX, 0, 1, "without its partner", ""},
    {"\"–\"", PM_SYNTAX, 0, 3, "no word", ""},
    {"\"* *\"", PM_SYNTAX, 0, 5, "no word", ""},
    {"\"he said “hi” there\"", PM_SYNTAX, 0, 10, "inside a quotation", ""},
    {"\"(white house|x) y\"", PM_SYNTAX, 2, 15, "single words", "OR"},
    {"\"(a|) y\"", PM_SYNTAX, 2, 4, "empty", ""},
    {"\"a(b|c)\"", PM_SYNTAX, 2, 7, "by themselves", ""},
    {"\"a|b\"", PM_SYNTAX, 1, 4, "alternatives", ""},
    {"\"a b\"~", PM_SYNTAX, 5, 6, "number", ""},
    {"\"a b\"~>x", PM_SYNTAX, 5, 8, "number", ""},
    {"\"a b\"~99999999999", PM_LIMIT, 5, 17, "at most", ""},
    {"a AND", PM_SYNTAX, 2, 5, "AND has nothing behind", "small letters"},
    {"AND a", PM_SYNTAX, 0, 3, "AND has nothing before", "small letters"},
    {"a OR OR b", PM_SYNTAX, 2, 4, "OR has nothing behind", ""},
    {"a OR AND b", PM_SYNTAX, 2, 4, "OR has nothing behind", ""},
    {"(a W/5) b", PM_SYNTAX, 3, 6, "W/5 has nothing behind", ""},
    {"w/5 a", PM_SYNTAX, 0, 3, "w/5 has nothing before", ""},
    {"a NOT", PM_SYNTAX, 2, 5, "NOT has nothing behind", ""},
    {"a NOT NOT b", PM_SYNTAX, 6, 9, "twice", ""},
    {"NOT a", PM_SYNTAX, 0, 5, "NOT alone", "AND NOT"},
    {"a OR NOT b", PM_SYNTAX, 5, 10, "NOT alone", ""},
    {"a AND (NOT b)", PM_SYNTAX, 7, 12, "NOT alone", ""},
    {"a W/0 b", PM_SYNTAX, 2, 5, "distance 0", "W/1"},
    {"a PRE/0s b", PM_SYNTAX, 2, 8, "distance 0", ""},
    {"a W/1000000001 b", PM_LIMIT, 2, 14, "at most", ""},
    {"a W/5 (b AND c)", PM_SYNTAX, 6, 15, "AND and NOT cannot stand inside W/5",
     "(a W/5 b) AND (a W/5 c)"},
    {"(b NOT c) PRE/2 (a OR d)", PM_SYNTAX, 0, 9, "inside PRE/2",
     "(b PRE/2 (a OR d)) AND NOT (c PRE/2 (a OR d))"},
    {"a W/5 ((b c) OR d)", PM_SYNTAX, 6, 18, "inside W/5", ""},
    {"a W/5 title:(b c)", PM_SYNTAX, 6, 17, "inside W/5", ""},
    {"a W/5 outlet:bbc", PM_SYNTAX, 6, 16, "metadata cannot stand inside W/5",
     "AND outlet:"},
    {"a W/5 NOT b", PM_SYNTAX, 6, 9, "NOT cannot stand inside W/5",
     "AND NOT (a W/5 b)"},
    {"amusement OR theme W/2 park", PM_AMBIGUOUS, 0, 27, "OR next to W/2",
     "Lexis reads   (amusement OR theme) W/2 park\nLucene reads  amusement OR (theme "
     "W/2 park)"},
    {"x (a W/5 b OR c) y", PM_AMBIGUOUS, 3, 15, "OR next to W/5",
     "Lexis reads   x (a W/5 (b OR c)) y\nLucene reads  x ((a W/5 b) OR c) y"},
    {"a AND b OR c W/5 d", PM_AMBIGUOUS, 6, 18, "OR next to W/5",
     "a AND (b OR c) W/5 d\nLucene reads  a AND b OR (c W/5 d)"},
    {"white house W/5 trump", PM_AMBIGUOUS, 0, 21, "two words beside W/5",
     "Lexis reads   \"white house\" W/5 trump\nLucene reads  white AND (house W/5 "
     "trump)"},
    {"a W/5 b c d", PM_AMBIGUOUS, 0, 11, "two words beside W/5",
     "Lexis reads   a W/5 \"b c d\"\nLucene reads  (a W/5 b) AND c AND d"},
    {"outlt:reuters missile", PM_FIELD, 0, 5, "no field 'outlt'",
     "did you mean 'outlet'? Text fields: title, body; metadata: outlet, date, score"},
    {"zzzzzz:x", PM_FIELD, 0, 6, "no field 'zzzzzz'", "Text fields: title, body"},
    {"title:", PM_SYNTAX, 0, 6, "nothing follows title:", ""},
    {"title: AND b", PM_SYNTAX, 0, 6, "nothing follows title:", ""},
    {"title:body:x", PM_SYNTAX, 6, 11, "two fields", ""},
    {"outlet:", PM_SYNTAX, 0, 7, "value is missing", ""},
    {"outlet:\"\"", PM_SYNTAX, 7, 9, "empty value", ""},
    {"outlet:\"x", PM_SYNTAX, 7, 8, "without its partner", ""},
    {"outlet:(the hill)", PM_SYNTAX, 12, 16, "side by side", "outlet:\"the hill\""},
    {"outlet:()", PM_SYNTAX, 7, 9, "nothing between", ""},
    {"date:[2020 to 2021]", PM_SYNTAX, 5, 13, "TO in capitals", ""},
    {"date:[2020 TO 2021", PM_SYNTAX, 5, 6, "missing ']'", ""},
    {"date:{2020 TO 2021}", PM_SYNTAX, 5, 6, "[a TO b]", ""},
    {"date:..", PM_SYNTAX, 5, 7, "a..b", ""},
    {"date:1..2..3", PM_SYNTAX, 5, 12, "a..b", ""},
    {"date:>", PM_SYNTAX, 0, 5, "value is missing", ""},
    {"title:>5", PM_SYNTAX, 6, 8, "follows a metadata field", ""},
    {"2019..2020", PM_SYNTAX, 0, 10, "follows a metadata field", ""},
    {"[x]", PM_SYNTAX, 0, 1, "no meaning", ""},
    {"===x", PM_SYNTAX, 0, 4, "at most two", ""},
    {"=\"white house\"", PM_SYNTAX, 0, 1, "before a word", "\"=white =house\""},
    {"* a", PM_SYNTAX, 0, 1, "letter or digit", ""},
    {"\"a ??\"", PM_SYNTAX, 3, 5, "letter or digit", ""},
    {"a|b", PM_SYNTAX, 0, 3, "alternatives", "OR"},
    {"a&&b", PM_SYNTAX, 0, 4, "&&", "AND"},
    {"a NOT W/0 b", PM_SYNTAX, 6, 9, "distance 0", ""},
    {"a AND NOT W/3 b", PM_SYNTAX, 6, 9, "NOT has nothing behind", ""},
    {"slap IN quoet", PM_FIELD, 5, 13, "no zone 'quoet'",
     "zones: quote; text fields: title, body"},
    {"slap in it IN (a)", PM_SYNTAX, 11, 13, "name of a zone", "quote"},
    {"(a AND b) IN quote", PM_SYNTAX, 0, 9, "cannot stand before IN quote",
     "(a IN quote) AND (b IN quote)"},
    {"a OR b IN quote", PM_AMBIGUOUS, 0, 15, "OR next to IN quote",
     "either  (a OR b) IN quote"},
    {"white house IN quote", PM_AMBIGUOUS, 0, 20, "two words beside IN quote",
     "either  \"white house\" IN quote"},
    {"a W/5 ATLEAST/3 (b)", PM_SYNTAX, 6, 19, "ATLEAST/n cannot stand inside W/5",
     "(a W/5 b) AND ATLEAST/3 (c)"},
    {"2 OF (a, b) PRE/2 c", PM_SYNTAX, 0, 11, "n OF cannot stand inside PRE/2", "AND"},
    {"FIRST/3 (b) IN quote", PM_SYNTAX, 0, 11, "cannot stand before IN", ""},
    {"ATLEAST/3 a", PM_SYNTAX, 0, 9, "stands before parentheses", "ATLEAST/3 ("},
    {"ATLEAST/0 (a)", PM_SYNTAX, 0, 9, "the number of ATLEAST/0", ""},
    {"FIRST/9999999999 (a)", PM_SYNTAX, 0, 16, "the number", ""},
    {"3 OF (a, b)", PM_SYNTAX, 0, 11, "3 of 2 operands", "commas"},
    {"2 OF (a, , b)", PM_SYNTAX, 9, 10, "nothing before the comma", ""},
    {"2 OF (a, )", PM_SYNTAX, 5, 10, "nothing before the comma", ""},
    {"2 OF (a, NOT)", PM_SYNTAX, 9, 12, "NOT has nothing behind", ""},
    {"2 OF (a, b", PM_SYNTAX, 5, 6, "missing ')'", ""},
    {"stem(\"a b\" c)", PM_SYNTAX, 5, 11, "one phrase", ""},
    {"$qz W/5 x", PM_SYNTAX, 1, 3, "no parameter and no set 'qz'", "did you mean $qs?"},
    {"$whatever", PM_SYNTAX, 1, 9, "no parameter", "params="},
    {"$qs-x", PM_SYNTAX, 0, 5, "ends before '-x'", ""},
    {"kill~3", PM_SYNTAX, 0, 6, "ends a word", "soleimani~1"},
    {"a~b", PM_SYNTAX, 0, 3, "ends a word", ""},
    {"kill*~1", PM_SYNTAX, 0, 7, "no wildcards", ""},
    {"==kill~1", PM_SYNTAX, 2, 8, "no ==", ""},
    {"\"a kill~1\"", PM_SYNTAX, 3, 9, "in a phrase", "PRE/1"},
    {"x^2.0001", PM_SYNTAX, 1, 8, "a boost is", ""},
    {"x^99999999999", PM_SYNTAX, 1, 13, "a boost is", ""},
    {"x^2y", PM_SYNTAX, 1, 4, "a boost is", ""},
    {"^2x y", PM_SYNTAX, 0, 3, "^ follows", ""},
    {"(a b)~2", PM_SYNTAX, 5, 7, "follows a phrase", ""},
};

static bool refused_as(const refusal *want, const reading *got) {
    return got->status == want->status && got->err.pos == want->pos &&
           got->err.end == want->end &&
           strstr(got->err.message, want->message) != NULL &&
           strstr(got->err.hint, want->hint) != NULL;
}

static void check_refused(const refusal *rows, size_t n, pm_parse_mode mode) {
    for (size_t i = 0; i < n; i++) {
        reading r = read_text(rows[i].text, mode);
        if (!refused_as(&rows[i], &r)) {
            fprintf(stderr, "%s\n  %d [%d, %d) %s\n  %s\n", rows[i].text, (int)r.status,
                    (int)r.err.pos, (int)r.err.end, r.err.message, r.err.hint);
            CHECK(refused_as(&rows[i], &r));
        }
        forget(&r);
    }
}

static void test_a_name_without_an_index_stays_a_name(void) {
    reading r = read_bytes("$who W/5 a IN lead", 18, NULL, PM_PARSE_STRICT);
    CHECK(r.status == PM_OK && strcmp(text_of(&r), "($who W/5 a) IN lead") == 0);
    forget(&r);
}

static void test_values_of_a_name_are_words_and_phrases(void) {
    reading r = read_text("$qs", PM_PARSE_STRICT);
    const pm_node *set = r.query.root;
    CHECK(set->kind == PM_NODE_SET && set->n_children == 3 && set->end == 3);
    CHECK(set->children[0]->kind == PM_NODE_WORD &&
          set->children[0]->layer == PM_LAYER_STEM);
    CHECK(set->children[1]->kind == PM_NODE_PHRASE &&
          set->children[1]->n_children == 2);
    forget(&r);
}

static void test_errors_say_where_and_what_instead(void) {
    static const refusal filters[] = {
        {"missile", PM_SYNTAX, 0, 7, "a filter takes metadata, not words",
         "outlet:bbc"},
        {"outlet:bbc \"a b\"", PM_SYNTAX, 11, 16, "not phrases", ""},
        {"title:x", PM_SYNTAX, 0, 5, "text field", ""},
        {"outlet:a W/5 outlet:b", PM_SYNTAX, 9, 12, "no distances", ""},
        {" ", PM_SYNTAX, 0, 1, "empty filter", ""},
        {"outlt:x", PM_FIELD, 0, 5, "no field", "outlet"},
    };
    check_refused(REFUSED, sizeof REFUSED / sizeof *REFUSED, PM_PARSE_STRICT);
    check_refused(filters, sizeof filters / sizeof *filters, PM_PARSE_FILTER);
}

/* Both readings of an ambiguous query can be pasted, and differ. */
static void test_readings_can_be_pasted(void) {
    static const char *const texts[] = {
        "a OR b W/2 c",        "a W/2 b OR c W/3 d OR e", "x AND (a W/5 b OR c) OR y",
        "a b W/2 c d e W/3 f", "title:a OR b W/2 c",      "=a b W/5 c",
        "x NOT a OR b W/2 c"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reading r = read_text(texts[i], PM_PARSE_STRICT);
        CHECK(r.status == PM_AMBIGUOUS);
        char *line = strchr(r.err.hint, '\n');
        CHECK(line != NULL);
        *line = '\0';
        reading lexis =
            read_text(r.err.hint + strlen("Lexis reads   "), PM_PARSE_STRICT);
        reading lucene =
            read_text(line + 1 + strlen("Lucene reads  "), PM_PARSE_STRICT);
        CHECK(lexis.status == PM_OK && lucene.status == PM_OK);
        CHECK(!pm_node_equal(lexis.query.root, lucene.query.root));
        forget(&lexis);
        forget(&lucene);
        forget(&r);
    }
}

/* ---- notes, places, flags ---- */

static bool has_note(const reading *r, const char *part) {
    for (uint32_t i = 0; i < r->query.n_notes; i++) {
        if (strstr(r->query.notes[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_notes_say_what_was_read_differently(void) {
    static const struct {
        pm_parse_mode mode;
        const char *text, *note;
    } rows[] = {
        {PM_PARSE_STRICT, "iran or iraq", "'or' was searched as a word; write OR"},
        {PM_PARSE_SEARCH, "iran and iraq", "'and' was searched"},
        {PM_PARSE_STRICT, "a b OR c", "AND was read before OR"},
        {PM_PARSE_STRICT, "-foo x", "'-' before a word"},
        {PM_PARSE_SEARCH, "-foo x", "write NOT"},
        {PM_PARSE_SEARCH, "a && b", "write AND"},
        {PM_PARSE_STRICT, "a || b", "write OR"},
        {PM_PARSE_SEARCH, "(a b", "brackets that do not balance"},
        {PM_PARSE_SEARCH, "a] b", "brackets that do not balance"},
        {PM_PARSE_SEARCH, "6\" pipe", "quotation mark without its partner"},
        {PM_PARSE_SEARCH, "who is he?", "the ? behind 'he'"},
        {PM_PARSE_STRICT, "\"who is he?\"", "the ? in 'he?' stands for exactly one"},
        {PM_PARSE_STRICT, "US NATO", "capitals throughout"},
        {PM_PARSE_STRICT, "\"US NAVY\"", "capitals throughout"},
        {PM_PARSE_STRICT, "title:white house", "title: holds for one word"},
        {PM_PARSE_STRICT, "'white house' x", "single quotation marks"},
        {PM_PARSE_STRICT, "a adj5 b", "distances are written"},
        {PM_PARSE_STRICT, "a – b", "'–' was left out"},
        {PM_PARSE_STRICT, "kill! x", "kill*"},
        {PM_PARSE_STRICT, "foo: bar", "'foo' before ':' is no field"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reading r = read_text(rows[i].text, rows[i].mode);
        CHECK(r.status == PM_OK);
        if (!has_note(&r, rows[i].note)) {
            fprintf(stderr, "%s: no note '%s'\n", rows[i].text, rows[i].note);
            CHECK(false);
        }
        forget(&r);
    }
    reading quiet = read_text("\"or\" W/5 iran AND strikes", PM_PARSE_STRICT);
    CHECK(quiet.query.n_notes == 0);
    forget(&quiet);
}

static void test_nodes_know_their_place_in_code_points(void) {
    reading r = read_text("é “white house”~2 W/5 (ü OR outlet:x)", PM_PARSE_STRICT);
    CHECK(r.status == PM_SYNTAX && r.err.pos == 22 && r.err.end == 37);
    forget(&r);
    r = read_text("é AND (“white house”~2 W/5 =ü)", PM_PARSE_STRICT);
    const pm_node *near = r.query.root->children[1], *phrase = near->children[0];
    CHECK(r.query.root->pos == 0 && r.query.root->end == 30);
    CHECK(near->pos == 7 && near->end == 29);
    CHECK(phrase->pos == 7 && phrase->end == 22 && phrase->children[1]->pos == 14 &&
          phrase->children[1]->end == 19);
    CHECK(near->children[1]->pos == 28 && near->children[1]->end == 29);
    forget(&r);
}

static void test_capitals_and_patterns_are_marked(void) {
    reading r = read_text("US NATO U.S.", PM_PARSE_SEARCH);
    CHECK(r.query.root->children[0]->capitals_plain &&
          r.query.root->children[2]->capitals_plain);
    forget(&r);
    r = read_text("US OR NATO", PM_PARSE_STRICT);
    CHECK(!r.query.root->children[0]->capitals_plain);
    forget(&r);
    r = read_text("\"US (NAVY|ARMY) 5\" OR \"US navy\" OR US* OR \"US\"",
                  PM_PARSE_STRICT);
    pm_node **parts = r.query.root->children;
    CHECK(parts[0]->children[0]->capitals_plain &&
          parts[0]->children[1]->children[1]->capitals_plain);
    CHECK(!parts[1]->children[0]->capitals_plain);
    CHECK(parts[2]->capitals_plain);
    CHECK(!parts[3]->children[0]->capitals_plain);
    CHECK(parts[0]->children[0]->layer == PM_LAYER_FOLDED &&
          !parts[0]->children[0]->explicit_layer);
    forget(&r);
}

/* Every mark opens and every mark closes; single ones do neither. */
static void test_every_quotation_mark_opens_and_closes(void) {
    static const char *const marks[] = {"\"", "«",   "»",  "“",  "”",  "„",
                                        "‟",  "⹂", "〝", "〞", "〟", "＂"};
    enum { N = sizeof marks / sizeof *marks };
    char text[64];
    for (size_t i = 0; i < N * N; i++) {
        snprintf(text, sizeof text, "%sa b%s", marks[i / N], marks[i % N]);
        reading r = read_text(text, PM_PARSE_SEARCH);
        CHECK(r.status == PM_OK && strcmp(text_of(&r), "\"a b\"") == 0);
        forget(&r);
        snprintf(text, sizeof text, "%sa b", marks[i / N]);
        r = read_text(text, PM_PARSE_STRICT);
        CHECK(r.status == PM_SYNTAX);
        forget(&r);
    }
    static const char *const single[] = {"'", "‘", "’", "‚", "‹", "›", "`", "´"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        snprintf(text, sizeof text, "%sa b%s", single[i], single[i]);
        reading r = read_text(text, PM_PARSE_STRICT);
        CHECK(r.status == PM_OK && r.query.root->kind == PM_NODE_AND);
        forget(&r);
    }
}

int main(void) {
    test_strict_texts_have_one_reading();
    test_names_without_schema();
    test_plain_text_of_a_search_never_fails();
    test_what_makes_a_text_no_longer_plain();
    test_filters();
    test_operators_of_places_and_numbers();
    test_a_name_without_an_index_stays_a_name();
    test_values_of_a_name_are_words_and_phrases();
    test_errors_say_where_and_what_instead();
    test_readings_can_be_pasted();
    test_notes_say_what_was_read_differently();
    test_nodes_know_their_place_in_code_points();
    test_capitals_and_patterns_are_marked();
    test_every_quotation_mark_opens_and_closes();
    puts("query parse: ok");
    return 0;
}

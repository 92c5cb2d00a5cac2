/* Elisions: Lucene's lists for French, Italian and Catalan, plus Italian quell',
 * quest', sant' and such. Own letters: those that CLDR's collation of the language
 * sorts as separate letters (primary differences). Contractions and abbreviations:
 * closed lists; case counts in abbreviations ("Sat." is a day, "sat." a verb). */
#include "text/language_tables.h"

#include <string.h>

static const char *const french_elisions[] = {
    "c", "d", "j",     "l",      "m",      "n",      "qu",
    "s", "t", "jusqu", "lorsqu", "puisqu", "quoiqu", NULL};
static const char *const italian_elisions[] = {
    "c",     "d",     "l",     "m",       "s",    "t",      "v",    "gl",
    "un",    "all",   "dall",  "dell",    "nell", "sull",   "coll", "pell",
    "agl",   "dagl",  "degl",  "negl",    "sugl", "bell",   "cos",  "dov",
    "quell", "quest", "sant",  "senz",    "tutt", "nessun", "anch", "com",
    "mezz",  "quand", "alcun", "ciascun", NULL};
static const char *const catalan_elisions[] = {"d", "l", "m", "n", "s", "t", NULL};

static const uint32_t swedish_own[] = {0xe4, 0xe5, 0xf6, 0};           /* ä å ö */
static const uint32_t danish_own[] = {0xe5, 0xe6, 0xf8, 0};            /* å æ ø */
static const uint32_t spanish_own[] = {0xf1, 0};                       /* ñ */
static const uint32_t hungarian_own[] = {0xf6, 0xfc, 0x151, 0x171, 0}; /* ö ü ő ű */
static const uint32_t lithuanian_own[] = {0x10d, 0x161, 0x17e, 0};     /* č š ž */
static const uint32_t romanian_own[] = {0xe2,  0xee,  0x103, 0x15f,
                                        0x163, 0x219, 0x21b, 0}; /* â î ă ş ţ ș ț */
/* ć č đ š ž */
static const uint32_t serbian_own[] = {0x107, 0x10d, 0x111, 0x161, 0x17e, 0};
/* ç ö ü ğ ı ş */
static const uint32_t turkish_own[] = {0xe7, 0xf6, 0xfc, 0x11f, 0x131, 0x15f, 0};

const uint32_t pm_own_everywhere[] = {0x439, 0x453, 0x457, 0x45c, 0x45e, 0};

static const pm_language languages[] = {
    {.name = "basque", .own = spanish_own},
    {.name = "catalan", .elisions = catalan_elisions, .middle_dot_letter = true},
    {.name = "danish", .own = danish_own, .ordinal_dot = true},
    {.name = "english", .english_possessive = true},
    {.name = "finnish", .own = swedish_own, .ordinal_dot = true},
    {.name = "french", .elisions = french_elisions},
    {.name = "german", .ordinal_dot = true},
    {.name = "hungarian", .own = hungarian_own, .ordinal_dot = true},
    {.name = "italian", .elisions = italian_elisions},
    {.name = "lithuanian", .own = lithuanian_own},
    {.name = "norwegian", .own = danish_own, .ordinal_dot = true},
    {.name = "porter", .english_possessive = true},
    {.name = "romanian", .own = romanian_own},
    {.name = "serbian", .own = serbian_own, .ordinal_dot = true},
    {.name = "spanish", .own = spanish_own},
    {.name = "swedish", .own = swedish_own},
    {.name = "turkish",
     .own = turkish_own,
     .dotless_i = true,
     .ordinal_dot = true,
     .apostrophe_ends_stem = true},
};
static const pm_language other_language = {.name = ""};

const pm_language *pm_language_find(const char *name) {
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        if (strcmp(languages[i].name, name) == 0) {
            return &languages[i];
        }
    }
    return &other_language;
}

const pm_plain_letter pm_plain_letters[] = {
    {0xdf, "ss"}, {0xe6, "ae"},  {0xf0, "d"},   {0xf8, "o"},   {0xfe, "th"},
    {0x111, "d"}, {0x127, "h"},  {0x131, "i"},  {0x133, "ij"}, {0x138, "k"},
    {0x142, "l"}, {0x14b, "n"},  {0x153, "oe"}, {0x167, "t"},  {0x180, "b"},
    {0x188, "c"}, {0x18c, "d"},  {0x192, "f"},  {0x199, "k"},  {0x19a, "l"},
    {0x19e, "n"}, {0x1a5, "p"},  {0x1ad, "t"},  {0x1b4, "y"},  {0x1b6, "z"},
    {0x1e5, "g"}, {0x225, "z"},  {0x23c, "c"},  {0x247, "e"},  {0x249, "j"},
    {0x24d, "r"}, {0x24f, "y"},  {0x253, "b"},  {0x257, "d"},  {0x268, "i"},
    {0x289, "u"}, {0x2c65, "a"}, {0x2c66, "t"},
};
const size_t pm_n_plain_letters = sizeof pm_plain_letters / sizeof *pm_plain_letters;

/* Whether a word stands in a list of words, each with a blank behind it. */
static bool listed(const char *list, const uint8_t *word, size_t n) {
    while (list != NULL && *list != '\0') {
        size_t i = 0;
        while (i < n && list[i] == (char)word[i]) {
            i++;
        }
        if (i == n && list[i] == ' ') {
            return true;
        }
        while (list[i] != ' ') {
            i++;
        }
        list += i + 1;
    }
    return false;
}

static const char contractions[] = "he's here's how's it's let's she's that's there's "
                                   "what's when's where's who's why's ";

bool pm_is_contraction(const uint8_t *folded, size_t n) {
    return n <= 7 && listed(contractions, folded, n);
}

/* By first letter, so that a look-up reads some ten words. */
static const char *const abbreviations['Z' - 'A' + 1] = {
    ['A' - 'A'] = "Abg Adm Ala Apr Arch Ariz Ark Art Asst Assn Atty Aug Ave ",
    ['B' - 'A'] = "Bhf Blvd Brig Bros ",
    ['C' - 'A'] = "Calif Capt Cdr Cf Cia Cie Cmdr Co Col Colo Comdr Conn Corp Cpl Cst ",
    ['D' - 'A'] = "Dec Del Dept Dipl Dir Dist Doc Dott Dr Dra Dres ",
    ['E' - 'A'] = "Esq Est Exc ",
    ['F' - 'A'] = "Feb Fla Fr Frl Ft ",
    ['G' - 'A'] = "Ga Gen Gob Gov Govt ",
    ['H' - 'A'] = "Hon Hr ",
    ['I' - 'A'] = "Ill Inc Ind Ing Insp ",
    ['J' - 'A'] = "Jan Jr Jul Jun ",
    ['K' - 'A'] = "Kan Ky ",
    ['L' - 'A'] = "La Lic Lt Ltd Ltda ",
    ['M' - 'A'] = "Maj Mar Mass Md Messrs Mgr Mich Minn Miss Mlle Mme Mo Mons Mont Mr "
                  "Mrs Ms Msgr Mt ",
    ['N' - 'A'] = "Neb Nev Nov ",
    ['O' - 'A'] = "Oct Okla On Ore ",
    ['P' - 'A'] = "Pa Pfc Ph Pres Prof Profa Pte Pty Pvt ",
    ['R' - 'A'] = "Rd Rep Reps Rev Ret ",
    ['S' - 'A'] = "Sec Secy Sen Sens Sep Sept Sgt Sig Sr Sra Srta St Ste Supt ",
    ['T' - 'A'] = "Tenn Tex Treas ",
    ['U' - 'A'] = "Univ Ud Uds ",
    ['V' - 'A'] = "Va Vt ",
    ['W' - 'A'] = "Wash Wis Wyo ",
};
static const char *const small_abbreviations['z' - 'a' + 1] = {
    ['a' - 'a'] = "al approx ", ['b' - 'a'] = "bzw ",         ['c' - 'a'] = "ca cf ",
    ['d' - 'a'] = "dr dott ",   ['e' - 'a'] = "ed eds evtl ", ['g' - 'a'] = "ggf ",
    ['i' - 'a'] = "inkl incl ", ['m' - 'a'] = "mr mrs ",      ['u' - 'a'] = "usw usf ",
    ['v' - 'a'] = "vs ",        ['z' - 'a'] = "zzgl ",
};
/* These before a number only: "No. 5", but "he said no. Five ...". */
static const char before_numbers[] = "Abs Art Ch Fig Figs No Nos Nr Nro Num Pos Sat "
                                     "Sec Sun Tel Vol Vols art cap ch fig figs nr num "
                                     "p pag pp sec tel vol vols ";

bool pm_is_abbreviation(const uint8_t *word, size_t n, bool next_is_digit) {
    if (n == 0 || n > 7) {
        return false;
    }
    if (next_is_digit && listed(before_numbers, word, n)) {
        return true;
    }
    if (word[0] >= 'A' && word[0] <= 'Z') {
        return listed(abbreviations[word[0] - 'A'], word, n);
    }
    return word[0] >= 'a' && word[0] <= 'z' &&
           listed(small_abbreviations[word[0] - 'a'], word, n);
}

static const char *const codes[][2] = {
    {"ar", "arabic"},    {"hy", "armenian"},   {"eu", "basque"},
    {"ca", "catalan"},   {"da", "danish"},     {"nl", "dutch"},
    {"en", "english"},   {"fi", "finnish"},    {"fr", "french"},
    {"de", "german"},    {"el", "greek"},      {"hi", "hindi"},
    {"hu", "hungarian"}, {"id", "indonesian"}, {"ga", "irish"},
    {"it", "italian"},   {"lt", "lithuanian"}, {"ne", "nepali"},
    {"no", "norwegian"}, {"nb", "norwegian"},  {"pt", "portuguese"},
    {"ro", "romanian"},  {"ru", "russian"},    {"sr", "serbian"},
    {"es", "spanish"},   {"sv", "swedish"},    {"ta", "tamil"},
    {"tr", "turkish"},   {"yi", "yiddish"},
};

const char *pm_language_of_code(const char *code) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(codes[i][0], code) == 0) {
            return codes[i][1];
        }
    }
    return NULL;
}

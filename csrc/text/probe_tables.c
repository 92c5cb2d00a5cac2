/* Words of many languages and spellings; each analyzer folds and stems them all. Order and spelling are part of the
 * fingerprint. */
#include "text/probe_tables.h"

#include <stddef.h>

const char *const pm_probe_words[] = {
    "Iran's", "Iranians", "killings", "added", "evening", "international", "organisation", "organization",
    "defence", "defense", "universe", "university", "Reuters", "happily", "generously", "relational",
    "conditional", "rationalize", "replacement", "adjustment", "formality", "electricity", "hopeful",
    "goodness", "controlling", "rolled", "skis", "dying", "lying", "tying", "news", "howe", "atlas",
    "cosmos", "bias", "andes", "innings", "outing", "exceed", "proceed", "succeed", "skies", "ugly", "early",
    "only", "singly", "generate", "generic", "communism", "arsenal", "past", "universal", "consign",
    "consigned", "consistency", "knightly", "plotted", "queens", "bled", "sing", "it's", "don't",
    "O'Reilly's", "agreed", "continuellement", "majestueusement", "élèves", "Élysée", "nationalité",
    "mangeaient", "généralement", "français", "aujourd'hui", "naïve", "cœur", "œuvres", "Häuser",
    "aufeinanderfolgend", "jähriges", "Straße", "größten", "möglichkeiten", "Regierungen", "verfügbar",
    "Kätzchen", "übersetzung", "casa", "corriendo", "naciones", "españolas", "rápidamente", "años", "acción",
    "organizaciones", "nazione", "abbandonata", "propizio", "parlamentari", "università", "perché",
    "governarono", "boataria", "quilométricas", "órgão", "notícias", "organizações", "informação",
    "lichaamsziek", "opgelucht", "regeringen", "mogelijkheden", "vrijheid", "regjeringen", "opplysninger",
    "havnedistriktene", "samfunn", "nødvendig", "regeringens", "klostergården", "jaktkarlarne",
    "möjligheter", "självständighet", "undersøgelsen", "indtage", "københavnere", "regering", "edeltäjiinsä",
    "hallituksen", "mahdollisuudet", "työntekijöiden", "suomalaiset", "babakocsi", "kormányzat",
    "lehetőségek", "magyarországi", "gyűlöletek", "abruptă", "guvernului", "organizații", "românească",
    "abține", "İstanbul", "ışık", "Erdoğan'ın", "gözlükçülerin", "hükümetler", "kitaplarımızdan",
    "организация", "правительства", "красивый", "читающая", "ёлка", "йогурт", "международных", "владе",
    "организације", "међународни", "ђак", "κυβέρνηση", "Οδυσσεύς", "δυνατότητες", "ελληνικός", "παιδιών",
    "الحكومة", "والكتاب", "المسلمون", "يكتبون", "सरकारों", "लड़कियाँ", "भारतीय", "किताबें", "நூல்கள்",
    "அரசாங்கம்", "வருகின்றன", "सरकारको", "मानिसहरू", "pemerintahan", "dibuatnya", "memperbaiki", "kebijakan",
    "Հայաստանի", "կառավարության", "vyriausybės", "galimybės", "žmonės", "šiandien", "goitiko", "gobernuaren",
    "zerikusiak", "erakundeak", "rialtas", "bhfuil", "mná", "n-athair", "governs", "intel·ligència",
    "col·lecció", "possibilitats", "געזאָגט", "בילדער", "nation", "café", "Ångström", "ﬁnance", "ŉ", "ẞ",
    "Dž", "ΐ", "ᾳ", "ᾼ", "ϒ", "ſtop", "Ω", "K", "Å", "ǅ", "Ƞ", "co­ordinate", "한국어", "ไทย", "東京", "がぎ", "ガ",
    "læring", "Ærø", "þing", "đak", "łódź", "ĳs", "ħabib", "ıspanak", "ə", "ŋ", "ƀ",
    NULL,
};

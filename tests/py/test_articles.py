"""Five news articles as they come: every answer equals what a regular expression finds in the raw text.

The words of these articles are found by a regular expression of this file, not by pressmark's tokenizer. The second half shows each row
of the table "from text to tokens" by a query.
"""

import re
import unicodedata

import pytest

pm = pytest.importorskip("pressmark")

# A word of these articles: an acronym with full stops, an amount, a name with or without @, each with its English possessive.
WORD = re.compile(r"(?:[A-Z]\.){2,}(?:['’]s)?|\d{1,3}(?:,\d{3})+|@?\w+(?:['’]\w+)*")


@pytest.fixture(scope="module")
def texts(corpora):
    found = {p.stem: p.read_bytes().decode("utf-8") for p in sorted((corpora / "articles").glob("*.txt"))}
    if len(found) != 5:
        pytest.skip(f"{corpora / 'articles'} holds {len(found)} articles, not 5")
    return found


@pytest.fixture(scope="module")
def idx(corpora, texts, tmp_path_factory):
    with pm.index(str(corpora / "articles" / "*.txt"), tmp_path_factory.mktemp("articles") / "news.pm") as made:
        yield made


def places(hits):
    return [(h.doc, h.start, h.end) for h in hits]


def by_regex(texts, pattern):
    return [(key, *m.span()) for key, text in texts.items() for m in re.finditer(pattern, text)]


def words_of(text):
    return [(m.start(), m.end(), m[0]) for m in WORD.finditer(text)]


def by_distance(texts, first, second, n, ordered):
    """Minimal spans in which a word of `first` and one of `second` stand at most n apart."""
    out = []
    for key, text in texts.items():
        words = words_of(text)
        a = [i for i, w in enumerate(words) if re.fullmatch(first, w[2], re.I)]
        b = [i for i, w in enumerate(words) if re.fullmatch(second, w[2], re.I)]
        spans = {(min(i, j), max(i, j)) for i in a for j in b if i != j and abs(i - j) <= n and (i < j or not ordered)}
        spans = {s for s in spans if not any(t != s and s[0] <= t[0] and t[1] <= s[1] for t in spans)}
        out += [(key, words[lo][0], words[hi][1]) for lo, hi in sorted(spans)]
    return out


def check(idx, texts, hits, expected):
    assert expected, "the expression finds nothing: the test would say nothing"
    assert places(hits) == expected
    assert hits.count == len(hits) == len(expected) and hits.documents == len({key for key, *_ in expected})
    for h in hits:
        assert texts[h.doc][h.start : h.end] == h.text == idx.text(h.doc)[h.start : h.end]
        assert h.field == "text"


def test_articles_keep_their_keys_and_their_texts(idx, texts):
    assert idx.keys() == list(texts) and idx.fields == ["text"] and not idx.skipped
    for key, text in texts.items():
        assert idx.text(key) == text
    idx.verify()


def test_words_are_where_the_expression_finds_them(idx, texts):
    for key, text in texts.items():
        assert [(t.start, t.end, t.surface) for t in idx.tokens(key)] == words_of(text)
    assert idx.n_tokens == sum(len(words_of(t)) for t in texts.values())


def test_slap_in_the_face_is_found_in_every_kind_of_quotation_mark(idx, texts):
    hits = idx.phrase("slap in the face")
    check(idx, texts, hits, by_regex(texts, r"(?i)\bslap\s+in\s+the\s+face\b"))
    assert len(hits) == 7 and hits.documents == 3
    assert places(idx.hits('"slap in the face"')) == places(idx.hits("“Slap in the Face“")) == places(hits)


def test_slap_before_face_finds_what_the_phrase_does_not(idx, texts):
    hits = idx.hits("slap* PRE/4 face")
    check(idx, texts, hits, by_distance(texts, r"slap\w*", r"fac(?:e|es|ed|ing)(?:['’]s)?", 4, True))
    assert {h.text for h in hits} == {"slap in the face", "slap on the face", "slapped them in the face", "slapped them on the face"}
    assert set(places(idx.phrase("slap in the face"))) < set(places(hits))


@pytest.mark.parametrize(("query", "pattern"), [
    ("==US", r"(?<![\w@#.])US(?![\w.]|['’]\w)"),
    ('"U.S."', r"(?<![\w@#.])(?:US|U\.S\.?)(?:['’]s)?(?!\w)"),
    ("U.S.", r"(?<![\w@#.])(?:US|U\.S\.?)(?:['’]s)?(?!\w)"),
    ("US", r"(?<![\w@#.])(?:US|U\.S\.?)(?:['’]s)?(?!\w)"),
    ("==U.S.", r"(?<!\w)U\.S\.(?!['’]s)"),
    ("==U.S.’s", r"(?<!\w)U\.S\.’s"),
    ("==us", r"(?<![\w.])us(?![\w'’])"),
    ("=us", r"(?i)(?<![\w@#.])(?:us|U\.S\.?)(?:['’]s)?(?!\w)"),
    ("Soleimani", r"(?i)\bsoleimani(?:['’]s)?\b"),
    ("Suleimani", r"(?i)\bsuleimani(?:['’]s)?\b"),
    ("Soleimani OR Suleimani", r"(?i)\bs[ou]leimani(?:['’]s)?\b"),
    ("S?leimani", r"(?i)\bs\wleimani(?:['’]s)?\b"),
    ("==Soleimani's", r"\bSoleimani's\b"),
    ('"supreme leader"', r"(?i)\bsupreme\s+leader(?:['’]s)?\b"),
    ('"the * of"', r"(?i)\bthe(?:['’]s)?\W+\w+(?:['’]\w+)*\W+of\b")])
def test_words_are_found_as_often_as_the_expression_finds_them(idx, texts, query, pattern):
    check(idx, texts, idx.hits(query), by_regex(texts, pattern))
    assert idx.count(query) == len(by_regex(texts, pattern))


@pytest.mark.parametrize(("query", "first", "second", "n", "ordered"), [
    ("Soleimani W/5 kill*", r"soleimani(?:['’]s)?", r"kill\w*(?:['’]s)?", 5, False),
    ("kill* PRE/12 Soleimani", r"kill\w*", r"soleimani(?:['’]s)?", 12, True),
    ("(Soleimani OR Suleimani) W/5 kill*", r"s[ou]leimani(?:['’]s)?", r"kill\w*(?:['’]s)?", 5, False),
    ("missil* W/3 =strike", r"missil\w*(?:['’]s)?", r"strike(?:['’]s)?", 3, False),
    ("=the W/30 =of", r"the", r"of", 30, False)])
def test_words_near_words_are_those_that_counting_words_finds(idx, texts, query, first, second, n, ordered):
    check(idx, texts, idx.hits(query), by_distance(texts, first, second, n, ordered))


def test_killing_of_soleimani_is_counted_by_article(idx, texts):
    table = idx.hits("Soleimani W/5 kill*").by("doc")
    expected = by_distance(texts, r"soleimani(?:['’]s)?", r"kill\w*(?:['’]s)?", 5, False)
    assert {r.doc: r.hits for r in table if r.hits} == {k: sum(key == k for key, *_ in expected) for k, *_ in expected}


# ---- from text to tokens: DESIGN section 4, docs/TOKENS.md ----

LONG = "x" * 255
ROWS = [
    # lang, text, query, what is found
    ("english", "Iran's army, Iran’s men, IRAN'S, Iranians", "iran", ["Iran's", "Iran’s", "IRAN'S"]),
    ("english", "Iran's army, Iran’s men, IRAN'S, Iranians", "=iran", ["Iran's", "Iran’s", "IRAN'S"]),
    ("english", "Iran's army, Iran’s men", "==Iran's", ["Iran's"]),
    ("english", "it's its it’s", "=it's", ["it's", "it’s"]),
    ("english", "I don't; they don’t; do not", "don't", ["don't", "don’t"]),
    ("english", "I don't; they don’t; do not", "=don’t", ["don't", "don’t"]),
    ("french", "l’Iran et L'Iran, un Iran", "Iran", ["Iran", "Iran", "Iran"]),
    ("french", "l’Iran et L'Iran, un Iran", "l'Iran", ["l’Iran", "L'Iran"]),
    ("italian", "dell'Iran, dell’Iraq", "Iran", ["Iran"]),
    ("catalan", "l'Iran", "=iran", ["Iran"]),
    ("english", "l'Iran", "iran", []),
    ("english", "U.S. and US and U.S and us and US's", "U.S.", ["U.S.", "US", "U.S", "US's"]),
    ("english", "U.S. and US and U.S and us and US's", "US", ["U.S.", "US", "U.S", "US's"]),
    ("english", "U.S. and US and U.S and us and US's", "==US", ["US"]),
    ("english", "U.S. and US and U.S and us and US's", "=us", ["U.S.", "US", "U.S", "us", "US's"]),
    ("english", "Nato, NATO's, nato", "NATO", ["Nato", "NATO's"]),
    ("english", "NGO NGOs ngo", "NGO", ["NGO", "NGOs"]),
    ("english", "al-Asad base, al Asad, alasad, Asad", "al-Asad", ["al-Asad", "al Asad", "alasad"]),
    ("english", "al-Asad base, al Asad, alasad, Asad", "Asad", ["Asad", "Asad", "Asad"]),
    ("english", "self-defence, self defence, selfdefence", "self-defence", ["self-defence", "self defence", "selfdefence"]),
    ("english", "a self-defence case, a selfdefence case", '"self-defence case"', ["self-defence case", "selfdefence case"]),
    ("english", "5,000 or 5000 or 50,00", "5,000", ["5,000", "5000"]),
    ("english", "5,000 or 5000 or 50,00", "5000", ["5,000", "5000"]),
    ("english", "$1.5bn, €1.5bn, 1.5bn, 1.5", "$1.5bn", ["$1.5bn", "€1.5bn", "1.5bn"]),
    ("english", "$1.5bn, €1.5bn, 1.5bn, 1.5", "==$1.5bn", ["$1.5bn"]),
    ("english", "at 4pm, 4 pm", "4pm", ["4pm"]),
    ("english", "(@khamenei_ir) and khamenei_ir", "@khamenei_ir", ["@khamenei_ir"]),
    ("english", "(@khamenei_ir) and khamenei_ir", "khamenei_ir", ["@khamenei_ir", "khamenei_ir"]),
    ("english", "#Iran and Iran", "#Iran", ["#Iran"]),
    ("english", "#Iran and Iran", "iran", ["#Iran", "Iran"]),
    ("english", "to J.Smith@news.bbc.co.uk.", "j.smith@news.bbc.co.uk", ["J.Smith@news.bbc.co.uk"]),
    ("english", "to J.Smith@news.bbc.co.uk.", "smith", []),
    ("english", "see https://www.bbc.co.uk/News?a=b, or", "https://www.bbc.co.uk/news?a=b", ["https://www.bbc.co.uk/News?a=b"]),
    ("english", "see www.bbc.co.uk/news; or", "www.bbc.co.uk/news", ["www.bbc.co.uk/news"]),
    ("english", "by reuters.com, Reuters", "reuters.com", ["reuters.com"]),
    ("english", "by reuters.com, Reuters", "reuters", ["reuters", "Reuters"]),
    ("english", "x" * 300, LONG, [LONG]),
    ("english", "x" * 300, "x" * 45, ["x" * 45]),
    ("english", "é" * 255 + " " + "é" * 256, "é" * 255, ["é" * 255, "é" * 255]),
    ("english", "co\u00adordi\u00adnation and coordination", "coordination", ["co\u00adordi\u00adnation", "coordination"]),
    ("english", "Ira\u200en\u200f, a\u200db", "iran", ["Ira\u200en\u200f"]),
    ("english", "東京都と東京", "東京", ["東京", "東京"]),
    ("english", "東京都と東京", "都", ["都"]),
    ("english", "ミサイル攻撃", "ミサイル", ["ミサイル"]),
    ("english", "かな と カナ", "かな", ["かな"]),
    ("english", "น้ำไทย", "น้ำ", ["น้ำ"]),
    ("english", "น้ำไทย", "ไทย", ["ไทย"]),
    ("english", "👍🏿 👍 👨\u200d👩\u200d👧 🇺🇸🇬🇧", "👍🏿", ["👍🏿"]),
    ("english", "👍🏿 👍 👨\u200d👩\u200d👧 🇺🇸🇬🇧", "👨\u200d👩\u200d👧", ["👨\u200d👩\u200d👧"]),
    ("english", "👍🏿 👍 👨\u200d👩\u200d👧 🇺🇸🇬🇧", "🇬🇧", ["🇬🇧"]),
    ("english", "café cafe\u0301 cafe CAFÉ", "café", ["café", "cafe\u0301", "CAFÉ"]),
    ("english", "café cafe\u0301 cafe CAFÉ", "cafe\u0301", ["café", "cafe\u0301", "CAFÉ"]),
    ("english", "café cafe\u0301 cafe CAFÉ", "cafe", ["café", "cafe\u0301", "cafe", "CAFÉ"]),
    ("swedish", "ångström angstrom", "angstrom", ["angstrom"]),
    ("turkish", "Iğdır İzmir IĞDIR", "ığdır", ["Iğdır", "IĞDIR"]),
    ("english", "he said.- Reuters", "said", ["said"]),
    ("english", "he said.- Reuters", '"said reuters"', ["said.- Reuters"]),
    ("english", "the defence.said he", '"defence said"', ["defence.said"]),
    ("english", "to be or not to be", '"or not"', ["or not"])]


@pytest.mark.parametrize(("lang", "text", "query", "found"), ROWS, ids=[f"{r[0]}-{r[2][:30]}-{n}" for n, r in enumerate(ROWS)])
def test_text_is_found_by_the_word_the_table_says(lang, text, query, found):
    with pm.index([{"text": "before " + text}, {"text": text}], lang=lang) as idx:
        hits = idx.hits(query)
        for key in idx.keys():
            assert [h.text for h in hits if h.doc == key] == found
        for h in hits:
            assert idx.text(h.doc)[h.start : h.end] == h.text
        idx.verify()


def test_odd_words_of_the_articles_are_found_where_they_stand(idx, texts):
    for query, pattern in [("@khamenei_ir", r"@khamenei_ir\b"), ("al-Asad", r"(?i)\bal-Asad\b"), ("self-defence", r"(?i)\bself-defence\b"),
                           ("5,000", r"\b5,000\b"), ("4pm", r"\b4pm\b"), ("weren't", r"weren[’']t"), ('"said reuters"', r"said\.- Reuters"),
                           ("khamenei.ir", r"(?i)(?<!@)khamenei\.ir")]:
        check(idx, texts, idx.hits(query), by_regex(texts, pattern))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_offsets_are_of_the_text_in_whatever_normal_form(form):
    text = unicodedata.normalize(form, "Élysée ﬁnance déjà vu à Hà Nội, 각하, ½ Ⅷ")
    with pm.index([{"text": text}]) as idx:
        assert idx.text("0") == text
        assert [t.surface for t in idx.tokens("0")] == [text[t.start : t.end] for t in idx.tokens("0")]
        for query, found in (("élysée", "Élysée"), ("nội", "Nội"), ("각하", "각하"), ("finance", "ﬁnance")):
            assert [h.text for h in idx.hits(query)] == [unicodedata.normalize(form, found)]

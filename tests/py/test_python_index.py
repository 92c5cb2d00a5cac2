"""Index, hits and rankings as they are asked from Python; what the hits are is the business of the differential tests."""

import datetime as dt
import gc
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pm = pytest.importorskip("pressmark")
from pressmark._hits import sample_rows, splitmix64  # noqa: E402
from pressmark._snippet import Weights, snippet  # noqa: E402

ROWS = [
    {"key": "000", "date": "2020-01-08", "outlet": "Mirror", "words": 3, "title": "A “slap in the face”",
     "text": "Missile strikes were a “slap in the face” for\u00a0the US.\n\nThe US denied it. They told us so."},
    {"key": "001", "date": "2020-01-09T12:30:00", "outlet": "Hill", "words": 1, "title": "Missiles",
     "text": "The missile hit the base. No slap, no face."},
    {"key": "002", "date": "2020-02-01", "outlet": "Hill", "words": 2, "tags": ["x", "y"], "title": "弾道ミサイル",
     "text": "弾道ミサイル missile 😀 base slap in the face"},
    {"key": "003", "outlet": "Élysée", "title": "", "text": "<b>Nothing</b> & more"},
]


@pytest.fixture(scope="module")
def idx():
    with pm.index(ROWS) as made:
        yield made


def spans(hits):
    return [(h.doc, h.field, h.text) for h in hits]


# ---- facts ----


def test_index_says_what_it_is(idx):
    assert len(idx) == 4 and bool(idx) and idx.fields == ["title", "text"] and idx.generation == 1
    assert re.fullmatch("[0-9a-f]{16}", idx.fingerprint) and os.path.isabs(idx.path)
    assert idx.n_tokens == sum(idx.documents().column("tokens").tolist())
    info = idx.info()
    assert info["documents"] == 4 and info["main_field"] == "text" and info["lang"] == "english" and info["text_stored"]
    assert [c["name"] for c in info["columns"]] == ["date", "outlet", "words", "tags"]
    on_disk = {p.name: p.stat().st_size for p in Path(idx.path).iterdir()}
    assert set(info["files"]) <= set(on_disk)
    for shown in (repr(idx), idx._repr_html_()):
        assert "4" in shown and idx.fingerprint in shown and "<b>" not in shown


def test_card_names_query_index_and_version(idx):
    for card in (idx.cite(idx.hits("missile")), idx.hits("missile").cite(), idx.search("missile").cite(), idx.count(["missile"]).cite()):
        facts = card.to_dict()
        assert facts["query, as read"] == "missile" and facts["fingerprint"] == idx.fingerprint and facts["index"] == idx.path
        assert pm.__version__ in str(card) and "<table>" in card._repr_html_()
    assert "query, as read" not in idx.cite().to_dict() and idx.cite().to_dict()["articles"] == "4"


# ---- hits ----


def test_hits_are_spans_of_the_original_text(idx):
    hits = idx.phrase("slap in the face")
    assert spans(hits) == [("000", "title", "slap in the face"), ("000", "text", "slap in the face"), ("002", "text", "slap in the face")]
    for h in hits:
        assert idx.text(h.doc, h.field)[h.start : h.end] == h.text
    assert hits.count == len(hits) == 3 and hits.documents == 2 and hits.columns == ["doc", "field", "start", "end", "text"]
    assert hits.query == '"slap in the face"'


def test_hits_are_a_table(idx):
    hits = idx.hits("missile")
    assert hits[0].doc == "000" and hits[-1] == hits[len(hits) - 1] and len(list(hits)) == len(hits)
    assert hits.to_dicts()[0] == {"doc": "000", "field": "text", "start": 0, "end": 7, "text": "Missile"}
    assert hits.column("start").tolist() == [h.start for h in hits] == list(memoryview(hits.column("start")))
    with pytest.raises(IndexError):
        hits[len(hits)]
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(hits)
    assert pickle.loads(pickle.dumps(hits[0])) == hits[0]


def test_hits_slices_are_hits(idx):
    hits = idx.hits("missile OR slap")
    for at in (slice(1, 3), slice(None), slice(-1, None), slice(0, None, 2), slice(5, 2)):
        part = hits[at]
        assert isinstance(part, pm.Hits) and spans(part) == spans(hits)[at] and part.count == len(spans(hits)[at])
    assert hits[1:][0].parts == hits[1].parts and hits[1:3].query == hits.query
    with pytest.raises(ValueError):
        hits[::-1]


def test_parts_stand_in_reading_order(idx):
    (h,) = [h for h in idx.hits('(missile OR rocket) W/3 "base"') if h.doc == "002"]
    missile, rocket, base = h.parts
    text = idx.text("002")
    assert text[slice(*missile)] == "missile" and rocket is None and text[slice(*base)] == "base"
    for hits in (idx.phrase("slap in the face"), idx.hits("missile")):
        assert all(h.parts == ((h.start, h.end),) for h in hits)


def test_parts_of_many_hits():
    with pm.index([{"text": "a b c " * 400}]) as idx:
        for i, h in enumerate(idx.hits("a PRE/2 c")):
            assert h.parts == ((6 * i, 6 * i + 1), (6 * i + 4, 6 * i + 5))


def test_hits_carry_metadata_columns(idx):
    hits = idx.hits("missile", columns=["outlet", "date", "tags", "words"])
    assert hits.columns[5:] == ["outlet", "date", "tags", "words"]
    by_doc = {h.doc: h for h in hits}
    assert by_doc["000"].outlet == "Mirror" and by_doc["001"].date == dt.datetime(2020, 1, 9, 12, 30) and by_doc["000"].tags is None
    assert by_doc["002"].tags == "x; y" and hits[1:].columns == hits.columns
    assert hits.kwic(sort="-words").column("words").tolist() == sorted((h.words for h in hits), reverse=True)
    assert idx.hits("nowhere", columns=["outlet"]).to_dicts() == []
    with pytest.raises(ValueError, match="a column 'text' already"):
        idx.hits("missile", columns=["text"])


def test_filters_are_queries_or_keys(idx):
    for chosen, docs in ((None, {"000", "001", "002"}), ("outlet:hill", {"001", "002"}), ("date:2020-01", {"000", "001"}),
                         ("NOT outlet:hill", {"000"}), (["002", "000", "002"], {"000", "002"}), ([], set()), ({"001": 1}, {"001"}),
                         ("tags:y AND words:>1", {"002"}), ("outlet:élysée", set())):
        hits = idx.hits("missile", filter=chosen)
        assert {h.doc for h in hits} == docs and hits.documents == len(docs)
        assert idx.count("missile", filter=chosen, unit="documents") == len(docs)
        assert {r.doc for r in idx.search("missile", filter=chosen)} == docs
        assert {h.doc for h in idx.near("missile", "base", within=5, filter=chosen)} == docs & {"001", "002"}
        everywhere = idx.hits("missile")
        assert spans(everywhere.filter(chosen)) == spans(hits)


def test_phrase_text_is_never_an_operator(idx):
    for text in ("slap AND face", "outlet:hill", "missile OR slap", "$x ~2", "", "!"):
        assert idx.phrase(text).count == 0
    for text in ('"slap', "(slap", "slap*"):
        assert idx.phrase(text).count == 4
    assert idx.phrase("slap face", slop=2).count == 4 and idx.phrase("slap face", slop=1).count == 1
    assert idx.phrase("face slap", slop=2).count == 0 and idx.phrase("face slap", slop=2, ordered=False).count == 4
    assert idx.phrase("missiles hits", stem=True).count == 1 and idx.phrase("missiles hits").count == 0
    assert idx.phrase("the us", case=True).count == 0 and idx.phrase("The US", case=True).count == 1
    with pytest.raises(ValueError):
        idx.phrase("a", stem=True, case=True)
    with pytest.raises(ValueError):
        idx.phrase("a", slop=-1)


def test_near_takes_words_phrases_and_alternatives(idx):
    assert idx.near("missiles", "base", within=10).count == 2
    assert idx.near("base", "missile", within=10, ordered=True).count == 0
    assert idx.near(["rocket", "missile"], "slap in the face", within=10).documents == 2
    assert idx.near("missil*", "base", "slap", within=4).documents == 2
    assert idx.near("missile", "denied", within=50, scope="sentence").count == 0
    assert idx.near("missile", "denied", within=50, scope="paragraph").count == 0
    assert idx.near("missile", "denied", within=50).count == 1
    for bad in (dict(within=0), dict(within=5, scope="page")):
        with pytest.raises(ValueError):
            idx.near("a", "b", **bad)


def test_kwic_shows_both_sides(idx):
    table = idx.phrase("slap in the face").kwic(width=12)
    assert table.columns == ["doc", "left", "hit", "right"] and table.query == '"slap in the face"'
    row = table[1]
    assert row.hit == "slap in the face" and row.left.endswith("were a “") and row.right.startswith("” for the US")
    assert all(len(r.left) <= 12 and len(r.right) <= 12 for r in table)
    words = idx.hits("slap").kwic(width=1, unit="words")
    assert all(len(re.findall(r"\w+", r.left)) <= 1 for r in words)
    rows = idx.hits("missile").kwic(sort=["1R", "hit"])
    assert [(r.hit + r.right).split()[1:2] for r in rows] == [[], ["hit"], ["strikes"], ["😀"]]
    assert idx.hits("US").kwic(width=99, scope="sentence").column("left").tolist()[0].startswith("Missile")
    for bad in (dict(width=-1), dict(unit="lines"), dict(scope="page")):
        with pytest.raises(ValueError):
            idx.hits("slap").kwic(**bad)


def test_by_counts_hits_documents_and_rates(idx):
    table = idx.hits("missile").by("outlet")
    assert table.columns == ["outlet", "hits", "documents", "tokens", "all_documents", "per_million", "share"]
    rows = {r.outlet: r for r in table}
    assert (rows["Hill"].hits, rows["Hill"].documents, rows["Hill"].all_documents) == (3, 2, 2)
    assert rows["Hill"].per_million == pytest.approx(3e6 / rows["Hill"].tokens) and rows["Hill"].share == 1.0
    assert sum(table.column("tokens").tolist()) == idx.n_tokens
    assert {r.doc: r.hits for r in idx.hits("missile").by("doc") if r.hits} == {"000": 1, "001": 2, "002": 1}
    assert {r.field: r.hits for r in idx.hits("missile").by("field")} == {"title": 1, "text": 3}
    dates = idx.hits("missile").by("words")
    assert sum(dates.column("hits").tolist()) == 4


def test_count_of_one_query_is_a_number(idx):
    assert idx.count("missile") == 4 == idx.hits("missile").count and idx.count("missile", unit="documents") == 3
    assert idx.count("nowhere") == 0 and idx.count('"slap in the face"', filter="outlet:hill") == 1
    with pytest.raises(ValueError):
        idx.count("missile", unit="words")


def test_count_of_several_queries_is_a_table(idx):
    table = idx.count(["==US", "==us", "nowhere"])
    assert table.columns == ["query", "hits", "documents", "per_million", "share"]
    assert [(r.query, r.hits, r.documents) for r in table] == [("==US", 2, 1), ("==us", 1, 1), ("nowhere", 0, 0)]
    assert table[0].per_million == pytest.approx(2e6 / idx.n_tokens) and table[0].share == 0.25
    part = idx.count(["missile"], filter="outlet:hill")
    assert part[0].share == 1.0 and part[0].per_million == pytest.approx(3e6 / idx.hits("missile", filter="outlet:hill").by("outlet")[0].tokens)
    assert idx.count(["a"], filter=[])[0].share is None
    assert len(idx.count([])) == 0


def test_count_by_a_column(idx):
    table = idx.count(["missile", "slap"], by="outlet")
    assert table.columns == ["query", "outlet", "hits", "documents", "per_million", "share"]
    assert {(r.query, r.outlet): r.hits for r in table if r.hits} == {
        ("missile", "Hill"): 3, ("missile", "Mirror"): 1, ("slap", "Mirror"): 2, ("slap", "Hill"): 2}
    assert idx.count("missile", by="outlet").column("query").tolist() == ["missile"] * len(idx.count("missile", by="outlet"))


def test_sample_is_fixed_for_ever(idx):
    assert [next(g) for g in [splitmix64(0)] for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert sample_rows(100, 5, 7) == sample_rows(100, 5, 7) == [33, 56, 74, 86, 87]
    assert sample_rows(10**6, 4, 2020) == [15894, 478839, 581279, 613253]
    assert sample_rows(1000, 3, 0) != sample_rows(1000, 3, 1)
    assert sample_rows(5, 5, 1) == sample_rows(5, 9, 1) == [0, 1, 2, 3, 4] and sample_rows(5, 0, 1) == sample_rows(0, 3, 1) == []
    hits = idx.hits("missile OR slap OR us OR base")
    part = hits.sample(3, seed=7)
    assert isinstance(part, pm.Hits) and spans(part) == [spans(hits)[i] for i in sample_rows(len(hits), 3, 7)]
    with pytest.raises(ValueError):
        hits.sample(-1, 0)


def test_sample_draws_every_row_alike():
    counts = [0] * 10
    for seed in range(3000):
        for row in sample_rows(10, 3, seed):
            counts[row] += 1
    assert all(abs(c - 900) < 150 for c in counts)


# ---- ranking ----


def test_search_ranks_documents(idx):
    ranking = idx.search("missile base", k=2)
    assert ranking.columns == ["rank", "doc", "score", "date", "title", "snippet"] and len(ranking) == 2 and ranking.total == 3
    assert ranking.column("rank").tolist() == [1, 2] and ranking[0].score >= ranking[1].score > 0
    assert idx.search("missile base", k=10, match="all").total == 2
    assert any("any of these words" in n for n in ranking.notes) and not idx.search("missile").notes
    row = {r.doc: r for r in idx.search("missile", k=10)}["001"]
    assert row.date == dt.datetime(2020, 1, 9, 12, 30) and row.title == "Missiles" and "**missile**" in row.snippet


def test_search_sorts_filters_weighs_and_adds_columns(idx):
    assert [r.doc for r in idx.search("missile", sort="newest")] == ["002", "001", "000"]
    assert [r.doc for r in idx.search("missile", sort="oldest")] == ["000", "001", "002"]
    assert [r.doc for r in idx.search("missile", sort="words")] == ["001", "002", "000"]
    assert [r.doc for r in idx.search("missile", sort="-words")] == ["000", "002", "001"]
    ranking = idx.search("missile", columns=["outlet", "words", "date"])
    assert ranking.columns == ["rank", "doc", "score", "date", "title", "snippet", "outlet", "words"]
    assert idx.search("missile", weights={"title": 50})[0].doc == "001"
    assert idx.search("missile", snippet=False).column("snippet").tolist() == [None] * 3
    for bad in (dict(k=0), dict(match="some"), dict(columns=["score"])):
        with pytest.raises(ValueError):
            idx.search("missile", **bad)


@pytest.mark.parametrize("text", ["", "?", "(", '"', "U.S.:", "((((", "'" * 50, "弾道", "😀", "a\0b", "\ud800", "=", "W/", "<b>", "what now?"])
def test_search_of_plain_text_never_raises(idx, text):
    ranking = idx.search(text)
    assert ranking.total >= len(ranking) and repr(ranking) and ranking._repr_html_()


def test_ranking_shows_snippets_and_escapes_them(idx):
    ranking = idx.search("nothing more")
    assert "<b>Nothing</b>" in ranking[0].snippet.replace("**", "")
    page = ranking._repr_html_()
    assert "&lt;b&gt;<b>Nothing</b>&lt;/b&gt; &amp; <b>more</b>" in page
    text = repr(idx.search("slap"))
    assert text.startswith("3 of 3 articles · slap") and "**slap**" in text.replace("\n      ", " ")


def test_snippet_is_the_window_of_most_different_rare_words():
    filler = "some words of no interest at all here " * 12
    text = f"the base {filler} the the the the {filler}\n\n the missile   hit the base {filler}"
    found = [m.span() for m in re.finditer(r"\b(the|missile|base)\b", text)]
    made = snippet(text, found, Weights(text[lo:hi] for lo, hi in found))
    assert "the missile hit the base" in made.line and made.line.startswith("…") and made.line.endswith("…")
    assert 150 < len(made.line) < 260 and "**missile** hit" in made.text()
    assert [made.line[lo:hi] for lo, hi in made.marks].count("missile") == 1
    assert snippet("  short\ntext ", [], Weights(())).line == "short text"
    assert snippet("a b", [(0, 1), (0, 3)], Weights(())).text() == "**a b**"
    assert snippet("", [], Weights(())).line == ""
    assert len(snippet("x" * 5000, [(0, 5000)], Weights(())).line) < 500


# ---- documents ----


def test_documents_and_keys(idx):
    assert idx.keys() == ["000", "001", "002", "003"]
    table = idx.documents()
    assert table.columns == ["key", "date", "tokens", "outlet", "words", "tags"]
    assert idx.documents(["outlet"]).columns == ["key", "date", "tokens", "outlet"]
    assert idx.documents([], filter="outlet:hill").column("key").tolist() == ["001", "002"]
    assert idx.documents([], filter=["002", "000"]).column("key").tolist() == ["000", "002"]
    assert table[3].date is None and table[0].date == dt.datetime(2020, 1, 8)


def test_doc_is_a_dict_of_what_was_given(idx):
    assert idx.doc("002") == {"key": "002", "date": dt.date(2020, 2, 1), "outlet": "Hill", "words": 2, "tags": ["x", "y"],
                              "title": ROWS[2]["title"], "text": ROWS[2]["text"]}
    assert idx.doc("001")["date"] == dt.datetime(2020, 1, 9, 12, 30)
    assert idx.doc("003") == {"key": "003", "outlet": "Élysée", "title": "", "text": ROWS[3]["text"]}


def test_text_is_given_back_to_the_code_point(idx):
    for row in ROWS:
        assert idx.text(row["key"]) == row["text"] and idx.text(row["key"], "title") == row["title"]


def test_tokens_lie_where_they_say(idx):
    table = idx.tokens("000")
    assert table.columns == ["field", "start", "end", "surface", "folded", "stem", "kind", "sentence", "paragraph", "quote"]
    for t in table:
        assert idx.text("000", t.field)[t.start : t.end] == t.surface
    quoted = [t.surface for t in table if t.quote is not None and t.field == "text"]
    assert quoted == ["slap", "in", "the", "face"]


def test_words_of_the_lexicon(idx):
    table = idx.words("missile*")
    assert [tuple(r) for r in table] == [("missile", 3, 3), ("missiles", 1, 1)] and table.columns == ["word", "freq", "documents"]
    assert [tuple(r)[:2] for r in idx.words("missil*", layer="stem")] == [("missil", 4)]
    assert {r.word for r in idx.words("US", layer="surface")} == {"US"} and len(idx.words(k=3)) == 3
    with pytest.raises(ValueError):
        idx.words(layer="lemma")


def test_index_without_stored_text():
    with pm.index(ROWS, store=False) as idx:
        hits = idx.phrase("slap in the face")
        assert [(h.doc, h.text) for h in hits] == [("000", None), ("000", None), ("002", None)] and hits[1].start == 4
        assert "3 hits in 2 articles" in repr(hits) and hits._repr_html_()
        assert idx.search("slap")[0].snippet is None and "text" not in idx.doc("000")
        with pytest.raises(ValueError, match="no text"):
            idx.text("000")


# ---- tools of the module ----


def test_tokenize_shows_what_an_index_would_hold():
    table = pm.tokenize("Iran’s U.S. 👍🏽")
    assert table.columns == ["start", "end", "surface", "folded", "stem", "kind"]
    assert [(t.surface, t.folded, t.kind) for t in table] == [("Iran’s", "iran", "word"), ("U.S.", "us", "acronym"), ("👍🏽", "👍🏽", "emoji")]
    with pytest.raises(ValueError, match="klingon"):
        pm.tokenize("x", "klingon")
    assert "english" in pm.languages() and "none" in pm.languages()


@pytest.mark.parametrize("query", ["slap* PRE/4 (face OR wrist)", "(a OR b) W/5s c", '"a * (b|c)"~>3', "outlet:hill AND NOT ==US", "date:2020-01 AND x", ""])
def test_parse_gives_a_tree_whose_text_parses_to_it(query):
    tree = pm.parse(query)
    again = pm.parse(str(tree))
    assert repr(tree) == repr(again) and str(again) == str(tree) and "<pre>" in tree._repr_html_()
    assert tree.pos == 0 and tree.end <= len(query)


def test_tree_has_kinds_and_places():
    tree = pm.parse("иран W/5 (missile OR strike)")
    assert tree.kind == "near" and tree.n == 5 and [c.kind for c in tree.children] == ["word", "or"]
    word, either = tree.children
    assert (word.pos, word.end, word.text, str(word)) == (0, 4, "иран", "иран") and [str(c) for c in either.children] == ["missile", "strike"]
    with pytest.raises(ValueError):
        pm.parse("a", lang="klingon")


# ---- life ----


def test_closed_index_raises_and_results_live_on(tmp_path):
    idx = pm.index(ROWS, tmp_path / "i.pm")
    hits, ranking, table = idx.hits("missile", columns=["outlet"]), idx.search("missile"), idx.documents()
    idx.close()
    idx.close()
    for call in (lambda: idx.hits("a"), lambda: idx.search("a"), lambda: idx.count("a"), lambda: idx.keys(), lambda: idx.text("000"),
                 lambda: idx.verify(), lambda: idx.info(), lambda: pickle.dumps(idx), lambda: idx.__enter__(), lambda: idx.words()):
        with pytest.raises(pm.ClosedError):
            call()
    gc.collect()
    assert spans(hits)[0] == ("000", "text", "Missile") and hits[0].outlet == "Mirror" and hits[0].parts and hits.kwic() and hits.by("outlet")
    assert ranking.total == 3 and len(table) == 4 and repr(idx).startswith("<closed") and idx._repr_html_() and hits.cite()


def test_temporary_index_goes_with_its_object():
    with pm.index(ROWS) as idx:
        path, hits = Path(idx.path), idx.hits("missile")
        assert path.is_dir()
    assert not path.parent.exists() and hits[0].text == "Missile"
    idx = pm.index(ROWS)
    path = Path(idx.path)
    del idx
    gc.collect()
    assert not path.parent.exists()


def test_temporary_index_goes_with_the_process_but_not_with_a_child(tmp_path):
    script = textwrap.dedent("""
        import os
        import pressmark as pm
        idx = pm.index([{"text": "a"}])
        if os.fork() == 0:
            assert idx.count("a") == 1
            idx.close()
            os._exit(0)
        assert os.wait()[1] == 0
        print(idx.path, os.path.isdir(idx.path))
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    path, there = done.stdout.split()
    assert there == "True" and not os.path.exists(os.path.dirname(path)), done.stderr


def test_open_reads_the_same_with_and_without_mapping(tmp_path):
    pm.index(ROWS, tmp_path / "i.pm").close()
    for mmap in ("auto", True, False):
        with pm.open(tmp_path / "i.pm", mmap=mmap, generation=1) as idx:
            assert idx.count("missile") == 4
            idx.verify()


def test_index_pickles_as_path_and_generation(tmp_path):
    with pm.index(ROWS, tmp_path / "i.pm") as idx:
        data = pickle.dumps(idx)
        assert len(data) < 1000
        with pickle.loads(data) as again:
            assert again.count("missile") == 4 and again.generation == idx.generation and again.path == idx.path


def count_in_child(idx):
    return idx.count("missile")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_index_works_in_other_processes(tmp_path, method):
    with pm.index(ROWS, tmp_path / "i.pm") as idx:
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(count_in_child, [idx] * 4) == [4] * 4


def test_index_works_in_threads(idx):
    def ask(i):
        return (idx.count("missile"), spans(idx.hits("slap OR us")), idx.search("missile base")[0].doc, idx.text("002"))

    with ThreadPoolExecutor(8) as pool:
        assert len({repr(x) for x in pool.map(ask, range(200))}) == 1


def test_other_threads_run_while_the_core_works(tmp_path):
    """The GIL is released: a thread counts on while a build, or a query, is under way."""
    seen, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.001):
            seen.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    with pm.index([{"text": " ".join(f"w{i % 5000}" for i in range(2000))} for _ in range(200)], threads=1) as idx:
        before = len(seen)
        for _ in range(50):
            idx.words("w*", layer="surface")
    stop.set()
    thread.join()
    assert before > 0 and len(seen) > before


def test_ctrl_c_stops_a_query():
    script = textwrap.dedent("""
        import sys
        import pressmark as pm
        idx = pm.index([{"text": "a b " * 20000} for _ in range(40)])
        try:
            print("going", flush=True)
            while True:
                idx.hits("a W/50 b").kwic(sort="1R")
        except KeyboardInterrupt:
            assert idx.count("a") == 800000
            sys.exit(7)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "going\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 7


def test_module_imports_without_optional_packages():
    script = textwrap.dedent("""
        import sys
        for name in ("numpy", "pandas", "polars", "pyarrow", "tqdm", "matplotlib", "typing_extensions"):
            sys.modules[name] = None
        import pressmark as pm
        with pm.index([{"text": "slap in the face"}]) as idx:
            print(idx.phrase("slap in the face"), idx.search("slap"), idx.documents().to_csv())
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "slap in the face" in done.stdout, done.stderr


def test_hits_skip_documents_beyond_the_limit_of_pairs_and_name_them() -> None:
    idx = pm.index([{"key": "large", "text": "a b c " * 300}, {"key": "small", "text": "a b c"}])
    before = pm.limits.pairs
    pm.limits.pairs = 1000
    try:
        with pytest.raises(pm.LimitError, match="large"):
            idx.hits("(a W/50 b) W/50 c")
        hits = idx.hits("(a W/50 b) W/50 c", on_limit="skip")
        assert [h.doc for h in hits] == ["small"] and any("'large' is left out" in note for note in hits.notes)
    finally:
        pm.limits.pairs = before


def test_words_pattern_without_accents_finds_accented_words() -> None:
    idx = pm.index([{"key": "a", "text": "élection elect élu"}], lang="french")
    assert {w.word for w in idx.words("elect*")} == {"élection", "elect"}
    assert {w.word for w in idx.words("élect*")} == {"élection"}


def test_date_column_without_any_date_matches_nothing() -> None:
    idx = pm.index([{"key": "a", "date": None, "text": "rot"}])
    assert idx.hits("rot date:2020-01").count == 0 and len(idx.search("rot", sort="newest")) == 1

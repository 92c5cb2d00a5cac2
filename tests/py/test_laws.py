"""The laws at the end of DESIGN.md section 5, as properties of the engine and of the enumerator alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pressmark as pm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import compare
from oracle.generate import Corpus
from oracle.standin import StandIn
from oracle.tree import Field, Near, Node, Or, Phrase, Slot, Word, render

Span = tuple[str, str, int, int]
Find = Callable[..., set[Span]]
LETTERS = ("rot", "fox", "hen", "cat")
FIELDS = ("title", "text")


def spans(index: Any, query: Node | str) -> set[Span]:
    """The hits of a query; each is there once."""
    hits = [(h.doc, h.field, h.start, h.end) for h in index.hits(query if isinstance(query, str) else render(query))]
    assert len(set(hits)) == len(hits)
    return set(hits)


@pytest.fixture(scope="module", params=["enumerator", "pressmark"])
def module(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What `pm.index` is called on."""
    if request.param == "enumerator":
        yield StandIn()
    else:
        yield pm


def law(test: Callable[..., None]) -> Callable[..., None]:
    """A property over random collections of four words with sentence ends."""
    checked = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))(test)
    return given(corpus=CORPORA, data=st.data())(checked)


def _text(words: list[tuple[str, str]]) -> str:
    return "".join((w.capitalize() if i and words[i - 1][1] == ". " else w) + end for i, (w, end) in enumerate(words))


_TEXTS = st.lists(st.tuples(st.sampled_from(LETTERS), st.sampled_from([" ", " ", " ", ", ", ". "])), max_size=12).map(_text)
CORPORA = st.lists(st.tuples(_TEXTS, _TEXTS), min_size=1, max_size=4).map(
    lambda docs: Corpus([{"id": f"d{i}", "title": a, "text": b} for i, (a, b) in enumerate(docs)], FIELDS))
WORDS = st.builds(Word, st.sampled_from(LETTERS), st.sampled_from(("stem", "folded")))
DISTANCES = st.integers(1, 5)
PHRASES = st.lists(st.sampled_from((*LETTERS, "")), min_size=1, max_size=3).filter(any).map(
    lambda words: Phrase(tuple(Slot((Word(w),) if w else ()) for w in words)))
OPERANDS = st.recursive(WORDS | PHRASES, lambda inner: st.one_of(
    st.builds(Near, inner, inner, DISTANCES, st.booleans(), st.sampled_from(("", "", "s"))),
    st.tuples(inner, inner).map(Or),
    st.builds(Field, st.sampled_from(FIELDS), inner)), max_leaves=3)


def index_of(module: Any, corpus: Corpus) -> Any:
    return compare.build(module, corpus, split=False)


@law
def test_w_is_symmetric(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    a, b, n = data.draw(OPERANDS), data.draw(OPERANDS), data.draw(DISTANCES)
    scope = data.draw(st.sampled_from(("", "s", "p")))
    index = index_of(module, corpus)
    assert spans(index, Near(a, b, n, scope=scope)) == spans(index, Near(b, a, n, scope=scope))


@law
def test_or_distributes_over_w_and_pre(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    a, b, c = (data.draw(OPERANDS) for _ in range(3))
    n, ordered = data.draw(DISTANCES), data.draw(st.booleans())
    index = index_of(module, corpus)
    left = Or((Near(a, c, n, ordered), Near(b, c, n, ordered)))
    assert spans(index, Near(Or((a, b)), c, n, ordered)) == spans(index, left)
    right = Or((Near(c, a, n, ordered), Near(c, b, n, ordered)))
    assert spans(index, Near(c, Or((a, b)), n, ordered)) == spans(index, right)


@law
def test_phrase_is_a_chain_of_pre_1(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    words = tuple(data.draw(st.lists(st.sampled_from(LETTERS), min_size=2, max_size=4)))
    slots = tuple(Slot((Word(w),)) for w in words)
    chain: Node = Word(words[0], "folded")
    for w in words[1:]:
        chain = Near(chain, Word(w, "folded"), 1, ordered=True)
    index = index_of(module, corpus)
    assert spans(index, Phrase(slots)) == spans(index, chain) == spans(index, Phrase(slots, 0))


@law
def test_sloppy_phrase_of_two_is_w(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    a, b = data.draw(st.sampled_from(LETTERS)), data.draw(st.sampled_from(LETTERS))
    n, ordered = data.draw(st.integers(0, 4)), data.draw(st.booleans())
    index = index_of(module, corpus)
    phrase = Phrase((Slot((Word(a),)), Slot((Word(b),))), n, ordered)
    assert spans(index, phrase) == spans(index, Near(Word(a, "folded"), Word(b, "folded"), n + 1, ordered))


@law
def test_hits_of_words_stay_hits_at_a_larger_distance(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    a, b, n, ordered = data.draw(WORDS), data.draw(WORDS), data.draw(DISTANCES), data.draw(st.booleans())
    index = index_of(module, corpus)
    assert spans(index, Near(a, b, n, ordered)) <= spans(index, Near(a, b, n + 1, ordered))


@law
def test_hit_holds_one_of_a_larger_distance(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    a, b, n, ordered = data.draw(OPERANDS), data.draw(OPERANDS), data.draw(DISTANCES), data.draw(st.booleans())
    index = index_of(module, corpus)
    larger = spans(index, Near(a, b, n + 1, ordered))
    for doc, field, start, end in spans(index, Near(a, b, n, ordered)):
        assert any((d, f) == (doc, field) and start <= s and e <= end for d, f, s, e in larger)


@law
def test_no_hit_holds_another(module: Any, corpus: Corpus, data: st.DataObject) -> None:
    found = spans(index_of(module, corpus), data.draw(OPERANDS))
    for doc, field, start, end in found:
        assert not any((d, f) == (doc, field) and (s, e) != (start, end) and start <= s and e <= end for d, f, s, e in found)


@law
def test_order_of_documents_and_others_beside_them_change_nothing(
        module: Any, corpus: Corpus, data: st.DataObject) -> None:
    query = data.draw(OPERANDS)
    hits = spans(index_of(module, corpus), query)
    others = [{"id": f"x{i}", "title": "unrelated", "text": "quite unrelated"} for i in range(3)]
    mixed = Corpus(others[:1] + corpus.rows[::-1] + others[1:], FIELDS)
    found = spans(index_of(module, mixed), query)
    assert {h for h in found if not h[0].startswith("x")} == hits


@law
def test_segments_change_nothing(corpus: Corpus, data: st.DataObject) -> None:
    query = data.draw(OPERANDS)
    corpus = Corpus([{**row, "id": f"{copy}{row['id']}"} for copy in range(3) for row in corpus.rows], FIELDS)
    assert spans(compare.build(pm, corpus, split=True), query) == spans(index_of(pm, corpus), query)


@pytest.mark.skipif(not hasattr(pm.Index, "writer"), reason="this build has no writer")
@law
def test_merges_and_deletes_change_nothing(corpus: Corpus, data: st.DataObject) -> None:
    query = data.draw(OPERANDS)
    others = [{"id": f"x{i}", "title": " ".join(LETTERS), "text": " ".join(LETTERS)} for i in range(2)]
    mixed = Corpus(others[:1] + corpus.rows + others[1:], FIELDS)
    hits = spans(index_of(pm, corpus), query)
    index = compare.build(pm, mixed, split=True)
    with index.writer() as writer:
        writer.delete("x0", "x1")
    index = index.refresh()
    assert spans(index, query) == hits
    index.optimize()
    assert spans(index.refresh(), query) == hits

"""The enumerator against the specification's own examples, worked out by hand, and against a blunter enumerator."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from oracle import plain
from oracle.engine import Document, Engine, TooMany, minimal
from oracle.parse import parse
from oracle.scores import score
from oracle.tree import Near, Node, Word, render


def engine_of(*documents: str | dict[str, str], **meta: str) -> Engine:
    """A collection d0, d1, ... of texts, or of dicts of fields and metadata."""
    read = []
    for i, doc in enumerate(documents):
        fields = {"text": doc} if isinstance(doc, str) else doc
        tokens = {f: plain.tokenize(fields.get(f, "")) for f in ("title", "text")}
        read.append(Document(f"d{i}", tokens, {m: fields[m] for m in ("outlet", "date") if m in fields}))
    return Engine(read, ("title", "text"), plain.tokenize)


def found(query: str, *documents: str | dict[str, str]) -> list[str]:
    """The hits as the surfaces from first to last token, marked with document and title where there are several."""
    engine = engine_of(*documents)
    texts = {d.key: d.fields for d in engine.documents}
    shown = []
    for h in engine.hits(parse(query)):
        words = " ".join(t.surface for t in texts[h.doc][h.field][h.first : h.last + 1])
        shown.append((f"{h.doc} " if len(documents) > 1 else "") + ("title " if h.field == "title" else "") + words)
    return shown


POSITIONS = [
    # All tokens of an assignment are different.
    ('"rot rot"', "rot", []),
    ('"rot rot"', "rot rot", ["rot rot"]),
    ('"rot rot"', "rot rot rot", ["rot rot", "rot rot"]),
    ('"rot rot"~2', "rot x rot", ["rot x rot"]),
    ("rot W/3 rot", "rot x", []),
    ("rot W/3 rot", "rot x rot", ["rot x rot"]),
    ('rot W/3 "rot rot"', "rot rot", []),
    ('(rot OR "rot rot") W/3 rot', "rot rot x", ["rot rot"]),
    # Inner operators are not cut down to their own shortest spans.
    ("(a W/10 b) PRE/1 c", "a b b c", ["a b b c"]),
    ("(a W/10 b) PRE/1 c", "a c b", []),
    ("(a W/10 b) PRE/1 c", "b a c", ["b a c"]),
    ("(a PRE/2 b) PRE/1 c", "a a b c", ["a b c"]),
    # A hit contains no other.
    ('US OR "the US"', "in the US now", ["US"]),
    ("a W/5 b", "a a b b", ["a b"]),
    ("a W/9 b", "a b a b", ["a b", "b a", "a b"]),
    ("(a W/2 b) OR (a W/5 c)", "c a b", ["c a", "a b"]),
    # Distances: adjacent is 1, interleaved is 0.
    ("a W/1 b", "a x b", []),
    ("a W/2 b", "b x a", ["b x a"]),
    ("a PRE/2 b", "b x a", []),
    ("(a W/3 b) W/1 (c W/3 d)", "a c b d", ["a c b d"]),
    ("(a W/3 b) W/1 c", "a c b", ["a c b"]),
    ("(a W/3 b) PRE/9 c", "a c b", []),
    ('"a b" W/2 "c d"', "a b x c d", ["a b x c d"]),
    ('"a b" W/1 "c d"', "a b x c d", []),
    ("(a W/1 b) W/1 c", "a b x c", []),
    # Phrases.
    ('"a b c"', "a b x c a b c", ["a b c"]),
    ('"a b"~1', "b x a", ["b x a"]),
    ('"a b"~1', "a x y b", []),
    ('"a b"~>1', "b a", []),
    ('"a b"~>1', "a x b", ["a x b"]),
    ('"a b c"~1', "c x a b", ["c x a b"]),
    ('"a b c"~0', "c a b", ["c a b"]),
    ('"a *"', "a", []),
    ('"a *"', "a b a", ["a b"]),
    ('"* a"', "a b a", ["b a"]),
    ('"a * b"', "a b x a x b", ["a x b"]),
    ('"a *"~1', "x a", ["x a"]),
    ('"white (house|horse)"', "White House, white horse, white hose", ["White House", "white horse"]),
    ('"wh* ?ouse"', "white house why mouse", ["white house", "why mouse"]),
    ('"(a|b) (a|b)"', "a b", ["a b"]),
    # Phrases and distances cross sentence ends, never fields.
    ('"a b"', "a. B", ["a B"]),
    ("a W/s b", "A. B", []),
    ("a W/s b", "A x b. B", ["A x b"]),
    ("a W/2s b", "A x x b", []),
    ("a W/p b", "A. B\n\nc", ["A B"]),
    ("a W/p c", "A. B\n\nc", []),
    ("(a W/9 b) W/s c", "A. B c", []),
    ("a PRE/s b", "B a. A b", ["A b"]),
]


@pytest.mark.parametrize("query, text, hits", POSITIONS)
def test_positions_of_hits(query: str, text: str, hits: list[str]) -> None:
    assert found(query, text) == hits


WORDS = [
    ("missile", "Missiles, missile; MISSILE's", ["Missiles", "missile", "MISSILE's"]),
    ("=missile", "Missiles, missile; Missile’s", ["missile", "Missile’s"]),
    ("==Missile", "Missiles, missile, Missile's, Missile", ["Missile"]),
    ('"missile"', "Missiles, Missile", ["Missile"]),
    ("iran", "Iran's #Iran iran", ["Iran's", "#Iran", "iran"]),
    ("#iran", "Iran #Iran #iran", ["#Iran", "#iran"]),
    # Names.
    ("US", "US us U.S. Us U.S.'s US's USs", ["US", "U.S.", "U.S.'s", "US's", "USs"]),
    ("U.S.", "US us U.S. Us", ["US", "U.S."]),
    ("us", "US us U.S. Us", ["US", "us", "U.S.", "Us"]),
    ("=US", "US us U.S. Us", ["US", "us", "U.S.", "Us"]),
    ("==US", "US us U.S. Us US's", ["US"]),
    ("NGO", "NGO NGOs ngo ngos Ngo N.G.O. Ngos", ["NGO", "NGOs", "N.G.O."]),
    ("WHO", "WHO who Who", ["WHO"]),
    ("NATO", "NATO Nato nato naTo NATOs", ["NATO", "Nato", "naTo", "NATOs"]),
    ("YOUTUBE", "YouTube youtube", ["YouTube"]),
    ("A", "a A", ["a", "A"]),
    ('"the US"', "the us the US", ["the US"]),
    ('"US NATO"', "us nato US NATO", ["us nato", "US NATO"]),
    ('"U.S. NATO"', "us nato US nato", ["US nato"]),
    ('"US *"', "us x US x", ["US x"]),
    ("US W/1 NATO", "us nato", []),
    ("us*", "US us U.S. usable", ["US", "us", "U.S.", "usable"]),
    ("==U*", "US us U.S. usable", ["US", "U.S."]),
    # Accents.
    ("elysee", "Élysée elysee", ["Élysée", "elysee"]),
    ("eleve", "élèves eleves élève", ["élèves", "eleves", "élève"]),
    ("=eleve", "élèves eleves élève", ["élève"]),
    ("élève", "élèves eleves élève eleve", ["élèves", "élève"]),
    ("==eleve", "élève eleve", ["eleve"]),
    ("el*", "élève eleve", ["élève", "eleve"]),
    ("él*", "élève eleve", ["élève"]),
    ("?l?ve", "élève eleve", ["élève", "eleve"]),
    ('"cafe (eleve|x)"', "café élève", ["café élève"]),
    # Patterns match the whole folded form.
    ("kill*", "kill Killed skill killing", ["kill", "Killed", "killing"]),
    ("k?ll", "kill kll killl KILL", ["kill", "KILL"]),
    ("*ill", "kill ill killed", ["kill", "ill"]),
    # Hyphenated words: the parts in a row or the joined word.
    ("self-defence", "self-defences selfdefence self defence self x defence",
     ["self defences", "selfdefence", "self defence"]),
    ("=self-defence", "self-defences selfdefence self defence", ["selfdefence", "self defence"]),
    ('"in self-defence now"', "in selfdefence now in self-defence now",
     ["in selfdefence now", "in self defence now"]),
    ("US-led", "US-led us-led U.S. led usled", ["US led", "U.S. led", "usled"]),
]


@pytest.mark.parametrize("query, text, hits", WORDS)
def test_what_a_word_matches(query: str, text: str, hits: list[str]) -> None:
    assert found(query, text) == hits


DOCUMENTS = [
    ("(a AND b) OR c", ["a c", "a b c"], ["d0 c", "d1 a", "d1 b", "d1 c"]),
    ("a AND b", ["a x", "b a a"], ["d1 b", "d1 a", "d1 a"]),
    ("a AND NOT b", ["a", "a b"], ["d0 a"]),
    ("a AND a", ["a"], ["a"]),
    ("a AND NOT (b AND NOT c)", ["a b", "a b c", "a"], ["d1 a", "d2 a"]),
    ('US AND "the US"', ["the US"], ["US"]),
    ("a AND b", [{"title": "a", "text": "b"}], ["title a", "b"]),
    ("a W/9 b", [{"title": "a", "text": "b"}], []),
    ("title:(a AND b)", [{"title": "a", "text": "b"}, {"title": "a b", "text": "a"}], ["d1 title a", "d1 title b"]),
    ("title:(a AND NOT b)", [{"title": "a", "text": "b"}], ["title a"]),
    ("title:(a) AND b", [{"title": "a", "text": "b a"}], ["title a", "b"]),
    ("title:(a) W/1 b", [{"title": "a b", "text": "a b"}], ["title a b"]),
    ("title:(a) W/1 text:(b)", [{"title": "a b", "text": "a b"}], []),
    ("title:(text:(a))", [{"title": "a", "text": "a"}], []),
    ("a AND outlet:bbc", [{"text": "a", "outlet": "BBC"}, {"text": "a", "outlet": "BBC News"}, "a"], ["d0 a"]),
    ('a AND outlet:"the h*"', [{"text": "a", "outlet": "The Hill"}, {"text": "a", "outlet": "Hill"}], ["d0 a"]),
    ("a AND NOT outlet:bbc", [{"text": "a", "outlet": "BBC"}, "a"], ["d1 a"]),
    ("a OR outlet:bbc", [{"text": "b", "outlet": "BBC"}, "a"], ["d1 a"]),
    ("outlet:bbc AND (a OR b)", [{"text": "b", "outlet": "BBC"}, "a"], ["d0 b"]),
]
DATES = ["2019-12-31", "2020-01-01", "2020-01-31", "2020-02-29", "2021-03-01"]
RANGES = [
    ("date:2020-01", [1, 2]), ("date:2020", [1, 2, 3]), ("date:2020-02-29", [3]), ("date:[2020-01 TO 2020-02]", [1, 2, 3]),
    ("date:2020-01..2020-02", [1, 2, 3]), ("date:..2020-01", [0, 1, 2]), ("date:2020-01-31..", [2, 3, 4]),
    ("date:>2020-01", [3, 4]), ("date:>=2020-01", [1, 2, 3, 4]), ("date:<2020-01", [0]), ("date:<=2020-01", [0, 1, 2]),
]


@pytest.mark.parametrize("query, documents, hits", DOCUMENTS)
def test_documents_that_satisfy(query: str, documents: list[str | dict[str, str]], hits: list[str]) -> None:
    assert found(query, *documents) == hits


@pytest.mark.parametrize("term, days", RANGES)
def test_dates_are_whole_periods(term: str, days: list[int]) -> None:
    engine = engine_of(*({"text": "a", "date": d} for d in DATES), "a")
    assert engine.matching(parse(f"a AND {term}")) == [f"d{i}" for i in days]


def test_document_of_a_metadata_branch_alone_matches_without_hits() -> None:
    engine = engine_of({"text": "b", "outlet": "BBC"}, "a")
    assert engine.matching(parse("a OR outlet:bbc")) == ["d0", "d1"]


PARTS = [
    ("a W/2 b", "b a", [((1, 1), (0, 0))]),
    ("(a OR b) W/2 c", "b c", [(None, (0, 0), (1, 1))]),
    ("(a OR a) W/2 c", "a c", [((0, 0), None, (1, 1))]),
    ("a AND a", "a", [((0, 0), None)]),
    ("a AND b AND NOT c", "a b", [((0, 0), None), (None, (1, 1))]),
    ("(a W/9 a) W/9 b", "a a b", [((0, 0), (1, 1), (2, 2))]),
    ("(a OR b) W/9 (b OR a)", "b a", [((1, 1), None, (0, 0), None)]),
    ("(b OR a) W/9 (a OR b)", "b a", [((0, 0), None, (1, 1), None)]),
    ('"a b" W/9 "c d"~1', "a b d x c", [((0, 1), (2, 4))]),
    ("self-defence W/9 x", "self-defence x", [((0, 1), (2, 2))]),
    # One span, several assignments: the earliest leaf decides.
    ("(a W/9 b) W/9 (a W/9 b)", "a a b b", [((0, 0), (2, 2), (1, 1), (3, 3))]),
    ("(x W/9 y) W/9 (b W/9 b)", "x b b b y", [((0, 0), (4, 4), (1, 1), (2, 2))]),
]


@pytest.mark.parametrize("query, text, parts", PARTS)
def test_parts_are_those_of_the_first_assignment(query: str, text: str, parts: list[tuple[object, ...]]) -> None:
    assert [h.parts for h in engine_of(text).hits(parse(query))] == parts


def test_hits_come_by_document_field_start_end() -> None:
    hits = engine_of({"title": "b", "text": "a b"}, {"title": "x", "text": "b a"}).hits(parse("a OR b"))
    places = [(h.doc, h.field, h.first) for h in hits]
    assert places == [("d0", "title", 0), ("d0", "text", 0), ("d0", "text", 1), ("d1", "text", 0), ("d1", "text", 1)]


def test_minimal_spans_contain_no_other() -> None:
    rng = random.Random(1)
    for _ in range(500):
        ends = [sorted((rng.randrange(8), rng.randrange(8))) for _ in range(rng.randrange(12))]
        spans = {(a, b) for a, b in ends}
        by_definition = sorted(s for s in spans if not any(o != s and s[0] <= o[0] and o[1] <= s[1] for o in spans))
        assert minimal(spans) == by_definition


def _all_assignments(node: Node, tokens: list[str]) -> set[tuple[int, int]]:
    """Spans of W/ and PRE/ over words: every choice of a token for every leaf, looked at as a whole."""
    leaves: list[Word] = []

    def gather(n: Node) -> None:
        if isinstance(n, Near):
            gather(n.left)
            gather(n.right)
        else:
            assert isinstance(n, Word)
            leaves.append(n)

    def holds(n: Node, chosen: list[int]) -> tuple[int, int] | None:
        if isinstance(n, Word):
            at = chosen.pop(0)
            return (at, at) if tokens[at] == n.text else None
        assert isinstance(n, Near) and n.within is not None
        a, b = holds(n.left, chosen), holds(n.right, chosen)
        if a is None or b is None or (n.ordered and a[1] >= b[0]):
            return None
        apart = b[0] - a[1] if a[1] < b[0] else a[0] - b[1] if b[1] < a[0] else 0
        return (min(a[0], b[0]), max(a[1], b[1])) if apart <= n.within else None

    gather(node)
    choices = itertools.permutations(range(len(tokens)), len(leaves))
    return {span for chosen in choices if (span := holds(node, list(chosen)))}


def test_enumeration_by_operators_equals_enumeration_of_everything() -> None:
    rng = random.Random(2)

    def tree(leaves: int) -> Node:
        if leaves == 1:
            return Word(rng.choice("abc"), "folded")
        left = rng.randint(1, leaves - 1)
        return Near(tree(left), tree(leaves - left), rng.randint(1, 3), rng.random() < 0.4)

    several = 0
    for _ in range(600):
        node, tokens = tree(rng.randint(2, 4)), rng.choices("abc", k=rng.randint(3, 8))
        hits = [(h.first, h.last) for h in engine_of(" ".join(tokens)).hits(node)]
        assert hits == minimal(_all_assignments(node, tokens)), (render(node), tokens)
        several += len(hits) > 1
    assert several > 50


def test_too_many_assignments_are_an_error() -> None:
    engine = engine_of(" ".join(["a"] * 60))
    with pytest.raises(TooMany):
        engine.hits(parse("(a W/99 a) W/99 (a W/99 a)"))


def test_score_of_a_word_by_hand() -> None:
    engine = engine_of({"title": "a", "text": "a b"}, "b c", "c")
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    assert score(engine, parse("a")) == {"d0": pytest.approx(idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2)))}


def test_score_of_a_proximity_counts_its_hits() -> None:
    engine = engine_of("a b x b a", "a x b", "c")
    norm = 1.2 * (0.25 + 0.75 * 5 / 3)
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    assert score(engine, parse("a W/1 b")) == {"d0": pytest.approx(idf * 2 / (2 + norm))}


def test_score_adds_the_satisfied_branches() -> None:
    engine = engine_of("a c", "a b c", "c")
    whole = score(engine, parse("(a AND b) OR c"))
    assert whole["d0"] == pytest.approx(score(engine, parse("c"))["d0"])
    assert whole["d1"] == pytest.approx(sum(score(engine, parse(w))["d1"] for w in "abc"))
    assert score(engine, parse("c AND NOT b"))["d0"] == pytest.approx(whole["d0"])

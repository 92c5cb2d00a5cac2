"""An index beside the enumerator: the same rows, the same query, the first difference as a sentence.

An index is anything that behaves as pressmark's module does; the self-tests put a faulty one in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import scores
from .edit import history, replay
from .engine import Document, Engine, Hit, Part
from .generate import Corpus
from .tree import Node
from .words import Token, Tokenizer

SCORE_TOLERANCE = 1e-6


def tokenizer(pm: Any) -> Tokenizer:
    """The module's own tokenizer, as the enumerator reads query words by."""
    return lambda text: [Token(t.surface, t.folded, t.stem) for t in pm.tokenize(text)]


def small_segment(corpus: Corpus) -> int:
    """Tokens a segment may hold so that a collection takes several: a sixth of it, or as many as its largest document has.

    An upper bound of that, sentinels included.
    """
    words = [sum(len(re.findall(r"\w+|[^\w\s]", row.get(f) or "")) + 1 for f in corpus.fields) for row in corpus.rows]
    return max(max(words, default=0) + 2, sum(words) // 6)


@contextmanager
def segment_tokens(pm: Any, tokens: int | None) -> Iterator[None]:
    """Within it, segments hold at most so many tokens (None: the module's limit)."""
    before = pm.limits.segment_tokens
    if tokens is not None:
        pm.limits.segment_tokens = tokens
    try:
        yield
    finally:
        pm.limits.segment_tokens = before


def build(pm: Any, corpus: Corpus, *, split: bool, edits: int | None = None) -> Any:
    """A temporary index of a collection, in one segment or in several; edits: the seed of the sessions that it comes from."""
    past = None if edits is None else history(corpus, edits)
    with segment_tokens(pm, small_segment(corpus) if split else None):
        index = pm.index(past.first if past else corpus.rows, text=list(corpus.fields), key="id", progress=False)
        return replay(index, past) if past else index


def program(corpus: Corpus, split: bool, edits: int | None) -> str:
    """What `build` does, as a program to paste that makes the index `idx`."""
    past = None if edits is None else history(corpus, edits)
    rows = "\n".join(f"    {row!r}," for row in (past.first if past else corpus.rows))
    return "\n".join([
        "import pressmark as pm", *([f"pm.limits.segment_tokens = {small_segment(corpus)}"] if split else []),
        f"rows = [\n{rows}\n]", f"idx = pm.index(rows, text={list(corpus.fields)!r}, key='id')",
        *(past.program() if past else [])])


def inventory_difference(index: Any, other: Any) -> str | None:
    """Where two indexes of the same collection hold otherwise: documents in their order, with their metadata, and words."""
    found, expected = ({"documents": [tuple(row) for row in i.documents(columns=["outlet"])],
                        "words": [tuple(row) for row in i.words()],
                        "counts": [len(i), i.n_tokens]} for i in (index, other))
    return next((f"{what}: {expected[what]} expected, {found[what]} found"
                 for what in found if found[what] != expected[what]), None)


def read_documents(index: Any, corpus: Corpus) -> list[Document]:
    """The collection as the index tokenised it."""
    documents = []
    for row in corpus.rows:
        fields: dict[str, list[Token]] = {f: [] for f in corpus.fields}
        for t in index.tokens(row["id"]):
            fields[t.field].append(Token(t.surface, t.folded, t.stem, t.sentence, t.paragraph, t.start, t.end,
                                          None if t.quote is None else int(t.quote)))
        meta = {name: value or "" for name, value in row.items() if name in ("outlet", "date")}
        documents.append(Document(str(row["id"]), fields, meta))
    return documents


def enumerator(pm: Any, index: Any, corpus: Corpus) -> Engine:
    """The enumerator over an index's tokens."""
    return Engine(read_documents(index, corpus), corpus.fields, tokenizer(pm))


Row = tuple[str, str, int, int, tuple[Part, ...]]


def expected_rows(engine: Engine, hits: list[Hit]) -> list[Row]:
    """Hits with code points for token numbers."""
    texts = {d.key: d.fields for d in engine.documents}
    rows = []
    for hit in hits:
        tokens = texts[hit.doc][hit.field]
        parts = tuple(p and (tokens[p[0]].start, tokens[p[1]].end) for p in hit.parts)
        rows.append((hit.doc, hit.field, tokens[hit.first].start, tokens[hit.last].end, parts))
    return rows


def _found_rows(hits: Any) -> list[Row]:
    return [(h.doc, h.field, h.start, h.end, tuple(p and (p[0], p[1]) for p in h.parts)) for h in hits]


def _first_difference(expected: list[Row], found: list[Row]) -> str | None:
    if expected == found:
        return None
    spans, others = [r[:4] for r in expected], [r[:4] for r in found]
    missing, invented = set(spans) - set(others), set(others) - set(spans)
    if missing:
        return f"hit missing: {min(missing)} ({len(expected)} expected, {len(found)} found)"
    if invented:
        return f"hit invented: {min(invented)} ({len(expected)} expected, {len(found)} found)"
    if len(spans) != len(others):
        return f"a hit is reported more than once: {len(expected)} expected, {len(found)} found"
    if spans != others:
        return f"order: {spans} expected, {others} found"
    at = next(i for i, pair in enumerate(zip(expected, found)) if pair[0] != pair[1])
    return f"parts of {spans[at]}: {expected[at][4]} expected, {found[at][4]} found"


def difference(index: Any, engine: Engine, query: Node, text: str) -> str | None:
    """What an index answers otherwise than the enumerator, or None.

    Parameters
    ----------
    index
        Holds the collection that the engine holds.
    query, text
        The same query as a tree and as typed.

    Raises
    ------
    TooMany
        Where the query is too much for the enumerator.
    """
    expected = expected_rows(engine, engine.hits(query))
    try:
        hits = index.hits(text)
        found = _found_rows(hits)
        count, documents = index.count(text), index.count(text, unit="documents")
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    wrong = _first_difference(expected, found)
    if wrong:
        return wrong
    texts: dict[tuple[str, str], str] = {}
    for hit in hits:
        place = (hit.doc, hit.field)
        if place not in texts:
            texts[place] = index.text(*place)
        if texts[place][hit.start : hit.end] != hit.text:
            return f"text of {hit.doc}, {hit.field} [{hit.start}:{hit.end}] is not {hit.text!r}"
    if not len(hits) == hits.count == count == len(expected):
        return f"counts: {len(expected)} expected, len {len(hits)}, hits.count {hits.count}, count() {count}"
    matching = len(engine.matching(query))
    return None if documents == matching else f"documents: {matching} expected, {documents} counted"


def ranking_difference(index: Any, other: Any, text: str) -> str | None:
    """Where two indexes of the same collection rank otherwise: documents and scores are the same, to the bit."""
    try:
        first, second = ([(r.doc, r.score) for r in i.search(text, k=20, snippet=False)] for i in (index, other))
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    return None if first == second else f"ranking: {second} expected, {first} found"


def score_difference(index: Any, engine: Engine, query: Node, text: str) -> str | None:
    """As `difference`, for a ranked search that returns every matching document."""
    expected = scores.score(engine, query)
    try:
        rows = [(r.doc, r.score) for r in index.search(text, k=len(engine.documents) + 1, snippet=False)]
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    if sorted(d for d, _ in rows) != sorted(expected):
        return f"documents: {sorted(expected)} expected, {sorted(d for d, _ in rows)} found"
    for doc, score in rows:
        if abs(score - expected[doc]) > SCORE_TOLERANCE * max(1.0, abs(expected[doc])):
            return f"score of {doc}: {expected[doc]} expected, {score} found"
    place = {d.key: i for i, d in enumerate(engine.documents)}
    if rows != sorted(rows, key=lambda r: (-r[1], place[r[0]])):
        return f"order of ranking: {rows}"
    return None

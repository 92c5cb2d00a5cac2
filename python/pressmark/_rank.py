"""From the core's ranking to rows with date, title and snippet."""

from __future__ import annotations

from array import array
from typing import Any, Mapping, Sequence, TypeAlias

from pressmark import _core
from pressmark._cite import Origin
from pressmark._errors import LimitError
from pressmark._hits import with_metadata
from pressmark._query import STRICT
from pressmark._snippet import Snippet, Weights, snippet, window_score
from pressmark._table import Ranking, block_of

_TITLES = ("title", "headline")


def _any_of(core: _core.Index, query: _core.Query) -> _core.Query:
    """Of plain words side by side the query for any of them; other queries as they are."""
    nodes = query.nodes()
    if not query.plain or nodes[0][0] != "and":
        return query
    words, at = [], 1
    for _ in range(nodes[0][3]):
        words.append(query.node_text(at))
        left = 1
        while left:
            left += nodes[at][3] - 1
            at += 1
    return core.parse(" OR ".join(dict.fromkeys(words)), STRICT)


Spans: TypeAlias = dict[tuple[str, str], list[tuple[int, int]]]  # (key, field) -> hits


def _spans(core: _core.Index, query: _core.Query, docs: array[int]) -> tuple[Spans, Weights]:
    """Hits in these documents; none where a limit is reached: the ranking does not hang on them."""
    try:
        block = core.hits(query, None, docs, False).table()
    except LimitError:
        return {}, Weights(())
    out: Spans = {}
    for key, field, start, end, _ in block.rows(0, len(block)):
        out.setdefault((key, field), []).append((start, end))
    return out, Weights(block.column(4).tolist())


def _snippet_of(core: _core.Index, facts: Mapping[str, Any], number: int, key: str,
                spans: Spans, weights: Weights) -> Snippet:
    """From the field with the best window; a title only where nothing else was found, as it is shown anyway."""
    fields: Sequence[str] = facts["fields"]
    found = [f for f in fields if (key, f) in spans]
    found = [f for f in found if f not in _TITLES] or found
    if not found:
        return snippet(core.text(number, fields.index(facts["main_field"])), (), weights)
    texts = {f: core.text(number, fields.index(f)) for f in found}
    best = max(found, key=lambda f: window_score(texts[f], spans[key, f], weights))
    return snippet(texts[best], spans[key, best], weights)


def _titles(core: _core.Index, facts: Mapping[str, Any], numbers: Sequence[int]) -> Sequence[Any]:
    """Titles from the text field or metadata column of that name; None where there is neither."""
    fields = facts["fields"]
    columns = core.columns().column(0).tolist()
    for name in _TITLES:
        if name in fields and facts["store"]:
            return [core.text(d, fields.index(name)) or None for d in numbers]
        if name in columns:
            return with_metadata(core, numbers, (name,))[name].tolist()
    return [None] * len(numbers)


def rank(core: _core.Index, facts: Mapping[str, Any], origin: Origin, query: _core.Query, block: _core.Block, total: int,
         any_word: bool, with_snippets: bool, columns: Sequence[str]) -> Ranking:
    """A Ranking from the core's rows (document number, score, key)."""
    numbers: list[int] = block.column(0).tolist()
    keys: list[str] = block.column(2).tolist()
    snippets: list[Snippet | None] = [None] * len(numbers)
    notes = list(query.notes)
    if any_word and query.plain and query.nodes()[0][0] == "and":
        notes.append("articles with any of these words; match=\"all\" asks for all of them")
    read = _any_of(core, query) if any_word else query
    if with_snippets and facts["store"] and numbers:
        spans, weights = _spans(core, read, array("I", sorted(numbers)))
        snippets = [_snippet_of(core, facts, d, key, spans, weights) for d, key in zip(numbers, keys)]
    dates: Any = [None] * len(numbers)
    if facts["date_column"]:
        dates = with_metadata(core, numbers, (facts["date_column"],))[facts["date_column"]]
    made = {"rank": list(range(1, len(numbers) + 1)), "doc": block.column(2), "score": block.column(1), "date": dates,
            "title": _titles(core, facts, numbers), "snippet": [None if s is None else s.text() for s in snippets]}
    taken = set(made) & set(columns) - {"date", "title"}
    if taken:
        raise ValueError(f"a ranking has a column {min(taken)!r} already")
    extra = with_metadata(core, numbers, [c for c in columns if c not in made])
    kinds = {"rank": "int", "date": "time", "title": "str", "snippet": "str"}
    marked = {i: s.html() for i, s in enumerate(snippets) if s is not None}
    return Ranking(block_of(made | extra, kinds), str(read), notes, origin, total, marked)

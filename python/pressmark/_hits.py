"""Hits: every place where a query matches."""

from __future__ import annotations

from array import array
from typing import Any, Iterable, Iterator, Sequence

from pressmark import _core
from pressmark._cite import Origin
from pressmark._display import aligned, html_lines, html_table, more_line
from pressmark._periods import by_period, check_period, date_column
from pressmark._query import SCOPES
from pressmark._table import Row, Table, beside, block_of, column_of, free_name
from pressmark._where import Filter, where_of

_BASE = ("doc", "field", "start", "end", "text")
_SHOWN = 10  # hits that a display shows
_MASK = (1 << 64) - 1
_WIDEST = (1 << 31) - 1  # of contexts; no text is longer


class _Parts:
    """Parts of hits, found for many neighbours at once, which costs little more than for one."""

    _MANY = 256

    def __init__(self, hits: _core.Hits) -> None:
        self._hits = hits
        self._chunk: tuple[int, list[list[tuple[int, int] | None]]] = (-1, [])

    def of(self, number: int) -> tuple[tuple[int, int] | None, ...]:
        start, chunk = self._chunk
        if start != number - number % self._MANY:
            start = number - number % self._MANY
            block = self._hits.parts(start, self._MANY)
            chunk = [[] for _ in range(self._MANY)]
            for hit, _, lo, hi in block.rows(0, len(block)):
                chunk[hit - start].append(None if lo is None else (lo, hi))
            self._chunk = (start, chunk)
        return tuple(chunk[number - start])


class Hit(Row):
    """One hit: `doc`, `field`, `start`, `end`, `text`, the columns asked for, and `parts`."""

    __slots__ = ("_parts", "_number")

    def __init__(self, names: tuple[str, ...], values: tuple[Any, ...], parts: _Parts, number: int) -> None:
        super().__init__(names, values)
        self._parts = parts
        self._number = number

    @property
    def parts(self) -> tuple[tuple[int, int] | None, ...]:
        """Where each word, phrase or set of the query stands in this hit, in reading order: `(start, end)`, code points of the
        field's text, or None where it takes no part."""
        return self._parts.of(self._number)

    def __reduce__(self) -> tuple[Any, ...]:
        return Row, (self._names, self._values)


def splitmix64(seed: int) -> Iterator[int]:
    """The generator SplitMix64 (Steele, Lea & Flood 2014): 64-bit numbers without end."""
    state = seed & _MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        yield z ^ (z >> 31)


def sample_rows(count: int, n: int, seed: int) -> list[int]:
    """n different numbers below count, increasing; all of them where n >= count. The algorithm of `Hits.sample`."""
    numbers = splitmix64(seed)
    chosen: set[int] = set()
    for j in range(max(0, count - n), count):
        most = (1 << 64) - (1 << 64) % (j + 1)
        x = next(x for x in numbers if x < most) % (j + 1)
        chosen.add(j if x in chosen else x)
    return sorted(chosen)


def with_metadata(core: _core.Index, docs: Sequence[int], columns: Sequence[str]) -> dict[str, _core.Column]:
    """Metadata columns of documents given by number, one row for each number, which may repeat."""
    different = array("I", sorted(set(docs)))
    fixed = {"key", "tokens"} & set(columns)
    fixed -= set(core.columns().column(0).tolist()) if fixed else set()  # those are no metadata, but facts of each document
    block = core.documents(tuple(c for c in columns if c not in fixed), different, None)
    at = {d: i for i, d in enumerate(different)}
    block = block.take(array("q", [at[d] for d in docs]))
    return {c: column_of(block, c) for c in columns}


class Hits(Table):
    """Every hit of a query, in the order of documents, fields, start and end.

    Columns: `doc` (key), `field`, `start`, `end` (code points of the field's original text: `idx.text(doc, field)[start:end]` is
    `text`), `text`, and the metadata columns asked for. Without stored text `start` and `end` are token numbers, `text` is None.
    A hit also has `parts`. All else is as in `Table`; slices are `Hits`. Places are found when the query is asked, texts are cut
    out when they are first looked at.

    Attributes
    ----------
    count, documents : int
        Hits, and documents that have one.
    """

    def __init__(self, core: _core.Index, hits: _core.Hits, query: str, notes: Iterable[str], origin: Origin | None,
                 columns: tuple[str, ...]) -> None:
        self._made = None
        self._core = core
        self._hits = hits
        self._parts = _Parts(hits)
        self._extra = columns
        self._origin = origin
        self.query = query
        self.notes = tuple(dict.fromkeys((*notes, *hits.notes)))

    @property
    def _block(self) -> _core.Block:
        made = self._made
        if made is None:
            made = self._hits.table()
            if self._extra:
                columns = {n: made.column(i) for i, n in enumerate(made.names)}
                made = block_of(columns | with_metadata(self._core, memoryview(self._hits.docs()).cast("I").tolist(), self._extra))
            self._made = made
        return made

    @property
    def columns(self) -> list[str]:
        return [*_BASE, *self._extra]

    @property
    def count(self) -> int:
        """Number of hits."""
        return len(self._hits)

    @property
    def documents(self) -> int:
        """Number of documents that have a hit."""
        return self._hits.documents

    def __len__(self) -> int:
        return len(self._hits)

    def _row(self, i: int) -> Hit:
        return Hit(self._block.names, self._block.rows(i, i + 1)[0], self._parts, i)

    def __iter__(self) -> Iterator[Row]:
        for i, row in enumerate(super().__iter__()):
            yield Hit(row._names, row._values, self._parts, i)

    def _select(self, rows: Iterable[int]) -> Hits:
        chosen = self._hits.select(array("Q", rows))
        return Hits(self._core, chosen, self.query, self.notes, self._origin, self._extra)

    def _slice(self, at: slice) -> Hits:
        rows = range(*at.indices(len(self)))
        if rows.step < 0:
            raise ValueError("hits stay in their order: the step of a slice is positive")
        return self._select(rows)

    # ---- questions ----

    def kwic(self, width: int = 40, unit: str = "chars", sort: str | Sequence[str] | None = None,
             scope: str | None = None) -> Table:
        """The concordance: each hit with its context.

        Parameters
        ----------
        width : int
            Characters or words of context on each side, at most.
        unit : {"chars", "words"}
        sort : str or list of str, optional
            "1L".."9L" and "1R".."9R" (the n-th word to the left or right), "hit", "date", "doc" or a metadata column; a leading
            "-" reverses. Default: the order of hits.
        scope : {"sentence", "paragraph"}, optional
            Cut contexts where the sentence or paragraph ends.

        Returns
        -------
        Table
            `doc, left, hit, right` and the metadata columns of the hits ("left_" for one named "left", ...); white space is shown
            as single spaces.

        Raises UnknownFieldError, ValueError. Cost: the texts around the hits are read.
        """
        if width < 0 or unit not in ("chars", "words"):
            raise ValueError("width is 0 or more, unit 'chars' or 'words'")
        keys = () if sort is None else (sort,) if isinstance(sort, str) else tuple(sort)
        block = self._hits.kwic(min(width, _WIDEST), unit == "words", scope_number(scope), keys)
        if self._extra:
            columns = {n: block.column(i) for i, n in enumerate(block.names)}
            docs = [self._core.find(key) or 0 for key in block.column(0).tolist()]
            block = block_of(beside(columns, with_metadata(self._core, docs, self._extra).items()))
        return Table(block, self.query, self.notes, self._origin, context=True)

    def by(self, column: str) -> Table:
        """Hits and documents by the values of a metadata column, or by "doc" or "field".

        Returns
        -------
        Table
            The column, `hits`, `documents`, `tokens` and `all_documents` (of the group, over all documents asked), `per_million`
            (hits per million tokens), `share` (documents over all documents). A document with several values counts in each;
            documents without one are the last row. By falling hits. A metadata column "hits" is "hits_" here, and so on.
        """
        block = self._hits.by(column)
        return Table(with_rates(block, column), self.query, self.notes, self._origin)

    def trend(self, *, by: str = "month") -> Table:
        """These hits over time: as `Index.trend`, of the query and filter that they come from."""
        check_period(by)
        return Table(by_period(self._hits.by(date_column(self._core.facts())), by), self.query, self.notes, self._origin)

    def sample(self, n: int, seed: int) -> Hits:
        """n hits drawn at random, in document order; all where there are fewer.

        The same hits for the same seed, for ever: Floyd's algorithm (Bentley & Floyd 1987) over row numbers, for j from count - n
        to count - 1 a number below j + 1 is drawn, and taken unless it was taken before: then j is. Numbers come from SplitMix64
        started with `seed` (modulo 2**64); x is drawn below m as x % m, after leaving out any x >= 2**64 - 2**64 % m.
        """
        if n < 0:
            raise ValueError("n is 0 or more")
        return self._select(sample_rows(len(self), n, seed))

    def filter(self, filter: Filter) -> Hits:  # noqa: A002 - the name is the interface's
        """The hits in the documents that a filter lets through (a filter query, or a list of keys)."""
        query, docs = where_of(self._core, filter)
        if query is not None:
            keys = set(self._core.documents((), None, query).column(0).tolist())
            here = self._block.column(0).tolist()
            return self._select(i for i, key in enumerate(here) if key in keys)
        wanted = set(docs or ())
        numbers = memoryview(self._hits.docs()).cast("I")
        return self._select(i for i, d in enumerate(numbers) if docs is None or d in wanted)

    # ---- display ----

    def _size(self) -> str:
        hits, articles = self.count, self.documents
        return f"{hits:,} hit{'' if hits == 1 else 's'} in {articles:,} article{'' if articles == 1 else 's'}"

    def _summary(self) -> str:
        return f"{self._size()} · {self.query}" if self.query else self._size()

    def _lines(self, rows: int | None) -> tuple[_core.Block, bool]:
        """The first hits in context; without stored text as they are."""
        first = self if rows is None else self._slice(slice(0, rows))
        return (first.kwic()._block, True) if self._has_text() else (first._block, False)

    def _has_text(self) -> bool:
        return bool(self._core.facts()["store"])

    def _to_text(self, width: int | None, rows: int | None = _SHOWN) -> str:
        block, context = self._lines(rows)
        found = aligned(block.names, block.types, block.rows(0, len(block)), width, context) if len(block) else ""
        parts = [self._summary(), found, more_line(len(block), len(self)), *(f"note: {n}" for n in self.notes)]
        return "\n".join(p for p in parts if p)

    def _repr_html_(self) -> str:
        block, context = self._lines(_SHOWN)
        return (html_lines([self._summary()]) + html_table(block.names, block.types, block.rows(0, len(block)), context)
                + html_lines([more_line(len(block), len(self)), *self.notes]))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("hits belong to an open index and cannot be pickled; pickle hits[:] as hits.to_dicts() or to_arrow()")


def scope_number(scope: str | None) -> int:
    try:
        return SCOPES[scope]
    except KeyError:
        raise ValueError(f"scope is 'sentence', 'paragraph' or None, not {scope!r}") from None


def rate(part: float, whole: float, scale: float = 1.0) -> float | None:
    """part per whole, times scale; None where there is no whole."""
    return part * scale / whole if whole else None


def with_rates(block: _core.Block, column: str) -> _core.Block:
    """The answer of by() under its column's name, with rates."""
    value, hits, documents, tokens, everything = (block.column(i) for i in range(5))
    h, d, t, a = hits.tolist(), documents.tolist(), tokens.tolist(), everything.tolist()
    made = {"hits": hits, "documents": documents, "tokens": tokens, "all_documents": everything,
            "per_million": [rate(x, y, 1e6) for x, y in zip(h, t)], "share": [rate(x, y) for x, y in zip(d, a)]}
    return block_of({free_name(column, made): value, **made}, {"per_million": "float", "share": "float"})

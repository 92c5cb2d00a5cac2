"""Table: what every method that answers with rows returns."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import io
import operator
import os
import textwrap
from array import array
from typing import Any, Container, Iterable, Iterator, Mapping, Sequence, TextIO, overload

from pressmark import _core
from pressmark._cite import Card, Origin
from pressmark._dates import microseconds
from pressmark._display import HEAD, aligned, day_column, html_lines, html_table, more_line, shown, terminal_width

_NAT = -(1 << 63)  # numpy's "no time"
_CHUNK = 1024  # rows made at a time where a table is walked


class Row:
    """One row: `row.doc`, `row["doc"]`, `row[0]`, unpacking. Equal to a tuple of the same values."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        self._names = names
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._values[self._names.index(name)]
        except ValueError:
            raise AttributeError(f"no column {name!r}; columns: {', '.join(self._names)}") from None

    def __getitem__(self, at: int | slice | str) -> Any:
        if isinstance(at, str):
            try:
                return self._values[self._names.index(at)]
            except ValueError:
                raise KeyError(at) from None
        return self._values[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Row):
            return self._values == other._values
        return self._values == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        return "Row(" + ", ".join(f"{n}={v!r}" for n, v in zip(self._names, self._values)) + ")"

    def __reduce__(self) -> tuple[Any, ...]:
        return Row, (self._names, self._values)

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._names, self._values))


def need(module: str, why: str) -> Any:
    """An optional package, or an ImportError that says what wants it."""
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise ImportError(f"{why} needs {module}: pip install {module}") from e


def _kind_of(values: Sequence[Any]) -> str:
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int} and kinds:
        return "int"
    if kinds <= {int, float} and kinds:
        return "float"
    if kinds == {bool}:
        return "bool"
    if kinds and all(issubclass(k, dt.date) for k in kinds):
        return "time"
    return "str"


def block_of(columns: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> _core.Block:
    """A block from Python's columns: lists, or columns of other blocks. kinds: of those that their values do not tell."""
    names, types, values = tuple(columns), [], []
    for name, column in columns.items():
        if isinstance(column, _core.Column):
            types.append(column.type)
        else:
            types.append((kinds or {}).get(name) or _kind_of(column))
            if types[-1] == "time":
                column = [None if v is None else microseconds(v) for v in column]
        values.append(column)
    return _core.table(names, tuple(types), tuple(values))


def free_name(name: str, taken: Container[str]) -> str:
    """The name, with as many underscores behind it as it takes to be none of those taken."""
    while name in taken:
        name += "_"
    return name


def beside(columns: Mapping[str, Any], more: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Columns and those to stand beside them, which give way where a name is taken."""
    out = dict(columns)
    for name, column in more:
        out[free_name(name, out)] = column
    return out


def column_of(block: _core.Block, name: str) -> _core.Column:
    """The column of that name; where two have it, the last."""
    names = block.names
    return block.column(len(names) - 1 - names[::-1].index(name))


class Table:
    """Rows with named columns, immutable.

    Iterable, indexable (`t[0]` a row, `t[10:20]` a table, `t["word"]` a column), with `len()` and `columns`. Prints as aligned
    text, shows as an HTML table in a notebook (texts escaped). `to_pandas()`, `to_polars()`, `to_arrow()`, `to_csv()`,
    `to_dicts()`; polars, pyarrow, pandas 3 and DuckDB also take it as it is (`__arrow_c_stream__`, without copying).

    Attributes
    ----------
    query : str
        What was asked, as it was read; "" where nothing was.
    notes : tuple of str
        Warnings meant for a person.

    A table does not change and may be used by several threads; it outlives the index.
    """

    _context = False  # a column 'hit' stands between 'left' and 'right'

    def __init__(self, block: _core.Block, query: str = "", notes: Iterable[str] = (), origin: Origin | None = None,
                 context: bool = False) -> None:
        self._made: _core.Block | None = block
        self._origin = origin
        self._context = context
        self.query = query
        self.notes: tuple[str, ...] = tuple(dict.fromkeys(notes))

    @property
    def _block(self) -> _core.Block:
        assert self._made is not None
        return self._made

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._block.names)

    def __len__(self) -> int:
        return len(self._block)

    def column(self, name: str) -> _core.Column:
        """One column: a sequence of values (None where there is none), `tolist()`.

        Columns of numbers without gaps are readable without a copy: `np.asarray(t.column("start"))`; times are then
        microseconds since 1970. Raises KeyError.
        """
        names = self._block.names
        if name not in names:
            raise KeyError(f"no column {name!r}; columns: {', '.join(names)}")
        return self._block.column(names.index(name))

    def _row(self, i: int) -> Row:
        return Row(self._block.names, self._block.rows(i, i + 1)[0])

    def _slice(self, at: slice) -> Table:
        rows = array("q", range(*at.indices(len(self))))
        return Table(self._block.take(rows), self.query, self.notes, self._origin, self._context)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Table: ...
    @overload
    def __getitem__(self, at: str) -> _core.Column: ...
    def __getitem__(self, at: int | slice | str) -> Row | Table | _core.Column:
        if isinstance(at, str):
            return self.column(at)
        if isinstance(at, slice):
            return self._slice(at)
        i = operator.index(at)
        i += len(self) if i < 0 else 0
        if not 0 <= i < len(self):
            raise IndexError(f"row {at} of {len(self)}")
        return self._row(i)

    def __iter__(self) -> Iterator[Row]:
        names, n = self._block.names, len(self)
        for lo in range(0, n, _CHUNK):
            for values in self._block.rows(lo, lo + _CHUNK):
                yield Row(names, values)

    def __contains__(self, row: object) -> bool:
        return any(r == row for r in self)

    # ---- display ----

    def _size(self) -> str:
        return f"{len(self):,} row{'' if len(self) == 1 else 's'}"

    def _summary(self) -> str:
        """The line above the rows."""
        return ""

    def _head(self, n: int | None = HEAD) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]]]:
        """Names, kinds and rows to show; n None: all rows."""
        return self._block.names, self._block.types, self._block.rows(0, len(self) if n is None else n)

    def _to_text(self, width: int | None, rows: int | None = HEAD) -> str:
        """Aligned text, cut to a width (None: not), of the first rows (None: all)."""
        names, kinds, shown_rows = self._head(rows)
        parts = [self._summary(), aligned(names, kinds, shown_rows, width, self._context),
                 more_line(len(shown_rows), len(self)), *(f"note: {n}" for n in self.notes)]
        return "\n".join(p for p in parts if p)

    def __repr__(self) -> str:
        return self._to_text(terminal_width())

    def _repr_html_(self) -> str:
        names, kinds, rows = self._head()
        return (html_lines([self._summary()]) + html_table(names, kinds, rows, self._context)
                + html_lines([more_line(len(rows), len(self)), *self.notes]))

    # ---- export ----

    def to_dicts(self) -> list[dict[str, Any]]:
        """A list of one dict a row."""
        names = self._block.names
        return [dict(zip(names, row)) for row in self._block.rows(0, len(self))]

    def _write_csv(self, to: TextIO) -> None:
        writer = csv.writer(to, lineterminator="\n")
        writer.writerow(self._block.names)
        days = [day_column(self._block.column(i).tolist(), k) if k == "time" else False
                for i, k in enumerate(self._block.types)]
        for lo in range(0, len(self), _CHUNK):
            for row in self._block.rows(lo, lo + _CHUNK):
                writer.writerow([shown(v, d, full=True) for v, d in zip(row, days)])

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Writes the table as CSV (UTF-8, a line of names first); without a path returns it as a str."""
        if path is None:
            text = io.StringIO()
            self._write_csv(text)
            return text.getvalue()
        with open(path, "w", encoding="utf-8", newline="") as f:
            self._write_csv(f)
        return None

    def to_pandas(self) -> Any:
        """A pandas DataFrame; whole numbers with gaps are `Int64`, truth values with gaps `boolean`. Needs pandas."""
        pd = need("pandas", "to_pandas()")
        np = need("numpy", "to_pandas()")
        out = {}
        for i, (name, kind) in enumerate(zip(self._block.names, self._block.types)):
            values = self._block.column(i)
            if kind == "str":
                out[name] = pd.Series(values.tolist(), dtype="str" if pd.__version__ >= "3" else "object")
            elif kind == "time":
                us = [_NAT if v is None else microseconds(v) for v in values.tolist()]
                out[name] = pd.Series(np.array(us, dtype="int64").view("datetime64[us]"))
            else:
                gaps = {"int": "Int64", "float": "float64", "bool": "boolean"}[kind]
                try:
                    out[name] = pd.Series(np.array(memoryview(values)))
                except BufferError:
                    out[name] = pd.Series(values.tolist(), dtype=gaps)
        return pd.DataFrame(out)

    def to_polars(self) -> Any:
        """A polars DataFrame, without copying. Needs polars."""
        return need("polars", "to_polars()").DataFrame(self)

    def to_arrow(self) -> Any:
        """A pyarrow Table, without copying. Needs pyarrow."""
        return need("pyarrow", "to_arrow()").table(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface: one batch. Types are as they are; a schema asked for is not followed."""
        return self._block.arrow_stream()

    def __arrow_c_schema__(self) -> object:
        return self._block.arrow_schema()

    def cite(self) -> Card:
        """A card to publish: the query as read, the index, its size and fingerprint."""
        return Card(self._origin, self.query, self._size(), self.notes)

    def __reduce__(self) -> tuple[Any, ...]:
        block = self._block
        lists = [block.column(i).tolist() for i in range(len(block.names))]
        return _table_of, (block.names, block.types, lists, self.query, self.notes, self._origin, self._context)


def _table_of(names: tuple[str, ...], kinds: tuple[str, ...], lists: list[list[Any]], query: str, notes: tuple[str, ...],
              origin: Origin | None, context: bool) -> Table:
    """A table from what its pickle holds. Names may repeat, so that this does not go through a dict."""
    values = [[None if v is None else microseconds(v) for v in x] if k == "time" else x for x, k in zip(lists, kinds)]
    return Table(_core.table(names, kinds, tuple(values)), query, notes, origin, context)


class Ranking(Table):
    """The first documents by score: `rank, doc, score, date, title, snippet` and the columns asked for.

    Attributes
    ----------
    total : int
        How many documents match, exactly.

    In `snippet` the words found stand between `**`; in a notebook they are bold.
    """

    def __init__(self, block: _core.Block, query: str, notes: Iterable[str], origin: Origin | None, total: int,
                 marked: Mapping[int, str]) -> None:
        super().__init__(block, query, notes, origin)
        self.total = total
        self._marked = marked  # row -> HTML of the snippet

    def _size(self) -> str:
        return f"{len(self):,} of {self.total:,} article{'' if self.total == 1 else 's'}"

    def _summary(self) -> str:
        return f"{self._size()} · {self.query}"

    def _head(self, n: int | None = HEAD) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]]]:
        names, kinds, rows = super()._head(n)
        keep = [i for i, n in enumerate(names)
                if n not in ("date", "title", "snippet") or any(r[i] is not None for r in rows)]
        return tuple(names[i] for i in keep), tuple(kinds[i] for i in keep), [tuple(r[i] for i in keep) for r in rows]

    def _to_text(self, width: int | None, rows: int | None = HEAD) -> str:
        """A line of facts for each document, its snippet below."""
        names, kinds, shown_rows = self._head(rows)
        at = names.index("snippet") if "snippet" in names else None
        keep = [i for i in range(len(names)) if i != at]
        lines = aligned([names[i] for i in keep], [kinds[i] for i in keep], [[r[i] for i in keep] for r in shown_rows],
                        width).split("\n")
        out = [self._summary(), lines[0]]
        for line, row in zip(lines[1:], shown_rows):
            out.append(line)
            if at is not None and row[at]:
                out += textwrap.wrap(row[at], (width or 120) - 6, initial_indent=" " * 6, subsequent_indent=" " * 6)
        return "\n".join([*out, *filter(None, [more_line(len(shown_rows), len(self))]), *(f"note: {n}" for n in self.notes)])

    def _repr_html_(self) -> str:
        names, kinds, rows = self._head()
        raw = {(r, names.index("snippet")): h for r, h in self._marked.items()} if "snippet" in names else {}
        return (html_lines([self._summary()]) + html_table(names, kinds, rows, raw=raw)
                + html_lines([more_line(len(rows), len(self)), *self.notes]))

"""Data frames, Arrow streams and iterables of dicts as sources. pandas, polars and pyarrow are met where they are there."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from typing import Any, Iterable, Iterator, Mapping

from pressmark._errors import SourceError
from pressmark._files import Item, named
from pressmark._table import need

_ROWS = 1000  # rows made at a time
_PEEK_BYTES = 4 << 20  # text looked at for the names of columns


def _plain_times(column: Any) -> Any:
    """Timestamps of nanoseconds as microseconds, which Python's datetime holds."""
    pa = sys.modules["pyarrow"]
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_times(column.dictionary_decode())
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pa.timestamp("us", kind.tz), safe=False)
    return column


def arrow_rows(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Rows of pyarrow record batches."""
    for whole in batches:
        for lo in range(0, whole.num_rows, _ROWS):
            batch = whole.slice(lo, _ROWS)
            names = named(batch.schema.names)
            for row in zip(*(_plain_times(c).to_pylist() for c in batch.columns)):
                yield dict(zip(names, row))


def sound(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a frame; SourceError where one holds what Python cannot, such as a time in the year 20000."""
    done = 0
    try:
        for done, row in enumerate(rows, 1):
            yield row
    except (ValueError, OverflowError) as e:
        raise SourceError(f"a value in the {_ROWS:,} rows from row {done:,} on cannot be read: {e}") from e


class Rows:
    """A source of rows in memory or from an iterator."""

    unit = "rows"

    def __init__(self, rows: Iterable[Any], names: list[str] | None, size: int | None) -> None:
        self._rows, self._names, self.size = iter(rows), names, size
        self.closed = names is not None  # columns() names all there are
        self._done = 0
        twice = {n for n in names or () if (names or ()).count(n) > 1}
        if twice:
            raise SourceError(f"two columns have the name {min(twice)!r}")

    def columns(self) -> list[str]:
        """Names of the columns in order; where the source does not say them, those of the first rows."""
        if self._names is None:
            head, size, names = [], 0, dict[str, None]()
            for values in itertools.islice(self._rows, _ROWS):
                head.append(values)
                if isinstance(values, Mapping):
                    names |= dict.fromkeys(values)
                    size += sum(len(v) for v in values.values() if isinstance(v, str))
                if size >= _PEEK_BYTES:
                    break
            self._rows, self._names = itertools.chain(head, self._rows), list(names)
        return self._names

    def prepare(self, metadata: set[str]) -> None:
        """Values have their types already."""

    def position(self) -> int:
        return self._done

    def __iter__(self) -> Iterator[Item]:
        for values in self._rows:
            if type(values) is not dict:
                values = (dict(values) if isinstance(values, Mapping)
                          else SourceError(f"is a {type(values).__name__}, not a dict"))
            self._done += 1
            yield Item("", self._done, values, None)


def _pandas_rows(frame: Any, names: list[str], with_index: bool) -> Iterator[dict[str, Any]]:
    for lo in range(0, len(frame), _ROWS):
        part = frame.iloc[lo : lo + _ROWS]
        columns = [part.index.tolist()] if with_index else []
        columns += [part.iloc[:, i].tolist() for i in range(part.shape[1])]
        for row in zip(*columns):
            yield dict(zip(names, row))


def _of_pandas(frame: Any) -> Rows:
    names = named([str(c) for c in frame.columns])
    label = frame.index.name
    with_index = label is not None and str(label) not in names  # a named index is a column
    names = [str(label), *names] if with_index else names
    return Rows(sound(_pandas_rows(frame, names, with_index)), names, len(frame))


def _of_polars(frame: Any) -> Rows:
    if hasattr(frame, "collect"):
        frame = frame.collect()
    names = named(frame.columns)
    return Rows(sound(dict(zip(names, row)) for row in frame.iter_rows(buffer_size=_ROWS)), names, frame.height)


def _of_stream(source: Any) -> Rows:
    """Anything with __arrow_c_stream__, by pyarrow, else by polars."""
    size = len(source) if hasattr(source, "__len__") else None
    if importlib.util.find_spec("pyarrow") is None:
        return _of_polars(need("polars", "reading an Arrow stream (or pyarrow)").DataFrame(source))
    pa = need("pyarrow", "reading an Arrow stream")
    try:
        reader = pa.RecordBatchReader.from_stream(source)
    except pa.ArrowInvalid as e:
        raise TypeError(f"a source has named columns; {type(source).__name__} has none: {e}") from e
    return Rows(sound(arrow_rows(reader)), named(reader.schema.names), size)


def of_object(source: Any) -> Rows:
    """A frame, an Arrow stream, or an iterable of dicts."""
    family = type(source).__module__.partition(".")[0]
    kind = type(source).__name__
    if family == "pandas" and kind == "DataFrame":
        return _of_pandas(source)
    if family == "polars" and kind in ("DataFrame", "LazyFrame"):
        return _of_polars(source)
    if hasattr(source, "__arrow_c_stream__"):
        return _of_stream(source)
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise TypeError(f"a source is a path, a data frame, an Arrow stream or an iterable of dicts, not {kind}")
    names: dict[str, None] = {}
    if isinstance(source, (list, tuple)):
        for row in source:
            if isinstance(row, Mapping):
                names |= dict.fromkeys(row)
    return Rows(source, list(names) or None, len(source) if isinstance(source, (list, tuple)) else None)

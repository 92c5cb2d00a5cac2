"""Rows on their way from a source to the core, in batches: what building an index and writing to one share."""

from __future__ import annotations

import os
import re
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Iterator, Protocol, Sequence, TypeAlias

from pressmark._errors import DuplicateKeyError, RowError, SourceError, shown_key
from pressmark._files import Files, Item
from pressmark._frames import of_object
from pressmark._progress import Meter
from pressmark._rows import BuilderRow, Shaper

_BATCH_BYTES = 4 << 20
_BATCH_ROWS = 5000
_ALL = 1 << 60  # bytes: more than there is
_MOST_THREADS = 1 << 16
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Source(Protocol):
    size: int | None
    unit: str

    closed: bool

    def columns(self) -> list[str]: ...
    def prepare(self, metadata: set[str]) -> None: ...
    def position(self) -> int: ...
    def __iter__(self) -> Iterator[Item]: ...


def memory_bytes(memory: str | int) -> int:
    """'1GB', '512 MiB' or a number of bytes; at least 64 MB."""
    if isinstance(memory, str):
        m = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", memory, re.I | re.A)
        if not m:
            raise ValueError(f"memory is a size like '1GB' or a number of bytes, not {memory!r}")
        memory = int(float(m[1]) * _UNITS[m[2].lower()])
    if not isinstance(memory, int):
        raise TypeError(f"memory is a size like '1GB' or a whole number of bytes, not {memory!r}")
    if memory < 64 << 20:
        raise ValueError("memory is at least 64MB")
    return min(memory, _ALL)


def thread_count(threads: int | None) -> int:
    """As the core takes it: 0 for all processors."""
    if threads is None:
        return 0
    if threads < 1:
        raise ValueError("threads is 1 or more")
    return min(threads, _MOST_THREADS)


def source_of(source: Any, encoding: str) -> Source:
    if isinstance(source, (str, os.PathLike)):
        return Files([source], encoding)
    if isinstance(source, (list, tuple)) and source and all(isinstance(s, (str, os.PathLike)) for s in source):
        return Files(source, encoding)
    return of_object(source)


def batch_budget(memory: int) -> int:
    """Bytes of text in a batch: there are two, one that is read and one under way, and text takes up to three bytes for one while it
    is handed over."""
    return min(_BATCH_BYTES, memory // 64)


def core_memory(memory: int) -> int:
    """What the core is given: batches of rows have the rest."""
    return memory - memory // 8


class _Batch:
    def __init__(self) -> None:
        self.rows: list[BuilderRow] = []
        self.places: list[tuple[int, str]] = []  # row number, where
        self.bytes = 0
        self.columns: list[tuple[str, int]] = []

    def full(self, budget: int) -> bool:
        return self.bytes >= budget or len(self.rows) >= _BATCH_ROWS


class Sink(Protocol):
    """A builder or writer of the core."""

    def column(self, name: str, kind: int, /) -> int: ...
    def cancel(self) -> None: ...


Add: TypeAlias = Callable[[Sequence[BuilderRow], int], tuple[int, Exception | None]]  # (rows, first): a method of the sink


class Feeder:
    """Hands batches to the core, on a thread of its own where there is more than one batch, so that the next one is read meanwhile.
    `end()` or `stop()` ends the thread."""

    def __init__(self, sink: Sink, add: Add, skip: bool, threads: int | None) -> None:
        self.skipped: list[RowError] = []
        self.duplicate = "the key stands twice"  # a row's reason
        self._sink, self._add_rows = sink, add
        self._skip = skip
        self._alone = (threads or os.cpu_count()) == 1
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None

    def bad_row(self, error: Exception, row: int, key: str | None, where: str) -> None:
        """Notes a row that cannot be indexed, or raises."""
        if type(error) is ValueError:  # the core's words for a row that it does not take
            error = SourceError(str(error))
        if isinstance(error, SourceError):
            error.row, error.where = row, where
            error.key = error.key if key is None else key
            reason = error.reason
        else:
            error.add_note(f"in {where}" + (f", key {shown_key(key)}" if key is not None else ""))
            reason = str(error)
        if not self._skip:
            try:
                raise error
            finally:
                del error  # it holds this frame, and so rows and writer would stay until they are collected
        self.skipped.append(RowError(row, key, reason))

    def _add(self, batch: _Batch) -> None:
        for name, kind in batch.columns:
            self._sink.column(name, kind)
        first = 0
        while first < len(batch.rows):
            added, error = self._add_rows(batch.rows, first)
            if error is None:
                return
            first += added
            row, where = batch.places[first]
            key = batch.rows[first][0]
            if isinstance(error, DuplicateKeyError):
                error.reason = self.duplicate
            try:
                self.bad_row(error, row, key, where)
            finally:
                del error
            first += 1

    def wait(self) -> None:
        """Until the batch under way is in; raises what it raised."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def put(self, batch: _Batch, last: bool = False) -> None:
        self.wait()
        if last or self._alone:
            self._add(batch)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "pressmark-feed")
        self._under_way = self._pool.submit(self._add, batch)

    def stop(self) -> None:
        """Ends the thread; what is under way is cancelled, and the sink stopped."""
        self._sink.cancel()
        self._shut()

    def end(self) -> None:
        """Ends the thread after what is under way; raises what that raised."""
        try:
            self.wait()
        finally:
            self._shut()

    def _shut(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)


def read(source: Source, shaper: Shaper, feeder: Feeder, budget: int, meter: Meter) -> None:
    """Feeds all rows of a source. Where one cannot be read, those before it go in first, and if one of them is at fault too, that
    is what is raised."""
    batch = _Batch()

    def put(last: bool) -> None:
        nonlocal batch
        batch.columns, shaper.new_columns = shaper.new_columns, []
        done, batch = batch, _Batch()
        feeder.put(done, last)
        meter.at(source.position())

    try:
        for row, item in enumerate(source):
            where = f"{item.file} line {item.number}" if item.file else f"row {row}"
            key = None
            try:
                if isinstance(item.values, SourceError):
                    raise item.values
                key = shaper.key_of(item.values, row, item.key)
                made, size = shaper.shape(item.values, key, where)
            except SourceError as e:
                feeder.bad_row(e, row, key, where)
                continue
            batch.rows.append(made)
            batch.places.append((row, where))
            batch.bytes += size + 200
            if batch.full(budget):
                put(False)
    except Exception:
        put(True)
        raise
    put(True)

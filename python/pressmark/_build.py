"""pressmark.index: from a source to an index."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Iterator, Protocol, Sequence

from pressmark import _core
from pressmark._errors import CorruptIndexError, DuplicateKeyError, RowError, SourceError, VersionError
from pressmark._files import Files, Item
from pressmark._frames import of_object
from pressmark._index import Index, remove_later
from pressmark._progress import Meter, Progress
from pressmark._query import check_lang
from pressmark._rows import TEXTS, BuilderRow, Roles, Shaper, roles_of

_BATCH_BYTES = 4 << 20
_BATCH_ROWS = 5000
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
    """'1GB', '512 MiB' or a number of bytes; at least 16 MB."""
    if isinstance(memory, str):
        m = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", memory, re.I | re.A)
        if not m:
            raise ValueError(f"memory is a size like '1GB' or a number of bytes, not {memory!r}")
        memory = int(float(m[1]) * _UNITS[m[2].lower()])
    if memory < 16 << 20:
        raise ValueError("memory is at least 16MB")
    return memory


def source_of(source: Any, encoding: str) -> Source:
    if isinstance(source, (str, os.PathLike)):
        return Files([source], encoding)
    if isinstance(source, (list, tuple)) and source and all(isinstance(s, (str, os.PathLike)) for s in source):
        return Files(source, encoding)
    return of_object(source)


class _Batch:
    def __init__(self) -> None:
        self.rows: list[BuilderRow] = []
        self.places: list[tuple[int, str]] = []  # row number, where
        self.bytes = 0
        self.columns: list[tuple[str, int]] = []

    def full(self, budget: int) -> bool:
        return self.bytes >= budget or len(self.rows) >= _BATCH_ROWS


class _Feeder:
    """Hands batches to the builder, on a thread of its own where there is more than one, so that the next batch is read
    meanwhile. After a failure nothing is left behind."""

    def __init__(self, builder: _core.Builder, skip: bool, threads: int) -> None:
        self.builder = builder
        self.skipped: list[RowError] = []
        self._skip = skip
        self._pool = ThreadPoolExecutor(1, "pressmark-build") if threads != 1 else None
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
            error.add_note(f"in {where}" + (f", key {key!r}" if key is not None else ""))
            reason = str(error)
        if not self._skip:
            raise error
        self.skipped.append(RowError(row, key, reason))

    def _add(self, batch: _Batch) -> None:
        for name, kind in batch.columns:
            self.builder.column(name, kind)
        first = 0
        while first < len(batch.rows):
            added, error = self.builder.add(batch.rows, first)
            if error is None:
                return
            first += added
            row, where = batch.places[first]
            key = batch.rows[first][0]
            if isinstance(error, DuplicateKeyError):
                error.reason = "the key stands twice"
            self.bad_row(error, row, key, where)
            first += 1

    def wait(self) -> None:
        """Until the batch under way is in; raises what it raised."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def put(self, batch: _Batch) -> None:
        self.wait()
        if self._pool is None:
            self._add(batch)
        else:
            self._under_way = self._pool.submit(self._add, batch)

    def stop(self) -> None:
        """Ends the thread; what is under way is cancelled."""
        self.builder.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        self.builder.close()

    def end(self) -> None:
        self.wait()
        if self._pool is not None:
            self._pool.shutdown(wait=True)


def _read(source: Source, shaper: Shaper, feeder: _Feeder, budget: int, meter: Meter) -> int:
    """Feeds all rows; returns how many there were."""
    batch, row = _Batch(), -1
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
            batch.columns, shaper.new_columns = shaper.new_columns, []
            feeder.put(batch)
            batch = _Batch()
            meter.at(source.position())
    batch.columns, shaper.new_columns = shaper.new_columns, []
    feeder.put(batch)
    meter.at(source.position())
    return row + 1


def _late_texts(shaper: Shaper, given: bool) -> list[str]:
    """A note where a column with the name of a text came too late to be one."""
    late = [] if given else [n for n in shaper.columns if n in TEXTS]
    return [f"column {n!r} came after the first rows and is metadata; name the texts with text=" for n in late]


def _missing_fields(shaper: Shaper) -> list[str]:
    missing = sorted((shaper.roles.keep or frozenset()) - set(shaper.columns))
    return [f"no article has {n!r}" for n in missing]


def _build(source: Source, path: str, roles: Roles, options: dict[str, Any]) -> Index:
    """Feeds the builder and opens what it made."""
    builder = _core.builder(path, options["lang"], roles.texts, roles.date or "", roles.key or "", options["store"],
                            options["threads"], options["replace"])
    feeder = _Feeder(builder, options["skip"], options["threads"] or (os.cpu_count() or 1))
    shaper = Shaper(roles, options["encoding"])
    meter = Meter(options["progress"], source.size, source.unit)
    try:
        try:
            _read(source, shaper, feeder, options["budget"], meter)
        except Exception:
            feeder.wait()  # a row before this one may be at fault too: that error comes first
            raise
        feeder.end()
        _, replaced = builder.finish()
    except BaseException:
        feeder.stop()
        raise
    finally:
        meter.close()
    idx = Index(path)
    idx.skipped = sorted(feeder.skipped)
    idx.notes += shaper.notes() + _late_texts(shaper, options["text_given"]) + _missing_fields(shaper)
    if replaced:
        idx.notes.append(f"{replaced:,} invalid characters became U+FFFD")
    if feeder.skipped:
        n = len(feeder.skipped)
        idx.notes.append(f"{n:,} {'row was' if n == 1 else 'rows were'} left out: see skipped")
    return idx


def _checked(threads: int | None, lang: str, on_error: str, if_exists: str) -> None:
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error is 'raise' or 'skip', not {on_error!r}")
    if if_exists not in ("raise", "open", "replace"):
        raise ValueError(f"if_exists is 'raise', 'open' or 'replace', not {if_exists!r}")
    if threads is not None and threads < 1:
        raise ValueError("threads is 1 or more")
    check_lang(lang)


def _temporary(source: Source, roles: Roles, options: dict[str, Any]) -> Index:
    folder = tempfile.mkdtemp(prefix="pressmark-")
    try:
        idx = _build(source, os.path.join(folder, "index.pm"), roles, options)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    remove_later(idx, folder)
    return idx


def _standing(path: str, if_exists: str) -> bool:
    """Whether an index stands at path that is to be replaced; raises where it may not be."""
    if not os.path.lexists(path):
        return False
    if if_exists == "raise":
        raise FileExistsError(17, os.strerror(17), path)
    try:
        Index(path).close()  # anything but an index is never replaced
    except (CorruptIndexError, VersionError):
        pass
    return True


def index(source: Any, path: str | os.PathLike[str] | None = None, *, text: str | Sequence[str] | None = None,
          key: str | None = None, date: str | None = None, fields: Sequence[str] | None = None, lang: str = "english",
          threads: int | None = None, memory: str | int = "1GB", store: bool = True, encoding: str = "utf-8",
          progress: Progress = None, on_error: str = "raise", if_exists: str = "raise") -> Index:
    """Builds an index of articles and opens it.

    Parameters
    ----------
    source : path, list of paths, data frame, Arrow stream, or iterable of dicts
        A path, folder or glob of .txt, .jsonl/.ndjson, .csv, .tsv and .parquet files, each also .gz or .zst, taken in sorted order
        (Parquet needs pyarrow); a pandas or polars frame, anything with `__arrow_c_stream__`; or any iterable of dicts, read once.
    path : path-like, optional
        The index directory to be. Without one the index goes when it is closed or the process ends.
    text : str or list of str, optional
        Text columns; default those of title, headline, text, body, content, article that exist, in the order of the source. A .txt
        file has the field "text", read without newline translation, a byte order mark dropped. A missing text is empty, with a note.
    key : str, optional
        Default `key` or `id`, else for .txt files the path relative to the glob's fixed folder without suffix, else the row number.
    date : str, optional
        Default `date`, `published` or `datetime`. ISO 8601, RFC 2822 and forms of news ("8 Jan 2020", "January 8, 2020 5:30 pm",
        "19-OCT-1987 15:59:55.15"). Times of day are kept (a datetime at midnight is a day); time zones are dropped and the wall time
        stays as written. Empty and impossible dates are none, with a note.
    fields : list of str, optional
        Metadata columns to keep, default all: str, int, float, bool, dates, or lists of these; of CSV files typed by a pass over them
        (whole numbers beyond 64 bits stay text). The n-th column of a file or frame is "column n" where it has no name.
    lang : str
        A name of `pressmark.languages()`.
    threads : int, optional
        Default: all processors. The index is the same for any number.
    memory : str or int
        At least 16MB; bounds the batches of rows.
    store : bool
        Whether the original text is kept. Without it hits have token positions, no offsets and no text.
    encoding : str
        Of text files.
    progress : bool or callable, optional
        A bar (tqdm's where installed), or a callable of (done, total): bytes of files, else rows. Default: where someone looks on.
    on_error : {"raise", "skip"}
        Bad rows raise, or go to `idx.skipped` as `RowError(row, key, reason)`.
    if_exists : {"raise", "open", "replace"}
        Where path exists. "replace" builds beside it and exchanges the directories; only an index is ever replaced.

    Raises SourceError, DuplicateKeyError (`.row`, `.key`, `.reason`), FileExistsError, NotAnIndexError, LimitError, OSError. After an
    exception or Ctrl-C nothing is left behind, and an index that stood at path is untouched.
    """
    budget = min(_BATCH_BYTES, memory_bytes(memory) // 8)
    _checked(threads, lang, on_error, if_exists)
    if path is not None and if_exists == "open" and os.path.lexists(path):
        return Index(path)
    if path is not None:
        path = os.path.abspath(os.fsdecode(path))
        path = os.path.realpath(path) if if_exists == "replace" else path  # a link to an index stays one
    replace = path is not None and _standing(path, if_exists)
    opened = source_of(source, encoding)
    known = opened.columns()
    roles = roles_of(known, text, key, date, fields, opened.closed)
    opened.prepare({n for n in known if roles.is_metadata(n) and n != roles.date})
    options = {"lang": lang, "store": store, "threads": threads or 0, "replace": replace, "skip": on_error == "skip",
               "encoding": encoding, "progress": progress, "budget": budget, "text_given": text is not None}
    return _temporary(opened, roles, options) if path is None else _build(opened, path, roles, options)

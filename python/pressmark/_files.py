"""Files of articles: which there are, and how each kind is read. Rows come out as dicts with the place they stand at."""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import itertools
import json
import os
import re
import sys
import zlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Iterable, Iterator, NamedTuple, Sequence, cast

from pressmark import _core, _dates
from pressmark._errors import Error, SourceError
from pressmark._table import need

_FORMATS = (".txt", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
_COMPRESSED = (".gz", ".zst")
_PIECE = 1 << 16
_PEEK_ROWS = 1000  # rows of JSONL looked at for the names of columns


class Item(NamedTuple):
    """A row of a source. values: a dict, or the error that makes the row unusable."""

    file: str  # "" where there is none
    number: int  # line or row in the file, from 1
    values: dict[str, Any] | SourceError
    key: str | None  # where the file itself is the document


@dataclass
class File:
    path: str
    name: str  # relative to the fixed folder, without suffixes
    kind: str  # ".txt", ...
    compression: str  # "", ".gz", ".zst"


# ---- which files ----


def _split(path: str) -> tuple[str, str, str]:
    """(path without suffixes, format, compression)"""
    rest, compression = path, ""
    for suffix in _COMPRESSED:
        if path.lower().endswith(suffix):
            rest, compression = path[: -len(suffix)], suffix
    for kind in _FORMATS:
        if rest.lower().endswith(kind):
            return rest[: -len(kind)], kind, compression
    raise SourceError(f"{path}: not a kind of file that is read; there are {', '.join(_FORMATS)}, each also .gz or .zst")


def _fixed_folder(pattern: str) -> str:
    """The leading part of a glob that holds no wildcard."""
    parts = pattern.split(os.sep)
    fixed = []
    for part in parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return os.sep.join(fixed) or (os.sep if pattern.startswith(os.sep) else "")


def _of_folder(folder: str) -> list[str]:
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                _split(name)
            except SourceError:
                continue
            found.append(os.path.join(where, name))
    return found


def _expand(source: str) -> tuple[list[str], str]:
    """Paths of one path, folder or glob, and the folder that keys are relative to."""
    source = os.path.expanduser(source)
    if os.path.isdir(source):
        found = _of_folder(source)
        if not found:
            raise FileNotFoundError(2, f"no {', '.join(_FORMATS)} file in this folder", source)
        return found, source
    if os.path.exists(source):
        return [source], os.path.dirname(source)
    if not glob.has_magic(source):
        raise FileNotFoundError(2, os.strerror(2), source)
    found = [p for p in glob.glob(source, recursive=True) if os.path.isfile(p)]
    if not found:
        raise FileNotFoundError(2, "no file matches", source)
    return found, _fixed_folder(source)


def find_files(sources: Sequence[str | os.PathLike[str]]) -> list[File]:
    """The files of paths, folders and globs, sorted by name; of several sources in the order given."""
    expanded = [_expand(os.fspath(s)) for s in sources]
    base = expanded[0][1] if len(expanded) == 1 else os.path.commonpath([os.path.abspath(b) for _, b in expanded])
    out = []
    for paths, _ in expanded:
        files = []
        for path in paths:
            stem, kind, compression = _split(path)
            files.append(File(path, os.path.relpath(stem, base or "."), kind, compression))
        out += sorted(files, key=lambda f: (f.name, f.path))
    return out


# ---- bytes ----


class _Unzstd(io.RawIOBase):
    """The decompressed bytes of a zstd file."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._z = raw, _core.unzstd()
        self._ready, self._at, self._whole = b"", 0, True

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while self._at == len(self._ready):
            piece = self._raw.read(_PIECE)
            if not piece:
                if not self._whole:
                    raise EOFError("the file ends within a compressed frame")
                return 0
            try:
                (self._ready, self._whole), self._at = self._z.feed(piece), 0
            except (Error, ValueError) as e:
                raise zlib.error(str(e)) from e
        n = min(len(into), len(self._ready) - self._at)
        into[:n] = self._ready[self._at : self._at + n]
        self._at += n
        return n


def _reader(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if compression == ".zst":
        return cast(BinaryIO, io.BufferedReader(_Unzstd(raw), 1 << 17))
    return raw


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _reason(e: UnicodeDecodeError) -> str:
    return f"cannot be read as {e.encoding}: {e.reason} at byte {e.start:,}; pass encoding="


# ---- formats ----


@dataclass
class Reading:
    """How files are read. kinds: of the metadata columns of CSV files, found by a pass over them."""

    encoding: str = "utf-8"
    kinds: dict[str, str] = field(default_factory=dict)


def _txt(f: File, data: BinaryIO, how: Reading) -> Iterator[Item]:
    raw = data.read()
    try:
        text = raw.decode(how.encoding)
    except UnicodeDecodeError as e:
        yield Item(f.path, 1, SourceError(_reason(e)), f.name)
        return
    if text.startswith("\ufeff"):
        text, raw = text[1:], raw[3:]
    # Bytes that are UTF-8 already need not be encoded again.
    yield Item(f.path, 1, {"text": raw if not text.isascii() and _is_utf8(how.encoding) else text}, f.name)


def _lines(data: BinaryIO, encoding: str) -> Iterable[bytes]:
    """Lines as UTF-8, or as they are where they are not to be decoded before they are split."""
    if _is_utf8(encoding):
        return data
    text = io.TextIOWrapper(data, encoding=encoding, errors="surrogateescape", newline="\n")
    return (line.encode("utf-8", "surrogatepass") for line in text)


def _json_row(line: bytes) -> dict[str, Any] | SourceError:
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as e:
        return SourceError(_reason(e))
    except json.JSONDecodeError as e:
        return SourceError(f"is not JSON: {e.msg} at character {e.pos + 1:,}")
    except RecursionError:
        return SourceError("is nested too deeply")
    except ValueError as e:  # a number of thousands of digits
        return SourceError(f"cannot be read: {e}")
    if not isinstance(values, dict):
        return SourceError(f"holds a JSON {type(values).__name__}, not an object")
    return values


def _jsonl(f: File, data: BinaryIO, how: Reading) -> Iterator[Item]:
    for number, line in enumerate(_lines(data, how.encoding), 1):
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            line = line[3:]
        if line.strip():
            yield Item(f.path, number, _json_row(line), None)


def _csv_rows(f: File, data: BinaryIO, encoding: str) -> Iterator[tuple[int, list[str]]]:
    if csv.field_size_limit() < sys.maxsize:
        csv.field_size_limit(sys.maxsize)  # the module's own limit is below the length of an article; it has no other scope
    codec = "utf-8-sig" if _is_utf8(encoding) else encoding
    text = io.TextIOWrapper(data, encoding=codec, errors="surrogateescape", newline="")
    reader = csv.reader(text, dialect="excel-tab" if f.kind == ".tsv" else "excel")
    for row in reader:
        yield reader.line_num, row


def named(names: Sequence[str]) -> list[str]:
    """Names of columns; the n-th is "column n" where it has none, as the row numbers that data frames write beside their columns."""
    return [name if name.strip() else f"column {i}" for i, name in enumerate(names, 1)]


def _csv_header(f: File, rows: Iterator[tuple[int, list[str]]]) -> list[str]:
    """Names of the columns, in the first line that is not empty; those without one are named by their place."""
    line, row = next(((line, row) for line, row in rows if row), (0, []))
    reason = _undecodable(row)
    if reason:
        raise SourceError(f"{f.path} line {line}: {reason}")
    names = named(row)
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise SourceError(f"{f.path}: the header names {min(twice)!r} twice")
    return names


def _undecodable(row: list[str]) -> str | None:
    """The reason why a row holds bytes that could not be decoded, or None."""
    for cell in row:
        if not cell.isascii():
            bad = next((c for c in cell if "\udc80" <= c <= "\udcff"), None)
            if bad is not None:
                return f"cannot be decoded: invalid byte {ord(bad) - 0xDC00:#04x}; pass encoding="
    return None


_TRUE, _FALSE = "true", "false"
_INT = re.compile(r"[+-]?(?:0|[1-9]\d{0,18})", re.A)
_DIGITS = re.compile(r"[+-]?\d+", re.A)
_FLOAT = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.A | re.I)


def _is_int(cell: str) -> bool:
    return _INT.fullmatch(cell) is not None and -(1 << 63) <= int(cell) < 1 << 63


def _is_float(cell: str) -> bool:
    """Whether a float holds it; not a whole number of so many digits (of a post, an account) that some would be lost."""
    return _FLOAT.fullmatch(cell) is not None and (_DIGITS.fullmatch(cell) is None or len(cell) < 17 and abs(int(cell)) <= 1 << 53)


_MATCHES: dict[str, Callable[[str], Any]] = {
    "int": _is_int, "float": _is_float, "bool": lambda s: s.lower() in (_TRUE, _FALSE), "date": _dates.parse_iso}
_CONVERT: dict[str, Callable[[str], Any]] = {
    "int": int, "float": float, "bool": lambda s: s.lower() == _TRUE, "date": _dates.parse_iso}


def _csv(f: File, data: BinaryIO, how: Reading) -> Iterator[Item]:
    rows = _csv_rows(f, data, how.encoding)
    names = _csv_header(f, rows)
    converts = [_CONVERT.get(how.kinds.get(n, "")) for n in names]
    for number, row in rows:
        if not row:
            continue
        reason = _undecodable(row)
        if len(row) > len(names):
            reason = f"has {len(row)} cells, the header {len(names)}"
        if reason:
            yield Item(f.path, number, SourceError(reason), None)
            continue
        values = {n: None if c == "" else convert(c) if convert else c for n, c, convert in zip(names, row, converts)}
        yield Item(f.path, number, values, None)


def _parquet_file(f: File, data: BinaryIO) -> Any:
    pq = need("pyarrow.parquet", "reading Parquet files")
    return pq.ParquetFile(io.BytesIO(data.read()) if f.compression else data)


def _parquet(f: File, data: BinaryIO, how: Reading) -> Iterator[Item]:
    from pressmark._frames import arrow_rows, sound

    batches = _parquet_file(f, data).iter_batches(batch_size=1000)
    for number, values in enumerate(sound(arrow_rows(batches)), 1):
        yield Item(f.path, number, values, None)


_READERS: dict[str, Callable[[File, BinaryIO, Reading], Iterator[Item]]] = {
    ".txt": _txt, ".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".tsv": _csv, ".parquet": _parquet}


class Files:
    """Files as a source: rows of all of them, one after the other."""

    unit = "B"

    def __init__(self, sources: Sequence[str | os.PathLike[str]], encoding: str) -> None:
        codecs.lookup(encoding)
        self._how = Reading(encoding)
        self._files = find_files(sources)
        self._before = 0  # bytes of the files that are done
        self._raw: BinaryIO | None = None
        self.size: int | None = sum(os.path.getsize(f.path) for f in self._files)
        self.closed = not any(f.kind in (".jsonl", ".ndjson") for f in self._files)  # columns() names all there are

    def position(self) -> int:
        """Bytes read so far, as they are on disk."""
        return self._before + (self._raw.tell() if self._raw is not None and not self._raw.closed else 0)

    def _read(self, f: File, reader: Callable[[File, BinaryIO, Reading], Iterator[Any]]) -> Iterator[Any]:
        with open(f.path, "rb") as raw:
            self._raw = raw
            try:
                yield from reader(f, _reader(raw, f.compression), self._how)
            except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error, UnicodeDecodeError) as e:
                raise SourceError(f"{f.path}: cannot be read on: {e}") from e
            except Exception as e:
                if not type(e).__module__.startswith("pyarrow"):
                    raise
                raise SourceError(f"{f.path}: cannot be read as Parquet: {e}") from e

    def columns(self) -> list[str]:
        """Names of the columns in order; of JSONL files those of the first rows."""
        names: dict[str, None] = {}
        left = _PEEK_ROWS
        for f in self._files:
            if f.kind not in (".jsonl", ".ndjson"):
                names |= dict.fromkeys(next(self._read(f, _names_of)))
            elif left > 0:
                for item in itertools.islice(self._read(f, _jsonl), left):
                    names |= dict.fromkeys(item.values if isinstance(item.values, dict) else ())
                    left -= 1
        return list(names)

    def prepare(self, metadata: set[str]) -> None:
        """Finds the kinds of these columns of CSV files, by a pass over them."""
        left = {n: ["int", "float", "bool", "date"] for n in metadata}
        seen: set[str] = set()
        for f in self._files:
            if f.kind in (".csv", ".tsv"):
                for _ in self._read(f, lambda f, data, how: _narrow(f, data, how, left, seen)):
                    pass
        self._how.kinds = {n: kinds[0] for n, kinds in left.items() if kinds and n in seen}

    def __iter__(self) -> Iterator[Item]:
        self._before = 0
        for f in self._files:
            yield from self._read(f, _READERS[f.kind])
            self._before += os.path.getsize(f.path)
            self._raw = None


def _names_of(f: File, data: BinaryIO, how: Reading) -> Iterator[list[str]]:
    if f.kind == ".parquet":
        yield named(_parquet_file(f, data).schema_arrow.names)
    elif f.kind == ".txt":
        yield ["text"]
    else:
        yield _csv_header(f, _csv_rows(f, data, how.encoding))


def _narrow(f: File, data: BinaryIO, how: Reading, left: dict[str, list[str]], seen: set[str]) -> Iterator[None]:
    """Strikes out of left the kinds that a cell of the column does not have."""
    rows = _csv_rows(f, data, how.encoding)
    at = [(i, n, left[n]) for i, n in enumerate(_csv_header(f, rows)) if n in left]
    for _, row in rows:
        for i, name, kinds in at:
            if kinds and i < len(row) and row[i] != "":
                seen.add(name)
                for kind in kinds[:]:
                    if not _MATCHES[kind](row[i]):
                        kinds.remove(kind)
    yield None

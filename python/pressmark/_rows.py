"""From a row of a source to what the builder takes: a key, the texts, and typed metadata."""

from __future__ import annotations

import datetime as dt
import numbers
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Mapping, Sequence, TypeAlias

from pressmark import _dates
from pressmark._errors import SourceError

TEXTS = ("title", "headline", "text", "body", "content", "article")
KEYS = ("key", "id")
DATES = ("date", "published", "datetime")
STR, INT, FLOAT, BOOL, DATE, TIME = range(6)  # pm_value_kind
_NAMES = ("str", "int", "float", "bool", "date", "date")
_MOST = 1 << 63
_NAME_BYTES = 65535

BuilderRow: TypeAlias = tuple[str, tuple[str | bytes | None, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class Roles:
    """Which columns are what. keep: metadata columns to keep, or None for all."""

    texts: tuple[str, ...]
    key: str | None
    date: str | None
    keep: frozenset[str] | None

    def is_metadata(self, name: str) -> bool:
        return name not in self.texts and name != self.key and (self.keep is None or name in self.keep or name == self.date)


def _asked(given: str | None, known: Sequence[str], defaults: Sequence[str], what: str) -> str | None:
    if given is None:
        return next((n for n in defaults if n in known), None)
    if known and given not in known:
        raise SourceError(f"no column {given!r} for {what}; columns: {', '.join(map(str, known))}")
    return given


def roles_of(known: Sequence[str], text: str | Sequence[str] | None, key: str | None, date: str | None,
             fields: Sequence[str] | None, closed: bool = True) -> Roles:
    """Roles of the columns. known: their names in the order of the source, none where there are no rows. closed: there can be no
    others."""
    if isinstance(fields, str):
        raise TypeError("fields is a list of column names")
    key = _asked(key, known, KEYS, "the key")
    date = _asked(date, known, DATES, "the date")
    if text is None:
        texts = [n for n in known if n in TEXTS and n not in (key, date)] or ([] if known else ["text"])
    else:
        texts = [text] if isinstance(text, str) else list(dict.fromkeys(text))
        for name in texts if known else ():
            if name not in known:
                raise SourceError(f"no column {name!r} for the text; columns: {', '.join(map(str, known))}")
    if not texts:
        raise SourceError(f"no text column; columns: {', '.join(map(str, known))}; name one with text=")
    for name in fields or () if known and closed else ():
        if name not in known:
            raise SourceError(f"no column {name!r} in fields=; columns: {', '.join(map(str, known))}")
    return Roles(tuple(texts), key, date, None if fields is None else frozenset(fields))


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has for them."""
    if value is None:
        return True
    if isinstance(value, (float, Decimal)):
        return value != value if isinstance(value, float) else value.is_nan()
    return type(value).__name__ in ("NaTType", "NAType") or type(value).__name__ == "datetime64" and value != value


def plain_time(value: Any) -> Any:
    """Timestamps of pandas and numpy as Python's; anything else as it is. SourceError where Python's do not reach."""
    if hasattr(value, "to_pydatetime"):
        try:
            return value.to_pydatetime(warn=False)
        except ValueError as e:
            raise SourceError(f"holds {value}, which cannot be read: {e}") from None
    return value.astype("datetime64[us]").item() if type(value).__name__ == "datetime64" else value


def name_fault(name: Any) -> str | None:
    """Why this cannot be the name of a column, or None."""
    if not isinstance(name, str):
        return "is no str"
    if not name or "\0" in name:
        return "holds a NUL" if name else "is empty"
    try:
        return None if len(name.encode()) <= _NAME_BYTES else f"has more than {_NAME_BYTES} bytes"
    except UnicodeEncodeError:
        return "is not Unicode text"


def _int(value: int) -> int:
    if not -_MOST <= value < _MOST:
        raise SourceError(f"{_digits(value)} does not fit into 64 bits")
    return value


def _digits(value: int) -> str:
    """Python writes no number of more than some thousand digits."""
    return str(value) if value.bit_length() <= 1000 else f"a number of {value.bit_length():,} bits"


def typed(value: Any) -> tuple[int, Any]:
    """(kind, value) of one metadata value that is not missing; dates as microseconds. SourceError for other types."""
    kind = type(value)
    if kind is str:
        return STR, value
    if kind is int:
        return INT, _int(value)
    if kind is float:
        return FLOAT, value
    if kind is bool or type(value).__name__ in ("bool_", "bool"):
        return BOOL, int(value)
    value = plain_time(value)
    if isinstance(value, dt.date):
        day = _dates.of_value(value)
        assert day is not None
        return (TIME if isinstance(day, dt.datetime) else DATE), _dates.microseconds(day)
    if isinstance(value, str):
        return STR, str(value)
    if isinstance(value, numbers.Integral):
        return INT, _int(int(value))
    if isinstance(value, (numbers.Real, Decimal)):
        try:
            return FLOAT, float(value)
        except (OverflowError, ValueError) as e:
            raise SourceError(f"holds {str(value)[:40]}, which is no float: {e}") from None
    what = "a nested object" if isinstance(value, Mapping) else f"a value of type {kind.__name__}"
    raise SourceError(f"holds {what}; metadata are str, int, float, bool, dates, or lists of these")


def _several(value: Any) -> Sequence[Any] | None:
    """The values of a list column, or None where the value is one."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if type(value).__name__ == "ndarray" or type(value).__name__ == "Series":
        return list(value.tolist())
    return None


def key_text(name: str, key: Any) -> str:
    """A key as a str; whole numbers are written as such. SourceError where it is none."""
    if isinstance(key, str) and key:
        return key
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        try:
            return str(int(key))
        except ValueError:
            raise SourceError(f"column {name!r} holds {_digits(int(key))}, which is no key") from None
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    if key == "" or is_missing(key):
        raise SourceError(f"no key: column {name!r} is empty")
    raise SourceError(f"column {name!r} holds {type(key).__name__}, which is no key")


class Shaper:
    """Turns rows into builder rows and keeps the list of metadata columns.

    `new_columns` are those, with their kinds, that the builder has not been told of: (name, kind) in the order of their numbers, an
    int column that became float once more.
    """

    def __init__(self, roles: Roles, encoding: str, before: Mapping[str, int] | None = None) -> None:
        """before: the kinds of metadata columns that the index has."""
        self.roles = roles
        self._encoding = encoding
        self._before = before or {}
        self.columns: dict[str, list[int]] = {}  # metadata: name -> [number, kind]
        self._metadata: dict[str, bool] = {}
        self._was_int: set[str] = set()  # columns that became float
        self.new_columns: list[tuple[str, int]] = []
        self.seen: Counter[str] = Counter()  # for the notes
        self.first: dict[str, str] = {}

    def _count(self, what: str, where: str) -> None:
        self.seen[what] += 1
        self.first.setdefault(what, where)

    def _column(self, name: str, kind: int) -> list[int]:
        """The column's [number, kind], made where there is none. SourceError where kind does not agree."""
        column = self.columns.get(name)
        stored = DATE if kind == TIME else kind
        if column is None:
            before = self._before.get(name, stored)
            if before != stored and {before, stored} != {INT, FLOAT}:
                raise SourceError(f"column {name!r} holds {_NAMES[kind]} here and {_NAMES[before]} in the index")
            column = self.columns[name] = [len(self.columns), stored]
            self.new_columns.append((name, stored))
        elif column[1] != stored:
            if column[1] == INT and stored == FLOAT:
                column[1] = FLOAT
                self._was_int.add(name)
                self.new_columns.append((name, FLOAT))
            elif not (column[1] == FLOAT and stored == INT):
                raise SourceError(f"column {name!r} holds {_NAMES[kind]} here and {_NAMES[column[1]]} before")
        return column

    def _cell(self, name: str, value: Any, cells: list[Any]) -> None:
        several = _several(value)
        for one in (value,) if several is None else several:
            if is_missing(one):
                continue
            try:
                kind, plain = typed(one)
                cells += (self._column(name, kind)[0], kind, plain)
            except SourceError as e:
                raise e if e.reason.startswith("column ") else SourceError(f"column {name!r} {e.reason}") from None

    def _date(self, name: str, value: Any, where: str, cells: list[Any]) -> None:
        if is_missing(value) or value == "":
            self._count("no date", where)
            return
        try:
            day = _dates.of_value(plain_time(value))
        except SourceError:
            day = None
        if day is None:
            self._count("bad date", f"{where}: {str(value)[:40]!r}")
            return
        kind = TIME if isinstance(day, dt.datetime) else DATE
        cells += (self._column(name, kind)[0], kind, _dates.microseconds(day))

    def _text(self, name: str, value: Any) -> str | bytes | None:
        if isinstance(value, str):
            return value
        if is_missing(value):
            return None
        if isinstance(value, bytes):
            try:
                return value if self._encoding == "utf-8" else value.decode(self._encoding)
            except UnicodeDecodeError as e:
                raise SourceError(f"column {name!r} cannot be read as {e.encoding}: {e.reason} at byte {e.start:,}") from None
        raise SourceError(f"column {name!r} holds {type(value).__name__}, not text")

    def key_of(self, values: Mapping[str, Any], row: int, file_key: str | None = None) -> str:
        """The key of a row. file_key: of a file that is one document."""
        name = self.roles.key
        if name is None or (file_key is not None and name not in values):
            return str(row) if file_key is None else file_key
        return key_text(name, values.get(name))

    def shape(self, values: Mapping[str, Any], key: str, where: str) -> tuple[BuilderRow, int]:
        """The builder's row and about how many bytes of text it has. SourceError where the row is bad: it leaves no column behind."""
        known = len(self.new_columns)
        try:
            return self._shape(values, key, where)
        except SourceError:
            while len(self.new_columns) > known:
                self._forget(*self.new_columns.pop())
            raise

    def _forget(self, name: str, kind: int) -> None:
        """Undoes the last entry of new_columns: a column, or that it became float."""
        if kind == FLOAT and name in self._was_int:
            self._was_int.remove(name)
            self.columns[name][1] = INT
        else:
            del self.columns[name]

    def _shape(self, values: Mapping[str, Any], key: str, where: str) -> tuple[BuilderRow, int]:
        roles = self.roles
        texts = tuple([self._text(n, values.get(n)) for n in roles.texts])
        cells: list[Any] = []
        for name, value in values.items():
            wanted = self._metadata.get(name)
            if wanted is None:
                fault = name_fault(name)
                if fault:
                    raise SourceError(f"column {name!r:.60} has a name that {fault}")
                wanted = self._metadata[name] = roles.is_metadata(name)
            if name == roles.date:
                self._date(name, value, where, cells)
            elif wanted and value is not None:
                self._cell(name, value, cells)
        if roles.date is not None and roles.date not in values:
            self._count("no date", where)
        size = sum([len(t) for t in texts if t])
        if not size:
            self._count("no text", where)
        return (key, texts, tuple(cells) if len(cells) <= 3 else _by_column(cells)), size

    @staticmethod
    def said(seen: Mapping[str, int], first: Mapping[str, str]) -> list[str]:
        """What was counted, as sentences."""
        words = {"no text": "without text", "no date": "without a date", "bad date": "with a date that could not be read, now without"}
        return [f"{n:,} article{'' if n == 1 else 's'} {words[what]} (first: {first[what]})" for what, n in seen.items()]

    def notes(self) -> list[str]:
        return self.said(self.seen, self.first)


def _by_column(cells: list[Any]) -> tuple[Any, ...]:
    """Flat (column, kind, value) triples in the order of columns; the values of one column keep theirs."""
    triples = sorted(zip(*[iter(cells)] * 3), key=lambda t: t[0])
    return tuple([x for t in triples for x in t])

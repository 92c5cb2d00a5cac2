"""What pressmark raises. The extension raises these too, from one place; nothing here knows of it."""

from __future__ import annotations

from typing import NamedTuple

from pressmark._width import shown_width


class Error(Exception):
    """Base of all errors that are pressmark's own.

    Beside them: `OSError` and its kin for failed file calls (with errno), `MemoryError`, `ValueError` and `TypeError` for
    arguments, `KeyError` for an unknown document key.
    """


def shown_key(key: str, most: int = 100) -> str:
    """A document's key for a message: they may have 65,535 bytes."""
    return repr(key if len(key) <= most else key[:most] + "…")


def _window(query: str, pos: int, end: int, most: int = 100) -> tuple[str, int, int]:
    """One line of at most about `most` characters around [pos, end), with the place in it."""
    line = "".join(" " if c.isspace() else c for c in query)
    if len(line) <= most:
        return line, pos, end
    lo = max(0, min(pos - most // 3, len(line) - most))
    cut = line[lo : lo + most]
    head = "…" if lo else ""
    tail = "…" if lo + most < len(line) else ""
    return head + cut + tail, pos - lo + len(head), min(end - lo, most) + len(head)


class _QueryError(Error, ValueError):
    """An error with a place in a query text."""

    def __init__(self, message: str, query: str | None = None, pos: int | None = None, end: int | None = None,
                 hint: str = "") -> None:
        super().__init__(message, query, pos, end, hint)
        self.message = message
        self.query = query
        self.pos = pos
        self.end = end
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message]
        if isinstance(self.query, str) and self.query and self.pos is not None:
            line, pos, end = _window(self.query, self.pos, max(self.pos + 1, self.end or 0))
            caret = "^" * max(1, shown_width(line[pos:end]))
            lines += ["  " + line, "  " + " " * shown_width(line[:pos]) + caret]
        if self.hint:
            lines += ["  " + x for x in self.hint.splitlines()]
        return "\n".join(lines)


class QuerySyntaxError(_QueryError):
    """The query text cannot be read.

    Attributes: `message`; `query`, the text; `pos`, `end`: the place, code points `[pos, end)`, or None; `hint`: what to write
    instead, or "". `str()` shows the place with carets.
    """


class AmbiguousQueryError(QuerySyntaxError):
    """The query text has two readings; `hint` holds both, ready to paste."""


class UnknownFieldError(QuerySyntaxError):
    """A text field or metadata column that the index does not have; `hint` names the nearest."""


class LimitError(_QueryError):
    """A limit of `pressmark.limits` was reached; the message says which. Attributes as in `QuerySyntaxError`."""


class SourceError(Error, ValueError):
    """A row of a source cannot be indexed.

    Attributes: `row`, its number from 0 over the whole source, or None; `key`, or None; `reason`.
    """

    def __init__(self, reason: str, row: int | None = None, key: str | None = None, where: str = "") -> None:
        super().__init__(reason, row, key, where)
        self.reason = reason
        self.row = row
        self.key = key
        self.where = where

    def __str__(self) -> str:
        named = self.where or ("" if self.row is None else f"row {self.row}")
        if self.key is not None:
            named += f"{' ' if named else ''}(key {shown_key(self.key)})"
        return f"{named}: {self.reason}" if named else self.reason


class DuplicateKeyError(SourceError):
    """A document key stands twice."""


class _FileError(Error):
    """An error with a place in a file of the index."""

    def __init__(self, message: str, file: str = "", offset: int | None = None, hint: str = "") -> None:
        super().__init__(message, file, offset, hint)
        self.message = message
        self.file = file
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        place = [self.file] if self.file and self.file not in self.message else []
        place += [] if self.offset is None else [f"byte {self.offset:,}"]
        place += [self.hint] if self.hint else []
        return f"{self.message} ({', '.join(place)})" if place else self.message


class NotAnIndexError(_FileError, ValueError):
    """The path holds no pressmark index."""


class CorruptIndexError(_FileError):
    """A file does not hold what it must. Attributes: `message`, `file`, `offset` (byte, or None)."""


class VersionError(_FileError):
    """This version cannot read the index, or not write to it.

    It was written in a format that this version does not know, and the message names both; or with other stems than this version
    makes, which matters to writing alone: `hint` says `optimize(restem=True)`.
    """


class _StateError(Error):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class LockedError(_StateError):
    """Another writer holds the index.

    Attributes: `pid`, the process that has it, and `host`, the machine where it runs; None and "" where that could not be read.
    """

    def __init__(self, message: str, hint: str = "", pid: int | None = None, host: str = "") -> None:
        super().__init__(message, hint)
        self.args = (message, hint, pid, host)
        self.pid = pid
        self.host = host


class GenerationGoneError(_StateError, LookupError):
    """The generation asked for is no longer retained. Attribute: `newest`, the number of the one that is in force, or None."""

    def __init__(self, message: str, hint: str = "", newest: int | None = None) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, newest)
        self.newest = newest


class ClosedError(Error, ValueError):
    """The index was closed. Results that it gave before stay usable."""


class RowError(NamedTuple):
    """A row that `on_error="skip"` left out: its number from 0, its key (or None), and why."""

    row: int
    key: str | None
    reason: str

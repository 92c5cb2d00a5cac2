"""Writer: adding to an index, correcting it, deleting from it."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from pressmark import _core
from pressmark._errors import ClosedError, SourceError, shown_key
from pressmark._feed import Add, Feeder, batch_budget, core_memory, memory_bytes, read, source_of, thread_count
from pressmark._files import Files
from pressmark._progress import Meter, Progress
from pressmark._rows import BOOL, DATE, DATES, FLOAT, INT, KEYS, STR, TEXTS, BuilderRow, Roles, Shaper, key_text

if TYPE_CHECKING:
    from types import TracebackType

_KINDS = {"str": STR, "int": INT, "float": FLOAT, "bool": BOOL, "date": DATE}
_FOREVER = 1e9  # seconds
_NAMED = 3  # keys that a note names
_NUMBERS = 10**18  # longer ones are keys like any other, such as numbers of posts
_KEY = "key"  # what Index.doc calls a document's key


def lock_options(timeout: float | None, memory: str | int, threads: int | None) -> tuple[float, int, int]:
    """timeout in seconds, memory in bytes, threads (0: all), as the core takes them."""
    if timeout is None or timeout == math.inf:
        timeout = _FOREVER
    if not 0 <= timeout <= _FOREVER:
        raise ValueError("timeout is a number of seconds from 0 on, or None")
    return timeout, core_memory(memory_bytes(memory)), thread_count(threads)


class _Numbers:
    """Keys of an index that counts its documents."""

    def __init__(self, following: int) -> None:
        self.following = following

    def take(self) -> str:
        if self.following >= _NUMBERS:
            raise SourceError(f"no key: the numbers below {_NUMBERS:,} are taken; name the document by a column {_KEY!r}")
        self.following += 1
        return str(self.following - 1)

    def see(self, key: str) -> None:
        if key.isascii() and key.isdigit() and len(key) <= 18:
            self.following = max(self.following, int(key) + 1)


class _Joining(Shaper):
    """Rows for an index that stands. A row without the key column may name its document by "key", as `Index.doc` does."""

    def __init__(self, roles: Roles, encoding: str, before: Mapping[str, int], numbers: _Numbers | None, update: bool) -> None:
        super().__init__(roles, encoding, before)
        self._numbers = numbers
        self._update = update
        self._free = _KEY not in roles.texts and _KEY not in before and roles.key != _KEY

    def _named(self, values: Mapping[str, Any]) -> bool:
        return self._free and _KEY in values and (self.roles.key is None or self.roles.key not in values)

    def key_of(self, values: Mapping[str, Any], row: int, file_key: str | None = None) -> str:
        if self._named(values):
            key = key_text(_KEY, values[_KEY])
        elif self.roles.key is not None or file_key is not None:
            key = super().key_of(values, row, file_key)
        elif self._update:
            raise SourceError(f"no key: name the document by a column {_KEY!r}")
        else:
            assert self._numbers is not None
            return self._numbers.take()
        if self._numbers is not None:
            self._numbers.see(key)
        return key

    def shape(self, values: Mapping[str, Any], key: str, where: str) -> tuple[BuilderRow, int]:
        if self._named(values):
            values = {n: v for n, v in values.items() if n != _KEY}
        return super().shape(values, key, where)


class Writer:
    """A writing session on an index: what it adds, updates and deletes is published together by `commit()`, or not at all.

    Made by `Index.writer`. Leaving the `with` block commits; leaving it by an exception, Ctrl-C included, rolls back what was not
    committed. It works on the newest generation, whatever the index that made it stands on, and that index does not change:
    `idx.refresh()` returns one on the new generation. A session that is never closed is rolled back when it is collected or the
    process ends. One call at a time: RuntimeError where a second thread, or the source that is being read, calls meanwhile. It
    belongs to its process: a forked child's copy refuses every call with RuntimeError, and cannot be pickled.

    Every method raises ClosedError after `close()`, OSError where a file call fails (ENOSPC for a full disk), MemoryError, and
    ValueError after an interrupted or failed call that left the session in pieces, until `rollback()`: the last commit stands.

    Attributes
    ----------
    path : str
    generation : int
        The newest, which the session stands on.
    notes : list of str
        What a person should know: keys to delete that were not there, texts and dates missing, columns that are metadata and
        look like more.
    """

    def __init__(self, path: str, options: tuple[float, int, int], *, fields: Sequence[str] | None, encoding: str,
                 progress: Progress, keep: object = None) -> None:
        """keep: what must live as long, the folder of a temporary index."""
        self.path = path
        self._keep = keep
        self._open: _core.Writer | None = None  # before what follows can raise
        if isinstance(fields, str):
            raise TypeError("fields is a list of column names")
        self._encoding, self._progress = encoding, progress
        self._threads = options[2]
        self._budget = batch_budget(options[1])
        self._pid = os.getpid()
        self._turn = threading.Lock()
        self._broken = False  # interrupted: what is in the session is not known
        self._seen: Counter[str] = Counter()  # for the notes
        self._first: dict[str, str] = {}
        self._missing: dict[str, None] = {}
        self._late: dict[str, str] = {}  # columns that look like what they are not, and what
        self._replaced = 0
        self._open = _core.writer(path, *options)
        self._finalize = weakref.finalize(self, _abandon, self._open, self._pid)
        _live.add(self)
        base = self._open.base()
        facts = base.facts()
        self.generation: int = facts["generation"]
        self._roles = Roles(tuple(facts["fields"]), facts["key_column"] or None, facts["date_column"] or None,
                            None if fields is None else frozenset(fields))
        self._kinds: dict[str, int] | None = None  # of metadata columns, the session's too
        self._numbers: _Numbers | None = None

    # ---- calls ----

    def _live_core(self) -> _core.Writer:
        if os.getpid() != self._pid:
            raise RuntimeError(f"this writer belongs to process {self._pid}; a forked process opens its own with idx.writer()")
        if self._open is None:
            raise ClosedError(f"the writer on {self.path} was closed")
        return self._open

    @contextlib.contextmanager
    def _call(self) -> Iterator[_core.Writer]:
        """The core's writer, for one call."""
        self._live_core()
        with self._one_call():
            core = self._live_core()  # another thread may have closed it meanwhile
            if self._broken:
                raise ValueError("the session was interrupted: roll it back before anything else")
            try:
                yield core
            except Exception:
                raise
            except BaseException:
                self._broken = True
                raise

    @contextlib.contextmanager
    def _one_call(self) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise RuntimeError("the writer is in use: one call at a time")
        try:
            yield
        finally:
            self._turn.release()

    # ---- rows ----

    def add(self, rows: Any) -> int:
        """Adds documents; a key that exists is DuplicateKeyError.

        Parameters
        ----------
        rows : dict, iterable of dicts, data frame, Arrow stream, path or list of paths
            Whatever `pressmark.index` takes, or one row. The index's own columns are the key, the date and the texts; a row without
            the key column may say `key`, as `idx.doc` does. Other columns are metadata, and none for older documents where they
            come up first. In an index that was made without a key column, rows without `key` go on counting: the number after the
            greatest key that is a number.

        Returns
        -------
        int
            How many were added.

        Raises SourceError and DuplicateKeyError (`.row`, `.key`, `.reason`), LimitError, and whatever the source raises: the rows
        before that one stay added, and the session goes on. Interruptible; releases the GIL. Cost: as building an index of the rows.
        """
        with self._call() as core:
            return self._put(core, core.add, rows, False)

    def update(self, rows: Any) -> int:
        """Puts documents in the place of those with the same keys; a key that does not exist is added.

        The new document stands at the end, as the last one indexed. All of it is replaced: columns and texts that the row does not
        have are none. `rows` as in `add`; each needs a key. Where a key comes twice, the later row stays.

        Returns
        -------
        int
            How many were put in.

        Raises and costs as `add`.
        """
        with self._call() as core:
            return self._put(core, core.update, rows, True)

    def _shaper(self, core: _core.Writer, update: bool) -> _Joining:
        if self._kinds is None:
            self._kinds = {name: _KINDS[kind] for name, kind, _, _ in core.base().columns().rows(0, 1 << 30)}
        if self._roles.key is None and self._numbers is None:
            self._numbers = _Numbers(core.base().greatest_key() + 1)
        core.forget()
        shaper = _Joining(self._roles, self._encoding, self._kinds, self._numbers, update)
        shaper.seen, shaper.first = self._seen, self._first
        return shaper

    def _put(self, core: _core.Writer, put: Add, rows: Any, update: bool) -> int:
        source = source_of([rows] if isinstance(rows, Mapping) else rows, self._encoding)
        shaper = self._shaper(core, update)
        if isinstance(source, Files):
            source.prepare({n for n in source.columns() if self._is_typed(n)})
        feeder = Feeder(core, put, False, self._threads)
        feeder.duplicate = "the key is taken; update() would replace its document"
        meter = Meter(self._progress, source.size, source.unit)
        before, _ = core.facts()
        try:
            read(source, shaper, feeder, self._budget, meter)
            feeder.end()
        except Exception:
            feeder.end()
            raise
        except BaseException:
            feeder.stop()
            raise
        finally:
            meter.close()
            self._note_late(shaper)
            self._kinds = {**(self._kinds or {}), **{n: kind for n, (_, kind) in shaper.columns.items()}}
        after, self._replaced = core.facts()
        return after - before

    def _note_late(self, shaper: Shaper) -> None:
        """New metadata columns that an index built of these rows would take for texts, dates or keys."""
        roles = self._roles
        for name in shaper.columns.keys() - (self._kinds or {}).keys():
            if name in TEXTS:
                self._late[name] = f"a text: those of this index are {', '.join(roles.texts)}"
            elif name in DATES and roles.date is None:
                self._late[name] = "the date: this index was built without"
            elif name in KEYS and roles.key is None:
                self._late[name] = "the key: this index counts its documents"

    def _is_typed(self, name: str) -> bool:
        """Whether a column of a CSV file is to be read as numbers, dates, ...: text in the index stays text."""
        roles = self._roles
        return roles.is_metadata(name) and name != roles.date and (self._kinds or {}).get(name) != STR

    def delete(self, *keys: str, filter: str | Iterable[str] | None = None) -> int:  # noqa: A002 - the name is the interface's
        """Deletes documents by key, by a filter, or both; also those that the session has added.

        Parameters
        ----------
        *keys : str
            Keys that are not there are named in `notes`.
        filter : str or iterable of str, optional
            A query of metadata (`outlet:"the hill" AND date:..2019`), or a list of keys.

        Returns
        -------
        int
            How many were deleted.

        Raises TypeError for a key that is no str, QuerySyntaxError, UnknownFieldError. Interruptible. Cost: a look-up for each key;
        for a filter, rows of the session that are still in memory are written down first.
        """
        if filter is not None and not isinstance(filter, str):
            if not isinstance(filter, Iterable):
                raise TypeError(f"a filter is a query of metadata or a list of keys, not {type(filter).__name__}")
            keys, filter = (*keys, *filter), None
        for key in keys:
            if not isinstance(key, str):
                raise TypeError(f"a key is a str, not {type(key).__name__}; of a list of keys: delete(*keys)")
        wanted = tuple(dict.fromkeys(keys))
        with self._call() as core:
            deleted, missing = core.delete(wanted) if wanted else (0, [])
            self._missing |= dict.fromkeys(wanted[i] for i in missing)
            return deleted + (core.delete_where(filter) if filter is not None else 0)

    # ---- the end ----

    def commit(self) -> int:
        """Publishes what was done since the last commit, and merges small segments; the session goes on.

        When it returns, the new generation is on disk: it survives the end of the process and of the power.

        Returns
        -------
        int
            The newest generation's number: unchanged where there was nothing to publish.

        Raises OSError (ENOSPC for a full disk): the last commit stands, and `rollback()` makes the session usable again; after a
        failed sync of the directory only `close()` does. Interruptible until it is published. Cost: the rows since the last commit,
        and each token once more for every eightfold growth of the index.
        """
        with self._call() as core:
            self.generation = core.commit()
        return self.generation

    def rollback(self) -> None:
        """Forgets what was done since the last commit; the session goes on."""
        self._live_core()
        with self._one_call():
            core = self._live_core()
            self._kinds = self._numbers = None
            core.rollback()
            self._broken = False

    def close(self) -> None:
        """Rolls back what is not committed and gives the lock back. Nothing to do after the first time."""
        if os.getpid() != self._pid or self._open is None:
            return
        with self._one_call():
            self._open.close()
            self._finalize.detach()
            self._open = self._keep = None

    def __enter__(self) -> Writer:
        self._live_core()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None and self._open is not None:
                self.commit()
        finally:
            self.close()

    # ---- facts ----

    @property
    def notes(self) -> list[str]:
        said = Shaper.said(self._seen, self._first)
        if self._missing:
            n, named = len(self._missing), ", ".join(map(shown_key, list(self._missing)[:_NAMED]))
            more = ", ..." if n > _NAMED else ""
            said.append(f"{n:,} {'key' if n == 1 else 'keys'} to delete {'was' if n == 1 else 'were'} not there: {named}{more}")
        said += [f"column {name!r} is metadata, not {what}" for name, what in sorted(self._late.items())]
        if self._replaced:
            said.append(f"{self._replaced:,} invalid characters became U+FFFD")
        return said

    def __repr__(self) -> str:
        state = "closed " if self._open is None else ""
        said = f"<{state}pressmark writer on {self.path} · generation {self.generation}>"
        return "\n".join([said, *(f"note: {n}" for n in self.notes)])

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a writer holds its process's lock on the index and cannot be pickled; pickle the index, and open a writer "
                        "with idx.writer() where it is needed")


_live: weakref.WeakSet[Writer] = weakref.WeakSet()


def _abandon(core: _core.Writer, pid: int) -> None:
    """Rolls back a session that nobody closed."""
    if os.getpid() == pid:
        with contextlib.suppress(RuntimeError):  # a daemon thread is in it, at exit: the lock goes with the process
            core.close()


def _after_fork() -> None:
    """A child keeps no hold on the lock of its parent's sessions."""
    for writer in list(_live):
        if writer._open is not None:
            writer._open.forked()


os.register_at_fork(after_in_child=_after_fork)

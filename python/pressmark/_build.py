"""pressmark.index: from a source to an index."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any, Sequence

from pressmark import _core
from pressmark._errors import CorruptIndexError, VersionError
from pressmark._feed import Feeder, Source, batch_budget, core_memory, memory_bytes, read, source_of, thread_count
from pressmark._index import Index, TemporaryFolder
from pressmark._progress import Meter, Progress
from pressmark._query import check_lang
from pressmark._rows import TEXTS, Roles, Shaper, roles_of


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
                            options["threads"], options["replace"], options["memory"], options["retain"])
    feeder = Feeder(builder, builder.add, options["skip"], options["threads"])
    shaper = Shaper(roles, options["encoding"])
    meter = Meter(options["progress"], source.size, source.unit)
    try:
        read(source, shaper, feeder, options["budget"], meter)
        feeder.end()
        _, replaced = builder.finish()
    except BaseException:
        feeder.stop()
        builder.close()
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


def _checked(lang: str, on_error: str, if_exists: str, retain: int) -> None:
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error is 'raise' or 'skip', not {on_error!r}")
    if if_exists not in ("raise", "open", "replace"):
        raise ValueError(f"if_exists is 'raise', 'open' or 'replace', not {if_exists!r}")
    if not 1 <= retain < 1 << 32:
        raise ValueError("retain is 1 or more")
    check_lang(lang)


def _temporary(source: Source, roles: Roles, options: dict[str, Any]) -> Index:
    folder = tempfile.mkdtemp(prefix="pressmark-")
    try:
        idx = _build(source, os.path.join(folder, "index.pm"), roles, options)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    idx._folder = TemporaryFolder(folder)
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


def _place(path: str | os.PathLike[str], if_exists: str) -> str:
    place = os.path.abspath(os.fsdecode(path))
    return os.path.realpath(place) if if_exists == "replace" else place  # a link to an index stays one


def _opened(source: Any, encoding: str, text: str | Sequence[str] | None, key: str | None, date: str | None,
            fields: Sequence[str] | None) -> tuple[Source, Roles]:
    opened = source_of(source, encoding)
    known = opened.columns()
    roles = roles_of(known, text, key, date, fields, opened.closed)
    opened.prepare({n for n in known if roles.is_metadata(n) and n != roles.date})
    return opened, roles


def index(source: Any, path: str | os.PathLike[str] | None = None, *, text: str | Sequence[str] | None = None,
          key: str | None = None, date: str | None = None, fields: Sequence[str] | None = None, lang: str = "english",
          threads: int | None = None, memory: str | int = "1GB", store: bool = True, encoding: str = "utf-8",
          progress: Progress = None, on_error: str = "raise", if_exists: str = "raise", retain: int = 3) -> Index:
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
        At least 64MB, beyond what the process had; the index is the same for any. Where it falls short, parts are written down
        and merged at the end; an article that does not fit is taken by itself, with six times its size.
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
    retain : int
        Generations that commits keep at least, the newest included; those of the last hour are kept besides.

    Raises SourceError, DuplicateKeyError (`.row`, `.key`, `.reason`), FileExistsError, NotAnIndexError, LimitError, OSError, and
    LockedError where a writer has the index that is to be replaced. After an exception or Ctrl-C nothing is left behind, and an
    index that stood at path is untouched.
    """
    size = memory_bytes(memory)
    _checked(lang, on_error, if_exists, retain)
    options = {"lang": lang, "store": store, "threads": thread_count(threads), "skip": on_error == "skip", "encoding": encoding,
               "progress": progress, "text_given": text is not None, "budget": batch_budget(size), "memory": core_memory(size),
               "retain": retain}
    if path is not None and if_exists == "open" and os.path.lexists(path):
        return Index(path)
    place = None if path is None else _place(path, if_exists)
    options["replace"] = place is not None and _standing(place, if_exists)
    opened, roles = _opened(source, encoding, text, key, date, fields)
    return _temporary(opened, roles, options) if place is None else _build(opened, place, roles, options)

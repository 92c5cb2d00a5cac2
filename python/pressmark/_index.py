"""Index: an open index and its questions."""

from __future__ import annotations

import math
import os
import shutil
import weakref
from array import array
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Iterable, Literal, Mapping, Sequence, overload

from pressmark import _core
from pressmark._cite import Card, Origin
from pressmark._dates import of_microseconds
from pressmark._display import facts_html
from pressmark._errors import ClosedError, RowError, UnknownFieldError
from pressmark._hits import Hits, rate, scope_number, with_rates
from pressmark._progress import Progress
from pressmark._parallel import on_all_cores
from pressmark._periods import by_period, check_period, date_column
from pressmark._query import LAYERS, SEARCH, STRICT, Params, names_of
from pressmark._rank import rank
from pressmark._table import Ranking, Table, beside, block_of, free_name
from pressmark._version import __version__
from pressmark._where import Filter, number_of, where_of
from pressmark._writer import Writer, lock_options

if TYPE_CHECKING:
    from types import TracebackType

_MODES: dict[Any, int] = {"auto": 0, True: 1, False: 2}
_INT_MAX = (1 << 31) - 1  # the core's limits lie below
_NEVER = (1 << 64) - 1  # no generation has this number


def open(path: str | os.PathLike[str], *, generation: int | None = None, mmap: bool | str = "auto") -> Index:  # noqa: A001
    """Opens an index on its newest committed generation, or on a retained one.

    Parameters
    ----------
    path : path-like
        The index directory.
    generation : int, optional
        A retained generation's number, from 1.
    mmap : "auto", True or False
        Whether files are mapped into memory ("auto": on local file systems) or read.

    Raises NotAnIndexError, CorruptIndexError, VersionError, GenerationGoneError, OSError. Cost: milliseconds, whatever the size.
    """
    return Index(path, generation=generation, mmap=mmap)


class Index:
    """An index, open on one generation for its life.

    Made by `pressmark.index` and `pressmark.open`. `len(idx)` is the number of documents. It may be used by several threads and
    after a fork, and pickles as (path, generation), which raises GenerationGoneError when it is loaded after that generation has gone;
    results outlive `close()`. After `close()` methods raise ClosedError. Writing (`writer`) makes a generation of its own, and this
    index does not change: `refresh()`.

    Attributes
    ----------
    path : str
    generation : int
    fingerprint : str
        Of tokenizer, stemmer and Unicode version: equal ones give equal tokens.
    n_tokens : int
    fields : list of str
        The text fields.
    skipped : list of RowError
        Rows that `on_error="skip"` left out of the build.
    notes : list of str
        What a person should know, of the build or of opening.
    """

    def __init__(self, path: str | os.PathLike[str], *, generation: int | None = None, mmap: bool | str = "auto") -> None:
        if mmap not in _MODES:
            raise ValueError(f"mmap is 'auto', True or False, not {mmap!r}")
        if generation is not None and generation < 1:
            raise ValueError("generations are counted from 1")
        self.path = os.path.abspath(os.fsdecode(path))
        self._mmap = mmap
        self._open: _core.Index | None = _core.open(self.path, min(generation or 0, _NEVER), _MODES[mmap])
        self._facts = facts = self._open.facts()
        self.generation: int = facts["generation"]
        self.fingerprint = f"{facts['fingerprint']:016x}"
        self.n_tokens: int = facts["tokens"]
        self.skipped: list[RowError] = []
        self.notes: list[str] = []
        if facts["analyzer_differs"]:
            self.notes.append("this version finds other words or stems than the one that made the index; "
                              "it is read as it was made, and only writing asks for optimize(restem=True)")
        self._origin = Origin(self.path, self.generation, self.fingerprint, facts["lang"], facts["documents"], self.n_tokens)
        self._folder: TemporaryFolder | None = None  # of a temporary index

    # ---- facts ----

    @property
    def _live(self) -> _core.Index:
        if self._open is None:
            raise ClosedError(f"the index {self.path} was closed")
        return self._open

    @property
    def fields(self) -> list[str]:
        return list(self._facts["fields"])

    def __len__(self) -> int:
        return int(self._facts["documents"])

    def __bool__(self) -> bool:
        return True

    def info(self) -> dict[str, Any]:
        """Facts: path, generation, generations (those that were retained when the index was opened, and when they were published),
        fingerprint, sizes, fields, metadata columns (name, kind, documents), files (bytes).

        Documents and tokens are those that are not deleted; `deleted` documents still take room until their segment is merged."""
        f = self._facts
        columns = [{"name": n, "kind": k, "several": s, "documents": d} for n, k, s, d in self._live.columns().rows(0, 1 << 30)]
        sections = self._live.sections().rows(0, 1 << 30)
        files: dict[str, int] = {}
        for file, _, size in sections:
            files[file] = files.get(file, 0) + size
        generations = [{"generation": n, "published": _utc(t)} for n, t in f["generations"]]
        return {"path": self.path, "generation": self.generation, "generations": generations,
                "fingerprint": self.fingerprint, "lang": f["lang"],
                "documents": f["documents"], "deleted": f["deleted"], "tokens": f["tokens"], "words": f["words"], "segments": f["segments"],
                "fields": self.fields, "main_field": f["main_field"], "key": f["key_column"] or None,
                "date": f["date_column"] or None, "columns": columns, "text_stored": f["store"],
                "bytes": sum(files.values()), "files": files, "pressmark": __version__}

    def __repr__(self) -> str:
        f = self._facts
        state = "closed " if self._open is None else ""
        said = (f"<{state}pressmark index {self.path} · {f['documents']:,} articles · {f['tokens']:,} tokens · "
                f"{f['words']:,} word forms · {f['lang']} · generation {self.generation} · fingerprint {self.fingerprint}>")
        return "\n".join([said, *(f"note: {n}" for n in self.notes)])

    def _repr_html_(self) -> str:
        f = self._facts
        facts = [("path", self.path), ("articles", f"{f['documents']:,}"), ("tokens", f"{f['tokens']:,}"),
                 ("word forms", f"{f['words']:,}"), ("language", f["lang"]), ("text fields", ", ".join(self.fields)),
                 ("generation", str(self.generation)), ("fingerprint", self.fingerprint)]
        if self._open is not None:
            columns = self._open.columns().column(0).tolist()
            facts.insert(6, ("metadata", ", ".join(columns)))
        return facts_html("pressmark index", [*facts, *(("note", n) for n in self.notes)])

    def cite(self, result: Table | None = None) -> Card:
        """A card to publish: of a result, or of the index."""
        return Card(self._origin) if result is None else result.cite()

    # ---- life ----

    def close(self) -> None:
        """Releases the files. Results that were given stay usable. A temporary index is removed with the last one that is open on
        it, `refresh()`'s and writers included."""
        self._open = self._folder = None

    def __enter__(self) -> Index:
        self._live  # noqa: B018 - raises where the index was closed
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        self._live  # noqa: B018 - raises where the index was closed
        return _reopen, (self.path, self.generation, self._mmap)

    def verify(self) -> None:
        """Reads every file that a retained generation names and checks all of it.

        Raises CorruptIndexError, which says where. Interruptible. Cost: all bytes of the index.
        """
        self._live  # noqa: B018 - raises where the index was closed
        _core.verify(self.path)

    # ---- writing ----

    def refresh(self) -> Index:
        """An index on the newest generation; this one stays on its own for its life. Raises and costs as `pressmark.open`."""
        self._live  # noqa: B018 - raises where the index was closed
        made = type(self)(self.path, mmap=self._mmap)
        made._folder = self._folder
        return made

    def writer(self, *, timeout: float | None = 10, memory: str | int = "1GB", threads: int | None = None,
               fields: Sequence[str] | None = None, encoding: str = "utf-8", progress: Progress = None) -> Writer:
        """Opens a session that adds, updates and deletes documents: `with idx.writer() as w: w.add(rows)`.

        One session at a time writes to an index, whichever process it is in; any number may read meanwhile. It works on the newest
        generation. This index does not change: `refresh()` returns one that shows what was committed.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait for another writer; None: until it is done.
        memory : str or int
            What the session may take beyond what the process has, at least 64MB; more rows are written down meanwhile.
        threads : int, optional
            Default: all processors. The index is the same for any number.
        fields : list of str, optional
            Metadata columns to keep of the rows, default all: what `pressmark.index` was told is not remembered.
        encoding, progress
            As in `pressmark.index`.

        Raises LockedError (`.pid`, `.host`), VersionError where the index was made with other stems than this version makes
        (`optimize(restem=True)` renews it), CorruptIndexError, OSError.
        """
        self._live  # noqa: B018 - raises where the index was closed
        return Writer(self.path, lock_options(timeout, memory, threads), fields=fields, encoding=encoding, progress=progress,
                      keep=self._folder)

    def optimize(self, restem: bool = False, *, timeout: float | None = 10, memory: str | int = "1GB",
                 threads: int | None = None) -> Index:
        """Merges the newest generation into one segment (or as few as hold it), without deleted documents.

        Every answer, score and order stays the same, to the bit; questions get a little faster, and the deleted text is gone from
        the new generation's files. Older generations are kept as ever.

        Parameters
        ----------
        restem : bool
            Make the stems anew, with this version's stemmer.
        timeout, memory, threads
            As in `writer`.

        Returns
        -------
        Index
            On the result: a new generation, or the newest where there was nothing to do. This index does not change.

        Raises LockedError, CorruptIndexError, OSError. Interruptible: the last commit stands. Cost: the index is read and written.
        """
        self._live  # noqa: B018 - raises where the index was closed
        _core.optimize(self.path, *lock_options(timeout, memory, threads), restem)
        return self.refresh()

    # ---- questions ----

    def _table(self, block: _core.Block, query: str = "", notes: Iterable[str] = ()) -> Table:
        return Table(block, query, notes, self._origin)

    def _hits(self, query: _core.Query, filter: Filter, columns: Sequence[str] | None, skip: bool = False) -> Hits:  # noqa: A002
        core = self._live
        extra = tuple(dict.fromkeys(columns or ()))
        taken = {"doc", "field", "start", "end", "text"} & set(extra)
        if taken:
            raise ValueError(f"hits have a column {min(taken)!r} already")
        hits = core.hits(query, *where_of(core, filter), skip)
        return Hits(core, hits, str(query), query.notes, self._origin, extra)

    def search(self, query: str, k: int = 10, *, filter: Filter = None, sort: str = "score", match: str = "any",  # noqa: A002
               k1: float = 1.2, b: float = 0.75, weights: Mapping[str, float] | None = None, snippet: bool = True,
               columns: Sequence[str] | None = None, params: Params = None) -> Ranking:
        """The first k documents by BM25 (Robertson & Zaragoza 2009, eq. 3.15, Lucene's idf), or in another order.

        Parameters
        ----------
        query : str
            Plain text, or the query language. Plain text never raises for its content.
        k : int
            Documents, 1 or more.
        filter : str or iterable of str, optional
            A query of metadata (`outlet:"the hill" AND date:2020-01`), or document keys.
        sort : str
            "score", "newest", "oldest" or a metadata column ("-" in front: falling).
        match : {"any", "all"}
            Whether plain words side by side ask for documents with any of them, or with all.
        k1, b : float
            Parameters of BM25.
        weights : dict, optional
            Weights of text fields (BM25F); 1 where not given.
        snippet : bool
            Whether to cut out the part that shows best why a document was found.
        columns : list of str, optional
            Metadata columns to add.
        params : dict, optional
            What `$name` in the query stands for: a word or phrase, or a list of them, any of which may stand there. Their text is
            never read for operators; `*` and `?` are wildcards.

        Returns
        -------
        Ranking
            `rank, doc, score, date, title, snippet` and `columns`: min(k, matches) rows, ties in the order of indexing. `.total`
            is the exact number of matching documents.

        Raises AmbiguousQueryError, UnknownFieldError, LimitError, QuerySyntaxError (of operators), KeyError (keys).
        Thread-safe; releases the GIL.
        """
        if k < 1:
            raise ValueError("k is 1 or more")
        scale = self._scale(k1, match, weights)
        core = self._live
        parsed = core.parse(query, SEARCH, names_of(params))
        block, total = core.search(parsed, *where_of(core, filter), min(k, _INT_MAX), k1, b, match == "all", scale, sort)
        return rank(core, self._facts, self._origin, parsed, block, total, match == "any", snippet, tuple(columns or ()))

    def _scale(self, k1: float, match: str, weights: Mapping[str, float] | None) -> tuple[float, ...] | None:
        """A weight for each text field; raises where a parameter of a ranking is none."""
        if not (k1 < math.inf and all(0 <= w < math.inf for w in (weights or {}).values())):
            raise ValueError("k1 and weights are numbers from 0 on")
        if match not in ("any", "all"):
            raise ValueError(f"match is 'any' or 'all', not {match!r}")
        unknown = set(weights or ()) - set(self._facts["fields"])
        if unknown:
            raise UnknownFieldError(f"no text field {min(unknown)!r}; fields: {', '.join(self.fields)}")
        return None if weights is None else tuple(float(weights.get(f, 1)) for f in self._facts["fields"])

    def explain_score(self, query: str, doc: str, *, match: str = "any", k1: float = 1.2, b: float = 0.75,
                      weights: Mapping[str, float] | None = None, params: Params = None) -> Table:
        """Why a document has its score: one row for each operand of the query that counts in it.

        Returns
        -------
        Table
            `operand` as it was read, `frequency` (its hits in the document), `documents` (that have it), `idf` =
            ln(1 + (N - documents + 0.5) / (documents + 0.5)) with N live documents, `boost`, `length` and `mean_length` in tokens,
            `score` = boost * idf * frequency / (frequency + k1 * (1 - b + b * length / mean_length)), rounded to fixed point. The
            scores add up to that of `search` to the bit. No row where the document does not match.

        Raises KeyError where no document has the key, and what `search` raises. Cost: that of `search`.
        """
        core = self._live
        scale = self._scale(k1, match, weights)
        parsed = core.parse(query, SEARCH, names_of(params))
        return self._table(core.explain_score(parsed, number_of(core, doc), k1, b, match == "all", scale), str(parsed), parsed.notes)

    def hits(self, query: str, *, filter: Filter = None, columns: Sequence[str] | None = None, params: Params = None,  # noqa: A002
             on_limit: Literal["raise", "skip"] = "raise") -> Hits:
        """Every hit of a query, in the order of documents and text.

        Parameters
        ----------
        query : str
            The query language: `slap* PRE/4 face`.
        filter : str or iterable of str, optional
            A query of metadata, or document keys.
        columns : list of str, optional
            Metadata columns to add.
        params : dict, optional
            What `$name` in the query stands for: a word or phrase, or a list of them, any of which may stand there. Their text is
            never read for operators; `*` and `?` are wildcards.
        on_limit : {"raise", "skip"}
            What becomes of a document with more pairs of spans than `pm.limits.pairs`: LimitError, or it is left out and
            named in the notes.

        Raises QuerySyntaxError, AmbiguousQueryError, UnknownFieldError, LimitError, KeyError (keys). Thread-safe; releases the GIL.
        """
        if on_limit not in ("raise", "skip"):
            raise ValueError(f"on_limit is 'raise' or 'skip', not {on_limit!r}")
        return self._hits(self._live.parse(query, STRICT, names_of(params)), filter, columns, on_limit == "skip")

    def phrase(self, text: str, *, stem: bool = False, case: bool = False, slop: int = 0, ordered: bool = True,
               filter: Filter = None) -> Hits:  # noqa: A002
        """Every place where these words stand in a row. The text is never read for operators.

        Parameters
        ----------
        text : str
        stem : bool
            Match by stem instead of the word itself.
        case : bool
            Match exact case and accents.
        slop : int
            Other words that may stand between.
        ordered : bool
            Whether the words must stand in this order.
        filter : str or iterable of str, optional
        """
        if stem and case:
            raise ValueError("a stem has no case: stem or case, not both")
        if slop < 0:
            raise ValueError("slop is 0 or more")
        layer = LAYERS["stem" if stem else "surface" if case else "folded"]
        return self._hits(_core.phrase(text, layer, (2 if slop else 0) if ordered else 1, min(slop, _INT_MAX)), filter, None)

    def near(self, *operands: str | Iterable[str], within: int, ordered: bool = False, scope: str | None = None,
             filter: Filter = None) -> Hits:  # noqa: A002
        """Every place where the operands stand near each other. They are never read for operators.

        Parameters
        ----------
        *operands : str or list of str
            A word (by stem, `*` and `?` are wildcards), a phrase (several words), or a list of alternatives. More than two:
            `((a W/n b) W/n c)`.
        within : int
            Distance as in `W/n`: 1 for adjacent words.
        ordered : bool
            Whether they must stand in this order (`PRE/n`).
        scope : {"sentence", "paragraph"}, optional
            Both in the same one.
        filter : str or iterable of str, optional
        """
        texts = tuple((o,) if isinstance(o, str) else tuple(o) for o in operands)
        return self._hits(_core.near(texts, max(0, min(within, _INT_MAX)), ordered, scope_number(scope)), filter, None)

    @overload
    def count(self, query: str, *, by: None = None, unit: str = "hits", filter: Filter = None, params: Params = None) -> int: ...
    @overload
    def count(self, query: str, *, by: str, unit: str = "hits", filter: Filter = None, params: Params = None) -> Table: ...
    @overload
    def count(self, query: list[str] | tuple[str, ...], *, by: str | None = None, unit: str = "hits", filter: Filter = None,
              params: Params = None) -> Table: ...
    def count(self, query: str | list[str] | tuple[str, ...], *, by: str | None = None, unit: str = "hits",
              filter: Filter = None, params: Params = None) -> int | Table:  # noqa: A002
        """How often a query, or each of several, is found.

        Parameters
        ----------
        query : str or list of str
        by : str, optional
            A metadata column, "doc" or "field" to group by.
        unit : {"hits", "documents"}
            What the number is of, for a single query without `by`.
        filter : str or iterable of str, optional
        params : dict, optional
            What `$name` stands for, as in `hits`.

        Returns
        -------
        int or Table
            For a list or with `by` a Table: `query`, the column, `hits`, `documents`, `per_million` (hits per million tokens of
            the group), `share` (documents of all in the group).
        """
        if unit not in ("hits", "documents"):
            raise ValueError(f"unit is 'hits' or 'documents', not {unit!r}")
        core = self._live
        names = () if params is None else names_of(params)
        where = (None, None) if filter is None else where_of(core, filter)
        if isinstance(query, str) and by is None:
            hits, documents = core.count(core.parse(query, STRICT, names), *where, unit == "documents")
            return documents if unit == "documents" else hits
        queries = [query] if isinstance(query, str) else list(query)
        parsed = [core.parse(q, STRICT, names) for q in queries]
        notes = [n for q in parsed for n in q.notes]
        said = "; ".join(str(q) for q in parsed)
        if by is not None:
            return self._table(_count_by(core, queries, parsed, by, where), said, notes)
        counts = [core.count(q, *where, False) for q in parsed]
        tokens, documents = self._size(where)
        return self._table(block_of({
            "query": queries, "hits": [h for h, _ in counts], "documents": [d for _, d in counts],
            "per_million": [rate(h, tokens, 1e6) for h, _ in counts], "share": [rate(d, documents) for _, d in counts]}, _KINDS),
            said, notes)

    def count_many(self, queries: Iterable[str], *, unit: str = "hits", filter: Filter = None, params: Params = None) -> array[int]:  # noqa: A002
        """As `count` of each query, on all cores: an array of whole numbers, one a query (numpy takes it as it is).

        Raises what `count` raises, with a note that says which query it was.
        """
        if unit not in ("hits", "documents"):
            raise ValueError(f"unit is 'hits' or 'documents', not {unit!r}")
        core, names = self._live, names_of(params)
        where = where_of(core, filter)

        def one(query: str) -> int:
            hits, documents = core.count(core.parse(query, STRICT, names), *where, unit == "documents")
            return documents if unit == "documents" else hits

        return array("q", on_all_cores(one, list(queries)))

    def search_many(self, queries: Iterable[str], k: int = 10, **options: Any) -> list[Ranking]:
        """As `search` of each query, with its options, on all cores.

        Raises what `search` raises, with a note that says which query it was.
        """
        return on_all_cores(lambda query: self.search(query, k, **options), list(queries))

    def trend(self, query: str, *, by: str = "month", filter: Filter = None, params: Params = None) -> Table:  # noqa: A002
        """How often a query is found over time.

        Parameters
        ----------
        query : str
        by : {"day", "week", "month", "quarter", "year"}
            Weeks are those of ISO 8601.
        filter : str or iterable of str, optional
        params : dict, optional
            What `$name` stands for, as in `hits`.

        Returns
        -------
        Table
            `period` ("2020-01-08", "2020-W02", "2020-01", "2020-Q1", "2020"), `hits`, `documents`, `tokens` and `all_documents` (of the
            period, over all documents that the filter lets through), `per_million` (hits per million tokens), `share` (documents of
            all). Every period from the first to the last with a document; a document without a date counts in the last row, whose
            period is None. A document with several dates counts at each.

        Raises ValueError where the index has no date column, and what `hits` raises. Cost: that of `hits`, and a pass over the
        documents.
        """
        check_period(by)
        hits = self._live.hits(self._live.parse(query, STRICT, names_of(params)), *where_of(self._live, filter), False)
        return self._table(by_period(hits.by(date_column(self._facts)), by), query, hits.notes)

    def facets(self, column: str, query: str | None = None, *, filter: Filter = None, params: Params = None) -> Table:  # noqa: A002
        """The values of a metadata column: the column, `documents` with that value, `share` of all documents asked; by falling
        number, documents without a value last.

        Parameters
        ----------
        column : str
        query : str, optional
            Only documents that satisfy it are counted.
        filter : str or iterable of str, optional
        params : dict, optional
            What `$name` stands for, as in `hits`.

        A document with several values counts at each. Raises UnknownFieldError, and what `hits` raises.
        """
        core = self._live
        where = where_of(core, filter)
        hits = core.hits(core.parse(query or "", STRICT, names_of(params)), *where, False)
        block = hits.by(column)
        counts = block.column(2 if query is not None else 4).tolist()
        rows = [(v, n) for v, n in zip(block.column(0).tolist(), counts) if n]
        rows.sort(key=lambda r: (r[0] is None, -r[1], r[0] or ""))
        total = hits.documents if query is not None else self._size(where)[1]
        made = {"documents": [n for _, n in rows], "share": [rate(n, total) for _, n in rows]}
        name = free_name(column, made)
        return self._table(block_of({name: [v for v, _ in rows], **made}, {name: "str", "documents": "int", "share": "float"}),
                           query or "", hits.notes)

    def _size(self, where: tuple[_core.Query | None, array[int] | None]) -> tuple[int, int]:
        """Tokens and documents that a filter lets through."""
        query, docs = where
        if query is None and docs is None:
            return self.n_tokens, len(self)
        block = self._live.documents((), docs, query)
        return sum(block.column(block.names.index("tokens")).tolist()), len(block)

    def words(self, pattern: str = "*", *, layer: str = "folded", k: int | None = None) -> Table:
        """The lexicon: `word`, `freq`, `documents`, by falling frequency.

        Parameters
        ----------
        pattern : str
            With `*` (any characters) and `?` (one).
        layer : {"folded", "stem", "surface"}
        k : int, optional
            Rows at most.
        """
        if layer not in LAYERS:
            raise ValueError(f"layer is 'folded', 'stem' or 'surface', not {layer!r}")
        return self._table(self._live.words(pattern, LAYERS[layer], -1 if k is None else k), pattern)

    # ---- documents ----

    def documents(self, columns: Sequence[str] | None = None, filter: Filter = None) -> Table:  # noqa: A002
        """The documents: `key`, `date`, `tokens` and metadata columns (all, or those given), in the order of indexing.
        Of several values the first are joined with "; ". A metadata column "key", "date" or "tokens" is "key_", ... here."""
        core = self._live
        query, docs = where_of(core, filter)
        block = core.documents(None if columns is None else tuple(columns), docs, query)
        if len(set(block.names)) < len(block.names):
            block = block_of(beside({}, ((n, block.column(i)) for i, n in enumerate(block.names))))
        return self._table(block)

    def keys(self) -> list[str]:
        """All keys, in the order of indexing."""
        return list(self._live.documents((), None, None).column(0).tolist())

    def doc(self, key: str) -> dict[str, Any]:
        """One document: `key`, its metadata (lists where a column has several values), and its text fields where text is kept.

        Raises KeyError."""
        core = self._live
        number = number_of(core, key)
        several = {name for name, _, many, _ in core.columns().rows(0, 1 << 30) if many}
        out: dict[str, Any] = {"key": key}
        for name, kind, text, i, f, timed in core.values(number).rows(0, 1 << 30):
            value = _value(kind, text, i, f, timed)
            if name in several:
                out.setdefault(name, []).append(value)
            else:
                out[name] = value
        if self._facts["store"]:
            out |= {name: core.text(number, i) for i, name in enumerate(self._facts["fields"])}
        return out

    def text(self, key: str, field: str | None = None) -> str:
        """The original text of a field, to the code point. Default: the main text field, the longest over the collection.

        Raises KeyError, UnknownFieldError, ValueError where the index keeps no text."""
        core, fields = self._live, self._facts["fields"]
        name = self._facts["main_field"] if field is None else field
        if name not in fields:
            raise UnknownFieldError(f"no text field {name!r}; fields: {', '.join(fields)}")
        return core.text(number_of(core, key), fields.index(name))

    def tokens(self, key: str) -> Table:
        """What the index holds of a document: `field, start, end, surface, folded, stem, kind, sentence, paragraph, quote`.

        Offsets are code points of the field's text (token numbers where no text is kept); sentences, paragraphs and quotations are
        numbered within the field, `quote` is None outside. Raises KeyError."""
        core = self._live
        return self._table(core.tokens(number_of(core, key)))


_KINDS = {"hits": "int", "documents": "int", "per_million": "float", "share": "float", "query": "str"}


def _value(kind: str, text: str | None, i: int | None, f: float | None, timed: bool | None) -> Any:
    if kind == "str":
        return text
    if kind == "float":
        return f
    if kind == "bool":
        return bool(i)
    if kind == "date":
        return of_microseconds(i or 0, bool(timed))
    return i


def _count_by(core: _core.Index, queries: Sequence[str], parsed: Sequence[_core.Query], by: str,
              where: tuple[_core.Query | None, array[int] | None]) -> _core.Block:
    """query, group, hits, documents, per_million, share: the groups of each query under each other."""
    names: list[str] = []
    values: list[Any] = []
    rest: dict[str, list[Any]] = {"hits": [], "documents": [], "per_million": [], "share": []}
    kind = "str"
    for text, query in zip(queries, parsed):
        block = with_rates(core.hits(query, *where, False).by(by), by)
        kind = block.types[0]
        names += [text] * len(block)
        values += block.column(0).tolist()
        for name, column in rest.items():
            column += block.column(block.names.index(name)).tolist()
    group = free_name(by, {"query", *rest})
    return block_of({"query": names, group: values, **rest}, _KINDS | {group: kind})


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reopen(path: str, generation: int, mmap: bool | str) -> Index:
    return Index(path, generation=generation, mmap=mmap)


class TemporaryFolder:
    """Where a temporary index stands: removed when nothing holds it any more, or the process ends; a forked child does not."""

    def __init__(self, path: str) -> None:
        weakref.finalize(self, _remove, path, os.getpid())


def _remove(folder: str, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)

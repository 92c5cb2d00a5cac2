"""pressmark: full-text search for collections of news articles. Every phrase and proximity hit, with offsets.

    import pressmark as pm
    idx = pm.index("articles/*.txt", "news.pm")
    idx.search("missile strike retaliation")
    idx.phrase("slap in the face").kwic(sort="1R")
    idx.near("missile", "base", within=10).to_pandas()
"""

from pressmark import _core
from pressmark._build import index
from pressmark._cite import Card
from pressmark._errors import (AmbiguousQueryError, ClosedError, CorruptIndexError, DuplicateKeyError, Error,
                               GenerationGoneError, LimitError, LockedError, NotAnIndexError, QuerySyntaxError, RowError,
                               SourceError, UnknownFieldError, VersionError)
from pressmark._hits import Hit, Hits
from pressmark._index import Index, open
from pressmark._query import Node, check_lang as _check_lang, limits, parse
from pressmark._table import Ranking, Row, Table
from pressmark._version import __version__
from pressmark._writer import Writer

__all__ = [
    "AmbiguousQueryError", "Card", "ClosedError", "CorruptIndexError", "DuplicateKeyError", "Error", "GenerationGoneError", "Hit",
    "Hits", "Index", "LimitError", "LockedError", "Node", "NotAnIndexError", "QuerySyntaxError", "Ranking", "Row", "RowError",
    "SourceError", "Table", "UnknownFieldError", "VersionError", "Writer", "__version__", "index", "languages", "limits", "open", "parse",
    "tokenize"]


def languages() -> list[str]:
    """Names for `lang=`: the algorithms of libstemmer, and "none" for no stemming."""
    return _core.languages()


def tokenize(text: str, lang: str = "english") -> Table:
    """What an index would hold of a text.

    Returns
    -------
    Table
        `start, end` (code points), `surface, folded, stem`, `kind` ("word", "number", "acronym", "handle", "hashtag", "url", "email",
        "emoji", "cjk", "cluster").

    Thread-safe; releases the GIL. Cost: proportional to the text.
    """
    _check_lang(lang)
    block = _core.tokenize(text, lang)
    wanted = ("start", "end", "surface", "folded", "stem", "kind")
    columns = tuple(block.column(block.names.index(n)) for n in wanted)
    return Table(_core.table(wanted, tuple(c.type for c in columns), columns))

"""Which documents a question is asked of."""

from __future__ import annotations

from array import array
from typing import Iterable, TypeAlias

from pressmark import _core
from pressmark._query import FILTER

Filter: TypeAlias = str | Iterable[str] | None  # a query of metadata, or document keys


def where_of(core: _core.Index, filter: Filter) -> tuple[_core.Query | None, array[int] | None]:  # noqa: A002
    """A filter as a query, or as increasing document numbers; neither where there is none. KeyError for an unknown key."""
    if filter is None:
        return None, None
    if isinstance(filter, str):
        return core.parse(filter, FILTER), None
    return None, array("I", sorted({number_of(core, key) for key in filter}))


def number_of(core: _core.Index, key: str) -> int:
    if not isinstance(key, str):
        raise TypeError(f"a key is a str, not {type(key).__name__}")
    doc = core.find(key)
    if doc is None:
        raise KeyError(key)
    return doc

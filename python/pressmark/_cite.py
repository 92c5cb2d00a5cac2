"""What made a result: the facts to publish with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from pressmark._display import facts_html
from pressmark._version import __version__


@dataclass(frozen=True)
class Origin:
    """The index that a result comes from, as it was then."""

    path: str
    generation: int
    fingerprint: str
    lang: str
    documents: int
    tokens: int


class Card:
    """A card to publish with a result: prints as text, shows as a table in a notebook, `to_dict()` for files.

    It names the query as it was read, the index (path, generation, fingerprint of tokenizer and stemmer), its language and size,
    and the version of pressmark.
    """

    def __init__(self, origin: Origin | None, query: str = "", result: str = "", notes: Sequence[str] = ()) -> None:
        facts: dict[str, str] = {}
        if query:
            facts["query, as read"] = query
        if result:
            facts["result"] = result
        if origin is not None:
            facts |= {"index": origin.path, "generation": str(origin.generation), "fingerprint": origin.fingerprint,
                      "language": origin.lang, "articles": f"{origin.documents:,}", "tokens": f"{origin.tokens:,}"}
        facts["made with"] = f"pressmark {__version__}"
        if notes:
            facts["notes"] = "; ".join(notes)
        self._facts = facts

    def to_dict(self) -> dict[str, str]:
        return dict(self._facts)

    def __str__(self) -> str:
        width = max(map(len, self._facts))
        return "\n".join(f"{k:{width}}  {v}" for k, v in self._facts.items())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return facts_html("", list(self._facts.items()))

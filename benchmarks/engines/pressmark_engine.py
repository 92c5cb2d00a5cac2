"""pressmark through its Python interface: folded words, so that counts compare; the text is not kept, as in the peers."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Sequence

import pressmark as pm

from benchmarks.engines import folder_bytes
from benchmarks.queries import Query

SETTINGS = "English stems, every surface form, positions; text not stored; phrases and distances on folded words"


def version() -> str:
    return pm.__version__


def build(texts: Sequence[str], folder: Path) -> None:
    pm.index(({"key": str(i), "text": text} for i, text in enumerate(texts)), str(folder), threads=1, store=False)


size_bytes = folder_bytes


class Engine:
    def __init__(self, folder: Path) -> None:
        self.index = pm.open(str(folder))

    def prepare(self, query: Query, top: int = 0) -> Callable[[], int]:
        index = self.index
        text = f"={query.a} W/{query.within} ={query.b}" if query.within else f'"{query.a} {query.b}"'
        if top:
            return lambda: len(index.search(text, k=top, snippet=False))
        return lambda: index.count(text, unit="documents")

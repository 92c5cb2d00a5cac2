"""Tantivy by its Python package: one segment, positions, text not stored. Two words near each other are a phrase of equal offsets with slop."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterable, Sequence

import tantivy

from benchmarks.engines import folder_bytes
from benchmarks.queries import Query

SETTINGS = ("one segment, positions, tokenizer whitespace, text not stored, 512 MB heap; a count is a search of constant score, "
            "for the package has no call that only counts")
HEAP = 512 << 20


def version() -> str:
    return tantivy.__version__.removeprefix("tantivy v").split(",")[0]


def write(rows: Iterable[dict[str, str]], folder: Path, tokenizer: str) -> None:
    """Indexes each value of the rows in the field of its name, on one thread, into one segment."""
    rows = iter(rows)
    first = next(rows)
    builder = tantivy.SchemaBuilder()
    for name in first:
        builder.add_text_field(name, stored=False, tokenizer_name=tokenizer, index_option="position")
    folder.mkdir()
    writer = tantivy.Index(builder.build(), path=str(folder)).writer(heap_size=HEAP, num_threads=1)
    writer.add_document(tantivy.Document(**first))
    for row in rows:
        writer.add_document(tantivy.Document(**row))
    writer.commit()
    writer.wait_merging_threads()


def build(texts: Sequence[str], folder: Path) -> None:
    write(({"x": text} for text in texts), folder, "whitespace")


size_bytes = folder_bytes


class Engine:
    def __init__(self, folder: Path) -> None:
        self.index = tantivy.Index.open(str(folder))
        self.searcher = self.index.searcher()

    def prepare(self, query: Query, top: int = 0) -> Callable[[], int]:
        words: list[str | tuple[int, str]] = [(0, query.a), (0 if query.within else 1, query.b)]
        asked = tantivy.Query.phrase_query(self.index.schema, "x", words, slop=query.within)
        search = self.searcher.search
        if top:
            return lambda: len(search(asked, limit=top, count=False).hits)
        plain = tantivy.Query.const_score_query(asked, 1.0)
        return lambda: int(search(plain, limit=1, count=True).count)

"""Documents counted by SQLite's FTS5, by Tantivy and by pressmark: the same for phrases and for NEAR of two words.

The text is folded to [a-z0-9 ] first, so that all three cut it into the same words. `NEAR(a b, n - 1)` is `a W/n b` for two
different words; for one word twice FTS5 asks for one token only, so such pairs are left out.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pressmark as pm
import pytest
from oracle import news

QUERIES = 150


class News:
    """Folded articles in all the engines, and a source of words that stand near each other in them."""

    def __init__(self, folder: Path, count: int | None) -> None:
        articles = (re.sub("[^a-z0-9]+", " ", f"{a['title']} {a['text']}".lower()) for a in news.articles(folder, count))
        self.texts = list(articles)
        self.index = pm.index([{"id": str(i), "text": t} for i, t in enumerate(self.texts)], text=["text"], key="id")
        self.fts5 = sqlite3.connect(":memory:")
        self.fts5.execute("CREATE VIRTUAL TABLE news USING fts5(text, tokenize = \"ascii\")")
        self.fts5.executemany("INSERT INTO news VALUES (?)", ((t,) for t in self.texts))
        self.rng = random.Random(7)

    def near(self, words: int, reach: int = 1) -> list[str]:
        """Different words in text order, each at most `reach` after the one before it."""
        while True:
            text = self.rng.choice(self.texts).split()
            at, chosen = self.rng.randrange(max(len(text), 1)), []
            while at < len(text) and len(chosen) < words:
                chosen.append(text[at])
                at += self.rng.randint(1, reach)
            if len(set(chosen)) == words:
                return chosen

    def of_fts5(self, query: str) -> int:
        return int(self.fts5.execute("SELECT count(*) FROM news WHERE news MATCH ?", (query,)).fetchone()[0])


@pytest.fixture(scope="module", params=[3000, pytest.param(None, marks=pytest.mark.long)], ids=["sample", "whole"])
def collection(request: pytest.FixtureRequest, corpora: Path) -> News:
    return News(corpora, request.param)


def _compare(queries: Sequence[tuple[str, int]], index: Any) -> None:
    wrong = [(query, expected, found) for query, expected in queries
             if (found := index.count(query, unit="documents")) != expected]
    assert wrong == []
    assert sum(expected > 0 for _, expected in queries) * 4 > len(queries)


def test_phrases_are_in_as_many_documents_as_fts5_says(collection: News) -> None:
    phrases = ['"' + " ".join(collection.near(collection.rng.randint(2, 4))) + '"' for _ in range(QUERIES)]
    _compare([(p, collection.of_fts5(p)) for p in phrases], collection.index)


def test_near_pairs_are_in_as_many_documents_as_fts5_says(collection: News) -> None:
    queries = []
    for _ in range(QUERIES):
        n = collection.rng.randint(1, 12)
        a, b = collection.near(2, n + 2)
        queries.append((f"={b} W/{n} ={a}", collection.of_fts5(f'NEAR("{a}" "{b}", {n - 1})')))
    _compare(queries, collection.index)


def test_phrases_are_in_as_many_documents_as_tantivy_says(collection: News) -> None:
    tantivy = pytest.importorskip("tantivy")
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace")
    schema = builder.build()
    peer = tantivy.Index(schema)
    writer = peer.writer()
    for text in collection.texts:
        writer.add_document(tantivy.Document(text=text))
    writer.commit()
    peer.reload()
    searcher = peer.searcher()
    queries = []
    for _ in range(QUERIES):
        words = collection.near(collection.rng.randint(2, 4))
        phrase = tantivy.Query.phrase_query(schema, "text", words)
        queries.append((f'"{" ".join(words)}"', searcher.search(phrase, limit=1, count=True).count))
    _compare(queries, collection.index)

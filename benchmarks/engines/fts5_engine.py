"""SQLite FTS5 from the standard library: contentless, all positions; journal and sync off while building, mapped and cached to answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Callable, Sequence

from benchmarks.queries import Query

SETTINGS = "contentless, detail=full, tokenizer ascii; optimized; mmap 1 GB, page cache 256 MB"


def version() -> str:
    return sqlite3.sqlite_version


def build(texts: Sequence[str], folder: Path) -> None:
    folder.mkdir()
    db = sqlite3.connect(folder / "fts5.db")
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE VIRTUAL TABLE t USING fts5(x, content='', tokenize='ascii')")
    with db:
        db.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", enumerate(texts, 1))
        db.execute("INSERT INTO t(t) VALUES ('optimize')")
    db.close()


def size_bytes(folder: Path) -> int:
    """Pages in use: those that optimizing freed stay in the file."""
    db = sqlite3.connect(folder / "fts5.db")
    used, free, page = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    db.close()
    return int((used - free) * page)


class Engine:
    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(f"file:{folder / 'fts5.db'}?mode=ro", uri=True)
        self.db.execute("PRAGMA mmap_size = 1073741824")
        self.db.execute("PRAGMA cache_size = -262144")

    def prepare(self, query: Query, top: int = 0) -> Callable[[], int]:
        run = self.db.execute
        match = f'NEAR("{query.a}" "{query.b}", {query.within - 1})' if query.within else f'"{query.a} {query.b}"'
        if top:
            ranked = "SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?"
            return lambda: len(run(ranked, (match, top)).fetchall())
        return lambda: int(run("SELECT count(*) FROM t WHERE t MATCH ?", (match,)).fetchone()[0])

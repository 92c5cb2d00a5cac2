"""Where the articles for benchmarks come from, and their text folded to what all engines cut into the same words."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import unicodedata
from itertools import islice
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 39  # Tantivy and others drop longer words


def fail(message: str) -> None:
    """One line and exit status 2."""
    print(f"benchmarks: {message}", file=sys.stderr)
    raise SystemExit(2)


def folder() -> Path:
    return Path(os.environ.get("PRESSMARK_CORPORA") or ROOT.parent / "shared" / "corpora")


def find(source: str) -> Path:
    """A file by its path, or by its name among the corpora, packed or not."""
    for path in (Path(source), folder() / source, folder() / f"{source}.zst"):
        if path.is_file():
            return path
    fail(f"no {source} here nor among the corpora; name a JSONL file of articles with --source, or their folder with PRESSMARK_CORPORA")
    raise AssertionError


def lines(path: Path) -> Iterator[str]:
    if path.suffix != ".zst":
        with path.open(encoding="utf-8") as plain:
            yield from plain
        return
    try:
        import zstandard
    except ImportError:
        fail(f"{path.name} is packed; pip install -r benchmarks/requirements.txt, or unpack it")
    with path.open("rb") as packed:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed)
        yield from io.TextIOWrapper(stream, encoding="utf-8")


def rows(source: str, limit: int | None = None) -> list[dict[str, str]]:
    """The articles' titles and texts."""
    found = (json.loads(line) for line in islice(lines(find(source)), limit))
    return [{"title": row.get("title") or "", "text": row["text"]} for row in found]


def text_bytes(articles: list[dict[str, str]]) -> int:
    return sum(len(value.encode()) for row in articles for value in row.values())


def unpacked(source: str, limit: int | None, into: Path) -> Path:
    """A plain JSONL file of the articles: the source itself where it is one, else a copy under into."""
    path = find(source)
    if path.suffix != ".zst" and limit is None:
        return path
    copy = into / "articles.jsonl"
    with copy.open("w", encoding="utf-8") as out:
        out.writelines(islice(lines(path), limit))
    return copy


def folded(articles: list[dict[str, str]]) -> list[str]:
    """Title and text in [a-z0-9 ] alone, accents stripped."""
    out = []
    for row in articles:
        text = unicodedata.normalize("NFKD", f"{row['title']} {row['text']}").lower()
        words = re.sub(r"[^a-z0-9]+", " ", re.sub(r"[\u0300-\u036f]", "", text)).split()
        out.append(" ".join(w for w in words if len(w) <= LONGEST))
    return out

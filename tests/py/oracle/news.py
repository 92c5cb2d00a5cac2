"""The shared news articles, where they are: never part of the repository."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]


def folder() -> Path | None:
    """The folder of corpora: `PRESSMARK_CORPORA`, or `shared/corpora` beside the checkout; None where neither is."""
    named = os.environ.get("PRESSMARK_CORPORA")
    path = Path(named) if named else _ROOT.parent / "shared" / "corpora"
    return path if path.is_dir() else None


def articles(path: Path, count: int | None = None) -> Iterator[dict[str, str]]:
    """The first `count` articles of `news.jsonl.zst` in a folder of corpora, or all: id, date, outlet, title, text."""
    file = path / "news.jsonl.zst"
    if shutil.which("zstd"):
        with subprocess.Popen(["zstd", "-d", "--long=27", "-c", str(file)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as unpack:
            assert unpack.stdout is not None
            yield from map(json.loads, itertools.islice(unpack.stdout, count))
            unpack.kill()
        return
    import zstandard

    with file.open("rb") as packed:
        lines = io.BufferedReader(zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed))
        yield from map(json.loads, itertools.islice(lines, count))

"""One module an engine, one contract: build(texts, folder) makes a positional index on one thread; Engine(folder) opens it;
prepare(query, top) gives a function without arguments that answers it: the number of documents, or of the first top hits.
size_bytes(folder) leaves out what a build has freed again."""

from importlib import import_module
from pathlib import Path
from typing import Any

NAMES = ("pressmark", "fts5", "tantivy")


def load(name: str) -> Any:
    """The engine's module; ImportError where its package is not installed."""
    return import_module(f"benchmarks.engines.{name}_engine")


def folder_bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())

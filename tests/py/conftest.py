"""What all Python tests share: tiers, and the corpora that are not part of the repository.

The short tier is what `pytest` runs; tests marked `long` run only where `-m` names them (`pytest -m long`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle import news


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: minutes to hours; runs only where -m names it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "long" in (config.option.markexpr or ""):
        return
    skip = pytest.mark.skip(reason="long tier: pytest -m long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of corpora; skips where it is absent."""
    folder = news.folder()
    if folder is None:
        pytest.skip("the corpora are absent: set PRESSMARK_CORPORA to their folder")
    return folder

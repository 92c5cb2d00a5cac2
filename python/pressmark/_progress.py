"""A progress bar: tqdm's where it is installed, else one line on stderr."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any, Callable, TypeAlias

Progress: TypeAlias = bool | Callable[[int, int | None], object] | None

_LARGE = 32 << 20  # bytes from which a bar is shown at once
_PATIENCE = 5.0  # seconds after which it is shown in any case
_EVERY = 0.1  # seconds between two drawings


def _someone_looks() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


class _Line:
    """The bar where tqdm is not installed."""

    def __init__(self, total: int | None, unit: str) -> None:
        self.total, self.unit, self.n = total, unit, 0
        self.began = time.monotonic()

    def _amount(self, n: float) -> str:
        return f"{n / 1e6:,.0f} MB" if self.unit == "B" else f"{n:,.0f} {self.unit}"

    def refresh(self) -> None:
        done = self._amount(self.n)
        if self.total:
            part = min(1.0, self.n / self.total)
            done = f"{part:4.0%} |{'#' * int(part * 30):30}| {done} of {self._amount(self.total)}"
        seconds = time.monotonic() - self.began
        rate = self._amount(self.n / seconds) if seconds > 0 else ""
        print(f"\rindexing {done}, {seconds:.0f} s, {rate}/s ", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        self.refresh()
        print(file=sys.stderr)


def _tqdm(total: int | None, unit: str) -> Any:
    try:
        bar = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return _Line(total, unit)
    return bar(total=total, unit=unit, unit_scale=True, desc="indexing", leave=False)


class Meter:
    """Says how far the work is: `at(n)` at any time, `close()` at the end.

    wanted: True, False, a callable (done, total or None), or None: a bar where someone looks and the work is long.
    """

    def __init__(self, wanted: Progress, total: int | None, unit: str) -> None:
        self._call = wanted if callable(wanted) else None
        self._total, self._unit = total, unit
        self._bar: Any = None
        self._began = self._drawn = time.monotonic()
        self._may = wanted is True or (wanted is None and _someone_looks())
        self._at_once = wanted is True or (unit == "B" and (total or 0) > _LARGE)

    def at(self, n: int) -> None:
        if self._call is not None:
            self._call(n, self._total)
        now = time.monotonic()
        if not self._may or (self._bar is not None and now - self._drawn < _EVERY):
            return
        if self._bar is None:
            if not self._at_once and now - self._began < _PATIENCE:
                return
            self._bar = _tqdm(self._total, self._unit)
        self._drawn = now
        self._bar.n = n
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

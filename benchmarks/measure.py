"""Clocks, statistics, tables and the JSON that a run leaves behind."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

RESULTS = Path(__file__).resolve().parent / "results"


def processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def machine() -> dict[str, Any]:
    return {"processor": processor(), "cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


def commit() -> str:
    """The checkout's commit, with + where files were changed since; "unknown" without git."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=RESULTS.parent, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def use_cores(n: int) -> None:
    """Keeps this process to n cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-n:])


def interleaved(calls: Mapping[str, Sequence[Callable[[], Any]]], rounds: int) -> dict[str, list[list[int]]]:
    """Nanoseconds of every call of every engine, one list a call, one entry a round. Each round puts all queries to one engine after
    the other, beginning with another engine each time; one unmeasured round comes first."""
    clock = time.perf_counter_ns
    took: dict[str, list[list[int]]] = {name: [[] for _ in queue] for name, queue in calls.items()}
    names = list(calls)
    for r in range(-1, rounds):
        turn = r % len(names)
        for name in names[turn:] + names[:turn]:
            for call, times in zip(calls[name], took[name]):
                start = clock()
                call()
                end = clock()
                if r >= 0:
                    times.append(end - start)
    return took


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def summary(times_ns: Sequence[Sequence[int]]) -> dict[str, float]:
    """Microseconds over queries: mean, p50, p99 of each query's median, and the mean of its minimum."""
    medians = [statistics.median(t) / 1000 for t in times_ns]
    return {"mean": statistics.fmean(medians), "p50": percentile(medians, 0.5), "p99": percentile(medians, 0.99),
            "mean_of_minima": statistics.fmean(min(t) for t in times_ns) / 1000}


def short(x: float) -> str:
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}"


def table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Markdown."""
    def row(cells: Sequence[Any]) -> str:
        return "| " + " | ".join(short(c) if isinstance(c, float) else str(c) for c in cells) + " |"

    return "\n".join([row(head), "|---" * len(head) + "|", *map(row, lines)])


def save(name: str, result: dict[str, Any], folder: str | None) -> Path:
    """Writes the result with the machine and the commit as JSON; returns its path."""
    where = Path(folder) if folder else RESULTS
    where.mkdir(parents=True, exist_ok=True)
    path = where / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "commit": commit(), **result}, indent=1) + "\n", encoding="utf-8")
    return path

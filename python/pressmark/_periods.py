"""Counts by day, week, month, quarter and year, without gaps."""

from __future__ import annotations

import datetime as dt
from typing import Any, Mapping, Sequence

from pressmark import _core
from pressmark._table import block_of

PERIODS = ("day", "week", "month", "quarter", "year")
_MONDAY = 1  # date.toordinal() of the first Monday, 0001-01-01
_COUNTS = ("hits", "documents", "tokens", "all_documents")


def check_period(by: str) -> None:
    if by not in PERIODS:
        raise ValueError(f"by is one of {', '.join(map(repr, PERIODS))}, not {by!r}")


def date_column(facts: Mapping[str, Any]) -> str:
    name: str = facts["date_column"]
    if not name:
        raise ValueError("the index has no date column; name one with date= when it is built")
    return name


def number_of_period(day: dt.date, by: str) -> int:
    """Periods of one length are numbered without gaps."""
    if by == "day":
        return day.toordinal()
    if by == "week":
        return (day.toordinal() - _MONDAY) // 7
    return day.year if by == "year" else day.year * 12 + day.month - 1 if by == "month" else day.year * 4 + (day.month - 1) // 3


def name_of_period(number: int, by: str) -> str:
    """2020-01-08, 2020-W02 (ISO 8601: the week of the year's first Thursday is W01), 2020-01, 2020-Q1, 2020: names sort as periods do."""
    if by == "day":
        return dt.date.fromordinal(number).isoformat()
    if by == "week":
        year, week, _ = dt.date.fromordinal(number * 7 + _MONDAY).isocalendar()
        return f"{year:04}-W{week:02}"
    if by == "year":
        return f"{number:04}"
    return f"{number // 12:04}-{number % 12 + 1:02}" if by == "month" else f"{number // 4:04}-Q{number % 4 + 1}"


def by_period(days: _core.Block, by: str) -> _core.Block:
    """From counts by day (value, then counts) to counts by period: every period from the first to the last, then what has no date."""
    sums: dict[int | None, list[int]] = {}
    for value, *counts in days.rows(0, len(days)):
        period = None if value is None else number_of_period(dt.date.fromisoformat(value[:10]), by)
        row = sums.setdefault(period, [0] * len(_COUNTS))
        for i, n in enumerate(counts):
            row[i] += n
    known = [p for p in sums if p is not None]
    periods: list[int | None] = list(range(min(known), max(known) + 1)) if known else []
    if None in sums:
        periods.append(None)
    zeros: Sequence[int] = [0] * len(_COUNTS)
    columns: dict[str, list[Any]] = {"period": [None if p is None else name_of_period(p, by) for p in periods]}
    for i, name in enumerate(_COUNTS):
        columns[name] = [sums.get(p, zeros)[i] for p in periods]
    columns["per_million"] = [h * 1e6 / t if t else None for h, t in zip(columns["hits"], columns["tokens"])]
    columns["share"] = [d / a if a else None for d, a in zip(columns["documents"], columns["all_documents"])]
    return block_of(columns, {"period": "str", "per_million": "float", "share": "float", **dict.fromkeys(_COUNTS, "int")})

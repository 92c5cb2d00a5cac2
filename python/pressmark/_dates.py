"""Dates of articles, from whatever form they come in.

A time zone is dropped and the wall time kept as it is written: "2020-01-08T12:30:00Z" and "2020-01-08T12:30:00+03:00" are both half
past twelve on 8 January. Day and month given as two numbers ("08/01/2020") have two readings and count as impossible.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)

_MONTHS = {name: i + 1 for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}
_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_CLOCK = (r"(?:[\s,|–—-]*(?:at\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
          r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>z|utc|gmt|[a-z]{3,4}|[+-]\d{2}:?\d{2})?(?:\s*\([a-z]+\))?)?\s*")
_WEEKDAY = r"\s*(?:(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\.?,?\s+)?"
_DAY_OF = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_FORMS = [re.compile(_WEEKDAY + form + _CLOCK, re.I | re.A) for form in (
    rf"{_DAY_OF}[\s./-]+(?:of\s+)?{_MONTH}[\s,./-]+(?P<year>\d{{4}})",  # 8 Jan 2020, 19-OCT-1987, Wed, 08 Jan 2020
    rf"{_MONTH}\s+{_DAY_OF},?\s+(?P<year>\d{{4}})",  # January 8, 2020
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",  # 2020/1/8, 2020-01-08 12:30
)]
_CTIME = re.compile(_WEEKDAY + rf"{_MONTH}\s+{_DAY_OF}\s+(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
                    r"(?P<fraction>)(?P<half>)\s+(?:[a-z]{3,4}\s+)?(?P<year>\d{4})\s*", re.I | re.A)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.A)


def _hour(text: str, half: str | None) -> int:
    hour = int(text)
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    return hour


def _of_match(m: re.Match[str]) -> dt.datetime | dt.date:
    month = m["month"]
    day = dt.date(int(m["year"]), int(month) if month.isdigit() else _MONTHS[month[:3].lower()], int(m["day"]))
    if m["hour"] is None:
        return day
    fraction = int((m["fraction"] or "0")[:6].ljust(6, "0"))
    second = min(int(m["second"] or 0), 59)  # a leap second
    return dt.datetime.combine(day, dt.time(_hour(m["hour"], m["half"]), int(m["minute"]), second, fraction))


def parse_text(text: str) -> dt.datetime | dt.date | None:
    """The date in a text; a datetime where it has a time of day; None where it cannot be read or does not exist."""
    text = text.strip()
    try:
        if _ISO_DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
        if _ISO_DAY.match(text):
            try:
                return dt.datetime.fromisoformat(text).replace(tzinfo=None)
            except ValueError:
                pass
        for form in (*_FORMS, _CTIME):
            m = form.fullmatch(text)
            if m:
                return _of_match(m)
    except ValueError:
        pass
    return None


def parse_iso(text: str) -> dt.datetime | dt.date | None:
    """As parse_text, for texts that begin with year-month-day alone."""
    return parse_text(text) if _ISO_DAY.match(text) else None


def of_value(value: Any) -> dt.datetime | dt.date | None:
    """The date in a value of a date column: text, date or datetime; None for all else. A datetime at midnight is a day."""
    if isinstance(value, str):
        return parse_text(value)
    if isinstance(value, dt.datetime):
        plain = value.replace(tzinfo=None)
        return plain.date() if plain.time() == dt.time(0) else plain
    return value if isinstance(value, dt.date) else None


def microseconds(value: dt.datetime | dt.date) -> int:
    """Microseconds since 1970-01-01T00:00 of a day's start or a local time."""
    if isinstance(value, dt.datetime):
        return (value - EPOCH) // _MICROSECOND
    return (value - EPOCH.date()) // _MICROSECOND


def of_microseconds(us: int, timed: bool) -> dt.datetime | dt.date:
    at = EPOCH + us * _MICROSECOND
    return at if timed else at.date()

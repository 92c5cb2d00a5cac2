"""Tables as aligned text and as HTML. Everything that came from a document is escaped."""

from __future__ import annotations

import datetime as dt
import html
import os
import shutil
from typing import Any, Sequence

from pressmark._width import cut_width, shown_width

HEAD = 20  # rows that a long table shows
_LEAST = 12  # columns are not cut below this width
_NAMES = ("doc", "key", "query", "hit")  # columns that are cut last


def is_day(value: Any) -> bool:
    """Whether a date has no time of day (midnight counts as none)."""
    return not isinstance(value, dt.datetime) or value.time() == dt.time(0)


def day_column(values: Sequence[Any], kind: str) -> bool:
    """Whether a column of times is shown as days."""
    return kind == "time" and all(v is None or is_day(v) for v in values)


def shown(value: Any, days: bool = False, full: bool = False) -> str:
    """One value as text on one line. full: numbers as they are, without thousands separators."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if full else f"{value:,}"
    if isinstance(value, float):
        return repr(value) if full else _shown_float(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if days else value.isoformat(" ")
    return str(value) if full else " ".join(str(value).split())


def _shown_float(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{value:.3g}"


def terminal_width() -> int:
    """Columns to write for: the terminal's, or 120 where there is none."""
    return shutil.get_terminal_size((120, 24)).columns if "COLUMNS" in os.environ or os.isatty(1) else 120


def _fit(widths: list[int], room: int, flexible: list[bool], least: int) -> list[int]:
    """Column widths that fit into room, if they can: the widest flexible ones give way first, none below least."""
    widths = list(widths)
    while sum(widths) > room:
        able = [i for i, w in enumerate(widths) if flexible[i] and w > least]
        if not able:
            break
        most = max(widths[i] for i in able)
        second = max([widths[i] for i in able if widths[i] < most], default=least)
        wide = [i for i in able if widths[i] == most]
        give = min(most - max(second, least), -(-(sum(widths) - room) // len(wide)))
        for i in wide:
            widths[i] -= max(give, 1)
    return widths


def _pad(text: str, width: int, right: bool) -> str:
    gap = " " * (width - shown_width(text))
    return gap + text if right else text + gap


def aligned(names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None,
            context: bool = False) -> str:
    """Rows under their names. kinds: 'int', 'float', 'bool', 'time', 'str'. width: columns to fit into, None for no cutting.
    context: a column 'left' ends where 'hit' begins, so it is cut at its start and aligned to the right."""
    columns = list(zip(*rows)) if rows else [() for _ in names]
    days = [day_column(c, k) for c, k in zip(columns, kinds)]
    cells = [[shown(v, d) for v in c] for c, d in zip(columns, days)]
    names = [" ".join(n.split()) for n in names]
    widths = [max([shown_width(n), *map(shown_width, c)]) for n, c in zip(names, cells)]
    leftward = [context and n == "left" for n in names]
    right = [k in ("int", "float") or x for k, x in zip(kinds, leftward)]
    if width is not None and names:
        room = width - 2 * (len(names) - 1)
        texts = [k == "str" for k in kinds]
        widths = _fit(widths, room, [t and n not in _NAMES for t, n in zip(texts, names)], _LEAST)
        widths = _fit(widths, room, texts, _LEAST)
    lines = ["  ".join(_pad(cut_width(n, w), w, r) for n, w, r in zip(names, widths, right)).rstrip()]
    for i in range(len(rows)):
        row = (_pad(cut_width(c[i], w, x), w, r) for c, w, x, r in zip(cells, widths, leftward, right))
        lines.append("  ".join(row).rstrip())
    return "\n".join(lines)


def escaped(text: str) -> str:
    return html.escape(text, quote=True)


def html_table(names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[Any]], context: bool = False,
               raw: dict[tuple[int, int], str] | None = None) -> str:
    """An HTML table. raw: cells (row, column) that are HTML already."""
    columns = list(zip(*rows)) if rows else [() for _ in names]
    days = [day_column(c, k) for c, k in zip(columns, kinds)]
    raw = raw or {}

    def cell(r: int, c: int, value: Any) -> str:
        text = raw.get((r, c)) or escaped(shown(value, days[c]))
        if context and names[c] == "hit":
            text = f"<b>{text}</b>"
        side = "right" if kinds[c] in ("int", "float") or context and names[c] == "left" else "left"
        return f'<td style="text-align:{side}">{text}</td>'

    head = "".join(f'<th style="text-align:left">{escaped(n)}</th>' for n in names)
    body = "".join("<tr>" + "".join(cell(r, c, v) for c, v in enumerate(row)) + "</tr>\n" for r, row in enumerate(rows))
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"


def more_line(shown_rows: int, rows: int) -> str:
    return f"… {rows - shown_rows:,} more" if rows > shown_rows else ""


def html_lines(lines: Sequence[str]) -> str:
    """Small lines under a table."""
    return "".join(f'<div style="font-size:smaller;opacity:.75">{escaped(x)}</div>\n' for x in lines if x)


def facts_html(title: str, facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f'<tr><th style="text-align:left">{escaped(k)}</th><td style="text-align:left">{escaped(v)}</td></tr>\n'
                   for k, v in facts)
    return f"<table>\n<caption>{escaped(title)}</caption>\n<tbody>\n{rows}</tbody>\n</table>"

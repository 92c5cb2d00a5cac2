"""How many columns of a terminal a text takes."""

from __future__ import annotations

import unicodedata


def _char_width(c: str) -> int:
    if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def shown_width(text: str) -> int:
    """Columns that text takes on a terminal: wide East Asian characters and emoji two, combining marks none."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def cut_width(text: str, width: int, from_start: bool = False) -> str:
    """The text, or as much of it as fits into width columns with "…" where it was cut: at its end, or at its start."""
    if shown_width(text) <= width:
        return text
    room, kept = width - 1, []
    for c in reversed(text) if from_start else text:
        room -= _char_width(c)
        if room < 0:
            break
        kept.append(c)
    while from_start and kept and _char_width(kept[-1]) == 0:
        kept.pop()  # a mark whose letter was cut off
    return "…" + "".join(reversed(kept)) if from_start else "".join(kept) + "…"

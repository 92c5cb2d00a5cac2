"""The part of a text that shows best why it was found."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Iterable, Sequence

from pressmark._display import escaped

_WIDTH = 190  # code points, about 30 words
_SNAP = 24  # how far an edge may move to stand between words


@dataclass(frozen=True)
class Snippet:
    """A line of text in which marks (half-open, increasing) are what was found."""

    line: str
    marks: tuple[tuple[int, int], ...]

    def _marked(self, before: str, after: str, escape: bool) -> str:
        out, at = [], 0
        for lo, hi in self.marks:
            gap, hit = self.line[at:lo], self.line[lo:hi]
            out += [escaped(gap), before, escaped(hit), after] if escape else [gap, before, hit, after]
            at = hi
        rest = self.line[at:]
        return "".join(out) + (escaped(rest) if escape else rest)

    def text(self) -> str:
        return self._marked("**", "**", False)

    def html(self) -> str:
        return self._marked("<b>", "</b>", True)


class Weights:
    """How much a word found says: the rarer among all that was found, the more."""

    def __init__(self, found: Iterable[str]) -> None:
        self._counts = Counter(word.casefold() for word in found)

    def of(self, word: str) -> float:
        return 1 / max(1, self._counts[word])


def _best(text: str, spans: Sequence[tuple[int, int]], weights: Weights) -> tuple[tuple[float, int], int, int]:
    """(score, first, last + 1) of the window whose different words weigh most, then with most hits; the earliest of equals."""
    names = [text[lo:hi].casefold() for lo, hi in spans]
    inside: Counter[str] = Counter()
    best, last = ((0.0, 0), 0, 1), 0
    for first, (lo, _) in enumerate(spans):
        while last < len(spans) and (last <= first or spans[last][1] <= lo + _WIDTH):
            inside[names[last]] += 1
            last += 1
        score = (round(sum(map(weights.of, inside)), 9), last - first)
        if score > best[0]:
            best = (score, first, last)
        inside[names[first]] -= 1
        if not inside[names[first]]:
            del inside[names[first]]
    return best


def _edges(text: str, lo: int, hi: int) -> tuple[int, int]:
    """A window of about _WIDTH around [lo, hi), its edges between words."""
    slack = max(0, _WIDTH - (hi - lo))
    a = max(0, lo - slack // 2)
    b = min(len(text), a + (hi - lo) + slack)
    a = max(0, min(a, b - (hi - lo) - slack))
    if a > 0:
        m = re.compile(r"\s\S").search(text, a - 1, min(lo + 1, a + _SNAP))
        a = m.start() + 1 if m else a
    if b < len(text):
        tail = text[max(hi, b - _SNAP) : b + 1]
        cut = max((i for i, c in enumerate(tail) if c.isspace()), default=-1)
        b = max(hi, b - _SNAP) + cut if cut >= 0 else b
    return a, b


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for lo, hi in sorted(spans):
        if out and lo < out[-1][1]:
            out[-1] = (out[-1][0], max(hi, out[-1][1]))
        else:
            out.append((lo, hi))
    return out


def _line_of(text: str, a: int, b: int, spans: Iterable[tuple[int, int]]) -> Snippet:
    """text[a:b] on one line, runs of white space as one, with the spans inside as marks."""
    line = "…" if text[:a].strip() else ""
    marks, at = [], a

    def add(upto: int) -> None:
        nonlocal line, at
        piece = re.sub(r"\s+", " ", text[at:upto])
        line += piece.lstrip() if not line or line.endswith((" ", "…")) else piece
        at = upto

    for lo, hi in _merged(spans):
        if a <= lo and lo < b:
            add(lo)
            start = len(line)
            add(min(hi, b))
            marks.append((start, len(line)))
    add(b)
    line = line.rstrip()
    return Snippet(line + ("…" if b < len(text) and text[b:].strip() else ""), tuple(marks))


def snippet(text: str, spans: Sequence[tuple[int, int]], weights: Weights) -> Snippet:
    """The best window of about 30 words, given the hits in it (code points, in order); without any the beginning."""
    if not spans:
        start = len(text) - len(text.lstrip())
        return _line_of(text, start, _edges(text, start, start)[1], ())
    _, first, last = _best(text, spans, weights)
    lo = spans[first][0]
    a, b = _edges(text, lo, min(lo + 2 * _WIDTH, max(hi for _, hi in spans[first:last])))
    return _line_of(text, a, b, spans)


def window_score(text: str, spans: Sequence[tuple[int, int]], weights: Weights) -> tuple[float, int]:
    """How good the best window is: the weight of its different words, hits."""
    return _best(text, spans, weights)[0]

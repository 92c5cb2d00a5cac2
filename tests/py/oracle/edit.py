"""Another way to a collection: an index of other rows first, then sessions that add, update and delete until it holds just these.

What is deleted and what is replaced looks like the rest, so that an engine that still counts it is wrong at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

from .generate import Corpus

Row = dict[str, "str | None"]
DOOMED = "doomed"  # an outlet of documents that a filter deletes; no collection has it


@dataclass(frozen=True)
class Step:
    """A call of a session: rows to add or update, keys to delete, or a filter."""

    call: Literal["add", "update", "delete", "filter"]
    rows: tuple[Row, ...] = ()
    keys: tuple[str, ...] = ()

    def program(self) -> str:
        """The call as Python."""
        match self.call:
            case "delete":
                return f"w.delete(*{self.keys!r})"
            case "filter":
                return f"w.delete(filter='outlet:{DOOMED}')"
        return f"w.{self.call}({list(self.rows)!r})"


@dataclass(frozen=True)
class History:
    """Rows that are indexed first, the sessions after that, and whether all is merged at the end."""

    first: list[Row]
    sessions: list[list[Step]]
    optimize: bool

    def program(self) -> list[str]:
        """From the index `idx` of the rows `first` to that of the collection, as lines of Python."""
        lines = []
        for session in self.sessions:
            lines += ["with idx.writer() as w:", *(f"    {step.program()}" for step in session), "idx = idx.refresh()"]
        return [*lines, *(["idx = idx.optimize()"] if self.optimize else [])]


class _Writing:
    """Draws a history; knows which keys stand and which of them have to go."""

    def __init__(self, rng: random.Random, corpus: Corpus) -> None:
        self.rng, self.rows = rng, corpus.rows
        self.standing: set[str] = set()
        self.doomed: dict[str, bool] = {}  # key: whether the filter finds it
        self.number = 0

    def like(self, key: str) -> Row:
        """Texts of one of the rows under another key."""
        self.standing.add(key)
        return {**self.rng.choice(self.rows), "id": key}

    def doomed_row(self) -> Row:
        key, filtered = f"x{self.number}", self.rng.random() < 0.4
        self.number += 1
        self.doomed[key] = filtered
        row = self.like(key)
        return {**row, "outlet": DOOMED} if filtered else row

    def first(self, kept: int) -> list[Row]:
        """The rows that stay, in order, between such as will be replaced or deleted."""
        others = [self.like(str(row["id"])) for row in self.rows[kept:] if self.rng.random() < 0.6]
        others += [self.doomed_row() for _ in range(self.rng.randint(0, len(self.rows)))]
        places = [*[True] * kept, *[False] * len(others)]
        self.rng.shuffle(places)
        self.rng.shuffle(others)
        stay, go = iter(self.rows[:kept]), iter(others)
        return [next(stay if here else go) for here in places]

    def put(self, row: Row) -> Step:
        key = str(row["id"])
        call: Literal["add", "update"] = "update" if key in self.standing or self.rng.random() < 0.3 else "add"
        self.standing.add(key)
        return Step(call, (row,))

    def deletion(self, last: bool) -> list[Step]:
        """Steps that delete some of what has to go, at last all."""
        gone = [k for k in self.doomed if last or self.rng.random() < 0.4]
        steps = []
        if any(self.doomed.values()) and (last or self.rng.random() < 0.3):
            gone = [k for k in gone if not self.doomed[k]]
            self.doomed = {k: f for k, f in self.doomed.items() if not f}
            steps.append(Step("filter"))
        for key in gone:
            del self.doomed[key]
        if gone:
            steps.insert(self.rng.randint(0, len(steps)), Step("delete", keys=tuple(gone)))
        return steps

    def session(self, rows: list[Row], last: bool) -> list[Step]:
        steps = []
        for row in rows:
            if self.rng.random() < 0.2:
                steps.append(Step("add", (self.doomed_row(),)))
            if self.rng.random() < 0.2:
                steps += self.deletion(False)
            steps.append(self.put(row))
        return _joined([*steps, *self.deletion(last)])


def _joined(steps: list[Step]) -> list[Step]:
    """Additions in a row as one call, and updates likewise."""
    joined: list[Step] = []
    for step in steps:
        if joined and step.rows and joined[-1].call == step.call:
            joined[-1] = Step(step.call, joined[-1].rows + step.rows)
        else:
            joined.append(step)
    return joined


def history(corpus: Corpus, seed: int) -> History:
    """The history of a seed that ends with the collection, in its order."""
    rng = random.Random(seed)
    writing = _Writing(rng, corpus)
    n = len(corpus.rows)
    kept = rng.randint(min(n, 1), n)
    first = writing.first(kept)
    writing.standing |= {str(row["id"]) for row in corpus.rows[:kept]}
    cuts = sorted(rng.randint(kept, n) for _ in range(rng.randint(0, 2)))
    bounds = [kept, *cuts, n]
    sessions = [writing.session(corpus.rows[lo:hi], hi == n and i == len(cuts))
                for i, (lo, hi) in enumerate(zip(bounds, bounds[1:]))]
    return History(first, sessions, rng.random() < 0.3)


def replay(index: Any, past: History) -> Any:
    """The index of the last generation, from that of the rows that came first."""
    for session in past.sessions:
        with index.writer() as w:
            for step in session:
                if step.call == "filter":
                    w.delete(filter=f"outlet:{DOOMED}")
                elif step.call == "delete":
                    deleted = w.delete(*step.keys)
                    assert deleted == len(step.keys), f"{deleted} of {len(step.keys)} keys were deleted"
                else:
                    put = w.add if step.call == "add" else w.update
                    put(list(step.rows))
        index = index.refresh()
    return index.optimize() if past.optimize else index

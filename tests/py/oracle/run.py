"""Many random cases, counted: what the short tier and the long tier of the differential test both run."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import compare, shrink
from .engine import Engine, TooMany
from .generate import Corpus, Queries, large, news, synthetic
from .tree import Node, pairs, render

Compare = Callable[[Any, Engine, Node, str], str | None]
QUERIES_PER_CORPUS = 40
LARGE_SHARE = 0.03
NEWS_SHARE = 0.2
RANKED_SHARE = 0.1
EDITED_SHARE = 0.4  # of collections: also as an index that sessions have come to
MOST_FAILURES = 5


@dataclass(frozen=True)
class Way:
    """How an index comes to hold a collection: in one segment or several; edits: the seed of its sessions, None: at once."""

    split: bool
    edits: int | None = None


@dataclass
class Report:
    """What a run found."""

    cases: int = 0
    with_hits: int = 0
    hits: int = 0
    skipped: int = 0
    seconds: float = 0.0
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Takes in another run's numbers; times are kept apart."""
        for name in ("cases", "with_hits", "hits", "skipped", "failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.pairs += other.pairs
        self.failures += other.failures

    def table(self) -> str:
        """Cases by operator and operand, operators as rows."""
        rows = sorted({p for p, _ in self.pairs})
        columns = sorted({c for _, c in self.pairs})
        lines = [" " * 9 + "".join(f"{c:>10}" for c in columns)]
        lines += [f"{r:9}" + "".join(f"{self.pairs[r, c] or '':>10}" for c in columns) for r in rows]
        return "\n".join(lines)


def corpus_of(seed: str, articles: Sequence[dict[str, str]]) -> tuple[random.Random, Corpus]:
    """The collection of a seed, and the source of chance for its queries."""
    rng = random.Random(seed)
    if rng.random() < LARGE_SHARE:
        return rng, large(rng)
    return rng, news(rng, articles) if articles and rng.random() < NEWS_SHARE else synthetic(rng)


def draw(rng: random.Random, engine: Engine) -> Node:
    """A query about the engine's collection that the engine can enumerate."""
    queries = Queries(rng, engine.documents, engine.fields)
    while True:
        query = queries.draw()
        try:
            engine.hits(query)
        except TooMany:
            continue
        return query


def kind(wrong: str) -> str:
    """What sort of difference a sentence tells of: shrinking must not come to another."""
    return wrong.split(" (")[0] if wrong.startswith("raised") else wrong.split(" ")[0].rstrip(":")


class Run:
    """Compares a module's indexes with the enumerator.

    Parameters
    ----------
    pm
        The module.
    seed
        Names the run; collection number c of it depends on nothing else.
    articles
        News to take slices of; synthetic collections only if empty.
    """

    def __init__(self, pm: Any, seed: int, articles: Sequence[dict[str, str]] = ()) -> None:
        self.pm, self.seed, self.articles = pm, seed, articles
        self.report = Report()

    def cases(self, count: int, first: int = 0, step: int = 1) -> Report:
        """Runs `count` cases over collections first, first + step, ...; stops early after some failures."""
        began = time.perf_counter()
        number = first
        while self.report.cases < count and len(self.report.failures) < MOST_FAILURES:
            self._corpus(number, min(QUERIES_PER_CORPUS, count - self.report.cases))
            number += step
        self.report.seconds = time.perf_counter() - began
        return self.report

    def _corpus(self, number: int, count: int) -> None:
        rng, corpus = corpus_of(f"{self.seed}:{number}", self.articles)
        ways = [Way(False), Way(True)]
        if random.Random(f"{self.seed}:{number}:edits").random() < EDITED_SHARE:
            ways.append(Way(number % 3 == 0, number))
        indexes = []
        for way in ways:
            try:
                indexes.append(compare.build(self.pm, corpus, split=way.split, edits=way.edits))
            except Exception as error:
                self._fail(f"seed {self.seed}, collection {number}, {way}: raised {type(error).__name__}: {error}\n"
                           + compare.program(corpus, way.split, way.edits))
                return
        engine = compare.enumerator(self.pm, indexes[0], corpus)
        for way, index in zip(ways[1:], indexes[1:]):
            if compare.read_documents(index, corpus) != engine.documents:
                self._fail(f"seed {self.seed}, collection {number}: tokens differ between one segment and {way}")
            wrong = compare.inventory_difference(index, indexes[0])
            if wrong:
                self._fail(f"seed {self.seed}, collection {number}, {way}: {wrong}\n"
                           + compare.program(corpus, way.split, way.edits))
        for case in range(count):
            query = draw(rng, engine)
            text = render(query, rng)
            ranked = rng.random() < RANKED_SHARE
            self._count(engine, query)
            for index, way in zip(indexes, ways):
                compared = compare.difference
                wrong = compared(index, engine, query, text)
                if not wrong and ranked:
                    compared = compare.score_difference
                    wrong = compared(index, engine, query, text)
                where = f"seed {self.seed}, collection {number}, query {case}: {text}\n"
                if wrong:
                    self._fail(where + self._reproduction(corpus, query, wrong, way, compared))
                    break
                wrong = compare.ranking_difference(index, indexes[0], text) if ranked else None
                if wrong:
                    self._fail(f"{where}{way}: {wrong}\n{compare.program(corpus, way.split, way.edits)}")
                    break
            if len(self.report.failures) >= MOST_FAILURES:
                return

    def _count(self, engine: Engine, query: Node) -> None:
        hits = len(engine.hits(query))
        self.report.cases += 1
        self.report.hits += hits
        self.report.with_hits += hits > 0
        self.report.pairs.update(set(pairs(query)))

    def _fail(self, text: str) -> None:
        self.report.failed += 1
        self.report.failures.append(text)

    def _reproduction(self, corpus: Corpus, query: Node, wrong: str, way: Way, compared: Compare) -> str:
        def check(rows: Corpus, node: Node) -> str | None:
            index = compare.build(self.pm, rows, split=way.split, edits=way.edits)
            found = compared(index, compare.enumerator(self.pm, index, rows), node, render(node))
            return found if found and kind(found) == kind(wrong) else None

        small, node = shrink.shrink(corpus, query, check)
        if (small, node) != (corpus, query):
            wrong = check(small, node) or wrong
        return shrink.reproduction(compare.program(small, way.split, way.edits), node, wrong)

"""The comparison itself: it must be silent about a right engine, and notice every fault of a wrong one."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from oracle import compare
from oracle.edit import history
from oracle.engine import Engine
from oracle.generate import Queries
from oracle.parse import parse
from oracle.run import Run, corpus_of
from oracle.standin import FAULTS, StandIn
from oracle.tree import render


def test_rendered_queries_hold_the_whole_tree() -> None:
    pm = StandIn()
    for number in range(30):
        rng, corpus = corpus_of(f"parse:{number}", ())
        engine = compare.enumerator(pm, compare.build(pm, corpus, split=False), corpus)
        queries = Queries(rng, engine.documents, engine.fields)
        for _ in range(30):
            query = queries.draw()
            assert parse(render(query)) == query
            assert parse(render(query, rng)) == query, render(query, random.Random(0))


def test_the_same_seed_gives_the_same_cases() -> None:
    first, second = (Run(StandIn(), 3).cases(200) for _ in range(2))
    assert (first.pairs, first.hits) == (second.pairs, second.hits)


def test_a_right_engine_differs_nowhere() -> None:
    report = Run(StandIn(), 4).cases(400)
    assert report.failures == []
    assert report.with_hits > 100


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault: str) -> None:
    report = Run(StandIn(fault), 1).cases(1500)
    assert report.failed


def test_histories_do_all_that_sessions_can_and_end_with_the_collection() -> None:
    pm, calls, sessions, merged = StandIn(), Counter(), Counter(), 0
    for number in range(100):
        _, corpus = corpus_of(f"history:{number}", ())
        past = history(corpus, number)
        sessions[len(past.sessions)] += 1
        merged += past.optimize
        calls.update(step.call for steps in past.sessions for step in steps)
        index = compare.build(pm, corpus, split=False, edits=number)
        assert list(index.rows.values()) == corpus.rows
    assert min(calls[c] for c in ("add", "update", "delete", "filter")) > 20
    assert min(sessions[n] for n in (1, 2, 3)) > 10 and 10 < merged < 90


def test_a_failure_is_shrunk_to_what_matters() -> None:
    report = Run(StandIn("order"), 6).cases(1500)
    shown = report.failures[0]
    assert "PRE/" in shown and "idx = pm.index(rows" in shown
    assert shown.count("'id':") == 1


def test_an_engine_that_raises_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(engine: Engine, query: object) -> None:
        raise ValueError("no")

    pm = StandIn()
    rng, corpus = corpus_of("raises", ())
    index = compare.build(pm, corpus, split=False)
    engine = compare.enumerator(pm, index, corpus)
    query = parse("a")
    monkeypatch.setattr(type(index), "hits", broken)
    assert compare.difference(index, engine, query, "a") == "raised ValueError: no"

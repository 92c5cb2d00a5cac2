"""pressmark against the enumerator, over random collections and queries: every hit, its parts, counts, order, scores.

`PRESSMARK_SEED` names another run than the usual one. The long tier is `python -m tests.py.differential`.
"""

from __future__ import annotations

import os

import pressmark as pm
import pytest
from oracle import compare, news
from oracle.generate import Corpus
from oracle.parse import parse
from oracle.run import Run

SEED = int(os.environ.get("PRESSMARK_SEED", "20200108"))
CASES = 5000

# What random cases hit rarely, or what an engine once got wrong: text, query.
FOUND_BEFORE = [
    ("rot x rot", '"rot rot"~2'),
    ("a b b c", "(a W/10 b) PRE/1 c"),
    ("in the US now", 'US OR "the US"'),
    ("a c b d", "(a W/3 b) W/1 (c W/3 d)"),
    ("a a b b", "(a W/9 b) W/9 (a W/9 b)"),
    ("x b b b y", "(x W/9 y) W/9 (b W/9 b)"),
    ("Self-defences, selfdefence, self defence", "self-defence W/9 self-defence"),
]


def _articles() -> list[dict[str, str]]:
    folder = news.folder()
    return list(news.articles(folder, 2000)) if folder else []


def test_collections_are_compared_in_several_segments_too() -> None:
    corpus = Corpus([{"id": str(i), "text": "rot x rot. Fox"} for i in range(40)], ("text",))
    segments = [compare.build(pm, corpus, split=split).info()["segments"] for split in (False, True)]
    assert segments[0] == 1 and segments[1] > 3


def test_random_queries_find_what_the_enumerator_finds() -> None:
    report = Run(pm, SEED, _articles()).cases(CASES)
    assert not report.failures, "\n\n".join(["", *report.failures])
    assert report.cases == CASES
    assert report.with_hits * 4 >= CASES


@pytest.mark.long
def test_random_queries_of_another_seed_find_what_the_enumerator_finds() -> None:
    report = Run(pm, SEED + 1, _articles()).cases(20 * CASES)
    assert not report.failures, "\n\n".join(["", *report.failures])


@pytest.mark.parametrize("split", [False, True], ids=["one segment", "several"])
@pytest.mark.parametrize("text, query", FOUND_BEFORE)
def test_query_finds_what_the_enumerator_finds(text: str, query: str, split: bool) -> None:
    corpus = Corpus([{"id": str(i), "text": words} for i, words in enumerate((text, "", "z " + text, text + " " + text))],
                    ("text",))
    index = compare.build(pm, corpus, split=split)
    engine = compare.enumerator(pm, index, corpus)
    assert compare.difference(index, engine, parse(query), query) is None
    assert compare.score_difference(index, engine, parse(query), query) is None


def test_rows_whose_dates_are_all_empty_are_searched_as_others() -> None:
    corpus = Corpus([{"id": "d0", "date": None, "text": "rot"}, {"id": "d1", "date": None, "text": "fox"}], ("text",))
    index = compare.build(pm, corpus, split=False)
    engine = compare.enumerator(pm, index, corpus)
    assert compare.difference(index, engine, parse("rot"), "rot") is None
    assert compare.score_difference(index, engine, parse("rot"), "rot") is None

"""Counts over time, by value, and of many queries at once, against counts made by hand."""

import datetime as dt
import random
from collections import Counter

import numpy as np
import pytest

import pressmark as pm

PERIODS = {
    "day": lambda d: d.isoformat(),
    "week": lambda d: "{0:04}-W{1:02}".format(*d.isocalendar()),
    "month": lambda d: f"{d.year}-{d.month:02}",
    "quarter": lambda d: f"{d.year}-Q{(d.month + 2) // 3}",
    "year": lambda d: f"{d.year}",
}


@pytest.fixture(scope="module")
def rows():
    rng, out = random.Random(7), []
    for i in range(400):
        day = dt.date(2019, 11, 1) + dt.timedelta(rng.choice((0, 3, 40, 41, 60, 61, 400)) + rng.randrange(5))
        out.append({"id": f"a{i}", "date": None if i % 9 == 0 else day.isoformat() + rng.choice(("", "T12:30")),
                    "outlet": rng.choice(("Post", "Wire", "Lark", None)),
                    "text": " ".join(rng.choices(("missile", "strike", "the", "base", "said"), k=rng.randint(0, 12)))})
    return out


@pytest.fixture(scope="module")
def index(rows):
    return pm.index(rows, key="id", progress=False)


def day_of(row):
    return None if row["date"] is None else dt.date.fromisoformat(row["date"][:10])


@pytest.mark.parametrize("by", PERIODS)
def test_trend_counts_every_period_and_what_has_no_date(index, rows, by):
    table = index.trend("missile", by=by)
    hits, documents, tokens, everything = Counter(), Counter(), Counter(), Counter()
    for row in rows:
        period = None if row["date"] is None else PERIODS[by](day_of(row))
        words = row["text"].split()
        hits[period] += words.count("missile")
        documents[period] += "missile" in words
        tokens[period] += len(words)
        everything[period] += 1
    periods = [r.period for r in table]
    days = [day_of(row) for row in rows if row["date"]]
    first, last = min(days), max(days)
    wanted = list(dict.fromkeys(PERIODS[by](first + dt.timedelta(i)) for i in range((last - first).days + 1)))
    assert periods == [*wanted, None]
    for r in table:
        assert (r.hits, r.documents, r.tokens, r.all_documents) == tuple(c[r.period] for c in (hits, documents, tokens, everything))
        assert r.per_million == (pytest.approx(1e6 * r.hits / r.tokens) if r.tokens else None)
        assert r.share == (pytest.approx(r.documents / r.all_documents) if r.all_documents else None)
    assert sum(r.hits for r in table) == index.count("missile")


def test_trend_of_hits_is_that_of_their_query_and_filter(index):
    chosen = index.hits("strike", filter="outlet:post")
    assert chosen.trend(by="month").to_dicts() == index.trend("strike", by="month", filter="outlet:post").to_dicts()
    assert index.trend("$word", by="year", params={"word": "strike"}).to_dicts() == index.trend("strike", by="year").to_dicts()


def test_trend_of_what_is_not_there_is_zeros_and_says_what_is_wrong(index):
    assert {r.hits for r in index.trend("absent")} == {0}
    with pytest.raises(ValueError, match="'day', 'week', 'month', 'quarter', 'year'"):
        index.trend("a", by="decade")
    with pytest.raises(ValueError, match="no date column"):
        pm.index([{"text": "a"}], progress=False).trend("a")
    assert len(pm.index([], text="text", date="date", progress=False).trend("a")) == 0


def test_facets_count_documents_by_value(index, rows):
    counts = Counter(r["outlet"] for r in rows)
    table = index.facets("outlet")
    assert {r.outlet: r.documents for r in table} == counts
    assert [r.outlet for r in table][-1] is None
    assert sum(r.share for r in table) == pytest.approx(1)
    found = Counter(r["outlet"] for r in rows if "missile" in r["text"].split())
    table = index.facets("outlet", "missile", filter="NOT outlet:wire")
    del found["Wire"]
    assert {r.outlet: r.documents for r in table} == found
    with pytest.raises(pm.UnknownFieldError):
        index.facets("outlt")


def test_many_queries_give_the_answers_of_each(index):
    queries = ["missile", '"the base"', "missile W/3 strike", "absent"] * 5
    counts = index.count_many(queries)
    assert np.asarray(counts).tolist() == [index.count(q) for q in queries]
    assert index.count_many(queries, unit="documents", filter="outlet:post").tolist() == [
        index.count(q, unit="documents", filter="outlet:post") for q in queries]
    found = index.search_many(["missile strike", "base"], 3, snippet=False)
    assert [r.to_dicts() for r in found] == [index.search(q, 3, snippet=False).to_dicts() for q in ("missile strike", "base")]
    assert index.count_many([]).tolist() == [] and index.search_many([]) == []


def test_a_query_at_fault_among_many_is_named(index):
    with pytest.raises(pm.QuerySyntaxError) as failure:
        index.count_many(["missile", "strike ("])
    assert failure.value.__notes__ == ["of the query 'strike ('"]
    with pytest.raises(ValueError, match="unit"):
        index.count_many(["a"], unit="words")


QUERIES = ["missile strike the", "missile^3 OR (the W/2 base)", '"the base"^0.5 OR ATLEAST/2 (missile) OR FIRST/3 (said)',
           "(missile AND NOT strike) OR (the AND base)", "2 OF (missile, strike, the)", "title:the OR text:strike"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("weights", [None, {"title": 3, "text": 0.5}])
def test_parts_of_a_score_add_up_to_the_bit(query, weights):
    rng = random.Random(3)
    index = pm.index([{"title": " ".join(rng.choices(("the", "base", "US"), k=3)),
                       "text": " ".join(rng.choices(("missile", "strike", "the", "base", "said"), k=rng.randint(0, 12)))}
                      for _ in range(60)], progress=False)
    ranking = index.search(query, 60, weights=weights, snippet=False)
    assert len(ranking) > 3
    for row in ranking:
        parts = index.explain_score(query, row.doc, weights=weights)
        assert sum(p.score for p in parts) == row.score
        for p in parts:
            norm = 1.2 * (1 - 0.75 + 0.75 * p.length / p.mean_length)
            assert p.score == pytest.approx(p.boost * p.idf * p.frequency / (p.frequency + norm), abs=1e-6)
    others = set(index.keys()) - {row.doc for row in ranking}
    assert not others or len(index.explain_score(query, min(others), weights=weights)) == 0


def test_score_of_a_document_that_is_not_there(index):
    with pytest.raises(KeyError):
        index.explain_score("missile", "nobody")

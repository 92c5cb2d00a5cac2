"""The benchmarks' own machinery, on the sample articles: what is drawn, what is counted, and that both programs run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "benchmarks").exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks import corpus, engines, measure, queries  # noqa: E402

SAMPLE = "python/pressmark/sample/articles.jsonl"


@pytest.fixture(scope="module")
def texts():
    return corpus.folded(corpus.rows(str(ROOT / SAMPLE)))


def brute_force(texts, query):
    """Documents with a directly before b, or with a and b at most within words apart."""
    found = 0
    for text in texts:
        words = text.split()
        at = {word: [i for i, w in enumerate(words) if w == word] for word in (query.a, query.b)}
        if query.within:
            found += any(0 < abs(i - j) <= query.within for i in at[query.a] for j in at[query.b])
        else:
            found += any(j - i == 1 for i in at[query.a] for j in at[query.b])
    return found


def test_folded_text_is_lower_case_ascii_words(texts):
    assert len(texts) == 12
    assert all(re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", text) for text in texts)
    assert "palais evremont" in " ".join(texts)


def test_queries_are_the_same_for_the_same_seed(texts):
    first = queries.draw(texts, 25, seed=3)
    assert first == queries.draw(texts, 25, seed=3) != queries.draw(texts, 25, seed=4)
    assert len(set(first)) == len(first) and all(brute_force(texts, q) for q in first)
    assert all(1 <= q.within <= 20 and q.a != q.b if q.kind.startswith("near") else not q.within for q in first)


@pytest.mark.parametrize("name", engines.NAMES)
def test_engine_counts_what_brute_force_counts(name, texts, tmp_path):
    if name != "fts5":
        pytest.importorskip(name)
    module = engines.load(name)
    module.build(texts, tmp_path / name)
    engine = module.Engine(tmp_path / name)
    for query in queries.draw(texts, 100):
        assert engine.prepare(query)() == brute_force(texts, query), query
        assert engine.prepare(query, 10)() == min(10, brute_force(texts, query)), query
    assert module.size_bytes(tmp_path / name) > 0 and module.version()


def test_measure_interleaves_and_summarises():
    order = []
    calls = {name: [lambda name=name: order.append(name)] * 2 for name in "ab"}
    took = measure.interleaved(calls, 2)
    assert "".join(order) == "bbaa" + "aabb" + "bbaa"
    assert [[len(times) for times in took[name]] for name in "ab"] == [[2, 2], [2, 2]]
    assert measure.summary([[1000, 3000, 2000], [4000, 4000, 4000]]) == {"mean": 3.0, "p50": 2.0, "p99": 4.0, "mean_of_minima": 2.5}


@pytest.mark.parametrize("command", [["peers", "--engines", "pressmark", "fts5", "--queries", "20", "--rounds", "1"],
                                     ["build", "--threads", "1", "2", "--rounds", "1"]])
def test_benchmark_runs_on_the_sample(command, tmp_path):
    pytest.importorskip("pressmark")
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{command[0]}", *command[1:], "--source", SAMPLE, "--results", str(tmp_path)],
                          cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "| pressmark |" in done.stdout and (tmp_path / f"{command[0]}.json").exists()


def test_benchmark_without_its_corpus_says_so_in_one_line(tmp_path):
    with pytest.raises(SystemExit) as caught:
        corpus.find("no-such-articles.jsonl")
    assert caught.value.code == 2

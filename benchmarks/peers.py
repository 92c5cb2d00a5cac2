"""python -m benchmarks.peers: pressmark beside SQLite FTS5 and Tantivy, over the same folded text, on one core.

The question: how long until a program in Python knows how many articles hold a phrase, or two words near each other? Every count
is compared before anything is timed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Sequence

from benchmarks import corpus, engines, measure, queries


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", default="news.jsonl", help="JSONL of articles: a path, or a name among the corpora")
    parser.add_argument("--limit", type=int, help="the first N articles only")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--top", type=int, default=10, help="also time the best N articles; 0: counts only")
    parser.add_argument("--engines", nargs="+", default=list(engines.NAMES), choices=engines.NAMES)
    parser.add_argument("--results", help="folder for the JSON; default benchmarks/results")
    return parser.parse_args()


def loaded(names: Sequence[str]) -> dict[str, Any]:
    found = {}
    for name in names:
        try:
            found[name] = engines.load(name)
        except ImportError as e:
            corpus.fail(f"{e}; pip install . -r benchmarks/requirements.txt, or leave it out with --engines")
    return found


def build_all(modules: dict[str, Any], texts: list[str], into: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Opens a fresh index of each engine; and what building it took."""
    opened, facts = {}, []
    n_bytes = sum(map(len, texts))
    for name, module in modules.items():
        start = time.perf_counter()
        module.build(texts, into / name)
        seconds = time.perf_counter() - start
        size = module.size_bytes(into / name)
        opened[name] = module.Engine(into / name)
        facts.append({"engine": name, "version": module.version(), "settings": module.SETTINGS, "seconds": seconds,
                      "mb_per_s": n_bytes / 1e6 / seconds, "index_mb": size / 1e6, "share_of_text": size / n_bytes})
    return opened, facts


def compare_counts(opened: dict[str, Any], asked: list[queries.Query]) -> list[int]:
    """Documents of each query; ends the run where two engines disagree."""
    counts = {name: [engine.prepare(q)() for q in asked] for name, engine in opened.items()}
    wrong = [(q, got) for q, *got in zip(asked, *counts.values()) if len(set(got)) > 1]
    for q, got in wrong[:10]:
        print(f"{q.kind} {q.a} {q.b} within {q.within}:", dict(zip(counts, got)))
    if wrong:
        corpus.fail(f"{len(wrong)} of {len(asked)} counts differ; nothing was timed")
    return next(iter(counts.values()))


def by_class(took: dict[str, list[list[int]]], asked: list[queries.Query]) -> dict[str, dict[str, dict[str, float]]]:
    """class: engine: summary."""
    return {kind: {name: measure.summary([t for t, q in zip(times, asked) if q.kind == kind]) for name, times in took.items()}
            for kind in queries.CLASSES if any(q.kind == kind for q in asked)}


def print_classes(title: str, classes: dict[str, dict[str, dict[str, float]]], names: Sequence[str]) -> None:
    """Microseconds, mean / p50 / p99, and how many times longer the peers take in the mean."""
    def cell(s: dict[str, float]) -> str:
        return " / ".join(measure.short(s[x]) for x in ("mean", "p50", "p99"))

    peers = [name for name in names if name != names[0]]
    lines = [[kind, *(cell(of[name]) for name in names), *(of[name]["mean"] / of[names[0]]["mean"] for name in peers)]
             for kind, of in classes.items()]
    print(f"\n### {title}: microseconds, mean / p50 / p99\n")
    print(measure.table(["class", *names, *(f"{name} : {names[0]}" for name in peers)], lines))


def main() -> None:
    args = arguments()
    measure.use_cores(1)
    modules = loaded(args.engines)
    texts = corpus.folded(corpus.rows(args.source, args.limit))
    asked = queries.draw(texts, args.queries, args.seed)
    result: dict[str, Any] = {"articles": len(texts), "text_mb": sum(map(len, texts)) / 1e6, "queries": len(asked), "seed": args.seed,
                              "rounds": args.rounds}
    with tempfile.TemporaryDirectory(prefix="pressmark-peers-") as folder:
        opened, result["build"] = build_all(modules, texts, Path(folder))
        print(f"## {len(texts):,} articles, {result['text_mb']:.1f} MB folded to [a-z0-9 ]; one core of {measure.processor()}\n")
        print(measure.table(["engine", "version", "MB/s", "index MB", "of text"],
                            [[f["engine"], f["version"], f["mb_per_s"], f["index_mb"], f"{f['share_of_text']:.0%}"] for f in result["build"]]))
        counts = compare_counts(opened, asked)
        print(f"\n{len(asked)} counts equal in {', '.join(opened)}; median {statistics.median(counts):,g} articles.")
        for what, top in (("count", 0), (f"top{args.top}", args.top))[:2 if args.top else 1]:
            calls = {name: [engine.prepare(q, top) for q in asked] for name, engine in opened.items()}
            result[what] = by_class(measure.interleaved(calls, args.rounds), asked)
            print_classes("Count of articles" if not top else f"Best {top} articles", result[what], args.engines)
        result["counts"] = [{"kind": q.kind, "a": q.a, "b": q.b, "within": q.within, "documents": n} for q, n in zip(asked, counts)]
    print(f"\n{measure.save('peers', result, args.results)}")


if __name__ == "__main__":
    main()

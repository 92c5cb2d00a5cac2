"""python -m benchmarks.living: what it costs that a collection grows.

The question: the same articles come in 1, 10, 100 and 1,000 commits of equal size; how much longer does it take than one build, how
many segments and files are there then, how large are they, and how much slower are questions? Every number of commits has a process of
its own, on one core; counts are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import corpus, engines, measure, queries


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.living", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", default="news.jsonl", help="JSONL of articles: a path, or a name among the corpora")
    parser.add_argument("--limit", type=int, help="the first N articles only")
    parser.add_argument("--commits", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--rounds", type=int, default=7, help="of questions")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--store", action="store_true", help="keep the text")
    parser.add_argument("--results", help="folder for the JSON; default benchmarks/results")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def grow(rows: list[dict[str, str]], out: str, commits: int, store: bool) -> dict[str, Any]:
    """Builds of the first part, then commits of the others; seconds of all and of the slowest commit."""
    import pressmark as pm

    parts = [rows[len(rows) * i // commits:len(rows) * (i + 1) // commits] for i in range(commits)]
    took, start = [], time.perf_counter()
    for n, part in enumerate(parts):
        began = time.perf_counter()
        part = [{"id": f"{n}/{i}", **row} for i, row in enumerate(part)]
        if n == 0:
            pm.index(part, out, key="id", text=["title", "text"], threads=1, store=store, progress=False).close()
        else:
            with index.writer(threads=1) as w:
                w.add(part)
        index = pm.open(out)
        took.append(time.perf_counter() - began)
    return {"seconds": time.perf_counter() - start, "median_commit": statistics.median(took), "slowest_commit": max(took)}


def ask(out: str, asked: list[str], rounds: int) -> dict[str, Any]:
    import pressmark as pm

    opening = []
    for _ in range(9):
        start = time.perf_counter()
        index = pm.open(out)
        opening.append(time.perf_counter() - start)
    info = index.info()
    calls = [lambda q=q: index.count(q) for q in asked]
    counts = [call() for call in calls]
    times = measure.interleaved({"pressmark": calls}, rounds)["pressmark"]
    return {"counts": counts, "open_ms": statistics.median(opening) * 1000, "segments": info["segments"], "index_mb": info["bytes"] / 1e6,
            "files": len(os.listdir(out)), "disk_mb": engines.folder_bytes(Path(out)) / 1e6, **measure.summary(times)}


def run_child(job: dict[str, Any]) -> None:
    measure.use_cores(1)
    rows = corpus.rows(job["source"], job["limit"])
    found = grow(rows, job["out"], job["commits"], job["store"])
    print(json.dumps({"commits": job["commits"], **found, **ask(job["out"], job["queries"], job["rounds"])}))


def text_of(q: queries.Query) -> str:
    return f"={q.a} W/{q.within} ={q.b}" if q.within else f'"{q.a} {q.b}"'


def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    articles = corpus.rows(args.source, args.limit)
    asked = [text_of(q) for q in queries.draw(corpus.folded(articles), args.queries)]
    n_bytes, n = corpus.text_bytes(articles), len(articles)
    del articles
    grown = []
    for commits in args.commits:
        job = {"source": args.source, "limit": args.limit, "commits": commits, "store": args.store, "rounds": args.rounds,
               "queries": asked, "out": str(folder / str(commits))}
        done = subprocess.run([sys.executable, "-m", "benchmarks.living", "--child", json.dumps(job)], cwd=corpus.ROOT,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode:
            corpus.fail(f"{commits} commits ended with {done.returncode}")
        answer = json.loads(done.stdout.splitlines()[-1])
        if answer["counts"] != (grown[0] if grown else answer)["counts"]:
            corpus.fail(f"counts after {commits} commits differ from those after {args.commits[0]}")
        grown.append(answer)
    for answer in grown:
        del answer["counts"]
    return {"articles": n, "text_mb": n_bytes / 1e6, "store": args.store, "grown": grown,
            "version": engines.load("pressmark").version()}


def show(result: dict[str, Any]) -> None:
    first = result["grown"][0]
    print(f"## {result['articles']:,} articles, {result['text_mb']:.1f} MB of title and text; {measure.processor()}\n")
    print(measure.table(
        ["commits", "seconds", "of one build", "median commit s", "slowest s", "segments", "index MB", "files on disk", "MB on disk",
         "open ms", "mean query us", "of one build's"],
        [[g["commits"], g["seconds"], f"{g['seconds'] / first['seconds']:.2f}", g["median_commit"], g["slowest_commit"], g["segments"],
          g["index_mb"], g["files"], g["disk_mb"], g["open_ms"], g["mean"], f"{g['mean'] / first['mean']:.2f}"] for g in result["grown"]]))


def main() -> None:
    args = arguments()
    if args.child:
        run_child(json.loads(args.child))
        return
    with tempfile.TemporaryDirectory(prefix="pressmark-living-") as folder:
        result = run(args, Path(folder))
    show(result)
    print(f"\n{measure.save('living', result, args.results)}")


if __name__ == "__main__":
    main()

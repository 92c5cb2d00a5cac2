"""python -m benchmarks.build: how fast an index is built, what it weighs, how soon it answers.

The question: how long does a collection of articles take on one and on two cores, from its file and from rows in memory, without the
text stored? Each build has a process of its own. With --peers, Tantivy indexes the same rows with its English stemmer in the same run.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import corpus, engines, measure


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", default="news.jsonl", help="JSONL of articles: a path, or a name among the corpora")
    parser.add_argument("--limit", type=int, help="the first N articles only")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="Tantivy with English stems beside it, on one thread")
    parser.add_argument("--store", action="store_true", help="keep the text")
    parser.add_argument("--lang", default="english")
    parser.add_argument("--results", help="folder for the JSON; default benchmarks/results")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def peak_mb() -> float:
    """Greatest resident memory of this process so far. Linux's own count, for rusage takes the parent's over."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(encoding="utf-8"), re.M)
    except OSError:
        found = None
    return int(found[1]) / 1e3 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def build_pressmark(job: dict[str, Any]) -> dict[str, Any]:
    import pressmark as pm

    source: Any = job["file"] if job["from"] == "file" else corpus.rows(job["file"])
    before = peak_mb()
    start = time.perf_counter()
    pm.index(source, job["out"], text=["title", "text"], threads=job["threads"], store=job["store"], lang=job["lang"])
    return {"seconds": time.perf_counter() - start, "peak_mb": peak_mb(), "before_mb": before}


def build_tantivy(job: dict[str, Any]) -> dict[str, Any]:
    engine = engines.load("tantivy")
    rows = corpus.rows(job["file"])
    before = peak_mb()
    start = time.perf_counter()
    engine.write(rows, Path(job["out"]), "en_stem")
    return {"seconds": time.perf_counter() - start, "peak_mb": peak_mb(), "before_mb": before}


def open_index(job: dict[str, Any]) -> dict[str, Any]:
    """Time to open, and to open and count one word, in a process that has done nothing else; and what the index weighs."""
    import pressmark as pm

    start = time.perf_counter()
    index = pm.open(job["out"])
    opened = time.perf_counter()
    index.count("said", unit="documents")
    answered = time.perf_counter()
    info = index.info()
    sections: dict[str, int] = {}
    for _, section, size in index._live.sections().rows(0, 1 << 30):  # info() tells files; sections are the extension's to tell
        sections[section] = sections.get(section, 0) + size
    facts = {name: info[name] for name in ("documents", "tokens", "words", "segments", "bytes")}
    return {"open_ms": (opened - start) * 1000, "first_answer_ms": (answered - start) * 1000, "facts": facts, "sections": sections}


def child(job: dict[str, Any]) -> dict[str, Any]:
    """Runs one job in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.build", "--child", json.dumps(job)], cwd=corpus.ROOT,
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        corpus.fail(f"the build of {job['engine']} ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def run_child(job: dict[str, Any]) -> None:
    measure.use_cores(job.get("threads", 1))
    do = {"pressmark": build_pressmark, "tantivy": build_tantivy, "open": open_index}[job["engine"]]
    print(json.dumps(do(job)))


def jobs(args: argparse.Namespace, file: Path, folder: Path) -> list[dict[str, Any]]:
    common = {"file": str(file), "store": args.store, "lang": args.lang}
    wanted = [{"engine": "pressmark", "from": kind, "threads": n, **common} for n in args.threads for kind in ("file", "rows")]
    if args.peers:
        wanted.append({"engine": "tantivy", "from": "rows", "threads": 1, **common})
    return [{**job, "out": str(folder / f"{job['engine']}-{job['from']}-{job['threads']}")} for job in wanted]


def section_table(sections: dict[str, int], n_bytes: int) -> str:
    """Sizes by section over all files, the largest first."""
    lines = [[name, size / 1e6, f"{size / n_bytes:.1%}"] for name, size in sorted(sections.items(), key=lambda x: -x[1])]
    return measure.table(["section", "MB", "of text"], [*lines, ["all", sum(sections.values()) / 1e6, f"{sum(sections.values()) / n_bytes:.1%}"]])


def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    file = corpus.unpacked(args.source, args.limit, folder)
    articles = corpus.rows(str(file))
    n_bytes, n = corpus.text_bytes(articles), len(articles)
    del articles
    todo = jobs(args, file, folder)
    took: list[list[dict[str, Any]]] = [[] for _ in todo]
    for r in range(args.rounds):  # interleaved, so that a slow minute of the machine meets all of them
        for job, times in zip(todo, took):
            fresh = {**job, "out": f"{job['out']}-{r}"}
            times.append(child(fresh))
            if r < args.rounds - 1:
                subprocess.run(["rm", "-rf", fresh["out"]], check=True)
    builds = []
    for job, times in zip(todo, took):
        seconds = [t["seconds"] for t in times]
        size = engines.folder_bytes(Path(f"{job['out']}-{args.rounds - 1}"))
        builds.append({"engine": job["engine"], "from": job["from"], "threads": job["threads"], "seconds": seconds,
                       "mb_per_s": n_bytes / 1e6 / statistics.median(seconds), "best_mb_per_s": n_bytes / 1e6 / min(seconds),
                       "peak_mb": max(t["peak_mb"] for t in times), "before_mb": max(t["before_mb"] for t in times),
                       "index_mb": size / 1e6, "share_of_text": size / n_bytes})
    opens = [child({"engine": "open", "out": f"{todo[0]['out']}-{args.rounds - 1}"}) for _ in range(5)]
    return {"articles": n, "text_mb": n_bytes / 1e6, "store": args.store, "lang": args.lang, "builds": builds,
            "open_ms": statistics.median(o["open_ms"] for o in opens), **{x: opens[0][x] for x in ("facts", "sections")},
            "first_answer_ms": statistics.median(o["first_answer_ms"] for o in opens), "versions": versions(args.peers)}


def versions(peers: bool) -> dict[str, str]:
    return {name: engines.load(name).version() for name in (("pressmark", "tantivy") if peers else ("pressmark",))}


def show(result: dict[str, Any]) -> None:
    print(f"## {result['articles']:,} articles, {result['text_mb']:.1f} MB of title and text; {measure.processor()}\n")
    print(measure.table(
        ["engine", "from", "threads", "MB/s", "best", "index MB", "of text", "peak MB", "of it before"],
        [[b["engine"], b["from"], b["threads"], b["mb_per_s"], b["best_mb_per_s"], b["index_mb"], f"{b['share_of_text']:.1%}",
          b["peak_mb"], b["before_mb"]] for b in result["builds"]]))
    rows = {(b["engine"], b["threads"]): b for b in result["builds"] if b["from"] == "rows"}
    ours, theirs = rows.get(("pressmark", 1)), rows.get(("tantivy", 1))
    if ours and theirs:
        print(f"\nFrom rows on one thread: {ours['mb_per_s'] / theirs['mb_per_s']:.1f} times Tantivy with its English stemmer.")
    print(f"\nOpen: {result['open_ms']:.2f} ms; to the first answer: {result['first_answer_ms']:.2f} ms.\n")
    print(section_table(result["sections"], round(result["text_mb"] * 1e6)))


def main() -> None:
    args = arguments()
    if args.child:
        run_child(json.loads(args.child))
        return
    for name in ("pressmark", "tantivy") if args.peers else ("pressmark",):
        try:
            engines.load(name)
        except ImportError as e:
            corpus.fail(f"{e}; pip install . -r benchmarks/requirements.txt")
    with tempfile.TemporaryDirectory(prefix="pressmark-build-") as folder:
        result = run(args, Path(folder))
    show(result)
    print(f"\n{measure.save('build', result, args.results)}")


if __name__ == "__main__":
    main()

"""The long tier of the differential test: python -m tests.py.differential --cases 200000 --seed S --jobs 2

Prints the seed, the time, how many cases had hits, how often each operator stood over each operand, and every failure as a
program to paste. Exit status 1 where something differed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import pressmark as pm

from .oracle import news
from .oracle.run import Report, Run


def _share(seed: int, cases: int, job: int, jobs: int, n_articles: int) -> Report:
    folder = news.folder()
    articles = list(news.articles(folder, n_articles)) if folder and n_articles else []
    return Run(pm, seed, articles).cases(cases, first=job, step=jobs)


def main() -> int:
    """Runs the cases, `jobs` processes taking every jobs-th collection."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--articles", type=int, default=20_000, help="news to take slices of; 0: synthetic texts only")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.cases} cases, {options.jobs} jobs; "
          f"news: {'yes' if news.folder() and options.articles else 'no'}", flush=True)
    began = time.perf_counter()
    report = Report()
    with ProcessPoolExecutor(options.jobs) as pool:
        shares = [options.cases * (j + 1) // options.jobs - options.cases * j // options.jobs for j in range(options.jobs)]
        running = [pool.submit(_share, options.seed, share, job, options.jobs, options.articles)
                   for job, share in enumerate(shares)]
        for share in running:
            report.add(share.result())
    print(report.table())
    print(f"{report.cases} cases in {time.perf_counter() - began:.0f} s, {report.with_hits} with hits "
          f"({report.with_hits / max(report.cases, 1):.0%}), {report.hits} hits, {report.failed} failed")
    for failure in report.failures:
        print(f"\n{failure}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

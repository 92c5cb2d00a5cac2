"""memory=: a build takes no more than it was given, and its index is the same for any."""

import hashlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from oracle import news

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="anonymous memory is read from /proc")

# Prints the greatest RssAnon above that at the start, and how many runs stood at one time.
BUILD = textwrap.dedent("""
    import glob, itertools, json, random, re, sys, threading, time
    import pressmark as pm

    path, memory, threads, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    chance = random.Random(11)
    words = [f"{chance.choice('aeiou')}{chance.randrange(1 << 30):x}" for _ in range(100000)]
    weights = list(itertools.accumulate(1 / (i + 2) for i in range(len(words))))
    paragraphs = [" ".join(chance.choices(words, cum_weights=weights, k=100)) for _ in range(4000)]

    def made_up(n):
        for i in range(n):
            yield {"key": f"made-up/{i}", "outlet": f"paper {i % 90}", "text": " ".join(chance.choices(paragraphs, k=7))}

    def anonymous():
        with open("/proc/self/status", encoding="ascii") as status:
            return int(re.search(r"^RssAnon:\\s*(\\d+) kB$", status.read(), re.M)[1]) / 1024

    def watch():
        while not done.is_set():
            seen[0] = max(seen[0], anonymous())
            seen[1] = max(seen[1], len(glob.glob(glob.escape(path) + ".building-*/*.run")))
            time.sleep(0.002)

    for _ in made_up(500):
        pass
    chance.seed(12)
    rows = made_up(12000) if source == "made up" else source
    done, seen = threading.Event(), [0, 0]
    watcher = threading.Thread(target=watch)
    start = anonymous()
    watcher.start()
    pm.index(rows, path, memory=memory, threads=threads, progress=False)
    done.set()
    watcher.join()
    print(json.dumps([seen[0] - start, seen[1]]))
""")


def build(path, memory, threads, source="made up"):
    run = subprocess.run([sys.executable, "-c", BUILD, str(path), memory, str(threads), str(source)], capture_output=True, text=True,
                         timeout=1200)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def files_of(path):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.iterdir()}


@linux
@pytest.mark.parametrize("threads", [1, 16])
def test_build_keeps_to_its_memory_and_spills_without_a_trace(tmp_path, threads):
    used, runs = build(tmp_path / "spilled.pm", "64MB", threads)
    assert runs >= 2
    assert used <= 64
    used, runs = build(tmp_path / "whole.pm", "4GB", threads)
    assert runs <= 1 and used > 64  # or the other one shows nothing
    assert files_of(tmp_path / "spilled.pm") == files_of(tmp_path / "whole.pm")


@pytest.fixture(scope="module")
def news_file(corpora, tmp_path_factory):
    file = tmp_path_factory.mktemp("news") / "news.jsonl"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(article) + "\n" for article in news.articles(corpora))
    return file


@linux
@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("memory", [64, 256])
def test_build_of_the_news_keeps_to_its_memory(news_file, tmp_path, memory, threads):
    used, _ = build(tmp_path / "spilled.pm", f"{memory}MB", threads, news_file)
    assert used <= memory
    build(tmp_path / "whole.pm", "4GB", threads, news_file)
    assert files_of(tmp_path / "spilled.pm") == files_of(tmp_path / "whole.pm")

"""A collection whose documents after any commit are known from the generation's number alone, and the processes that write and read it.

    python growing.py write PATH     commits until it is killed; a line with the generation after each commit
    python growing.py read PATH      opens, compares and opens again until its input ends; the number of openings, the last generation
"""

from __future__ import annotations

import select
import sys
from typing import NamedTuple

KEPT, NAMES = 20, 7  # commits whose rows stay; keys that are updated in turn


class State(NamedTuple):
    keys: list[str]
    missiles: int  # hits
    news: int  # documents of the last commit


def rows(c):
    """What commit number c adds; a build is commit 0."""
    return [{"key": f"{c}-{i}", "n": 10 * c + i, "text": "The missile. " * (1 + (c + i) % 3) + f"Day {c}, commit{c}."} for i in range(3)]


def update(c):
    return {"key": f"u{c % NAMES}", "n": -c, "text": f"Missile strike, corrected. commit{c}"}


def expected(generation):
    last = generation - 1
    keys, missiles = [], 0
    for c in range(max(0, last - KEPT + 1), last + 1):
        for i in range(3):
            if i == 0 and (c + 5) % 10 == 0 and c + 5 <= last:  # deleted by filter
                continue
            keys.append(f"{c}-{i}")
            missiles += 1 + (c + i) % 3
        if c > last - NAMES:
            keys.append(f"u{c % NAMES}")
            missiles += 1
    return State(keys, missiles, 4)


def build(pm, path, **options):
    return pm.index([*rows(0), update(0)], path, key="key", text="text", **options)


def session(w, c):
    """What commit number c holds, without the commit."""
    w.add(rows(c))
    w.update(update(c))
    if c >= KEPT:
        w.delete(*(r["key"] for r in rows(c - KEPT) if r["n"] % 10 or (c - KEPT + 5) % 10))
    if c % 10 == 0:
        w.delete(filter=f"n:{10 * (c - 5)}")


def check(idx):
    """Every answer is that of the index's generation."""
    want, c = expected(idx.generation), idx.generation - 1
    assert idx.keys() == want.keys, (idx.generation, idx.keys(), want.keys)
    assert len(idx) == len(want.keys)
    assert idx.count("missile") == want.missiles
    assert idx.count(f"commit{c}", unit="documents") == want.news and idx.count(f"commit{c + 1}") == 0
    key = want.keys[(7 * c) % len(want.keys)]
    made = rows(int(key.split("-")[0]))[int(key.split("-")[1])] if "-" in key else update(max(d for d in range(c + 1) if d % NAMES == int(key[1:])))
    assert idx.text(key) == made["text"]
    assert all("issile" in h.text for h in idx.hits("missile"))


def write(pm, path):
    with pm.open(path).writer(timeout=60, threads=1) as w:
        while True:
            session(w, w.generation)
            print(w.commit(), flush=True)


def read(pm, path):
    opened, generation, held = 0, 0, None
    while not select.select([sys.stdin], [], [], 0.005)[0]:  # a little rest, so that others get on
        idx = pm.open(path)
        assert idx.generation >= generation, "a reader went back"
        generation, opened = idx.generation, opened + 1
        check(idx)
        if held is None or opened % 50 == 0:
            held = idx
        check(held)  # also when its files are long gone
    print(opened, generation, flush=True)


if __name__ == "__main__":
    import pressmark

    {"write": write, "read": read}[sys.argv[1]](pressmark, sys.argv[2])

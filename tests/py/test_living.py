"""A living index against a model: whatever was added, updated, deleted, committed, rolled back, merged and reopened, in any order, it
answers as an index built at once of the rows that are left.

    python tests/py/test_living.py --steps 20000 [--seed N]

is the long tier alone. The model is a list of rows; it is compared by building from scratch: hits with their parts, counts, rankings
with scores (equal to the bit), order, documents, words, notes.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, ClassVar

import pytest

hypothesis = pytest.importorskip("hypothesis")
pm = pytest.importorskip("pressmark")
from hypothesis import HealthCheck, Phase, settings, strategies as st  # noqa: E402
from hypothesis.stateful import (RuleBasedStateMachine, initialize, precondition, rule,  # noqa: E402
                                 run_state_machine_as_test)
from living import faults  # noqa: E402

WORDS = ["strike", "strikes", "Striking", "STRIKE", "US", "us", "U.S.", "base", "bases", "slap", "the", "face", "café", "cafe", "Iran's",
         "Iran’s", "弾道", "2020", "well-known", "“said", "so.”", "so.\n\n", "in", "of", "rare1", "rare2"]
QUERIES = ["strike", "US", "us", '"the face"', "strike W/4 base", "cafe AND NOT slap", "s* OR =the", "title:(base OR slap)", '"said * in"',
           "base slap rare1", "the the of", "strike NOT W/3 base", "ATLEAST/2 (the)", "FIRST/3 (strike)", "said IN quote",
           "slpa~1 OR rare1~1"]
OUTLETS = ["Mirror", "The Hill", "Élysée", "mirror"]
KEYS = [f"k{i}" for i in range(24)]
# (filter, what a row must be for it); a date alone is the whole day
FILTERS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("outlet:mirror", lambda r: (r.get("outlet") or "").casefold() == "mirror"),
    ('outlet:"the hill"', lambda r: r.get("outlet") == "The Hill"),
    ("outlet:*e*", lambda r: "e" in (r.get("outlet") or "").casefold().replace("é", "_")),
    ("n:>=3", lambda r: r.get("n") is not None and r["n"] >= 3),
    ("n:..1", lambda r: r.get("n") is not None and r["n"] <= 1),
    ("tags:x", lambda r: "x" in r.get("tags", ())),
    ("date:2020-01", lambda r: (r.get("date") or "").startswith("2020-01")),
    ("NOT outlet:mirror", lambda r: (r.get("outlet") or "").casefold() != "mirror"),
]
COLUMN_OF = {"outlet": "outlet", "n": "n", "tags": "tags", "date": "date", "NOT outlet": "outlet"}

texts = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), st.integers(1, 300)).map(lambda t: f"{t[0]} {t[1]} " * t[2]))
metadata = st.fixed_dictionaries({"date": st.sampled_from([None, "2020-01-08", "2020-01-09T12:30:00", "2020-02-01", "1999-12-31"])}, optional={
    "outlet": st.sampled_from(OUTLETS), "n": st.integers(0, 5) | st.sampled_from([0.5, 2.5]),
    "tags": st.lists(st.sampled_from("xyz"), max_size=3)})


def rows_of(keys: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    def rows(names: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
        one = [st.builds(lambda key, title, text, extra: {"key": key, "title": title, "text": text, **extra},
                         st.just(k), st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join), texts, metadata) for k in names]
        return st.tuples(*one).map(list)

    return keys.flatmap(rows)


some_keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=5)
doings = st.one_of(st.tuples(st.just("update"), rows_of(some_keys)), st.tuples(st.just("add"), rows_of(some_keys)),
                   st.tuples(st.just("delete"), some_keys), st.tuples(st.just("delete"), some_keys),
                   st.tuples(st.just("delete_by_filter"), st.sampled_from(FILTERS)))


class Living(RuleBasedStateMachine):
    steps: ClassVar[int] = 0
    rebuilt: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pressmark-living-"))
        self.limit = pm.limits.segment_tokens
        self.writer: Any = None
        self.session: list[dict[str, Any]] = []  # the rows as the open session would leave them
        self.rows: list[dict[str, Any]] = []  # as committed
        self.history: dict[int, list[dict[str, Any]]] = {}
        self.readers: list[tuple[Any, list[dict[str, Any]]]] = []

    @initialize(rows=rows_of(st.lists(st.sampled_from(KEYS), unique=True, max_size=8)), store=st.booleans(),
                segment=st.sampled_from([1500, 5000, None]), threads=st.sampled_from([1, 2]))
    def build(self, rows: list[dict[str, Any]], store: bool, segment: int | None, threads: int) -> None:
        if segment:
            pm.limits.segment_tokens = segment
        self.options, self.threads = {"store": store}, threads
        self.idx = pm.index(rows, self.folder / "i.pm", text=["title", "text"], key="key", date="date", store=store, threads=threads)
        self.rows = rows
        self.committed(1)

    # ---- the model ----

    def committed(self, generation: int) -> None:
        """The newest generation answers as the model, and is remembered."""
        made = self.idx.refresh()
        assert made.generation == generation
        self.compare(made, self.rows)
        if self.idx not in [reader for reader, _ in self.readers]:
            self.idx.close()
        self.idx = made
        self.history[generation] = list(self.rows)

    def compare(self, idx: Any, rows: list[dict[str, Any]]) -> None:
        Living.rebuilt += 1
        assert faults(idx, rows, QUERIES, key="key", **self.options) == []

    def put_in(self, row: dict[str, Any]) -> None:
        self.session = [r for r in self.session if r["key"] != row["key"]] + [row]

    # ---- rules ----

    @precondition(lambda self: self.writer is None)
    @rule()
    def open_writer(self) -> None:
        Living.steps += 1
        self.writer = self.idx.writer(timeout=0, threads=self.threads, memory="64MB")
        self.session = list(self.rows)

    @precondition(lambda self: self.writer is not None)
    @rule(rows=rows_of(some_keys))
    def add(self, rows: list[dict[str, Any]]) -> None:
        Living.steps += 1
        taken = {r["key"] for r in self.session}
        for n, row in enumerate(rows):
            if row["key"] in taken:
                with pytest.raises(pm.DuplicateKeyError) as caught:
                    self.writer.add(rows)
                assert caught.value.row == n and caught.value.key == row["key"]
                self.session += rows[:n]
                return
            taken.add(row["key"])
        assert self.writer.add(rows) == len(rows)
        self.session += rows

    @precondition(lambda self: self.writer is not None)
    @rule(rows=rows_of(some_keys))
    def update(self, rows: list[dict[str, Any]]) -> None:
        Living.steps += 1
        assert self.writer.update(rows) == len(rows)
        for row in rows:
            self.put_in(row)

    @precondition(lambda self: self.writer is not None)
    @rule(keys=some_keys)
    def delete(self, keys: list[str]) -> None:
        Living.steps += 1
        there = {r["key"] for r in self.session} & set(keys)
        assert self.writer.delete(*keys) == len(there)
        self.session = [r for r in self.session if r["key"] not in there]

    @precondition(lambda self: self.writer is not None)
    @rule(chosen=st.sampled_from(FILTERS))
    def delete_by_filter(self, chosen: tuple[str, Callable[[dict[str, Any]], bool]]) -> None:
        Living.steps += 1
        text, matches = chosen
        gone = [r for r in self.session if matches(r)]
        try:
            assert self.writer.delete(filter=text) == len(gone)
        except pm.UnknownFieldError:  # no row ever had the column
            column = COLUMN_OF[text.split(":")[0]]
            assert not any(r.get(column) not in (None, []) for r in self.session)
            return
        self.session = [r for r in self.session if not matches(r)]

    @precondition(lambda self: self.writer is not None)
    @rule()
    def commit(self) -> None:
        Living.steps += 1
        newest, changed = max(self.history), self.session != self.rows
        generation = self.writer.commit()
        assert generation == newest + 1 or (generation == newest and not changed)
        self.rows = list(self.session)
        self.committed(generation)

    @precondition(lambda self: self.writer is not None)
    @rule(optimize=st.booleans())
    def write_beside_it(self, optimize: bool) -> None:
        Living.steps += 1
        with pytest.raises(pm.LockedError):
            (self.idx.optimize if optimize else self.idx.writer)(timeout=0)

    @precondition(lambda self: self.writer is not None)
    @rule()
    def rollback(self) -> None:
        Living.steps += 1
        self.writer.rollback()
        self.session = list(self.rows)
        for row in self.rows:  # what was deleted is there again
            with pytest.raises(pm.DuplicateKeyError):
                self.writer.add(row)

    @precondition(lambda self: self.writer is not None)
    @rule(how=st.sampled_from(["commits", "raises", "close"]))
    def leave(self, how: str) -> None:
        Living.steps += 1
        newest, writer, self.writer = max(self.history), self.writer, None
        if how == "close":
            writer.close()
        else:
            with contextlib.suppress(ZeroDivisionError), writer:
                1 / (how == "commits")
            if how == "commits":
                self.rows = list(self.session)
        assert newest <= writer.generation <= newest + (how == "commits")
        self.committed(writer.generation)

    @precondition(lambda self: self.writer is None)
    @rule(todo=st.lists(doings, min_size=1, max_size=3))
    def write_a_day(self, todo: list[tuple[str, Any]]) -> None:
        """A whole session, so that histories grow long."""
        self.open_writer()
        for what, of in todo:
            getattr(self, what)(of)
        self.leave("commits")

    @precondition(lambda self: self.writer is None)
    @rule(restem=st.booleans())
    def optimize(self, restem: bool) -> None:
        Living.steps += 1
        made = self.idx.optimize(restem, threads=self.threads, memory="64MB", timeout=0)
        info = made.info()
        assert info["deleted"] == 0 and (info["segments"] <= 1 or pm.limits.segment_tokens < self.limit)
        generation = made.generation
        made.close()
        assert generation in (max(self.history), max(self.history) + 1)
        self.committed(generation)

    @precondition(lambda self: self.writer is None)
    @rule()
    def reopen(self) -> None:
        Living.steps += 1
        if self.idx not in [reader for reader, _ in self.readers]:
            self.idx.close()
        self.idx = pm.open(self.folder / "i.pm", mmap=Living.steps % 2 == 0)
        self.compare(self.idx, self.rows)
        self.idx.verify()

    @precondition(lambda self: len(self.readers) < 4)
    @rule()
    def hold_reader(self) -> None:
        Living.steps += 1
        self.readers.append((self.idx, list(self.rows)))

    @precondition(lambda self: bool(self.readers))
    @rule(which=st.integers(0, 3), let_go=st.booleans())
    def check_reader(self, which: int, let_go: bool) -> None:
        Living.steps += 1
        which %= len(self.readers)
        reader, rows = self.readers[which]
        self.compare(reader, rows)
        if let_go:
            del self.readers[which]

    @rule(back=st.integers(0, 5))
    def open_older_generation(self, back: int) -> None:
        Living.steps += 1
        generation = max(1, max(self.history) - back)
        with pm.open(self.folder / "i.pm", generation=generation) as old:
            self.compare(old, self.history[generation])

    def teardown(self) -> None:
        if self.writer is not None:
            self.writer.close()
        for reader, _ in self.readers:
            reader.close()
        if hasattr(self, "idx"):
            self.idx.close()
        pm.limits.segment_tokens = self.limit
        shutil.rmtree(self.folder)


def run(steps: int, seed: int, shrink: bool = True) -> None:
    """At least so many steps. The same seed walks the same way. shrink: a failing walk is made short, which takes minutes."""
    Living.steps = Living.rebuilt = 0
    quiet = settings(max_examples=20, stateful_step_count=50, deadline=None, database=None, suppress_health_check=list(HealthCheck),
                     phases=(Phase.generate, *([Phase.shrink] if shrink else [])))
    while Living.steps < steps:
        left = steps - Living.steps
        machine = hypothesis.seed(seed)(type("Living", (Living,), {}))
        run_state_machine_as_test(machine, settings=settings(quiet, max_examples=max(1, min(20, left // 25))))
        seed += 1


def test_living_index_answers_as_one_built_at_once() -> None:
    run(300, 4, shrink=False)  # run alone, with --seed 4, it shows the shortest walk that fails


@pytest.mark.long
def test_living_index_over_20000_steps() -> None:
    main(["--steps", "20000"])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    args = parser.parse_args(argv)
    print(f"seed {args.seed}", flush=True)
    began = time.monotonic()
    run(args.steps, args.seed)
    print(f"{Living.steps} steps, {Living.rebuilt} comparisons with an index built from scratch, {time.monotonic() - began:.0f} s, seed {args.seed}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

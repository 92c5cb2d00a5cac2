"""Plants one small bug at a time in a copy of the checkout, rebuilds it, and requires that its test fails: the differential test,
or for bugs of writing the state machine of the living index.

    python tools/plant_bugs.py            every bug: minutes each
    python tools/plant_bugs.py --check    only that each bug's text still stands in its file exactly once
    python tools/plant_bugs.py --only 'distance off by one' --keep

The copy without any bug must pass first. Exit status 1 where a bug went unnoticed, 2 where a bug cannot be planted.
Python and its packages are those that run this script: it needs what tests/requirements.txt names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("csrc", "python", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
PYTEST = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
DIFFERENTIAL, LIVING = "tests/py/test_differential.py", "tests/py/test_living.py"


@dataclass(frozen=True)
class Bug:
    """A replacement in one file; `old` stands there exactly once."""

    name: str
    file: str
    old: str
    new: str
    test: str = DIFFERENTIAL


BUGS: tuple[Bug, ...] = (
    Bug("distance of spans off by one", "csrc/query/span.c",
        "return rule->n != PM_NEAR_ANY_DISTANCE && distance(a, b) > (uint32_t)rule->n;",
        "return rule->n != PM_NEAR_ANY_DISTANCE && distance(a, b) > (uint32_t)rule->n + 1;"),
    Bug("distance of two words off by one", "csrc/query/prox.c",
        "second->lo - (first->hi - 1) > (uint32_t)near->n",
        "second->lo - first->hi > (uint32_t)near->n"),
    Bug("words skipped that are just within reach", "csrc/query/prox.c",
        "uint64_t reach = (uint64_t)(uint32_t)near->n + len - 1;",
        "uint64_t reach = (uint64_t)(uint32_t)near->n + len - 2;"),
    Bug("slop counts one word too many", "csrc/query/prox_bind.c",
        ".extra = (uint32_t)leaf->n_slop + to_come};",
        ".extra = (uint32_t)leaf->n_slop + to_come + 1};"),
    Bug("end of a sentence not looked at", "csrc/query/span.c",
        "return pm_zone_at(rule->zones, zone, lo, NULL, &from, &to) && hi <= to;",
        "return pm_zone_at(rule->zones, zone, lo, NULL, &from, &to) && lo < hi;"),
    Bug("end of a field not looked at", "csrc/query/prox.c",
        "if (!find_unit(r, first->lo) || second->hi > r->unit_end ||\n",
        "if (!find_unit(r, first->lo) ||\n"),
    Bug("a hit that holds another is kept", "csrc/query/span.c",
        "if (first_of_start && s->at[i].hi < least) {",
        "if (first_of_start) {"),
    Bug("a hit that holds one of another operand is kept", "csrc/query/eval.c",
        "if (first_of_start && (uint32_t)s->at[i] < least) {",
        "if (first_of_start) {"),
    Bug("one token used twice", "csrc/query/span.c",
        "return !share_token(a, b) && in_one_zone(rule, out->lo, out->hi);",
        "(void)share_token;\n    return in_one_zone(rule, out->lo, out->hi);"),
    Bug("order of PRE/ ignored between spans", "csrc/query/span.c",
        "if (rule->ordered && a->hi > b->lo) {",
        "if (rule->ordered && a->lo > b->hi + 1000) {"),
    Bug("order of PRE/ ignored between two words", "csrc/query/prox.c",
        "if (near->ordered && first->side != 0) {",
        "if (near->ordered && first->side < 0) {"),
    Bug("NOT ignored", "csrc/query/eval.c",
        "bits[i] &= ~e->docs[c->children[0]->number][i];",
        "bits[i] &= ~UINT64_C(0);"),
    Bug("hits of branches that the document does not satisfy", "csrc/query/eval.c",
        "    keep_both(here, above, e->n_words);\n",
        "    (void)above;\n"),
    Bug("last hit of an operand dropped", "csrc/query/eval.c",
        "for (uint32_t i = 0; i < f->counts[d] && hit < f->n_hits; i++, hit++) {",
        "for (uint32_t i = 0; i < f->counts[d] && hit + 1 < f->n_hits; i++, hit++) {"),
    Bug("last block of a list skipped", "csrc/codec/list.c",
        "return n / PM_BLOCK + (n % PM_BLOCK != 0);",
        "return n / PM_BLOCK + (n < PM_BLOCK);"),
    Bug("parts of the last assignment, not the first", "csrc/query/span.c",
        "pm_parts_compare(s->at[i].parts, last->parts, n_parts) < 0",
        "pm_parts_compare(s->at[i].parts, last->parts, n_parts) > 0"),
    Bug("capitals of a name of four letters not enough", "csrc/query/match.c",
        "count_letters(form) >= 4 ? PM_CASE_CAPITAL : PM_CASE_ACRONYM;",
        "count_letters(form) > 4 ? PM_CASE_CAPITAL : PM_CASE_ACRONYM;"),
    Bug("capitals and s missed", "csrc/query/match.c",
        "PM_CASE_PLURAL, PM_CASE_PLURAL, sign);",
        "PM_CASE_ACRONYM, PM_CASE_ACRONYM, sign);"),
    Bug("accented stems missed", "csrc/query/match.c",
        "(pm_atom){.kind = PM_ATOM_BARE_GROUPS, .sign = sign, .text = bare}",
        "(pm_atom){.kind = PM_ATOM_GROUP, .sign = sign, .text = bare}"),
    Bug("joined form of a hyphenated word missed", "csrc/query/match.c",
        "if (joined_by_hyphens(text.p, &c->tokens)) {",
        "if (joined_by_hyphens(text.p, &c->tokens) && c->tokens.n > 2) {"),
    Bug("inner field restriction forgets the outer one", "csrc/query/plan.c",
        "only[i] = (i == (uint32_t)field) != but && (p->fields == NULL || p->fields[i]);",
        "only[i] = (i == (uint32_t)field) != but;"),
    Bug("what NOT W/ excludes may be made of the hit's own words", "csrc/query/span.c",
        "*out = is_near(x, &b->at[j], rule) && !is_made_of(&b->at[j], x);",
        "*out = is_near(x, &b->at[j], rule);"),
    Bug("NOT W/ takes spans that are no hits", "csrc/query/span.c",
        "    keep_minimal_entries(a);\n",
        ""),
    Bug("IN quote looks at the first word alone", "csrc/query/prox_bind.c",
        "b->spans.at[i].hi <= hi;",
        "b->spans.at[i].lo <= hi;"),
    Bug("FIRST/n one word too long", "csrc/query/eval.c",
        "if (f->hi[hit] - pm_bounds_start(bounds, unit) <= n) {",
        "if (f->hi[hit] - pm_bounds_start(bounds, unit) <= n + 1) {"),
    Bug("ATLEAST/n wants one more", "csrc/query/eval.c",
        "if (count >= n) {",
        "if (count > n) {"),
    Bug("fuzzy words share rows with a longer word before", "csrc/query/fuzzy.c",
        "f->known = depth + 1;",
        "f->known = f->known > depth + 1 ? f->known : depth + 1;"),
    Bug("end of an open range of dates", "csrc/query/meta.c",
        "c->lo_i = n->lo_open ? to : from;",
        "c->lo_i = from;"),
    Bug("an update leaves the old document", "csrc/index/writer.c",
        "return old != PM_END ? delete_from_base(w, old, err) : PM_OK;",
        "return PM_OK;", LIVING),
    Bug("a rollback keeps deletions", "csrc/index/writer.c",
        "    drop_intake(w);\n    forget_deletions(w);\n    w->failed = false;\n",
        "    drop_intake(w);\n    w->failed = false;\n", LIVING),
    Bug("the key of a deleted document is found", "csrc/index/snapshot.c",
        "if (local != PM_END && pm_part_lives(&s->parts[i], local)) {",
        "if (local != PM_END) {", LIVING),
    Bug("deletions of the generation before are forgotten", "csrc/index/writer.c",
        "if (!pm_bits_get(p->live, d)) {",
        "if (!pm_bits_get(p->live, d) && n_docs == 0) {", LIVING),
    Bug("a filter does not see what the session added", "csrc/index/writer.c",
        "    if (w->intake != NULL) {\n        PM_TRY(pm_intake_flush",
        "    if (w->intake != NULL && w->docs == 0) {\n        PM_TRY(pm_intake_flush", LIVING),
    Bug("a merge in a commit brings deleted documents back", "csrc/index/succession.c",
        "live[i] = ~dead[i];",
        "live[i] = ~(dead[i] & 0);", LIVING),
    Bug("notes count deleted words", "csrc/query/idset.c",
        "return all > dead ? all - dead : 0;",
        "return all > dead ? all : 0;", LIVING),
    Bug("the mean length is that of deleted documents, too", "csrc/query/rank.c",
        "sum = (double)r->snapshot->live_tokens;",
        "sum = (double)r->snapshot->n_tokens;", LIVING),
    Bug("scores count deleted documents", "csrc/query/rank.c",
        "idf_of(r->snapshot->live_docs, r->dfs[i])",
        "idf_of(r->snapshot->n_docs, r->dfs[i])", LIVING),
    Bug("words of deleted documents are listed", "csrc/query/words.c",
        "bool lives = pm_part_lives(part, doc);",
        "bool lives = true;", LIVING),
)


class Unplantable(Exception):
    """The code has moved on: the bug's text is not there, or more than once."""


def planted(text: str, bug: Bug) -> str:
    """The file's text with the bug in it."""
    times = text.count(bug.old)
    if times != 1:
        raise Unplantable(f"{bug.name}: its text stands {times} times in {bug.file}")
    if bug.old == bug.new:
        raise Unplantable(f"{bug.name}: changes nothing")
    return text.replace(bug.old, bug.new)


def unplantable(root: Path, bugs: Sequence[Bug]) -> list[str]:
    """What is wrong with the list of bugs; empty if all can be planted."""
    wrong = []
    for bug in bugs:
        try:
            planted((root / bug.file).read_text(encoding="utf-8"), bug)
        except (OSError, Unplantable) as error:
            wrong.append(str(error))
    return wrong


def copy_tree(root: Path, to: Path) -> None:
    """The sources and tests of a checkout, without what was built in it."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", ".hypothesis", ".pytest_cache")
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, to / name, ignore=ignore)
        elif (root / name).exists():
            shutil.copy2(root / name, to / name)


class Copy:
    """A copy of the checkout that can be built and tested.

    Parameters
    ----------
    folder
        Where it lies.
    build, test
        Commands run in it, beginning with arguments for Python; the test's file follows.
    """

    def __init__(self, folder: Path, build: Sequence[str], test: Sequence[str]) -> None:
        self.folder, self.build, self.test = folder, build, test

    def run(self, *files: str) -> tuple[bool, str]:
        """Builds, then tests files. Returns whether the tests passed, and the end of what they printed.

        Raises
        ------
        Unplantable
            Where the copy does not build.
        """
        built = self._python(self.build)
        if built.returncode:
            raise Unplantable(f"does not build:\n{built.stdout[-2000:]}")
        tested = self._python([*self.test, *files])
        if tested.returncode not in (0, 1) and tested.returncode > 0:
            raise Unplantable(f"the tests did not run (exit status {tested.returncode}):\n{tested.stdout[-2000:]}")
        return tested.returncode == 0, tested.stdout[-3000:]

    def _python(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        paths = [str(self.folder / "python"), os.environ.get("PYTHONPATH", "")]
        env = {"PRESSMARK_CORPORA": str(ROOT.parent / "shared" / "corpora"), **os.environ,
               "PYTHONPATH": os.pathsep.join(p for p in paths if p), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([sys.executable, *arguments], cwd=self.folder, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run_with(self, bug: Bug) -> tuple[bool, str]:
        """`run` with a bug in, which is out again afterwards."""
        path = self.folder / bug.file
        right = path.read_text(encoding="utf-8")
        path.write_text(planted(right, bug), encoding="utf-8")
        try:
            return self.run(bug.test)
        finally:
            path.write_text(right, encoding="utf-8")


def try_all(copy: Copy, bugs: Sequence[Bug], verbose: bool) -> int:
    """Prints what became of each bug; the exit status."""
    passed, shown = copy.run(*sorted({bug.test for bug in bugs}))
    if not passed:
        print(f"without any bug the tests fail:\n{shown}")
        return 2
    print("without any bug the tests pass", flush=True)
    unnoticed = broken = 0
    for bug in bugs:
        began = time.monotonic()
        try:
            passed, shown = copy.run_with(bug)
        except Unplantable as error:
            broken += 1
            print(f"cannot be planted  {bug.name}: {error}", flush=True)
            continue
        unnoticed += passed
        print(f"{'UNNOTICED' if passed else 'noticed':9}  {bug.name} ({time.monotonic() - began:.0f} s)", flush=True)
        if verbose and not passed:
            print(shown)
    print(f"{len(bugs) - unnoticed - broken} of {len(bugs)} bugs noticed")
    return 2 if broken else 1 if unnoticed else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="do not build: see that every bug can be planted")
    parser.add_argument("--only", action="append", metavar="NAME", help="this bug, and others so named")
    parser.add_argument("--keep", action="store_true", help="leave the copy where it is, and say where")
    parser.add_argument("--verbose", action="store_true", help="print what the failing tests printed")
    options = parser.parse_args()
    bugs = [b for b in BUGS if not options.only or b.name in options.only]
    wrong = unplantable(ROOT, bugs)
    if wrong or options.check:
        print("\n".join(wrong) or f"{len(bugs)} bugs can be planted")
        return 2 if wrong else 0
    folder = Path(tempfile.mkdtemp(prefix="pressmark-bugs-"))
    try:
        copy_tree(ROOT, folder)
        build = ["setup.py", "--quiet", "build_ext", "--inplace", "--build-temp", str(folder / "build")]
        return try_all(Copy(folder, build, PYTEST), bugs, options.verbose)
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

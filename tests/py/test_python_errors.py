"""Errors: every status of the core has its exception, and query errors point at their place."""

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

pm = pytest.importorskip("pressmark")
from pressmark import _core  # noqa: E402
from pressmark._width import shown_width  # noqa: E402

CODES = {
    -1: MemoryError, -2: OSError, -3: pm.LockedError, -4: ValueError, -5: pm.LimitError, -6: KeyboardInterrupt,
    -7: pm.CorruptIndexError, -8: pm.VersionError, -9: pm.VersionError, -10: pm.QuerySyntaxError, -11: SystemError,
    -12: pm.NotAnIndexError, -13: pm.DuplicateKeyError, -14: pm.AmbiguousQueryError, -15: pm.UnknownFieldError,
    -16: pm.GenerationGoneError, -17: FileExistsError, -99: SystemError,
}
ROWS = [{"key": "a", "outlet": "Mirror", "text": "a slap in the face"}, {"key": "b", "outlet": "Hill", "text": "US bases"}]


@pytest.fixture
def path(tmp_path):
    pm.index(ROWS, tmp_path / "i.pm").close()
    return tmp_path / "i.pm"


@pytest.mark.parametrize("code", CODES)
def test_every_status_raises_its_exception(code):
    with pytest.raises(CODES[code]) as caught:
        _core.raise_status(code, "what went wrong", None, -1, -1, "")
    assert type(caught.value) is CODES[code]
    assert code == -6 or "what went wrong" in str(caught.value)
    assert isinstance(caught.value, pm.Error) == (CODES[code].__module__ == "pressmark._errors")


def test_every_status_of_the_header_is_known_here():
    from pathlib import Path

    header = Path(__file__).resolve().parents[2] / "csrc/base/status.h"
    if not header.exists():
        pytest.skip("no source tree around the tests")
    import re

    codes = {int(c) for c in re.findall(r"\bPM_\w+ = (-\d+)", header.read_text(encoding="utf-8"))} - {-1}
    assert codes | {-1} == set(CODES) - {-99}


@pytest.mark.parametrize(("query", "pos", "end", "lines"), [
    ("(a W/5 b", 0, 1, ["  (a W/5 b", "  ^"]),
    ("Иран AND (b", 9, 10, ["  Иран AND (b", "           ^"]),
    ("弾道 AND (b", 7, 8, ["  弾道 AND (b", "           ^"]),
    ("a 弾道 b", 2, 4, ["  a 弾道 b", "    ^^^^"]),
    ("a\n\tb", 3, 4, ["  a  b", "     ^"]),
    ("cafe\u0301 (b", 6, 7, ["  cafe\u0301 (b", "       ^"]),
    ("ab", 2, 2, ["  ab", "    ^"])])
def test_query_error_has_a_caret_right_under_the_place(query, pos, end, lines):
    with pytest.raises(pm.QuerySyntaxError) as caught:
        _core.raise_status(-10, "missing ')'", query, pos, end, "close it")
    e = caught.value
    assert str(e).split("\n") == ["missing ')'", *lines, "  close it"]
    assert (e.pos, e.end, e.hint, e.query) == (pos, end, "close it", query) and isinstance(e, ValueError)


def test_query_error_of_a_long_query_shows_the_part_around_the_place():
    query = "word " * 200 + "(" + " word" * 200
    with pytest.raises(pm.QuerySyntaxError) as caught:
        _core.raise_status(-10, "missing ')'", query, 1000, 1001, "")
    _, line, caret = str(caught.value).split("\n")
    assert shown_width(line) < 110 and line[caret.index("^")] == "("


def test_query_error_without_a_place_is_its_message():
    with pytest.raises(pm.LimitError) as caught:
        _core.raise_status(-5, "too many", None, -1, -1, "raise limits.pairs")
    assert str(caught.value) == "too many\n  raise limits.pairs" and caught.value.pos is None


def test_errors_of_state_say_what_to_do():
    with pytest.raises(pm.VersionError) as caught:
        _core.raise_status(-8, "made with other stems", None, -1, -1, "call idx.optimize(restem=True) first")
    assert str(caught.value) == "made with other stems (call idx.optimize(restem=True) first)" and "restem" in caught.value.hint
    with pytest.raises(pm.LockedError) as caught:
        _core.raise_status(-3, "locked", None, -1, -1, "wait")
    assert (str(caught.value), caught.value.pid, caught.value.host) == ("locked (wait)", None, "")
    with pytest.raises(pm.GenerationGoneError) as caught:
        _core.raise_status(-16, "gone", None, -1, -1, "")
    assert (str(caught.value), caught.value.newest) == ("gone", None)


def test_errors_pickle():
    import pickle

    for e in (pm.QuerySyntaxError("m", "q", 0, 1, "h"), pm.CorruptIndexError("m", "f", 3), pm.LockedError("m", "h"),
              pm.SourceError("r", 1, "k", "w"), pm.DuplicateKeyError("r", 1, "k")):
        again = pickle.loads(pickle.dumps(e))
        assert type(again) is type(e) and str(again) == str(e) and vars(again) == vars(e)


# ---- as they come about ----


def test_open_of_nothing_is_file_not_found(tmp_path):
    with pytest.raises((FileNotFoundError, pm.NotAnIndexError)) as caught:
        pm.open(tmp_path / "none.pm")
    assert not isinstance(caught.value, OSError) or caught.value.errno == errno.ENOENT


def test_open_of_a_foreign_folder_or_file_is_not_an_index(tmp_path):
    (tmp_path / "file").write_text("text")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises((pm.NotAnIndexError, NotADirectoryError)):
            pm.open(path)


def test_open_of_a_generation_that_is_not_there(path):
    with pytest.raises(pm.GenerationGoneError, match="1"):
        pm.open(path, generation=99)
    with pytest.raises(ValueError):
        pm.open(path, generation=0)
    with pytest.raises(ValueError):
        pm.open(path, mmap="no")
    with pytest.raises(ValueError):
        pm.open(str(path) + "\0")


def test_verify_finds_a_changed_byte(path):
    segment = max(path.iterdir(), key=lambda p: p.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0x40
    segment.write_bytes(data)
    with pytest.raises(pm.CorruptIndexError) as caught:
        _core.verify(path)
    assert segment.name in str(caught.value)


def test_truncated_files_are_corrupt_never_a_crash(path, tmp_path):
    for name in [p.name for p in path.iterdir()]:
        for part in (0.0, 0.3, 0.999):
            copy = tmp_path / "copy.pm"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path, copy)
            data = (copy / name).read_bytes()
            (copy / name).write_bytes(data[: int(len(data) * part)])
            with pytest.raises((pm.CorruptIndexError, pm.NotAnIndexError)):
                _core.verify(copy)


def test_unknown_names_are_named(path):
    with pm.open(path) as idx:
        for call in (lambda: idx.documents(["outlt"]), lambda: idx.hits("slap").by("outlt"), lambda: idx.text("a", "outlt"),
                     lambda: idx.hits("slap", columns=["outlt"])[0], lambda: idx.search("slap", weights={"outlt": 2}),
                     lambda: idx.hits("outlt:slap"), lambda: idx.hits("slap").kwic(sort="outlt"),
                     lambda: idx.search("slap", sort="outlt"), lambda: idx.search("slap", columns=["outlt"])):
            with pytest.raises(pm.UnknownFieldError, match="outlt"):
                call()
        for call in (lambda: idx.text("zz"), lambda: idx.doc("zz"), lambda: idx.tokens("zz"), lambda: idx.hits("slap", filter=["zz"])):
            with pytest.raises(KeyError, match="zz"):
                call()
        with pytest.raises(TypeError):
            idx.hits("slap", filter=[1])


def test_limits_can_be_set_and_are_typed_errors(path):
    before = pm.limits.clauses
    try:
        pm.limits.clauses = 2
        assert pm.limits.clauses == 2 and "clauses=2" in repr(pm.limits)
        with pm.open(path) as idx, pytest.raises(pm.LimitError, match="2"):
            idx.hits("a OR b OR c OR d")
    finally:
        pm.limits.clauses = before
    for name, value in (("clauses", 0), ("depth", -1), ("segment_tokens", 2**31)):
        with pytest.raises(ValueError, match=name):
            setattr(pm.limits, name, value)
    with pytest.raises(AttributeError):
        pm.limits.nothing
    with pytest.raises(AttributeError):
        pm.limits.nothing = 1


def test_document_too_large_for_a_segment_is_a_limit_error():
    before = pm.limits.segment_tokens
    try:
        pm.limits.segment_tokens = 50
        rows = [{"text": "word " * 10}, {"text": "word " * 100}, {"text": "word"}]
        with pytest.raises(pm.LimitError) as caught:
            pm.index(rows)
        assert "row 1" in "".join(caught.value.__notes__)
        with pm.index(rows, on_error="skip") as idx:
            assert len(idx) == 2 and [s.row for s in idx.skipped] == [1]
    finally:
        pm.limits.segment_tokens = before


def test_query_errors_of_a_real_query(path):
    with pm.open(path) as idx:
        with pytest.raises(pm.QuerySyntaxError) as caught:
            idx.hits("slap AND (face")
        assert caught.value.query == "slap AND (face" and caught.value.pos == 9 and "^" in str(caught.value)
        with pytest.raises(pm.AmbiguousQueryError) as caught:
            idx.hits("slap OR kick W/2 face")
        assert "(slap OR kick) W/2 face" in caught.value.hint
        with pytest.raises(pm.QuerySyntaxError):
            idx.hits("slap", filter="slap AND (")
        with pytest.raises(pm.QuerySyntaxError):
            pm.parse("a W/0 b")


def test_failed_io_keeps_its_errno(tmp_path):
    if os.geteuid() == 0:
        with pytest.raises(OSError) as caught:
            pm.index(ROWS, tmp_path / "no" / "folder" / "i.pm")
        assert caught.value.errno == errno.ENOENT
    else:
        tmp_path.chmod(0o500)
        with pytest.raises(PermissionError):
            pm.index(ROWS, tmp_path / "i.pm")


def test_memory_that_runs_out_is_a_memory_error():
    script = textwrap.dedent("""
        import resource, sys
        import pressmark as pm
        rows = [{"text": " ".join(f"w{i}" for i in range(2000 * j, 2000 * j + 2000))} for j in range(3000)]
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20), resource.RLIM_INFINITY))
        try:
            pm.index(rows, threads=1)
        except MemoryError:
            sys.exit(7)
    """)
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc here")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done.stderr


def test_info_of_an_index_is_json(path):
    with pm.open(path) as idx:
        assert json.loads(json.dumps(idx.info()))["documents"] == 2

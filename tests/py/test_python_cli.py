"""The command line: what it prints, and its exit status."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

pm = pytest.importorskip("pressmark")
from pressmark import cli  # noqa: E402

ROWS = [
    {"key": "000", "date": "2020-01-08", "outlet": "Mirror", "text": "Missile strikes were a “slap in the face” for the US."},
    {"key": "001", "date": "2020-01-09", "outlet": "Hill", "text": "The missile hit the base. No slap, no face. 弾道ミサイル"},
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    pm.index(ROWS, folder / "i.pm").close()
    return str(folder / "i.pm")


@pytest.fixture
def run(capsys):
    def call(*argv):
        try:
            status = cli.main(argv)
        except SystemExit as e:
            status = e.code
        out = capsys.readouterr()
        return status, out.out, out.err

    return call


def test_index_then_ask(run, tmp_path):
    source = tmp_path / "a.jsonl"
    source.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    status, out, err = run("index", str(source), str(tmp_path / "i.pm"))
    assert status == 0 and "2 articles" in out and err == ""
    status, out, err = run("index", str(source), str(tmp_path / "i.pm"))
    assert status == 2 and err.count("\n") == 1 and "i.pm" in err and out == ""
    assert run("index", str(source), str(tmp_path / "i.pm"), "--if-exists", "replace", "--quiet", "--no-store") == (0, "", "")
    for name in ("b", "c"):
        (tmp_path / f"{name}.txt").write_text(name)
    assert run("index", str(tmp_path / "b.txt"), str(tmp_path / "c.txt"), str(tmp_path / "t.pm"), "--quiet")[0] == 0
    with pm.open(tmp_path / "t.pm") as idx:
        assert idx.keys() == ["b", "c"]


def test_index_leaves_bad_rows_out_and_names_them(run, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{\n')
    status, out, err = run("index", str(tmp_path / "a.jsonl"), str(tmp_path / "i.pm"))
    assert status == 2 and "a.jsonl line 2" in err and err.count("\n") == 1
    status, out, err = run("index", "--skip", str(tmp_path / "a.jsonl"), str(tmp_path / "i.pm"))
    assert status == 0 and err.startswith("skipped: row 1: is not JSON")


def test_hits_and_kwic(run, path):
    status, out, err = run("hits", path, '"slap in the face"')
    assert status == 0 and err == "" and "1 hit in 1 article" in out and "slap in the face" in out
    status, out, err = run("kwic", path, "missile", "--width", "10", "--sort", "1R,hit", "--columns", "outlet")
    assert status == 0 and out.splitlines()[0].split() == ["doc", "left", "hit", "right", "outlet"] and len(out.splitlines()) == 3
    assert len(run("kwic", path, "missile", "--limit", "1")[1].splitlines()) == 2
    status, out, err = run("hits", path, "missile", "--limit", "1")
    assert status == 0 and "… 1 more" in out


def test_search(run, path):
    status, out, err = run("search", path, "missile", "-k", "1", "--sort", "newest", "--columns", "outlet", "--filter", "date:2020")
    assert status == 0 and "1 of 2 articles" in out and "001" in out and "Hill" in out


@pytest.mark.parametrize("command", [("search", "missile"), ("hits", "missile"), ("kwic", "missile"), ("count", "missile"),
                                     ("count", "missile", "slap", "--by", "outlet"), ("trend", "missile", "--by", "day")])
def test_json_and_csv_hold_the_same(run, path, command):
    name, *rest = command
    status, out, err = run(name, path, *rest, "--json")
    rows = json.loads(out)
    assert status == 0 and err == "" and rows
    status, out, err = run(name, path, *rest, "--csv")
    table = list(csv.DictReader(io.StringIO(out)))
    assert len(table) == len(rows) and list(table[0]) == list(rows[0])
    for key in ("doc", "query", "outlet", "hit"):
        if key in rows[0]:
            assert [r[key] for r in table] == [r[key] for r in rows]


def test_trend(run, path):
    status, out, _ = run("trend", path, "missile", "--by", "year")
    assert status == 0 and out.split("\n")[1].split()[:5] == ["2020", "2", "2", "26", "2"], out
    assert run("trend", path, "absent")[0] == 1
    assert run("trend", path, "missile", "--by", "decade")[0] == 2


def test_count(run, path):
    assert run("count", path, "missile") == (0, "2\n", "")
    assert run("count", path, "missile", "--unit", "documents", "--filter", "outlet:hill") == (0, "1\n", "")
    assert run("count", path, "nowhere") == (1, "0\n", "")
    status, out, err = run("count", path, "missile", "nowhere")
    assert status == 0 and len(out.splitlines()) == 3
    assert run("count", path, "nowhere", "nothing")[0] == 1


def test_info_and_verify(run, path):
    status, out, err = run("info", path)
    assert status == 0 and "documents" in out and "outlet (str)" in out
    assert json.loads(run("info", path, "--json")[1])["documents"] == 2
    assert list(csv.reader(io.StringIO(run("info", path, "--csv")[1])))[0] == ["fact", "value"]
    assert run("verify", path) == (0, f"{path}: every file is whole\n", "")


def test_nothing_found_is_status_1(run, path):
    for command in (("search", "nowhere"), ("hits", "nowhere"), ("kwic", "nowhere"), ("hits", "missile", "--filter", "outlet:none")):
        name, *rest = command
        status, out, err = run(name, path, *rest)
        assert status == 1 and err == ""
    assert json.loads(run("hits", path, "nowhere", "--json")[1]) == []


@pytest.mark.parametrize("command", [
    ("hits", "PATH", "slap AND (face"), ("hits", "none.pm", "x"), ("info", "/"), ("verify", "none.pm"), ("kwic", "PATH", "x", "--sort", "outlt"),
    ("hits", "PATH", "outlt:x"), ("count", "PATH", "missile", "--by", "outlt"), ("search", "PATH", "x", "-k", "0"), ("index", "none.jsonl", "x.pm"),
    ("hits", "PATH", "a OR b W/2 c"), ("index", "PATH/manifest", "x.pm")])
def test_errors_are_one_line_and_status_2(run, path, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*(c.replace("PATH", path) for c in command))
    assert status == 2 and out == "" and err.startswith("pressmark: ") and err.count("\n") == 1 and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_place_of_a_query_error_is_a_number_on_the_line(run, path):
    assert "(at character 10)" in run("hits", path, "slap AND (face")[2]


def test_wrong_usage_is_status_2(run):
    for argv in ((), ("nothing",), ("hits",), ("search", "x"), ("hits", "a", "b", "--json", "--csv")):
        status, out, err = run(*argv)
        assert status == 2 and "usage: pressmark" in err
    status, out, err = run("--version")
    assert status == 0 and out == f"pressmark {pm.__version__}\n"
    assert "index" in run("--help")[1]


def shell(*argv, **options):
    return subprocess.run([sys.executable, "-m", "pressmark", *argv], capture_output=True, timeout=60, **options)


def test_output_may_be_cut_off_by_its_reader(tmp_path):
    pm.index([{"text": "a b c " * 5000}] * 20, tmp_path / "i.pm").close()
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "pressmark", "kwic", str(tmp_path / "i.pm"), "a"], stdout=write, stderr=subprocess.PIPE,
                          timeout=60)
    os.close(write)
    assert done.returncode == 0 and done.stderr == b""


def test_output_in_a_poor_encoding_is_not_an_error(path):
    done = shell("kwic", path, "弾道ミサイル", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and rb"\u5f3e" in done.stdout and done.stderr == b""


def test_pipe_gets_whole_lines(tmp_path):
    key = "k" * 200
    pm.index([{"key": key, "text": "missile"}], tmp_path / "i.pm").close()
    assert key.encode() in shell("kwic", str(tmp_path / "i.pm"), "missile").stdout

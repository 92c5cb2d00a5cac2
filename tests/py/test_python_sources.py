"""Sources of every kind give the same articles; bad rows are named; a failed build leaves nothing behind."""

import datetime as dt
import decimal
import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

pm = pytest.importorskip("pressmark")
from pressmark import _dates  # noqa: E402
from pressmark._build import memory_bytes  # noqa: E402

ROWS = [
    {"key": "k1", "date": "2020-01-08", "outlet": "Mirror", "words": 12, "score": 1.5, "free": True, "title": "Slap", "text": "A slap in the face."},
    {"key": "k2", "date": "2020-01-09", "outlet": "Hill", "words": 7, "score": 2.0, "free": False, "title": "Élysée", "text": "Café “talks”\nin Paris"},
    {"key": "k3", "date": None, "outlet": None, "words": None, "score": None, "free": None, "title": "弾道", "text": "ミサイル"},
]
METADATA = ("date", "outlet", "words", "score", "free")
DOCS = [{"key": r["key"], "title": r["title"], "text": r["text"]}
        | {n: r[n] for n in METADATA[1:] if r[n] is not None}
        | ({"date": dt.date.fromisoformat(r["date"])} if r["date"] else {}) for r in ROWS]


def zstd_frame(data):
    """A zstd frame of stored blocks."""
    out = b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")
    pieces = [data[i : i + 100_000] for i in range(0, len(data), 100_000)] or [b""]
    for i, piece in enumerate(pieces):
        out += ((i == len(pieces) - 1) | len(piece) << 3).to_bytes(3, "little") + piece
    return out


PACK = {"": lambda data: data, ".gz": gzip.compress, ".zst": zstd_frame}


def as_jsonl(rows):
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()


def as_csv(rows, sep):
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter=sep)
    writer.writerow(list(rows[0]))
    writer.writerows([["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in r.values()] for r in rows])
    return text.getvalue().encode()


def docs_of(idx):
    return [idx.doc(k) for k in idx.keys()]


def check(idx):
    with idx:
        assert docs_of(idx) == DOCS
        assert idx.fields == ["title", "text"] and idx.info()["date"] == "date"
        kinds = {c["name"]: c["kind"] for c in idx.info()["columns"]}
        assert kinds == {"date": "date", "outlet": "str", "words": "int", "score": "float", "free": "bool"}
        assert list(kinds) == list(METADATA)
        assert [h.doc for h in idx.phrase("slap in the face")] == ["k1"]
        assert any("without a date" in n for n in idx.notes)


# ---- files ----


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("kind", [".jsonl", ".ndjson", ".csv", ".tsv"])
def test_file_of_rows(tmp_path, kind, packing):
    data = as_jsonl(ROWS) if "j" in kind else as_csv(ROWS, "," if kind == ".csv" else "\t")
    path = tmp_path / f"articles{kind}{packing}"
    path.write_bytes(PACK[packing](data))
    check(pm.index(path))
    path.write_bytes(PACK[packing](b"\xef\xbb\xbf" + data))
    check(pm.index(str(path)))


@pytest.mark.parametrize("packing", PACK)
def test_parquet_file(tmp_path, packing):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "raw", row_group_size=2)
    path = tmp_path / f"articles.parquet{packing}"
    path.write_bytes(PACK[packing]((tmp_path / "raw").read_bytes()))
    check(pm.index(path))


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match="Parquet files needs pyarrow"):
        pm.index(tmp_path / "a.parquet")


@pytest.mark.parametrize("source", ["glob", "folder", "list", "recursive"])
def test_text_files_are_documents_named_by_their_path(tmp_path, source):
    (tmp_path / "b").mkdir()
    texts = {"b/2": "two\r\nlines\u00a0here", "a": "\ufeffone", "c.d": "drei", "b/1": "eins"}
    for i, (name, text) in enumerate(texts.items()):
        packing = list(PACK)[i % 3]
        (tmp_path / f"{name}.txt{packing}").write_bytes(PACK[packing](text.encode()))
    (tmp_path / "notes.md").write_text("no article")
    given = {"glob": f"{tmp_path}/**/*.txt*", "recursive": f"{tmp_path}/**/*.txt*", "folder": tmp_path,
             "list": [*tmp_path.glob("a.txt*"), tmp_path / "b", *tmp_path.glob("c.d.*")]}[source]
    with pm.index(given) as idx:
        assert idx.keys() == ["a", "b/1", "b/2", "c.d"] and idx.fields == ["text"]
        assert idx.text("b/2") == "two\r\nlines\u00a0here" and idx.text("a") == "one"


def test_one_text_file_is_named_by_its_stem(tmp_path):
    (tmp_path / "x.txt").write_text("word")
    with pm.index(tmp_path / "x.txt") as idx:
        assert idx.keys() == ["x"]


def test_glob_in_the_working_folder_and_of_one_level(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in ("2", "10", "1"):
        (tmp_path / "in" / f"{name}.txt").write_text(name)
    monkeypatch.chdir(tmp_path)
    for pattern, keys in (("in/*.txt", ["1", "10", "2"]), ("*/1*.txt", ["in/1", "in/10"]), ("./in/[2].txt", ["2"])):
        with pm.index(pattern) as idx:
            assert idx.keys() == keys


def test_path_with_brackets_in_its_name_is_no_glob(tmp_path):
    (tmp_path / "a[1].txt").write_text("word")
    with pm.index(tmp_path / "a[1].txt") as idx:
        assert idx.keys() == ["a[1]"]


def test_files_that_are_not_there(tmp_path):
    for name in ("none.txt", "*.txt"):
        with pytest.raises(FileNotFoundError):
            pm.index(tmp_path / name)
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(pm.SourceError, match=r"\.jsonl.*\.gz"):
        pm.index(tmp_path / "a.docx")


def test_encoding_of_text_files_and_tables(tmp_path):
    (tmp_path / "a.txt").write_bytes("naïve €".encode("cp1252"))
    (tmp_path / "a.jsonl").write_bytes(as_jsonl([{"text": "naïve"}]).decode().encode("utf-16"))
    (tmp_path / "a.csv").write_bytes("text\nnaïve\n".encode("latin-1"))
    for name, encoding, text in (("a.txt", "cp1252", "naïve €"), ("a.jsonl", "utf-16", "naïve"), ("a.csv", "latin-1", "naïve")):
        with pm.index(tmp_path / name, encoding=encoding) as idx:
            assert idx.text(idx.keys()[0]) == text
    with pytest.raises(LookupError):
        pm.index(tmp_path / "a.txt", encoding="utf-99")


@pytest.mark.parametrize(("name", "data", "row"), [
    ("a.txt", b"bad \xff byte", 0), ("a.jsonl", b'{"text": "x"}\n{"text": "\xff"}\n', 1), ("a.csv", b"text\nx\n\xffy\n", 1)])
def test_undecodable_bytes_name_file_and_row(tmp_path, name, data, row):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(pm.SourceError, match=rf"{name} line \d.*0xff|{name} line \d.*byte") as caught:
        pm.index(tmp_path / name)
    assert caught.value.row == row and "encoding=" in caught.value.reason
    with pm.index(tmp_path / name, on_error="skip") as idx:
        assert len(idx) == row and [s.row for s in idx.skipped] == [row] and any("left out" in n for n in idx.notes)


@pytest.mark.parametrize("line", [b"{", b"[1]", b'"text"', b'{"text": 5}', b"{" * 100_000])
def test_line_that_is_no_object_is_named(tmp_path, line):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "x"}\n\n' + line + b'\n{"text": "y"}\n')
    with pytest.raises(pm.SourceError, match="a.jsonl line 3"):
        pm.index(tmp_path / "a.jsonl")
    with pm.index(tmp_path / "a.jsonl", on_error="skip") as idx:
        assert idx.keys() == ["0", "2"] and idx.skipped[0].row == 1


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_compressed_file_that_ends_early_is_an_error(tmp_path, packing):
    data = PACK[packing](as_jsonl([{"text": os.urandom(50).hex()} for _ in range(100)]))
    path = tmp_path / f"a.jsonl{packing}"
    path.write_bytes(data[:-20])
    with pytest.raises(pm.SourceError, match="a.jsonl"):
        pm.index(path)
    path.write_bytes(b"not compressed at all")
    with pytest.raises(pm.SourceError, match="a.jsonl"):
        pm.index(path)


def test_zstd_of_several_frames_and_blocks(tmp_path):
    rows = [{"key": str(i), "text": f"word{i} " * 50} for i in range(2000)]
    half = as_jsonl(rows[:1000])
    (tmp_path / "a.jsonl.zst").write_bytes(zstd_frame(half) + zstd_frame(as_jsonl(rows[1000:])))
    with pm.index(tmp_path / "a.jsonl.zst") as idx:
        assert len(idx) == 2000 and idx.text("1999") == rows[1999]["text"]


@pytest.mark.parametrize("size", [131_071, 131_072, 131_073, 262_144, 393_216])
def test_zstd_frame_that_fills_the_buffer_exactly_is_whole(tmp_path, size):
    pa = pytest.importorskip("pyarrow")
    line = as_jsonl(ROWS[:1])
    text = line + b" " * (size - len(line) - 1) + b"\n"
    (tmp_path / "a.jsonl.zst").write_bytes(pa.compress(text, codec="zstd", asbytes=True))
    with pm.index(tmp_path / "a.jsonl.zst") as idx:
        assert len(idx) == 1


def test_zstd_as_packers_write_it(tmp_path):
    pa = pytest.importorskip("pyarrow")
    (tmp_path / "a.jsonl.zst").write_bytes(pa.compress(as_jsonl(ROWS), codec="zstd", asbytes=True))
    check(pm.index(tmp_path / "a.jsonl.zst"))


def test_csv_columns_are_typed_by_all_their_cells(tmp_path):
    (tmp_path / "a.csv").write_text(
        "text,int,float,zip,flag,day,mixed,empty,long\n"
        "a,1,1,007,TRUE,2020-01-08,1,,12345678901234567890\n"
        "b,-20,2.5e3,12345,false,2020-01-09 12:30,x,,1\n"
        "c,,,,,,,,\n")
    with pm.index(tmp_path / "a.csv") as idx:
        assert {c["name"]: c["kind"] for c in idx.info()["columns"]} == {
            "int": "int", "float": "float", "zip": "str", "flag": "bool", "day": "date", "mixed": "str", "long": "str"}
        assert idx.doc("0") == {"key": "0", "text": "a", "int": 1, "float": 1.0, "zip": "007", "flag": True, "day": dt.date(2020, 1, 8),
                                "mixed": "1", "long": "12345678901234567890"}
        assert idx.doc("1")["day"] == dt.datetime(2020, 1, 9, 12, 30) and idx.doc("2") == {"key": "2", "text": "c"}


def test_csv_rows_that_do_not_fit_their_header(tmp_path):
    (tmp_path / "a.csv").write_text("text,n\na,1,2\nb\n")
    with pytest.raises(pm.SourceError, match="line 2: has 3 cells, the header 2"):
        pm.index(tmp_path / "a.csv")
    with pm.index(tmp_path / "a.csv", on_error="skip") as idx:
        assert idx.keys() == ["1"]
    (tmp_path / "b.csv").write_text("text,n,n\na,1,2\n")
    with pytest.raises(pm.SourceError, match="'n' twice"):
        pm.index(tmp_path / "b.csv")


def test_csv_cells_longer_than_the_standard_limit(tmp_path):
    (tmp_path / "a.csv").write_text('text\n"' + "word " * 60_000 + '"\n')
    with pm.index(tmp_path / "a.csv") as idx:
        assert idx.n_tokens == 60_000


def test_several_files_of_different_kinds(tmp_path):
    (tmp_path / "a.csv").write_bytes(as_csv([{"key": "c1", "text": "csv", "n": 5}], ","))
    (tmp_path / "b.jsonl").write_bytes(as_jsonl([{"key": "j1", "body": "jsonl", "n": 6}]))
    (tmp_path / "c.txt").write_text("text file")
    with pm.index([tmp_path / "a.csv", tmp_path / "b.jsonl", tmp_path / "c.txt"]) as idx:
        assert idx.keys() == ["c1", "j1", "c"]
        assert idx.fields == ["text", "body"] and idx.doc("j1")["n"] == 6


# ---- objects ----


def test_iterables_of_dicts():
    check(pm.index(ROWS))
    check(pm.index(tuple(ROWS)))
    check(pm.index(r for r in ROWS))
    check(pm.index(iter(ROWS)))


def test_pandas_frame():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(ROWS)
    frame["date"] = pd.to_datetime(frame["date"])
    frame["words"] = frame["words"].astype("Int64")
    check(pm.index(frame))
    check(pm.index(frame.set_index("key")))
    check(pm.index(pd.DataFrame(ROWS).astype({"words": "Int64", "free": "boolean", "outlet": "category"})))


def test_pandas_frame_keeps_times_of_day_and_numpy_values():
    pd = pytest.importorskip("pandas")
    np = pytest.importorskip("numpy")
    frame = pd.DataFrame({"text": ["a", "b"], "published": pd.to_datetime(["2020-01-08 12:30", None]).tz_localize("Europe/Berlin"),
                          "n": np.array([1, 2], dtype="int8"), "tags": [["x", "y"], np.array([1.5])[:0]]})
    with pm.index(frame) as idx:
        assert idx.doc("0") == {"key": "0", "text": "a", "published": dt.datetime(2020, 1, 8, 12, 30), "n": 1, "tags": ["x", "y"]}
        assert idx.doc("1") == {"key": "1", "text": "b", "n": 2}


def test_polars_frame():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(ROWS).with_columns(pl.col("date").str.to_date())
    check(pm.index(frame))
    check(pm.index(frame.lazy()))


def test_pyarrow_table_batches_reader_and_any_arrow_stream():
    pa = pytest.importorskip("pyarrow")
    table = pa.Table.from_pylist(ROWS)
    check(pm.index(table))
    check(pm.index(pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))))

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    check(pm.index(Stream()))


def test_arrow_types_of_metadata():
    pa = pytest.importorskip("pyarrow")
    at = dt.datetime(2020, 1, 8, 12, 30, 0, 5)
    table = pa.table({
        "text": pa.array(["x"], pa.large_string()), "d": pa.array([at.date()]), "ns": pa.array([at], pa.timestamp("ns")),
        "tz": pa.array([at], pa.timestamp("us", "UTC")), "dict": pa.array(["v"]).dictionary_encode(), "list": pa.array([[1, 2]]),
        "dec": pa.array([decimal.Decimal("1.25")]), "f": pa.array([1.5], pa.float32()), "b": pa.array([True])})
    with pm.index(table) as idx:
        assert idx.doc("0") == {"key": "0", "text": "x", "d": at.date(), "ns": at, "tz": at, "dict": "v", "list": [1, 2],
                                "dec": 1.25, "f": 1.5, "b": True}


def test_arrow_stream_without_pyarrow_is_read_by_polars(monkeypatch):
    pl = pytest.importorskip("polars")
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "pyarrow" else found(name, *a))

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return pl.DataFrame(ROWS).__arrow_c_stream__(requested_schema)

    check(pm.index(Stream()))


def test_an_index_of_documents_of_another_index():
    pytest.importorskip("pyarrow")
    with pm.index(ROWS) as idx, pm.index(idx.hits("slap")) as again:
        assert again.text("0") == "Slap" and len(again) == 2


@pytest.mark.parametrize("source", [5, None, {"text": ["a"]}, 3.5])
def test_what_is_no_source_is_a_type_error(source):
    with pytest.raises(TypeError, match="a source is"):
        pm.index(source)


@pytest.mark.parametrize("row", ["text", 5, None, ["text"]])
def test_row_that_is_no_dict_is_named(row):
    with pytest.raises(pm.SourceError, match="row 1: is a .*, not a dict"):
        pm.index(iter([{"text": "a"}, row]))


# ---- columns ----


def test_text_key_and_date_columns_are_found_or_named():
    rows = [{"id": 7, "headline": "H", "note": "N", "article": "A", "datetime": "2020-01-08T12:30:00Z"}]
    with pm.index(rows) as idx:
        assert idx.fields == ["headline", "article"] and idx.keys() == ["7"]
        assert idx.doc("7")["datetime"] == dt.datetime(2020, 1, 8, 12, 30) and idx.doc("7")["note"] == "N"
    with pm.index(rows, text=["note", "headline"], key="article", date="datetime", fields=[]) as idx:
        assert idx.fields == ["note", "headline"] and idx.keys() == ["A"]
        assert idx.doc("A") == {"key": "A", "note": "N", "headline": "H", "datetime": dt.datetime(2020, 1, 8, 12, 30)}
    with pm.index(rows, text="note", fields=["article"]) as idx:
        assert set(idx.doc("7")) == {"key", "note", "article", "datetime"}


@pytest.mark.parametrize(("options", "said"), [
    ({"text": "body"}, "no column 'body' for the text; columns: id, text"), ({"key": "url"}, "no column 'url' for the key"),
    ({"date": "day"}, "no column 'day' for the date"), ({"fields": ["day"]}, "no column 'day' in fields=")])
def test_named_column_that_does_not_exist(options, said):
    with pytest.raises(pm.SourceError, match=said):
        pm.index([{"id": 1, "text": "a"}], **options)


def test_source_without_a_text_column_names_its_columns():
    with pytest.raises(pm.SourceError, match="no text column; columns: a, b"):
        pm.index([{"a": 1, "b": "x"}])
    with pytest.raises(TypeError):
        pm.index(ROWS, fields="outlet")


def test_key_that_is_missing_or_no_key():
    for key in (None, "", True, 1.5, ["k"], float("nan")):
        with pytest.raises(pm.SourceError) as caught:
            pm.index([{"key": "a", "text": "x"}, {"key": key, "text": "y"}])
        assert caught.value.row == 1
    with pm.index([{"key": 2**70, "text": "x"}, {"key": 3.0, "text": "y"}, {"key": "キー", "text": "z"}]) as idx:
        assert idx.keys() == [str(2**70), "3", "キー"]


def test_key_that_stands_twice_names_row_and_key(tmp_path):
    rows = [{"key": "a", "text": "1"}, {"key": "b", "text": "2"}, {"key": "a", "text": "3"}, {"key": "c", "text": "4"}]
    with pytest.raises(pm.DuplicateKeyError, match=r"row 2 \(key 'a'\): ") as caught:
        pm.index(rows)
    assert (caught.value.row, caught.value.key) == (2, "a") and caught.value.reason
    with pm.index(rows, on_error="skip") as idx:
        assert idx.keys() == ["a", "b", "c"] and idx.text("a") == "1"
        assert idx.skipped == [(2, "a", caught.value.reason)] and isinstance(idx.skipped[0], pm.RowError)
    (tmp_path / "r.jsonl").write_bytes(as_jsonl(rows))
    with pytest.raises(pm.DuplicateKeyError, match="r.jsonl line 3"):
        pm.index(tmp_path / "r.jsonl")


def test_nested_metadata_names_column_and_row():
    for value, said in (({"x": 1}, "a nested object"), (object(), "type object"), ([{"x": 1}], "a nested object"), (2**63, "64 bits"),
                        (dt.time(1), "type time")):
        with pytest.raises(pm.SourceError, match=rf"row 1 .*column 'm' .*{said}"):
            pm.index([{"key": "a", "text": "x", "m": None}, {"key": "b", "text": "y", "m": value}])


def test_metadata_kinds_that_change():
    with pm.index([{"text": "a", "n": 1}, {"text": "b", "n": 2.5}, {"text": "c", "n": 3}]) as idx:
        assert [idx.doc(k)["n"] for k in idx.keys()] == [1.0, 2.5, 3.0] and idx.info()["columns"][0]["kind"] == "float"
    for first, then in ((1, "x"), ("x", 1), (True, 1), (1, True), (dt.date(2020, 1, 1), "x"), (1.5, "x")):
        with pytest.raises(pm.SourceError, match="column 'n' holds .* here and .* before"):
            pm.index([{"text": "a", "n": first}, {"text": "b", "n": then}])


def test_metadata_of_several_values_and_of_every_type():
    day, moment = dt.date(1900, 1, 1), dt.datetime(2020, 1, 8, 23, 59, 59, 1)
    row = {"text": "a", "tags": ["x", "y", None, "é"], "i": -(2**63), "f": -0.5, "b": False, "d": day, "t": moment, "e": [], "s": {"q"}}
    with pm.index([row, {"text": "b", "tags": ["z"]}]) as idx:
        assert idx.doc("0") == {"key": "0", "text": "a", "tags": ["x", "y", "é"], "i": -(2**63), "f": -0.5, "b": False, "d": day, "t": moment,
                                "s": "q"}
        assert idx.doc("1") == {"key": "1", "text": "b", "tags": ["z"]}


def test_missing_texts_are_empty_documents_with_a_note():
    with pm.index([{"title": "T", "text": "a"}, {"title": None, "text": ""}, {"key_": 1}, {"text": float("nan")}]) as idx:
        assert len(idx) == 4 and any(n.startswith("3 articles without text (first: row 1)") for n in idx.notes)
        assert idx.text("2") == ""
    with pm.index([]) as idx:
        assert len(idx) == 0 and idx.fields == ["text"] and idx.hits("a").count == 0 and idx.search("a").total == 0
    with pm.index({"text": "x"} for _ in range(0)) as idx:
        assert len(idx) == 0


def test_text_column_that_comes_late_is_noted():
    rows = [{"title": "t"}] * 1001 + [{"title": "t", "body": "b"}]
    with pm.index(iter(rows)) as idx:
        assert idx.fields == ["title"] and any("'body' came after the first rows" in n for n in idx.notes)
    with pm.index(rows) as idx:
        assert idx.fields == ["title", "body"]


def test_lone_surrogates_and_bytes_as_text():
    with pm.index([{"text": "a\ud800b"}, {"text": "café".encode()}]) as idx:
        assert idx.text("0") == "a\ufffdb" and idx.text("1") == "café" and any("U+FFFD" in n for n in idx.notes)


def test_late_field_is_noted_where_no_article_has_it():
    with pm.index(iter([{"text": "a"}]), fields=["section"]) as idx:
        assert "no article has 'section'" in idx.notes


# ---- dates ----


@pytest.mark.parametrize(("text", "date"), [
    ("2020-01-08", "2020-01-08"), (" 2020-01-08 ", "2020-01-08"), ("2020-01-08T12:30:00Z", "2020-01-08T12:30:00"),
    ("2020-01-08T12:30:00+03:00", "2020-01-08T12:30:00"), ("2020-01-08 12:30", "2020-01-08T12:30:00"),
    ("2020-01-08T12:30:00.123456789Z", "2020-01-08T12:30:00.123456"), ("8 Jan 2020", "2020-01-08"), ("8 January 2020", "2020-01-08"),
    ("8th January, 2020", "2020-01-08"), ("January 8, 2020", "2020-01-08"), ("Jan. 8 2020", "2020-01-08"), ("Sept. 3, 2019", "2019-09-03"),
    ("Wednesday, January 8, 2020", "2020-01-08"), ("January 8, 2020 5:30 pm", "2020-01-08T17:30:00"),
    ("Jan 8, 2020 at 12:05 a.m. EST", "2020-01-08T00:05:00"), ("Wed, 08 Jan 2020 12:30:45 GMT", "2020-01-08T12:30:45"),
    ("Wed, 8 Jan 2020 12:30:45 +0100 (CET)", "2020-01-08T12:30:45"), ("19-OCT-1987 15:59:55.15", "1987-10-19T15:59:55.150000"),
    ("Wed Jan 08 12:30:45 UTC 2020", "2020-01-08T12:30:45"), ("2020/1/8", "2020-01-08"), ("1 March 2020, 9:05", "2020-03-01T09:05:00"),
    ("", None), ("yesterday", None), ("2020-02-30", None), ("08/01/2020", None), ("2020", None), ("2020-01", None), ("31 June 2020", None),
    ("0000-00-00", None), ("8 Jan 2020 25:00", None), ("8 Jan 2020 13:00 pm", None), ("1578441600", None), ("8 Foo 2020", None)])
def test_dates_are_read_in_the_forms_of_news(text, date):
    found = _dates.parse_text(text)
    assert (found and found.isoformat()) == date


def test_dates_that_cannot_be_read_are_counted_in_a_note():
    rows = [{"text": "a", "date": d} for d in ("2020-01-08", "", None, "soon", "31 June 2020", dt.datetime(2020, 1, 9), dt.datetime(2020, 1, 9, 1))]
    with pm.index(rows) as idx:
        dates = [idx.doc(k).get("date") for k in idx.keys()]
        assert dates == [dt.date(2020, 1, 8), None, None, None, None, dt.date(2020, 1, 9), dt.datetime(2020, 1, 9, 1)]
        assert "2 articles without a date (first: row 1)" in idx.notes
        assert "2 articles with a date that could not be read, now without (first: row 3: 'soon')" in idx.notes


def test_dates_before_1970_and_far_away():
    for date in (dt.date(1, 1, 1), dt.date(1900, 2, 28), dt.date(9999, 12, 31), dt.datetime(1969, 12, 31, 23, 59, 59, 999999)):
        assert _dates.of_microseconds(_dates.microseconds(date), isinstance(date, dt.datetime)) == date


# ---- the build ----


def left_behind(folder):
    return sorted(p.name for p in folder.iterdir())


def test_exception_of_the_source_passes_and_leaves_nothing(tmp_path):
    def rows():
        yield from ({"text": "word " * 1000} for _ in range(3000))
        raise RuntimeError("the source failed")

    for threads in (1, 2):
        with pytest.raises(RuntimeError, match="the source failed"):
            pm.index(rows(), tmp_path / "i.pm", threads=threads)
        assert left_behind(tmp_path) == []


def test_earlier_bad_row_is_reported_before_a_later_one(tmp_path):
    rows = [{"key": "a", "text": "x"}, {"key": "a", "text": "y"}] + [{"key": str(i), "text": "word " * 1000} for i in range(2000)] + [5]
    with pytest.raises(pm.DuplicateKeyError):
        pm.index(iter(rows), tmp_path / "i.pm", threads=2)
    assert left_behind(tmp_path) == []


def test_if_exists(tmp_path):
    path = tmp_path / "i.pm"
    with pm.index(ROWS, path) as first:
        with pytest.raises(FileExistsError):
            pm.index(ROWS[:1], path)
        with pm.index(iter(()), path, if_exists="open") as same:
            assert len(same) == 3
        with pm.index(ROWS[:1], path, if_exists="replace") as second:
            assert len(second) == 1 and second.keys() == ["k1"]
        assert first.hits("slap").count == 2 and len(first) == 3  # the old one stays readable
    assert left_behind(tmp_path) == ["i.pm"]
    with pytest.raises(pm.SourceError):
        pm.index([{"a": 1}], path, if_exists="replace")
    with pm.open(path) as idx:
        assert len(idx) == 1


def test_replace_never_replaces_what_is_no_index(tmp_path):
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "a.txt").write_text("precious")
    with pytest.raises((pm.NotAnIndexError, FileNotFoundError)):
        pm.index(ROWS, tmp_path / "articles", if_exists="replace")
    assert left_behind(tmp_path / "articles") == ["a.txt"] and left_behind(tmp_path) == ["articles"]


def test_same_rows_make_the_same_bytes_at_any_number_of_threads(tmp_path):
    rows = [{"key": str(i), "outlet": "abc"[i % 3], "text": f"word{i % 97} and word{i % 89} " * 200} for i in range(3000)]
    files = []
    for threads in (1, 2, 4):
        pm.index(rows, tmp_path / str(threads), threads=threads).close()
        files.append({p.name: p.read_bytes() for p in (tmp_path / str(threads)).iterdir()})
    assert files[0] == files[1] == files[2]


@pytest.mark.parametrize("options", [{"on_error": "ignore"}, {"if_exists": "append"}, {"threads": 0}, {"lang": "klingon"}, {"memory": "lots"},
                                     {"memory": "63MB"}, {"memory": 5}, {"retain": 0}])
def test_arguments_are_checked_before_anything_is_read(options):
    with pytest.raises(ValueError):
        pm.index((pytest.fail("was read") for _ in range(1)), **options)


def test_memory_sizes():
    assert memory_bytes("1GB") == memory_bytes("1 GiB") == memory_bytes(1 << 30) and memory_bytes("1.5g") == 3 << 29
    assert memory_bytes("512MB") == 512 << 20


def test_progress_callable_is_told_how_far_it_is(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(as_jsonl([{"text": "word " * 1000}] * 3000))
    said = []
    pm.index(tmp_path / "a.jsonl", progress=lambda done, total: said.append((done, total))).close()
    size = (tmp_path / "a.jsonl").stat().st_size
    assert len(said) > 2 and said[-1] == (size, size) and said == sorted(said)
    said.clear()
    pm.index(ROWS, progress=lambda done, total: said.append((done, total))).close()
    assert said[-1] == (3, 3)


@pytest.mark.parametrize("bar", ["tqdm", "own"])
def test_progress_bar_is_shown_when_asked_for(capsys, monkeypatch, bar):
    if bar == "own":
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    else:
        pytest.importorskip("tqdm")
    pm.index(ROWS, progress=True).close()
    assert "indexing" in capsys.readouterr().err
    pm.index(ROWS).close()
    assert capsys.readouterr().err == ""


def test_source_may_use_the_index_module_while_it_is_read():
    """The user's rows are made on the calling thread."""
    caller = threading.get_ident()

    def rows():
        for i in range(10):
            assert threading.get_ident() == caller
            with pm.index([{"text": f"inner {i}"}]) as inner:
                yield {"text": inner.text("0")}

    with pm.index(rows()) as idx:
        assert idx.text("9") == "inner 9"


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_stops_a_build_and_leaves_nothing(tmp_path, threads):
    script = textwrap.dedent(f"""
        import itertools, sys
        import pressmark as pm
        def rows():
            for i in itertools.count():
                if i == 2000:
                    print("going", flush=True)
                yield {{"text": f"word{{i}} " * 500}}
        try:
            pm.index(rows(), sys.argv[1], threads={threads})
        except KeyboardInterrupt:
            sys.exit(7)
    """)
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "i.pm")], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "going\n"
        time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=30) == 7
    assert left_behind(tmp_path) == []

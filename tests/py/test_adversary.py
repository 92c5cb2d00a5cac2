"""What an adversary found: each test names what was seen."""

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction

import pytest

pm = pytest.importorskip("pressmark")

NAMED = ["hits", "documents", "tokens", "all_documents", "per_million", "share", "query", "left", "right", "hit", "key_", "tokens_"]


def test_metadata_columns_named_like_those_of_answers_kept_none_of_their_values():
    row = {name: f"value of {name}" for name in NAMED}
    with pm.index([{"key": "k", "text": "word word"} | row]) as idx:
        hits = idx.hits("word", columns=NAMED)
        for i, name in enumerate(NAMED):
            by, counted = hits.by(name), idx.count("word", by=name)
            assert by[0][0] == counted[0][1] == row[name] and by[0].hits == counted[0].hits == 2 and by[0].all_documents == 1
            assert hits[0][name] == row[name] and idx.search("word", columns=[name])[0][name] == row[name]
            assert len(set(by.columns)) == len(by.columns) == 7 and len(set(counted.columns)) == len(counted.columns) == 6
            assert hits.kwic()[0][4 + i] == row[name]
        table = idx.documents()
        assert len(set(table.columns)) == len(table.columns) == 3 + len(NAMED) and table[0].tokens == 2
        assert list(table[0])[3:] == list(row.values()) and set(table.to_dicts()[0].values()) >= set(row.values())
        assert hits.kwic()[0].left == "" and hits.kwic()[0].hit == "word"
        polars = pytest.importorskip("polars")
        assert isinstance(table.to_polars(), polars.DataFrame) and table.to_pandas().shape == (1, 3 + len(NAMED))


def test_metadata_column_date_beside_the_date_of_the_article():
    with pm.index([{"text": "word", "published": "2020-01-08", "date": "whenever"}], date="published") as idx:
        table = idx.documents()
        assert len(set(table.columns)) == len(table.columns) and set(map(str, table[0])) >= {"whenever", "2020-01-08 00:00:00"}


def test_csv_as_pandas_writes_it_with_its_row_numbers_had_a_column_without_a_name(tmp_path):
    (tmp_path / "a.csv").write_text(",text,outlet\n0,a,x\n1,b,y\n")
    with pm.index(tmp_path / "a.csv") as idx:
        assert idx.doc("1") == {"key": "1", "column 1": 1, "text": "b", "outlet": "y"}
    (tmp_path / "a.csv").write_text("text,outlet,,\na,x,,\nb,y,,\n")  # as Excel writes columns that were once in use
    with pm.index(tmp_path / "a.csv") as idx:
        assert idx.doc("1") == {"key": "1", "text": "b", "outlet": "y"}
    polars = pytest.importorskip("polars")
    with pm.index(polars.DataFrame({"": [7], "text": ["a"]})) as idx:
        assert idx.doc("0") == {"key": "0", "column 1": 7, "text": "a"}
    with pm.index(polars.DataFrame({"": [7], "text": ["a"]}).to_arrow()) as idx:
        assert idx.doc("0") == {"key": "0", "column 1": 7, "text": "a"}


def test_csv_with_empty_lines_before_its_header(tmp_path):
    (tmp_path / "a.csv").write_text("\n\ntext,n\na,1\n")
    with pm.index(tmp_path / "a.csv") as idx:
        assert idx.doc("0") == {"key": "0", "text": "a", "n": 1}


def test_csv_header_in_another_encoding_gave_a_message_that_could_not_be_printed(tmp_path):
    for data in ("text,Größe\na,1\n".encode("latin-1"), "text,o\na,1\n".encode("utf-16")):
        (tmp_path / "a.csv").write_bytes(data)
        for on_error in ("raise", "skip"):
            with pytest.raises(pm.SourceError, match="line 1: .*pass encoding=") as caught:
                pm.index(tmp_path / "a.csv", on_error=on_error)
            assert str(caught.value).encode()


def test_numbers_of_posts_in_csv_lost_their_last_digits(tmp_path):
    cells = {"post": ["1214736614217469953", "7"], "most": [str(2**63 - 1), str(-(2**63))], "over": [str(2**63), "1"],
             "mixed": ["1214736614217469953", "0.5"], "exact": [str(2**53), "0.5"]}
    (tmp_path / "a.csv").write_text("text," + ",".join(cells) + "\n" + "".join(f"a,{','.join(c[i] for c in cells.values())}\n" for i in (0, 1)))
    with pm.index(tmp_path / "a.csv") as idx:
        assert idx.doc("0") == {"key": "0", "text": "a", "post": 1214736614217469953, "most": 2**63 - 1, "over": str(2**63),
                                "mixed": "1214736614217469953", "exact": 2.0**53}
        assert idx.count("a", filter="post:1214736614217469953") == 1 and idx.count("a", filter="post:1214736614217469952") == 0


def test_json_number_of_thousands_of_digits_is_an_error_of_its_row(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "n": ' + "1" * 10_000 + '}\n{"text": "b"}\n')
    with pytest.raises(pm.SourceError, match="a.jsonl line 1"):
        pm.index(tmp_path / "a.jsonl")
    with pm.index(tmp_path / "a.jsonl", on_error="skip") as idx:
        assert idx.keys() == ["1"]


def test_json_line_that_cannot_be_decoded_is_an_error_of_its_row_in_any_encoding(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a\x81b"}\n{"text": "na\xefve"}\n')
    with pm.index(tmp_path / "a.jsonl", encoding="cp1252", on_error="skip") as idx:
        assert [s.row for s in idx.skipped] == [0] and idx.text("1") == "naïve"


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1xxxxxxxxPAR1", b"text,n\na,1\n"])
def test_file_that_is_no_parquet_is_a_source_error_that_names_it(tmp_path, data):
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(pm.SourceError, match="a.parquet"):
        pm.index(tmp_path / "a.parquet")


def test_row_by_a_float_is_a_type_error():
    with pm.index([{"text": "word"}]) as idx, pytest.raises(TypeError):
        idx.hits("word")[0.5]


def test_row_that_was_left_out_decided_the_kind_of_its_columns():
    rows = [{"text": "a", "m": 1, "bad": {"nested": 1}}, {"text": "b", "m": [1, "x"]}, {"text": "c", "m": "word"}]
    with pm.index(rows, on_error="skip") as idx:
        assert [s.row for s in idx.skipped] == [0, 1] and idx.doc("2")["m"] == "word"
        assert [c["name"] for c in idx.info()["columns"]] == ["m"]
    rows = [{"text": "a", "m": 2**60 + 1}, {"text": "b", "m": 0.5, "bad": {}}, {"text": "c", "m": 7}]
    with pm.index(rows, on_error="skip") as idx:
        assert [s.row for s in idx.skipped] == [1] and idx.doc("0")["m"] == 2**60 + 1 and idx.info()["columns"][0]["kind"] == "int"
    rows = [{"text": "a", "m": 1}, {"text": "b", "m": 0.5, "bad": {}}, {"text": "c", "m": 0.25}, {"text": "d", "m": 1.5, "bad": {}}]
    with pm.index(rows, on_error="skip") as idx:
        assert idx.keys() == ["0", "2"] and [idx.doc(k)["m"] for k in idx.keys()] == [1.0, 0.25]


@pytest.mark.parametrize("value", [Fraction(10**400, 3), Fraction(-(10**400)) / 7])
def test_number_that_no_float_holds_is_an_error_of_its_row(value):
    with pytest.raises(pm.SourceError, match="row 0 .*column 'm'"):
        pm.index([{"text": "a", "m": value}])


def test_missing_decimals_and_numpy_times_are_missing():
    with pm.index([{"text": "a", "m": Decimal("NaN")}, {"text": "a", "m": Decimal("sNaN")}, {"text": "a", "m": Decimal("0.5")}]) as idx:
        assert [idx.doc(k).get("m") for k in idx.keys()] == [None, None, 0.5]
    np = pytest.importorskip("numpy")
    rows = [{"text": "a", "date": np.datetime64("NaT"), "m": np.datetime64("NaT", "ns")},
            {"text": "a", "date": np.datetime64("2020-01-08T12:30"), "m": np.datetime64("2020-01-08", "ns")}]
    with pm.index(rows) as idx:
        assert idx.doc("0") == {"key": "0", "text": "a"}
        assert idx.doc("1") == {"key": "1", "text": "a", "date": dt.datetime(2020, 1, 8, 12, 30), "m": dt.date(2020, 1, 8)}


def test_weights_that_are_no_weights_gave_scores_of_nothing():
    with pm.index([{"text": "word"}]) as idx:
        for weight in (math.nan, -1, math.inf):
            with pytest.raises(ValueError):
                idx.search("word", weights={"text": weight})
        for k1 in (math.nan, -1, math.inf):
            with pytest.raises(ValueError):
                idx.search("word", k1=k1)
        assert idx.search("word", weights={"text": 0})[0].score == 0


def test_widths_and_numbers_of_rows_may_be_any_number():
    with pm.index([{"text": "a word here"}]) as idx:
        for n in (10**3, 2**31, 2**63, 10**30):
            for unit in ("chars", "words"):
                row = idx.hits("word").kwic(width=n, unit=unit)[0]
                assert (row.left, row.hit, row.right) == ("a ", "word", " here")
            assert len(idx.search("word", k=n)) == 1 and idx.hits("word").sample(n, n).count == 1


def test_link_to_an_index_was_replaced_by_a_directory_and_its_target_emptied(tmp_path):
    (tmp_path / "disk").mkdir()
    pm.index([{"text": "old"}], tmp_path / "disk" / "news.pm").close()
    (tmp_path / "news.pm").symlink_to(tmp_path / "disk" / "news.pm")
    with pm.open(tmp_path / "news.pm") as old:
        for word in ("new", "newer"):
            with pm.index([{"text": word}], tmp_path / "news.pm", if_exists="replace") as idx:
                assert idx.count(word) == 1 and old.hits("old")[0].text == "old"
    for path in (tmp_path / "news.pm", tmp_path / "disk" / "news.pm"):
        with pm.open(path) as idx:
            assert idx.text("0") == "newer"
    assert (tmp_path / "news.pm").is_symlink() and sorted(p.name for p in tmp_path.iterdir()) == ["disk", "news.pm"]
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["news.pm"]


def test_paths_may_be_of_any_type_and_letters(tmp_path):
    for path in (str(tmp_path / "a.pm"), str(tmp_path / "b.pm").encode(), tmp_path / "\u00fc \n \u5f3e.pm", str(tmp_path / "c.pm") + "/"):
        for _ in range(2):
            with pm.index([{"text": "word"}], path, if_exists="replace") as idx, pm.open(path) as again:
                assert idx.count("word") == again.count("word") == 1


def test_time_that_python_does_not_hold_is_a_source_error(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    times = pa.table({"text": ["a", "b"], "when": pa.array([0, 2**62], pa.timestamp("us"))})
    pq.write_table(times, tmp_path / "a.parquet")
    sources = [times, tmp_path / "a.parquet"]
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    far = pd.Series([20_000 * 31_556_952], dtype="datetime64[s]")
    for source in (*sources, pl.DataFrame(times), pd.DataFrame({"text": ["a"], "when": far})):
        with pytest.raises(pm.SourceError, match="cannot be read.*range"):
            pm.index(source)
    with pm.index(pd.DataFrame({"text": ["a"], "date": far})) as idx:
        assert "date" not in idx.doc("0") and any("could not be read" in n for n in idx.notes)


def test_column_without_a_table_is_no_source():
    pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match="a source .*Series"):
        pm.index(polars.Series("text", ["a"]))


def test_folder_without_articles_made_an_empty_index(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.md").write_text("none")
    with pytest.raises(FileNotFoundError, match="folder"):
        pm.index(tmp_path / "folder")


def test_negative_limit_of_lines_is_an_error(tmp_path, capsys):
    from pressmark.cli import main

    pm.index([{"text": "word word"}], tmp_path / "i.pm").close()
    with pytest.raises(SystemExit) as caught:
        main(["hits", str(tmp_path / "i.pm"), "word", "--limit", "-1"])
    assert caught.value.code == 2 and "invalid number" in capsys.readouterr().err


def test_elided_words_can_be_asked_for_alone() -> None:
    idx = pm.index([{"text": "l'Iran et l’Irak, dit-on"}], lang="french")
    assert idx.phrase("l'").count == 2 and idx.hits("l’").count == 2
    assert [h.text for h in idx.hits("l' PRE/1 irak")] == ["l’Irak"]


def test_overlapping_hits_of_a_long_text_are_cut_in_one_walk() -> None:
    n = 60_000
    idx = pm.index([{"text": "thé of " * n}])
    hits = idx.hits("thé W/1 of")
    rows = hits.to_dicts()
    assert len(rows) == 2 * n - 1
    assert [(r["start"], r["end"]) for r in rows[:3]] == [(0, 6), (4, 10), (7, 13)] and rows[-1]["end"] == 7 * n - 1

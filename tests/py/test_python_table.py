"""Tables: values, slices, display, and every way out of them."""

import ast
import csv
import gc
import io
import pickle
import sys
import types
from datetime import datetime
from pathlib import Path

import pytest

pm = pytest.importorskip("pressmark")
from pressmark import _core  # noqa: E402
from pressmark._table import Row, Table, block_of  # noqa: E402
from pressmark._width import cut_width, shown_width  # noqa: E402

DAY, MOMENT = datetime(2020, 1, 8), datetime(1969, 12, 31, 23, 59, 59, 999999)
COLUMNS = {
    "word": ["missile", "Élysée", "<b>&\"'</b>", None, "弾道ミサイル", ""],
    "n": [1, -2, 2**62, None, 0, 5],
    "rate": [0.5, None, -1e300, 0.0, 3.25, 7.0],
    "yes": [True, False, None, True, True, False],
    "at": [DAY, MOMENT, None, DAY, DAY, DAY],
    "full": [6, 5, 4, 3, 2, 1],
    "real": [0.0, 1.5, -2.5, 3.5, 4.5, 5.5],
    "both": [True, False, True, False, True, False],
}
ROWS = list(zip(*COLUMNS.values()))


@pytest.fixture
def table():
    return Table(block_of(COLUMNS), "a query", ["a note", "a note", "another <b>"])


def test_table_holds_what_it_was_made_of(table):
    assert table.columns == list(COLUMNS) and len(table) == 6
    assert [tuple(r) for r in table] == ROWS
    assert table.to_dicts() == [dict(zip(COLUMNS, r)) for r in ROWS]
    assert [table[i] for i in range(6)] == ROWS and table[-1] == ROWS[-1]
    for name, values in COLUMNS.items():
        assert table.column(name).tolist() == values == list(table[name])
    assert ROWS[2] in table and (1,) not in table
    assert table.notes == ("a note", "another <b>") and table.query == "a query"


@pytest.mark.parametrize("at", [slice(1, 4), slice(None, None, -1), slice(10, 20), slice(-2, None), slice(0, 6, 2), slice(4, 1)])
def test_table_slice_is_a_table(table, at):
    part = table[at]
    assert isinstance(part, Table) and [tuple(r) for r in part] == ROWS[at]
    assert part.query == "a query" and part.columns == table.columns


def test_table_index_out_of_range_raises(table):
    for i in (6, -7):
        with pytest.raises(IndexError):
            table[i]
    with pytest.raises(KeyError, match="columns: word"):
        table["none"]
    with pytest.raises(IndexError):
        table.column("n")[6]


def test_row_reads_as_attribute_item_tuple_and_dict(table):
    row = table[0]
    assert row.word == row["word"] == row[0] == "missile" and row[1:3] == (1, 0.5)
    word, *rest = row
    assert word == "missile" and len(rest) == 7 and len(row) == 8
    assert row == tuple(row) and row == table[0] and row != table[1] and hash(row) == hash(table[0])
    assert row._asdict()["at"] == DAY and "word='missile'" in repr(row)
    with pytest.raises(AttributeError, match="no column 'wrod'; columns: word"):
        row.wrod
    with pytest.raises(KeyError):
        row["wrod"]
    assert pickle.loads(pickle.dumps(row)) == row


def test_row_of_a_column_named_like_a_method_gives_the_value():
    assert Row(("count", "index", "keys"), (3, 4, 5)).count == 3


def test_table_pickles(table):
    again = pickle.loads(pickle.dumps(table))
    assert [tuple(r) for r in again] == ROWS and again.notes == table.notes and again.columns == table.columns
    assert [again._block.types[i] for i in range(8)] == list(table._block.types)


# ---- buffers ----


def test_column_of_numbers_is_a_buffer_without_a_copy(table):
    np = pytest.importorskip("numpy")
    column = table.column("full")
    a, b = np.asarray(column), np.asarray(table.column("full"))
    assert a.tolist() == COLUMNS["full"] and a.dtype == np.int64 and not a.flags.writeable and not a.flags.owndata
    assert a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    assert np.asarray(table.column("real")).dtype == np.float64
    assert np.asarray(table.column("both")).tolist() == COLUMNS["both"] and np.asarray(table.column("both")).dtype == bool
    assert a.sum() == 21


def test_buffer_outlives_table_and_column():
    np = pytest.importorskip("numpy")
    a = np.asarray(Table(block_of({"n": list(range(100_000))})).column("n"))
    gc.collect()
    assert int(a.sum()) == 100_000 * 99_999 // 2


def test_buffer_protocol_details(table):
    view = memoryview(table.column("full"))
    assert (view.format, view.shape, view.strides, view.readonly, view.ndim) == ("q", (6,), (8,), True, 1)
    assert memoryview(table.column("both")).format == "?" and memoryview(table.column("real")).format == "d"
    with pytest.raises(TypeError):
        view[0] = 1
    empty = memoryview(Table(block_of({"n": []}, {"n": "int"})).column("n"))
    assert empty.tolist() == []


@pytest.mark.parametrize("name", ["n", "rate", "yes", "at", "word"])
def test_column_with_gaps_or_text_is_no_buffer_but_still_an_array(table, name):
    np = pytest.importorskip("numpy")
    with pytest.raises(BufferError):
        memoryview(table.column(name))
    assert np.asarray(table.column(name), dtype=object).tolist() == COLUMNS[name]


def test_column_of_times_is_a_buffer_of_microseconds():
    view = memoryview(Table(block_of({"at": [DAY, MOMENT]})).column("at"))
    assert view.tolist() == [1578441600000000, -1]


# ---- exports ----


def arrow_types(pa):
    return [pa.large_string(), pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us"), pa.int64(), pa.float64(), pa.bool_()]


def test_arrow_export_keeps_values_types_and_gaps(table):
    pa = pytest.importorskip("pyarrow")
    out = table.to_arrow()
    out.validate(full=True)
    assert out.schema.names == list(COLUMNS) and out.schema.types == arrow_types(pa)
    assert [tuple(r.values()) for r in out.to_pylist()] == ROWS
    assert pa.schema(table).types == arrow_types(pa)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 64, 1000])
def test_arrow_export_packs_bits_at_every_length(n):
    pa = pytest.importorskip("pyarrow")
    flags = [None if i % 5 == 0 else i % 3 == 0 for i in range(n)]
    words = [None if i % 7 == 0 else "w" * (i % 4) for i in range(n)]
    out = pa.table(Table(block_of({"f": flags, "w": words}, {"f": "bool", "w": "str"})))
    out.validate(full=True)
    assert out["f"].to_pylist() == flags and out["w"].to_pylist() == words


def test_arrow_export_outlives_the_table_and_may_be_taken_often(table):
    pa = pytest.importorskip("pyarrow")
    first, second = pa.table(table), pa.table(table)
    reader = pa.RecordBatchReader.from_stream(table)
    del table
    gc.collect()
    assert first.equals(second) and reader.read_all().equals(first)


def test_arrow_capsules_that_nobody_takes_are_freed(table):
    for _ in range(50):
        table.__arrow_c_stream__(None)
        table.__arrow_c_schema__()
    gc.collect()


def test_polars_export_keeps_values(table):
    pytest.importorskip("polars")
    out = table.to_polars()
    assert out.columns == list(COLUMNS) and out.rows() == ROWS


def test_pandas_export_keeps_values_and_gaps(table):
    pd = pytest.importorskip("pandas")
    out = table.to_pandas()
    assert list(out.columns) == list(COLUMNS) and len(out) == 6
    assert str(out["n"].dtype) == "Int64" and out["n"][2] == 2**62 and out["n"].isna().tolist() == [i == 3 for i in range(6)]
    assert str(out["full"].dtype) == "int64" and str(out["yes"].dtype) == "boolean"
    assert out["at"][0] == pd.Timestamp(DAY) and pd.isna(out["at"][2]) and out["at"][1] == pd.Timestamp(MOMENT)
    assert out["word"][1] == "Élysée" and pd.isna(out["word"][3]) and pd.isna(out["rate"][1])
    if hasattr(pd.DataFrame, "from_arrow"):
        pytest.importorskip("pyarrow")
        assert pd.DataFrame.from_arrow(table)["full"].tolist() == COLUMNS["full"]


@pytest.mark.parametrize(("method", "module"), [("to_pandas", "pandas"), ("to_polars", "polars"), ("to_arrow", "pyarrow")])
def test_export_without_the_package_says_what_to_install(table, method, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{method}\(\) needs {module}: pip install {module}"):
        getattr(table, method)()


def test_csv_export_reads_back(table, tmp_path):
    table.to_csv(tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert table.to_csv() == text
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == list(COLUMNS) and len(rows) == 7
    assert rows[1][:4] == ["missile", "1", "0.5", "true"] and rows[3][0] == COLUMNS["word"][2] and rows[3][1] == str(2**62)
    assert rows[4][0] == "" and rows[2][4] == "1969-12-31 23:59:59.999999"
    days = Table(block_of({"at": [DAY, None]})).to_csv()
    assert days == "at\n2020-01-08\n\"\"\n"


# ---- display ----


def test_repr_is_aligned_under_wide_characters():
    rows = {"word": ["missile", "弾道ミサイル", "café", "한국어", "👍🏽"], "n": [1, 22, 333, 4444, 55555]}
    lines = repr(Table(block_of(rows))).split("\n")
    assert len(lines) == 6
    assert {shown_width(line) for line in lines} == {shown_width(lines[0])}
    assert lines[0].startswith("word") and lines[0].endswith("n") and lines[5].endswith("55,555")


def test_repr_of_a_long_table_says_how_many_more():
    text = repr(Table(block_of({"n": list(range(1234))})))
    assert text.count("\n") == 21 and text.endswith("… 1,214 more")


def test_repr_keeps_to_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    wide = Table(block_of({"doc": ["a-key-that-stays-whole"], "left": ["x " * 50], "right": ["汉" * 50], "n": [7]}))
    for line in repr(wide).split("\n"):
        assert shown_width(line) <= 60
    assert "a-key-that-stays-whole" in repr(wide)


def test_repr_shows_days_without_midnight_and_notes(table):
    text = repr(table)
    assert "2020-01-08 00:00:00" in text and "1969-12-31 23:59:59.999999" in text and "note: a note" in text
    assert repr(Table(block_of({"at": [DAY]}))).endswith("2020-01-08")
    assert repr(Table(block_of({"a": [], "b": []}))) == "a  b"


@pytest.mark.parametrize(("text", "width", "end", "start"), [
    ("abcdef", 6, "abcdef", "abcdef"), ("abcdef", 4, "abc…", "…def"), ("汉字汉字", 5, "汉字…", "…汉字"), ("汉字汉字", 4, "汉…", "…字"),
    ("e\u0301e\u0301e\u0301", 2, "e\u0301…", "…e\u0301")])
def test_cut_width_never_exceeds_its_room(text, width, end, start):
    assert cut_width(text, width) == end and shown_width(end) <= width
    assert cut_width(text, width, from_start=True) == start and shown_width(start) <= width


def test_html_escapes_names_values_and_notes(table):
    page = table._repr_html_()
    assert "&lt;b&gt;&amp;&quot;&#x27;&lt;/b&gt;" in page and "another &lt;b&gt;" in page
    assert "<b>" not in page
    assert "<script>" not in Table(block_of({"<script>": ["<script>"]}), "<script>")._repr_html_()


# ---- the extension ----


def test_core_table_refuses_what_does_not_fit():
    for names, kinds, columns, error in [
            (("a",), ("int",), (["x"],), TypeError), (("a",), ("int",), ([2**63],), OverflowError),
            (("a",), ("none",), ([1],), ValueError), (("a", "b"), ("int",), ([1], [2]), ValueError),
            (("a", "b"), ("int", "int"), ([1], [2, 3]), ValueError), (("a\0",), ("int",), ([1],), ValueError),
            (("a",), ("float",), (["x"],), TypeError), (("a",), ("int",), (5,), TypeError),
            (("a",), ("float",), (block_of({"a": [1]}).column(0),), TypeError)]:
        with pytest.raises(error):
            _core.table(names, kinds, columns)
    assert _core.table((), (), ()).names == ()


def test_core_table_replaces_lone_surrogates():
    assert block_of({"w": ["a\ud800b"]}).column(0).tolist() == ["a?b"]


def test_core_types_cannot_be_made_or_subclassed():
    for name in ("Block", "Column", "Query", "Index", "Hits", "Builder", "Unzstd"):
        kind = getattr(_core, name)
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            types.new_class("Sub", (kind,))
        with pytest.raises(TypeError):
            kind.extra = 1


def stub_names(body):
    for node in body:
        if isinstance(node, ast.FunctionDef) and not (node.name.startswith("__") and node.name != "__len__"):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id


def test_core_stub_names_what_the_extension_has():
    path = Path(pm.__file__).with_name("_core.pyi")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert set(stub_names(tree.body)) == {n for n in dir(_core) if not n.startswith("__")}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            runtime = {n for n in dir(getattr(_core, node.name)) if not n.startswith("__") or n == "__len__"}
            assert set(stub_names(node.body)) == runtime, node.name


def test_public_names_have_docstrings():
    for name in pm.__all__:
        thing = getattr(pm, name)
        assert name.startswith("__") or name == "limits" or thing.__doc__
        if isinstance(thing, type):
            for method, value in vars(thing).items():
                assert method.startswith("_") or not callable(value) or value.__doc__ or method == "to_dict", f"{name}.{method}"


def test_package_is_typed():
    mypy_api = pytest.importorskip("mypy.api")
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").exists():
        pytest.skip("no source tree around the tests")
    out, err, status = mypy_api.run(["--config-file", str(root / "pyproject.toml"), "--no-error-summary", str(root / "python/pressmark")])
    assert status == 0, out + err

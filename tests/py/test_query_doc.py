"""docs/QUERY.md, executed: every query is read as the page says, and has so many hits in the sample articles."""

import json
import re
from pathlib import Path

import pytest

import pressmark as pm

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/QUERY.md"
SAMPLE = Path(pm.__file__).parent / "sample/articles.jsonl"
if not PAGE.exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)
TEXT = PAGE.read_text(encoding="utf-8")


def cells(line):
    """The cells of a table's row, `\\|` read as `|`, code without its marks."""
    found = [re.sub(r"\\\|", "|", cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
    return [cell[1:-1] if cell.startswith("`") and cell.endswith("`") and cell.count("`") == 2 else cell for cell in found]


def tables():
    """(header, rows) of each table of the page."""
    for block in re.findall(r"(?:^\|.*\n)+", TEXT, re.M):
        lines = block.splitlines()
        yield cells(lines[0]), [cells(line) for line in lines[2:]]


def rows_with(*columns):
    return [tuple(row[header.index(c)] for c in columns) for header, rows in tables() if set(columns) <= set(header) for row in rows]


ERRORS = re.findall(r"^```error\n(.*?)\n```$", TEXT, re.M | re.S)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    return pm.index(rows, tmp_path_factory.mktemp("doc") / "sample.pm", key="key", date="date")


def test_page_has_examples_of_every_kind():
    assert len(rows_with("query", "hits")) > 35 and len(rows_with("query", "note")) > 5 and len(ERRORS) > 8
    assert len(rows_with("you know", "here")) > 8


@pytest.mark.parametrize("query, reading", rows_with("query", "canonical reading"))
def test_query_has_the_canonical_reading_of_the_page(query, reading):
    assert str(pm.parse(query)) == reading
    assert str(pm.parse(reading)) == reading


@pytest.mark.parametrize("query, hits", [row for row in rows_with("query", "hits") if row[1]])
def test_query_has_the_hits_of_the_page(index, query, hits):
    assert len(index.hits(query)) == int(hits.replace(",", ""))


@pytest.mark.parametrize("query, note", rows_with("query", "note"))
def test_query_gives_the_note_of_the_page(index, query, note):
    assert any(note in said for said in index.hits(query).notes)


@pytest.mark.parametrize("block", ERRORS)
def test_query_fails_as_the_page_says(index, block):
    name, query = block.split(":", 1)[0], block.splitlines()[1][2:]
    with pytest.raises(pm.Error) as failure:
        index.hits(query)
    assert f"{name}: {failure.value}" == block and type(failure.value).__name__ == name


@pytest.mark.parametrize("query", [re.split(r"`", here)[1] if "`" in here else here for here, in rows_with("here")])
def test_queries_of_other_languages_have_a_reading(query):
    pm.parse(query)


def test_both_readings_of_an_ambiguous_query_can_be_pasted(index):
    for block in ERRORS:
        if block.startswith("AmbiguousQueryError"):
            readings = re.findall(r"^  (?:\w+ reads|either|or) +(.*)$", block, re.M)
            assert len(readings) == 2 and all(index.hits(reading) is not None for reading in readings)

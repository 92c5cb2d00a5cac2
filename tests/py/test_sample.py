"""The sample articles: one text in two forms, with the traps of real news in them."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "python" / "pressmark" / "sample"
if not SAMPLE.exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)

ROWS = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text(encoding="utf-8").splitlines()]


def test_sample_rows_hold_the_texts_of_the_files():
    spec = importlib.util.spec_from_file_location("make_sample", ROOT / "tools" / "make_sample.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.refreshed() == (SAMPLE / "articles.jsonl").read_text(encoding="utf-8")


def test_sample_rows_have_all_columns():
    assert len(ROWS) == 12 and len({row["outlet"] for row in ROWS}) == 6
    for row in ROWS:
        assert list(row) == ["key", "date", "outlet", "title", "text"] and all(row.values())
        assert row["key"].startswith(row["date"])
        assert 250 <= len(row["text"].split()) <= 500


@pytest.mark.parametrize("trap", [
    "U.S. ", "US ", " us", "Tahouri", "Tahuri", "Qarimah's", "Qarimah’s", "al-Haddawi", "5,000", "$1.5bn", "$1.5 billion", "4pm", "@lanterntips",
    "#BringBackTheLark", "newsdesk@dailylantern.example", "www.qna.example", "Évrémont", "Evremont", "Sign up to", "(Image:", "(Meridian Wire) -",
    "\u00a0", "\u00ad", "self-defence", "himself.A", " WHO ", "closed a door", "shut a door", "“We are", "\"We are", "garden\".", "– Meridian"])
def test_sample_holds_the_trap(trap):
    assert any(trap in row["text"] for row in ROWS)


def test_sample_outlets_share_agency_copy():
    flat = {row["key"]: " ".join(row["text"].split()) for row in ROWS}
    shared = "Qarimah showed 19 of the 23 crew of a seized container ship on state television on Wednesday, drinking tea on the deck"
    assert sorted(key for key, text in flat.items() if shared in text) == [
        "2031-01-15-meridian-crew", "2031-01-16-lantern-captain", "2031-01-17-northgate-pilots"]


def test_sample_headline_is_repeated_in_a_body():
    assert any(row["text"].startswith(row["title"]) for row in ROWS)


def test_sample_has_a_quotation_over_several_paragraphs():
    """Opened again at each paragraph, closed at the last alone."""
    paragraphs = next(row for row in ROWS if row["key"] == "2031-01-14-qna-speech")["text"].split("\n\n")
    assert any(a.startswith("“") and a.count("“") > a.count("”") and b.startswith("“") for a, b in zip(paragraphs, paragraphs[1:]))

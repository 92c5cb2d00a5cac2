"""Writes docs/pressmark.ipynb, without outputs: python3 tools/make_notebook.py [--check]. The cells stand here, so that changes can be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "docs" / "pressmark.ipynb"

TEXT, CODE = "markdown", "code"
CELLS = [
    (TEXT, """
# One week, six outlets

Twelve articles by six invented outlets tell of one invented event: the seizure of a container ship, the *Northern Lark*, in the
Strait of Ardaan. They have what real collections have: agency copy printed word for word by others, quotations that differ in a
word, a name in two spellings, `U.S.` beside `US` beside `us`, straight and curly quotation marks, lines that no reader wants.

What is asked of them below is asked of a large collection in the same words.
"""),
    (CODE, """
import json
from importlib.resources import files

import pressmark as pm

source = files("pressmark") / "sample" / "articles.jsonl"
rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
idx = pm.index(rows)                  # a path as the second argument would keep it: pm.index(rows, "lark.pm")
idx
"""),
    (CODE, """
idx.documents(columns=["outlet"])
"""),
    (TEXT, """
## Ranked search

Plain words rank articles that have any of them, by BM25. A bare word is matched by its stem: `insurance` and `insurers` meet.
"""),
    (CODE, """
idx.search("insurers price of the passage", k=5)
"""),
    (TEXT, """
## Every hit of a phrase

`hits` leaves nothing out and invents nothing. The concordance shows each hit in its context; here sorted by the words to the left,
the two versions of one quotation fall apart: a knife *at* the throat, a knife *to* the throat.
"""),
    (CODE, """
hits = idx.hits('"throat of world trade"')
hits.kwic(width=40, sort=["2L"])
"""),
    (CODE, """
hits.by("outlet")
"""),
    (TEXT, """
Offsets are code points of the original text: the slice is the hit.
"""),
    (CODE, """
hit = hits[0]
text = idx.text(hit.doc, hit.field)
assert text[hit.start:hit.end] == hit.text
hit.doc, hit.field, hit.start, hit.end, hit.text
"""),
    (TEXT, """
Agency copy is printed more than once; a filter of metadata asks one outlet, or some days.
"""),
    (CODE, """
copied = idx.hits('"drinking tea on the deck"', columns=["outlet", "date"])
print(len(copied), "hits,", len(copied.filter('outlet:"meridian wire"')), "of them in the agency's own copy")
copied.kwic(width=30)
"""),
    (TEXT, """
## Words near each other

`W/5`: at most five words apart, in any order; `PRE/5`: in this order; `W/5s`: in one sentence. A word is matched by its stem.
"""),
    (CODE, """
idx.hits("seized W/5s ship").kwic(width=36)
"""),
    (CODE, """
idx.near("crew", ["released", "home"], within=12).kwic(width=36)
"""),
    (TEXT, """
## U.S., US and us

A word typed in capitals is read as a name, in any of its spellings; lower case finds both, and the notes say so.
"""),
    (CODE, """
for query in ["US", "==US", "==U.S.", "==us"]:
    print(f"{query:8} {idx.count(query):3} hits in {idx.count(query, unit='documents'):2} articles")
idx.hits("US").notes
"""),
    (TEXT, """
## Two spellings of a name

`Tahouri` is `Tahuri` elsewhere: `*` stands for any letters, and `words` shows what the collection holds of a pattern.
"""),
    (CODE, """
print(idx.words("tah*uri"))
idx.count(["Tahouri", "Tahuri", "Tah*uri W/6 commander"], by="outlet")
"""),
    (TEXT, """
Accents: a word without them finds every spelling, one with them just that.
"""),
    (CODE, """
idx.count("Evremont"), idx.count("Évrémont")
"""),
    (TEXT, """
## Numbers

Hits and articles by any column of metadata, with rates: per million words, and as a share of the articles.
"""),
    (CODE, """
idx.hits("throat OR knife").by("date")
"""),
    (TEXT, """
The words of the collection that hold *sail*, most frequent first:
"""),
    (CODE, """
idx.words("*sail*")
"""),
    (TEXT, """
## Into a data frame
"""),
    (CODE, """
frame = hits.to_pandas()
frame.groupby("doc").size().sort_values(ascending=False)
"""),
    (TEXT, """
## What the index saw

`tokenize` shows what any text becomes, `parse` how a query is read.
"""),
    (CODE, """
pm.tokenize("Qarimah’s $1.5bn, the U.S. said at 4pm: self-defence by @lanterntips")
"""),
    (CODE, """
print(pm.parse("(Tahouri OR Tahuri) W/6 commander AND NOT outlet:ledger"))
"""),
    (TEXT, """
## The next day

Collections grow and are corrected while others read them. A session adds, updates and deletes; all of it is published together when
the block is left, or nothing, should something go wrong. The index at hand stays as it is: `refresh` opens the new generation.
"""),
    (CODE, """
today = [{"key": "2031-01-20-ledger-toll", "outlet": "The Ledger", "date": "2031-01-20", "title": "The price of a strait",
          "text": "Whoever holds the throat of world trade, one insurer said, sends the bill to everyone."}]
wrong = hits[0].doc
with idx.writer() as w:
    w.add(today)
    w.update({**idx.doc(wrong), "title": "Corrected"})
    w.delete(hits[-1].doc)
later = idx.refresh()
print(later)
"""),
    (CODE, """
count = later.hits('"throat of world trade"').by("outlet")
print(idx.count('"throat of world trade"'), "hits in generation", idx.generation)
print(later.count('"throat of world trade"'), "hits in generation", later.generation)
count
"""),
    (TEXT, """
## To publish

The card says what was counted, in which index, by which version.
"""),
    (CODE, """
print(idx.cite(hits))
"""),
]


def cell(number: int, kind: str, source: str) -> dict[str, object]:
    text = source.strip("\n")
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1].rstrip("\n")
    if kind == TEXT:
        return {"cell_type": kind, "id": f"cell-{number:02}", "metadata": {}, "source": lines}
    return {"cell_type": kind, "execution_count": None, "id": f"cell-{number:02}", "metadata": {}, "outputs": [], "source": lines}


def notebook() -> str:
    whole = {"cells": [cell(i, *pair) for i, pair in enumerate(CELLS)],
             "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                          "language_info": {"name": "python"}},
             "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(TARGET.read_text(encoding="utf-8") != notebook())
    TARGET.write_text(notebook(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

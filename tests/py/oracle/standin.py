"""The enumerator behind pressmark's interface, with faults to choose from, so that the comparison itself can be tested.

A comparison that finds nothing proves something only if it finds what is wrong: each fault here is one that a fast engine
may well have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from . import plain, scores
from .engine import Document, Engine, Found, Hit, Part, distance, minimal
from .parse import parse
from .tree import And, AtLeast, First, In, Near, Node, Not, Of, Phrase, Word
from .words import Reader, Token

FAULTS = ("distance", "last hit", "boundary", "case class", "minimality", "same token", "order", "last document",
          "NOT", "parts", "accents", "slop", "branches", "own tokens", "zone", "first", "quorum", "deletion", "update")


class _FaultyReader(Reader):
    def __init__(self, fault: str) -> None:
        super().__init__(plain.tokenize)
        self.fault = fault

    def runs(self, word: Word, in_phrase: bool = False, names: bool = True) -> list[list[Any]]:
        if self.fault == "case class" and word.layer == "stem":
            word = Word(word.text.lower(), "stem")
        runs = super().runs(word, in_phrase, names)
        if self.fault == "accents" and word.layer != "surface":
            return [[lambda t, m=m: t.folded.isascii() and m(t) for m in run] for run in runs]
        return runs


class _Faulty(Engine):
    """The enumerator with one thing wrong."""

    def __init__(self, documents: Sequence[Document], fields: Sequence[str], fault: str) -> None:
        super().__init__(documents, fields, plain.tokenize)
        self.reader, self.fault = _FaultyReader(fault), fault

    def hits(self, query: Node) -> list[Hit]:
        hits = super().hits(query)
        if self.fault == "last document":
            hits = [h for h in hits if h.doc != self.documents[-1].key]
        return hits[:-1] if self.fault == "last hit" and len(hits) > 3 else hits

    def hits_of(self, query: Node, doc: Document) -> list[Hit]:
        if self.fault == "minimality":
            return [Hit(doc.key, name, f.first, f.last, f.parts) for name in self.fields
                    for f in sorted(self.places(query, doc, name))]
        hits = super().hits_of(query, doc)
        if self.fault == "parts":
            return [h._replace(parts=_last_part_moved(h)) for h in hits]
        return hits

    def satisfied(self, node: Node, doc: Document, fields: Sequence[str]) -> bool:
        if self.fault == "NOT" and isinstance(node, Not):
            return True
        if self.fault == "quorum" and isinstance(node, (Of, AtLeast)):
            return super().satisfied(replace(node, n=node.n + 1), doc, fields)
        if self.fault == "branches" and isinstance(node, And):
            return any(super(_Faulty, self).satisfied(n, doc, fields) for n in node.children)
        return super().satisfied(node, doc, fields)

    def _stands(self, node: Near, a: Found, b: Found, tokens: Sequence[Token]) -> bool:
        if self.fault == "distance" and node.within is not None and distance(a, b) == node.within + 1:
            return super()._stands(Near(node.left, node.right, node.within + 1, node.ordered, node.scope), a, b, tokens)
        if self.fault == "boundary":
            node = Near(node.left, node.right, node.within, node.ordered)
        if self.fault == "order":
            node = Near(node.left, node.right, node.within, False, node.scope)
        return super()._stands(node, a, b, tokens)

    def _near(self, node: Near, doc: Document, name: str) -> list[Found]:
        found = super()._near(node, doc, name)
        if self.fault == "same token" and not node.ordered:
            left, right = (self.assignments(n, doc, name) for n in (node.left, node.right))
            found += [Found(a.first, a.last, a.tokens, a.parts + b.parts)
                      for a in left for b in right if a.tokens == b.tokens]
        return found

    def _not_near(self, node: Near, doc: Document, name: str) -> list[Found]:
        if self.fault != "own tokens":
            return super()._not_near(node, doc, name)
        left, right = (self.assignments(n, doc, name) for n in (node.left, node.right))
        spans, tokens = minimal((f.first, f.last) for f in left), doc.fields.get(name, [])
        return [a for a in left if (a.first, a.last) in spans
                and not any(super(_Faulty, self)._stands(node, a, b, tokens) for b in right)]

    def _in(self, node: In, doc: Document, name: str) -> list[Found]:
        return self.assignments(node.child, doc, name) if self.fault == "zone" else super()._in(node, doc, name)

    def _places(self, node: Node, doc: Document, name: str, fields: Sequence[str]) -> list[Found]:
        if self.fault == "first" and isinstance(node, First):
            node = replace(node, n=node.n + 1)
        return super()._places(node, doc, name, fields)

    def _phrase(self, phrase: Phrase, slots: list[Any]) -> list[Any]:
        if self.fault == "slop" and phrase.slop:
            phrase = Phrase(phrase.slots, phrase.slop - 1, phrase.ordered)
        return super()._phrase(phrase, slots)


def _last_part_moved(hit: Hit) -> tuple[Part, ...]:
    return hit.parts if hit.parts[0] is None else ((hit.first, hit.last),) + hit.parts[1:]


class _Hits(list[Any]):
    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self)


class _Writer:
    """Rows of the next generation."""

    def __init__(self, index: _Index) -> None:
        self.index, self.rows, self.fault = index, dict(index.rows), index.engine.fault

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.index.newest = list(self.rows.values())

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        assert not any(row["id"] in self.rows for row in rows)
        self.rows |= {row["id"]: row for row in rows}

    def update(self, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            if self.fault != "update":
                self.rows.pop(row["id"], None)
            self.rows[row["id"]] = row

    def delete(self, *keys: str, filter: str | None = None) -> int:
        if filter is not None:
            keys = (*keys, *(k for k, row in self.rows.items() if f"outlet:{row.get('outlet')}" == filter))
        there = [k for k in keys if k in self.rows]
        for key in there if self.fault != "deletion" else there[1:]:
            del self.rows[key]
        return len(there)


class _Index:
    def __init__(self, rows: Sequence[dict[str, Any]], fields: Sequence[str], fault: str) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.newest = list(rows)
        documents = [Document(row["id"], {f: plain.tokenize(row.get(f) or "") for f in fields},
                              {m: row[m] or "" for m in ("outlet", "date") if m in row}) for row in rows]
        self.engine = _Faulty(documents, fields, fault)

    def writer(self) -> _Writer:
        return _Writer(self)

    def refresh(self) -> _Index:
        return _Index(self.newest, self.engine.fields, self.engine.fault)

    def optimize(self) -> _Index:
        return self.refresh()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_tokens(self) -> int:
        return sum(len(tokens) for d in self.engine.documents for tokens in d.fields.values())

    def documents(self, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        return [(d.key, *(d.meta.get(c) for c in columns)) for d in self.engine.documents]

    def words(self) -> list[tuple[str, int]]:
        every = Counter(t.folded for d in self.engine.documents for tokens in d.fields.values() for t in tokens)
        return sorted(every.items())

    def tokens(self, key: str) -> list[SimpleNamespace]:
        doc = next(d for d in self.engine.documents if d.key == key)
        return [SimpleNamespace(field=f, surface=t.surface, folded=t.folded, stem=t.stem, sentence=t.sentence,
                                paragraph=t.paragraph, start=t.start, end=t.end, quote=t.quote)
                for f, tokens in doc.fields.items() for t in tokens]

    def text(self, key: str, field: str) -> str:
        return self.rows[key].get(field) or ""

    def hits(self, text: str) -> _Hits:
        found = _Hits()
        documents = {d.key: d.fields for d in self.engine.documents}
        for h in self.engine.hits(parse(text)):
            t = documents[h.doc][h.field]
            start, end = t[h.first].start, t[h.last].end
            parts = tuple(p and (t[p[0]].start, t[p[1]].end) for p in h.parts)
            found.append(SimpleNamespace(doc=h.doc, field=h.field, start=start, end=end,
                                         text=self.text(h.doc, h.field)[start:end], parts=parts))
        return found

    def count(self, text: str, unit: str = "hits") -> int:
        return len(self.hits(text)) if unit == "hits" else len(self.engine.matching(parse(text)))

    def search(self, text: str, k: int, snippet: bool) -> list[SimpleNamespace]:
        order = {d.key: i for i, d in enumerate(self.engine.documents)}
        ranked = sorted(scores.score(self.engine, parse(text)).items(), key=lambda s: (-s[1], order[s[0]]))
        return [SimpleNamespace(doc=doc, score=score) for doc, score in ranked[:k]]


class StandIn:
    """What the comparison uses of pressmark's module.

    Parameters
    ----------
    fault
        One of `FAULTS`, or "" for none.
    """

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.limits = SimpleNamespace(segment_tokens=1 << 30)

    def tokenize(self, text: str) -> list[Token]:
        return plain.tokenize(text)

    def index(self, rows: Sequence[dict[str, Any]], *, text: Sequence[str], key: str,
              progress: bool) -> _Index:
        return _Index(rows, text, self.fault)

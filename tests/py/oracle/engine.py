"""What a hit is, by enumeration: DESIGN.md section 5 written down as directly as Python allows.

Every (sub)query yields all its assignments in one field of one document; an operator takes all pairs of its operands'
assignments and keeps those whose tokens are all different and whose spans satisfy it. The hits of a query are the spans of
its assignments that contain no other such span.

One reduction is made, and it is exact: of several assignments of one subquery to the same set of tokens only that with
the first parts is kept. Everything that operators above it look at is the set of tokens, and its parts are compared first
among equals as a whole.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .tree import And, AtLeast, Boost, Field, First, In, Meta, Near, Node, Not, Of, Or, Phrase, Range, Slot, Word, width
from .words import Matcher, Reader, Token, Tokenizer, capitals_mean_nothing

Part = tuple[int, int] | None


class TooMany(Exception):
    """A query has more assignments in one field than the enumerator was given to look at."""


class Found(NamedTuple):
    """An assignment: its span in token numbers, both ends included; its tokens as a bit set; a part for each leaf."""

    first: int
    last: int
    tokens: int
    parts: tuple[Part, ...]


class Hit(NamedTuple):
    """A hit in token numbers of a field, both ends included, as are those of the parts."""

    doc: str
    field: str
    first: int
    last: int
    parts: tuple[Part, ...]


@dataclass
class Document:
    """A document: its text fields as tokens, its metadata as text (dates as YYYY-MM-DD)."""

    key: str
    fields: dict[str, list[Token]]
    meta: dict[str, str] = field(default_factory=dict)


def _part_order(part: Part) -> tuple[int, int, int]:
    return (1, 0, 0) if part is None else (0, *part)


def reading_order(parts: Sequence[Part]) -> list[tuple[int, int, int]]:
    """Sort key: the earlier leaf decides, an absent leaf comes last."""
    return [_part_order(p) for p in parts]


def minimal(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans that contain no other of them, in order."""
    kept: list[tuple[int, int]] = []
    for first, last in sorted(set(spans), key=lambda s: (-s[0], s[1])):
        # All spans seen begin at or after `first`: one of them lies inside exactly if it ends no later.
        if not kept or last < kept[-1][1]:
            kept.append((first, last))
    return kept[::-1]


def distance(a: Found, b: Found) -> int:
    """Start of the later span minus end of the earlier; 0 where they interleave."""
    return max(a.first - b.last, b.first - a.last, 0)


class Engine:
    """A collection that answers by enumeration.

    Parameters
    ----------
    documents
        In the order of indexing.
    fields
        Text fields, in their order.
    tokenize
        Reads the query's words.
    budget
        Most assignments of a subquery in one field; beyond it, or beyond ten times as many pairs, `TooMany` is raised.
    """

    def __init__(self, documents: Sequence[Document], fields: Sequence[str], tokenize: Tokenizer,
                 budget: int = 20_000) -> None:
        self.documents = list(documents)
        self.fields = list(fields)
        self.reader = Reader(tokenize)
        self.budget = budget
        self._leaves: dict[tuple[Node, str, str], list[Found]] = {}
        self._last_hits: tuple[Node, list[Hit]] | None = None

    def hits(self, query: Node) -> list[Hit]:
        """All hits, by document, field, start and end."""
        if self._last_hits is None or self._last_hits[0] != query:
            self._last_hits = (query, [hit for doc in self.documents for hit in self.hits_of(query, doc)])
        return self._last_hits[1]

    def matching(self, query: Node) -> list[str]:
        """Keys of the documents that satisfy the query."""
        return [doc.key for doc in self.documents if self.satisfied(query, doc, self.fields)]

    def hits_of(self, query: Node, doc: Document) -> list[Hit]:
        """The hits in one document."""
        hits = []
        if not self.satisfied(query, doc, self.fields):
            return hits
        for name in self.fields:
            spans: dict[tuple[int, int], tuple[Part, ...]] = {}
            for found in sorted(self.places(query, doc, name), key=lambda f: reading_order(f.parts)):
                spans.setdefault((found.first, found.last), found.parts)
            hits += [Hit(doc.key, name, *span, spans[span]) for span in minimal(spans)]
        return hits

    # Documents: AND, NOT, metadata.

    def satisfied(self, node: Node, doc: Document, fields: Sequence[str]) -> bool:
        """Whether a document satisfies a (sub)query that may look at some of its fields only."""
        match node:
            case And(nodes):
                return all(self.satisfied(n, doc, fields) for n in nodes)
            case Or(nodes):
                return any(self.satisfied(n, doc, fields) for n in nodes)
            case Of(n, nodes):
                return sum(self.satisfied(c, doc, fields) for c in nodes) >= n
            case Not(child):
                return not self.satisfied(child, doc, fields)
            case Field(name, child):
                return self.satisfied(child, doc, [f for f in fields if f == name])
            case Boost(child):
                return self.satisfied(child, doc, fields)
            case AtLeast(n, child):
                return sum(len({f[:2] for f in self._minimal(child, doc, name, fields)}) for name in fields) >= n
            case First():
                return any(self._places(node, doc, name, fields) for name in fields)
            case Meta() | Range():
                return meta_matches(node, doc)
        return any(self.assignments(node, doc, name) for name in fields)

    def places(self, node: Node, doc: Document, name: str) -> list[Found]:
        """Assignments in one field that give hits: those of the positive operands, through satisfied branches."""
        return self._places(node, doc, name, self.fields)

    def _minimal(self, node: Node, doc: Document, name: str, fields: Sequence[str]) -> list[Found]:
        """The assignments whose spans are hits of the (sub)query in one field."""
        if not self.satisfied(node, doc, fields):
            return []
        found = self._places(node, doc, name, fields)
        spans = set(minimal((f.first, f.last) for f in found))
        return [f for f in found if (f.first, f.last) in spans]

    def _places(self, node: Node, doc: Document, name: str, fields: Sequence[str]) -> list[Found]:
        match node:
            case And(nodes) | Or(nodes) | Of(_, nodes):
                if not self.satisfied(node, doc, fields):
                    return []
                return self._either(nodes, [
                    [] if isinstance(n, (Not, Meta, Range)) else self._places(n, doc, name, fields) for n in nodes])
            case Field(only, child):
                return self._places(child, doc, name, [f for f in fields if f == only])
            case Boost(child):
                return self._places(child, doc, name, fields)
            case First(n, child):
                return [f for f in self._minimal(child, doc, name, fields) if f.last < n]
            case AtLeast(_, child):
                return self._minimal(child, doc, name, fields) if self.satisfied(node, doc, fields) else []
            case Meta() | Range() | Not():
                return []
        return self.assignments(node, doc, name) if name in fields else []

    # Positions: words, phrases, distances, alternatives.

    def assignments(self, node: Node, doc: Document, name: str) -> list[Found]:
        """All assignments of a (sub)query without AND and NOT in one field of a document."""
        match node:
            case Word() | Phrase():
                return self._leaf(node, doc, name)
            case Near(negated=True):
                return self._not_near(node, doc, name)
            case Near():
                return self._near(node, doc, name)
            case In():
                return self._in(node, doc, name)
            case Boost(child):
                return self.assignments(child, doc, name)
            case Or(nodes):
                return self._either(nodes, [self.assignments(n, doc, name) for n in nodes])
            case Field(only, child):
                return self.assignments(child, doc, name) if only == name else []
        raise TypeError(f"{type(node).__name__} inside a proximity operand")

    def _either(self, nodes: Sequence[Node], found: Sequence[list[Found]]) -> list[Found]:
        """Assignments of any of some operands: the leaves of the others are absent."""
        widths = [width(n) for n in nodes]
        every = []
        for i, of_one in enumerate(found):
            before, after = (None,) * sum(widths[:i]), (None,) * sum(widths[i + 1:])
            every += [f._replace(parts=before + f.parts + after) for f in of_one]
        return self._distinct(every)

    def _near(self, node: Near, doc: Document, name: str) -> list[Found]:
        left = self.assignments(node.left, doc, name)
        right = self.assignments(node.right, doc, name) if left else []
        if len(left) * len(right) > 10 * self.budget:
            raise TooMany(f"{len(left)} times {len(right)} assignments in one field")
        tokens = doc.fields.get(name, [])
        found = []
        for a in left:
            for b in right:
                if not a.tokens & b.tokens and self._stands(node, a, b, tokens):
                    found.append(Found(min(a.first, b.first), max(a.last, b.last), a.tokens | b.tokens,
                                       a.parts + b.parts))
        return self._distinct(found)

    def _not_near(self, node: Near, doc: Document, name: str) -> list[Found]:
        """Hits of the left side to which no match of the right is near, those made of the hit's own tokens aside."""
        left = self.assignments(node.left, doc, name)
        right = self.assignments(node.right, doc, name) if left else []
        if len(left) * len(right) > 10 * self.budget:
            raise TooMany(f"{len(left)} times {len(right)} assignments in one field")
        spans = set(minimal((f.first, f.last) for f in left))
        tokens = doc.fields.get(name, [])
        return [a for a in left if (a.first, a.last) in spans
                and not any(b.tokens & ~a.tokens and self._stands(node, a, b, tokens) for b in right)]

    def _in(self, node: In, doc: Document, name: str) -> list[Found]:
        found = self.assignments(node.child, doc, name)
        if node.zone != "quote":
            return found if (node.zone == name) != node.negated else []
        tokens = doc.fields.get(name, [])
        quotes = [(f, tokens[f.first].quote, tokens[f.last].quote) for f in found]
        return [f for f, first, last in quotes if (first is not None and first == last) != node.negated]

    def _stands(self, node: Near, a: Found, b: Found, tokens: Sequence[Token]) -> bool:
        """Whether two spans satisfy an operator, their tokens aside."""
        if node.ordered and a.last >= b.first:
            return False
        if node.within is not None and distance(a, b) > node.within:
            return False
        ends = [tokens[i] for i in (a.first, a.last, b.first, b.last)]
        if node.scope == "s":
            return len({t.sentence for t in ends}) == 1
        return node.scope != "p" or len({t.paragraph for t in ends}) == 1

    def _distinct(self, found: list[Found]) -> list[Found]:
        if len(found) > self.budget:
            raise TooMany(f"{len(found)} assignments in one field")
        best: dict[int, Found] = {}
        for f in found:
            other = best.get(f.tokens)
            if other is None or reading_order(f.parts) < reading_order(other.parts):
                best[f.tokens] = f
        return list(best.values())

    # Leaves.

    def _leaf(self, leaf: Word | Phrase, doc: Document, name: str) -> list[Found]:
        key = (leaf, doc.key, name)
        if key not in self._leaves:
            self._leaves[key] = self._find(leaf, doc.fields.get(name, []))
        return self._leaves[key]

    def _find(self, leaf: Word | Phrase, tokens: Sequence[Token]) -> list[Found]:
        if isinstance(leaf, Word):
            blocks = self._blocks(self.reader.runs(leaf), tokens)
            return self._distinct([Found(a, b, t, ((a, b),)) for a, b, t in blocks])
        names = not capitals_mean_nothing(leaf)
        slots = [self._slot(slot, tokens, names) for slot in leaf.slots]
        return self._distinct([Found(a, b, t, ((a, b),)) for a, b, t in self._phrase(leaf, slots)])

    def _slot(self, slot: Slot, tokens: Sequence[Token], names: bool) -> list[tuple[int, int, int]]:
        runs = [run for word in slot.words for run in self.reader.runs(word, True, names)]
        return self._blocks(runs if slot.words else [[lambda t: True]], tokens)

    @staticmethod
    def _blocks(runs: Sequence[Sequence[Matcher]], tokens: Sequence[Token]) -> list[tuple[int, int, int]]:
        """Places (first, last, bit set) where some run of matchers finds adjacent tokens."""
        places = set()
        for run in runs:
            for at in range(len(tokens) - len(run) + 1):
                if run and all(matches(tokens[at + i]) for i, matches in enumerate(run)):
                    places.add((at, at + len(run) - 1))
        return [(a, b, ((1 << (b - a + 1)) - 1) << a) for a, b in sorted(places)]

    def _phrase(self, phrase: Phrase, slots: list[list[tuple[int, int, int]]]) -> list[tuple[int, int, int]]:
        """One place for each slot, all tokens different, with at most `slop` others inside; in order unless it is off."""
        slop = phrase.slop or 0
        longest = slop + sum(max((b - a + 1 for a, b, _ in places), default=1) for places in slots)
        found = slots[0]
        for places in slots[1:]:
            longer = {(min(a, c), max(b, d), s | t)
                      for a, b, s in found for c, d, t in places
                      if not s & t and (c > b or not phrase.ordered) and max(b, d) - min(a, c) < longest}
            if len(longer) > self.budget:
                raise TooMany(f"{len(longer)} ways to place a phrase")
            found = list(longer)
        return [(a, b, s) for a, b, s in found if b - a + 1 - s.bit_count() <= slop]


# Metadata.

def period(value: str) -> tuple[str, str]:
    """First and last day of a year, month or day, as text that sorts like the days."""
    return value + "0000-01-01"[len(value):], value + "9999-12-31"[len(value):]


def meta_matches(node: Meta | Range, doc: Document) -> bool:
    """Whether a document's value is the one asked for, or lies in the range; one without a value matches nothing."""
    value = doc.meta.get(node.name, "")
    if not value:
        return False
    if isinstance(node, Meta) and node.name != "date":
        pattern = node.value.casefold().replace("[", "[[]").replace("?", "[?]")
        return fnmatch.fnmatchcase(value.casefold(), pattern)
    if isinstance(node, Meta):
        low, high = period(node.value)
        return low <= value <= high
    match node.sign:
        case ">":
            return value > period(node.low)[1]
        case ">=":
            return value >= period(node.low)[0]
        case "<":
            return value < period(node.high)[0]
        case "<=":
            return value <= period(node.high)[1]
    return (not node.low or value >= period(node.low)[0]) and (not node.high or value <= period(node.high)[1])

"""Queries as trees, and the text that reads back as the same tree.

The classes say what DESIGN.md section 6 can express at this stage; `render` writes every operator and every bracket, so
that no rule of precedence is needed to read a query.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Layer = Literal["stem", "folded", "surface"]
Sign = Literal["TO", "..", ">", ">=", "<", "<="]
SIGNS: dict[Layer, str] = {"stem": "", "folded": "=", "surface": "=="}


@dataclass(frozen=True, slots=True)
class Word:
    """A word as typed, without its layer sign; it may hold `*`, `?`, a hyphen, or begin with `#` or `@`.

    `fuzzy` is the Levenshtein distance that `~` allows.
    """

    text: str
    layer: Layer = "stem"
    fuzzy: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a phrase: any of some words (bare ones match by folded form), or any token at all if there are none."""

    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Slots in a row; with `slop`, at most so many other words inside the span, in order or not."""

    slots: tuple[Slot, ...]
    slop: int | None = None
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Near:
    """`W/` and `PRE/`, negated `NOT W/`. At least one of `within` (distance) and `scope` (sentence, paragraph) is given."""

    left: Node
    right: Node
    within: int | None
    ordered: bool = False
    scope: Literal["", "s", "p"] = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """`IN quote`, or a text field's name; negated `NOT IN`."""

    child: Node
    zone: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class First:
    """`FIRST/n (...)`."""

    n: int
    child: Node


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`ATLEAST/n (...)`."""

    n: int
    child: Node


@dataclass(frozen=True, slots=True)
class Of:
    """`n OF (a, b, ...)`."""

    n: int
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Boost:
    """`(...)^2`: says nothing of hits."""

    child: Node
    weight: float


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Operands that a document must all satisfy; the first is no `Not`."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    child: Node


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    child: Node


@dataclass(frozen=True, slots=True)
class Meta:
    """`outlet:bbc`: a document whose whole value matches, case-folded, `*` allowed; for `date` a year, month or day."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """`[low TO high]`, `low..high` or a comparison (`sign` with `low` or `high` alone) of a metadata field."""

    name: str
    low: str = ""
    high: str = ""
    sign: Sign = "TO"


Node = Word | Phrase | Near | In | Or | And | Not | Field | Meta | Range | First | AtLeast | Of | Boost


def children(node: Node) -> tuple[Node, ...]:
    """The operands of a node, in reading order."""
    match node:
        case Near(left, right):
            return (left, right)
        case Or(nodes) | And(nodes) | Of(_, nodes):
            return nodes
        case Not(child) | Field(_, child) | In(child) | First(_, child) | AtLeast(_, child) | Boost(child):
            return (child,)
    return ()


def width(node: Node) -> int:
    """Number of positive leaves: words and phrases that no NOT stands over or before."""
    if isinstance(node, (Word, Phrase)):
        return 1
    if isinstance(node, Near) and node.negated:
        return width(node.left)
    return 0 if isinstance(node, Not) else sum(map(width, children(node)))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def name(node: Node) -> str:
    """What a node counts as in the table of operator pairs."""
    match node:
        case Word(text, layer, fuzzy) if fuzzy:
            return f"{SIGNS[layer]}~{fuzzy}"
        case Word(text, layer):
            kind = "pattern" if "*" in text or "?" in text else "hyphen" if "-" in text else "word"
            return SIGNS[layer] + kind
        case Phrase(_, slop, ordered):
            return "phrase" if slop is None else "phrase~>" if ordered else "phrase~"
        case Near(_, _, within, ordered, scope, negated):
            return "!" * negated + ("PRE/" if ordered else "W/") + ("n" if within is not None else "") + scope
        case In(_, zone, negated):
            return "!" * negated + ("IN quote" if zone == "quote" else "IN field")
    return type(node).__name__.upper()


def pairs(node: Node) -> Iterator[tuple[str, str]]:
    """(operator, operand) for every edge of the tree; the root stands under `query`."""
    yield "query", name(node)
    for parent in walk(node):
        for child in children(parent):
            yield name(parent), name(child)


def render(node: Node, rng: random.Random | None = None) -> str:
    """Query text of a tree, fully in brackets.

    Parameters
    ----------
    rng
        Chooses among spellings that mean the same (`W/3`, `near/3`, `a AND NOT b`, `a NOT b`); the plainest without it.
    """
    text = _render(node, rng)
    whole = text.startswith("(") and not isinstance(node, Boost)
    return text[1:-1] if whole and (rng is None or rng.random() < 0.8) else text


def _pick(rng: random.Random | None, *spellings: str) -> str:
    return rng.choice(spellings) if rng and rng.random() < 0.3 else spellings[0]


def _render(node: Node, rng: random.Random | None) -> str:
    match node:
        case Word(text, layer, fuzzy):
            return SIGNS[layer] + text + ("" if not fuzzy else _pick(rng, "~1", "~") if fuzzy == 1 else f"~{fuzzy}")
        case Phrase():
            return _phrase(node, rng)
        case Near(left, right, within, ordered, scope, negated):
            sign = _pick(rng, "PRE/", "pre/") if ordered else _pick(rng, "W/", "w/", "NEAR/", "/")
            distance = ("" if within is None else str(within)) + scope
            return f"({_render(left, rng)} {'NOT ' * negated}{sign}{distance} {_render(right, rng)})"
        case In(child, zone, negated):
            return f"({_render(child, rng)} {'NOT ' * negated}IN {zone})"
        case First(n, child) | AtLeast(n, child):
            return f"{'FIRST' if isinstance(node, First) else 'ATLEAST'}/{n}{_pick(rng, ' ', '')}({_render(child, rng)})"
        case Of(n, nodes):
            return f"{n} OF (" + _pick(rng, ", ", ",", " , ").join(_render(c, rng) for c in nodes) + ")"
        case Boost(child, weight):
            text = _render(child, rng)
            return f"{text if isinstance(child, (Word, Phrase)) else '(' + text + ')'}^{weight:g}"
        case Or(nodes):
            return "(" + " OR ".join(_render(n, rng) for n in nodes) + ")"
        case And(nodes):
            return "(" + _and(nodes, rng) + ")"
        case Field(field, child):
            text = _render(child, rng)
            return f"{field}:{text}" if text.startswith("(") else f"{field}:({text})"
        case Meta(field, value):
            return f"{field}:{value}" if re.fullmatch(r"[\w*-]+", value) else f'{field}:"{value}"'
        case Range():
            return _range(node)
    raise TypeError(f"{node!r} stands outside AND")


def _and(nodes: tuple[Node, ...], rng: random.Random | None) -> str:
    text = ""
    for n in nodes:
        join = " AND " if text else ""
        if isinstance(n, Not):
            join, n = _pick(rng, " AND NOT ", " NOT "), n.child
        text += join + _render(n, rng)
    return text


def _phrase(phrase: Phrase, rng: random.Random | None) -> str:
    slots = []
    for slot in phrase.slots:
        words = [SIGNS[w.layer] + w.text for w in slot.words]
        slots.append("*" if not words else words[0] if len(words) == 1 else "(" + "|".join(words) + ")")
    opening, closing = _pick(rng, '""', "“”", '“"', "„“")
    slop = "" if phrase.slop is None else f"~{'>' if phrase.ordered else ''}{phrase.slop}"
    return opening + " ".join(slots) + closing + slop


def _range(r: Range) -> str:
    if r.sign == "TO":
        return f"{r.name}:[{r.low} TO {r.high}]"
    if r.sign == "..":
        return f"{r.name}:{r.low}..{r.high}"
    return f"{r.name}:{r.sign}{r.low or r.high}"

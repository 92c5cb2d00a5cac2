"""A failing case made small: documents, words and operators are dropped as long as it still fails."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .generate import Corpus
from .tree import And, AtLeast, Boost, Field, First, In, Near, Node, Not, Of, Or, Phrase, render, width

Check = Callable[[Corpus, Node], str | None]


def smaller_queries(node: Node) -> Iterator[Node]:
    """Trees with one operand, slot or condition less."""
    match node:
        case Near(left, right):
            yield left
            yield right
            yield from (replace(node, left=n) for n in smaller_queries(left))
            yield from (replace(node, right=n) for n in smaller_queries(right))
            if node.scope and node.within is not None:
                yield replace(node, scope="")
        case Or(nodes) | And(nodes):
            yield from (n for n in nodes if not isinstance(n, Not))
            for i, child in enumerate(nodes):
                rest = nodes[:i] + nodes[i + 1 :]
                if len(rest) > 1 and not isinstance(rest[0], Not):
                    yield type(node)(rest)
                for n in smaller_queries(child):
                    yield type(node)(nodes[:i] + (n,) + nodes[i + 1 :])
        case Of(n, nodes):
            yield from nodes
            for i, child in enumerate(nodes):
                if len(nodes) > max(n, 1):
                    yield Of(n, nodes[:i] + nodes[i + 1 :])
                for less in smaller_queries(child):
                    yield Of(n, nodes[:i] + (less,) + nodes[i + 1 :])
        case Not(child):
            yield from map(Not, smaller_queries(child))
        case Field(_, child) | In(child) | First(_, child) | AtLeast(_, child) | Boost(child):
            yield child
            yield from (replace(node, child=n) for n in smaller_queries(child))
        case Phrase():
            yield from _smaller_phrases(node)


def _smaller_phrases(phrase: Phrase) -> Iterator[Phrase]:
    slots = phrase.slots
    for i, slot in enumerate(slots):
        rest = slots[:i] + slots[i + 1 :]
        if any(s.words for s in rest):
            yield replace(phrase, slots=rest)
        for j in range(len(slot.words) if len(slot.words) > 1 else 0):
            less = replace(slot, words=slot.words[:j] + slot.words[j + 1 :])
            yield replace(phrase, slots=slots[:i] + (less,) + slots[i + 1 :])


def _smaller_corpora(corpus: Corpus) -> Iterator[Corpus]:
    rows = corpus.rows
    for step in sorted({len(rows) // 2, len(rows) // 4, len(rows) // 16, 1}, reverse=True):
        for i in range(0, len(rows) if 0 < step < len(rows) else 0, max(step, 1)):
            yield replace(corpus, rows=rows[:i] + rows[i + step :])
    for i, row in enumerate(rows):
        for name in ("outlet", "date"):
            if row.get(name) and any(r.get(name) for r in rows if r is not row):
                yield replace(corpus, rows=rows[:i] + [{**row, name: None}] + rows[i + 1 :])
        for field in corpus.fields:
            words = re.findall(r"\S+\s*", row.get(field) or "")
            steps = [len(words) // 2, len(words) // 4, 1] if len(words) > 4 else [1]
            for step in dict.fromkeys(s for s in steps if words):
                for at in range(0, len(words), step):
                    less = {**row, field: "".join(words[:at] + words[at + step :]).rstrip(" ")}
                    yield replace(corpus, rows=rows[:i] + [less] + rows[i + 1 :])


def shrink(corpus: Corpus, query: Node, check: Check, attempts: int = 600, seconds: float = 15.0) -> tuple[Corpus, Node]:
    """A smaller collection and query for which `check` still tells a difference.

    Parameters
    ----------
    check
        Tells the difference of a case, or None; what it raises counts as none.
    attempts, seconds
        Most calls of `check`, and the time after which no other is made.
    """
    left, end = attempts, time.monotonic() + seconds

    def fails(rows: Corpus, node: Node) -> bool:
        nonlocal left
        left = left - 1 if time.monotonic() < end else 0
        try:
            return check(rows, node) is not None
        except Exception:
            return False

    shrunk = True
    while shrunk and left > 0:
        shrunk = False
        for node in smaller_queries(query):
            if left > 0 and width(node) and fails(corpus, node):
                query, shrunk = node, True
                break
        for less in _smaller_corpora(corpus):
            if left > 0 and fails(less, query):
                corpus, shrunk = less, True
                break
    return corpus, query


def reproduction(program: str, query: Node, wrong: str) -> str:
    """A failing case as a program to paste; program: what makes the index `idx`."""
    return "\n".join([
        f"# {wrong}", program,
        f"for h in idx.hits({render(query)!r}):",
        "    print(h.doc, h.field, h.start, h.end, repr(h.text), h.parts)", f"# tree: {query!r}"])

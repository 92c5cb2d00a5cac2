"""Reads back what `tree.render` writes: fully bracketed queries, no precedence, no errors worth showing.

It shows that rendered text holds the whole tree, and lets a stand-in for pressmark answer query text.
"""

from __future__ import annotations

import re

from .tree import And, Field, Layer, Meta, Near, Node, Not, Or, Phrase, Range, Slot, Word

_QUOTES = "\"“”„"
_LEXEME = re.compile(
    rf"\s*(?:(?P<phrase>[{_QUOTES}][^{_QUOTES}]*[{_QUOTES}](?:~>?\d+)?)"
    r"|(?P<range>\w+:(?:\[\S+ TO \S+\]|[<>]=?[\d-]+|[\d-]*\.\.[\d-]*))"
    rf"|(?P<meta>(?:outlet|date):(?:[{_QUOTES}][^{_QUOTES}]*[{_QUOTES}]|[\w*-]+))"
    r"|(?P<field>\w+:(?=\())|(?P<bracket>[()])"
    r"|(?P<near>(?:W|w|NEAR|PRE|pre)?/\d*[sp]?(?=\s))|(?P<logic>AND|OR|NOT)(?=[\s(])|(?P<word>[^\s()]+))")


def _word(text: str) -> Word:
    signs = re.match("=*", text)
    assert signs is not None
    layers: tuple[Layer, ...] = ("stem", "folded", "surface")
    return Word(text[signs.end() :], layers[signs.end()])


def _phrase(text: str) -> Phrase:
    inside, slop = re.split(f"[{_QUOTES}]", text)[1:]
    slots = []
    for slot in inside.split():
        slots.append(Slot() if slot == "*" else Slot(tuple(_word(w) for w in slot.strip("()").split("|"))))
    if not slop:
        return Phrase(tuple(slots))
    return Phrase(tuple(slots), int(slop.strip("~>")), ">" in slop)


def _range(text: str) -> Range:
    name, rest = text.split(":", 1)
    if rest.startswith("["):
        low, high = rest[1:-1].split(" TO ")
        return Range(name, low, high, "TO")
    if ".." in rest:
        return Range(name, *rest.split(".."), "..")
    sign = rest.rstrip("0123456789-")
    value = rest[len(sign) :]
    return Range(name, "" if "<" in sign else value, value if "<" in sign else "", sign)  # type: ignore[arg-type]


class _Parser:
    def __init__(self, text: str) -> None:
        self.lexemes = [(m.lastgroup or "", m[m.lastgroup or 0]) for m in _LEXEME.finditer(text)]
        self.at = 0

    def take(self) -> tuple[str, str]:
        self.at += 1
        return self.lexemes[self.at - 1]

    def operators(self) -> list[str]:
        """The connectors before the next operand, or a closing bracket."""
        found = []
        while self.at < len(self.lexemes) and self.lexemes[self.at][0] in ("near", "logic"):
            found.append(self.take()[1])
        return found

    def query(self) -> Node:
        nodes, last = [self.operand()], ""
        while self.at < len(self.lexemes) and self.lexemes[self.at][1] != ")":
            signs = self.operators()
            node = self.operand()
            if "/" in signs[0]:
                return self._near(nodes[0], signs[0], node)
            nodes.append(Not(node) if "NOT" in signs else node)
            last = signs[0]
        return nodes[0] if not last else Or(tuple(nodes)) if last == "OR" else And(tuple(nodes))

    @staticmethod
    def _near(left: Node, sign: str, right: Node) -> Near:
        number, scope = re.fullmatch(r"\w*/(\d*)([sp]?)", sign).groups()  # type: ignore[union-attr]
        within = int(number) if number else None
        return Near(left, right, within, sign.upper().startswith("PRE"), scope)  # type: ignore[arg-type]

    def operand(self) -> Node:
        kind, text = self.take()
        if kind == "bracket":
            node = self.query()
            self.at += 1
            return node
        if kind == "field":
            return Field(text[:-1], self.operand())
        if kind == "meta":
            name, value = text.split(":", 1)
            return Meta(name, value.strip(_QUOTES))
        return _phrase(text) if kind == "phrase" else _range(text) if kind == "range" else _word(text)


def parse(text: str) -> Node:
    """The tree of a query that `render` wrote."""
    return _Parser(text).query()

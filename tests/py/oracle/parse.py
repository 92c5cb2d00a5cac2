"""Reads back what `tree.render` writes: fully bracketed queries, no precedence, no errors worth showing.

It shows that rendered text holds the whole tree, and lets a stand-in for pressmark answer query text.
"""

from __future__ import annotations

import re

from .tree import And, AtLeast, Boost, Field, First, In, Layer, Meta, Near, Node, Not, Of, Or, Phrase, Range, Slot, Word

_QUOTES = "\"“”„"
_LEXEME = re.compile(
    rf"\s*(?:(?P<phrase>[{_QUOTES}][^{_QUOTES}]*[{_QUOTES}](?:~>?\d+)?)"
    r"|(?P<range>\w+:(?:\[\S+ TO \S+\]|[<>]=?[\d-]+|[\d-]*\.\.[\d-]*))"
    rf"|(?P<meta>(?:outlet|date):(?:[{_QUOTES}][^{_QUOTES}]*[{_QUOTES}]|[\w*-]+))"
    r"|(?P<field>\w+:(?=\())|(?P<wrap>(?:FIRST|ATLEAST)/\d+\s*\(|\d+ OF \()|(?P<bracket>[()])|(?P<boost>\^[\d.]+)|(?P<comma>,)"
    r"|(?P<near>(?:W|w|NEAR|PRE|pre)?/\d*[sp]?(?=\s))|(?P<zone>(?:NOT )?IN \w+)|(?P<logic>AND|OR|NOT)(?=[\s(])"
    r"|(?P<word>(?:[^\s(),^]|(?<=\d),(?=\d))+))")


def _word(text: str) -> Word:
    signs = re.match("=*", text)
    assert signs is not None
    layers: tuple[Layer, ...] = ("stem", "folded", "surface")
    word, _, fuzzy = text[signs.end() :].partition("~")
    return Word(word, layers[signs.end()], int(fuzzy or "1") if "~" in text else 0)


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
        while self.at < len(self.lexemes) and self.lexemes[self.at][1] not in (")", ","):
            if self.lexemes[self.at][0] == "zone":
                zone = self.take()[1].split()
                return In(nodes[0], zone[-1], zone[0] == "NOT")
            signs = self.operators()
            node = self.operand()
            if "/" in signs[-1]:
                return self._near(nodes[0], signs, node)
            nodes.append(Not(node) if "NOT" in signs else node)
            last = signs[0]
        return nodes[0] if not last else Or(tuple(nodes)) if last == "OR" else And(tuple(nodes))

    @staticmethod
    def _near(left: Node, signs: list[str], right: Node) -> Near:
        number, scope = re.fullmatch(r"\w*/(\d*)([sp]?)", signs[-1]).groups()  # type: ignore[union-attr]
        within = int(number) if number else None
        return Near(left, right, within, signs[-1].upper().startswith("PRE"), scope, "NOT" in signs)  # type: ignore[arg-type]

    def operand(self) -> Node:
        node = self.unboosted()
        if self.at < len(self.lexemes) and self.lexemes[self.at][0] == "boost":
            return Boost(node, float(self.take()[1][1:]))
        return node

    def wrapped(self, word: str) -> Node:
        """What FIRST/n, ATLEAST/n or n OF hold, behind their bracket."""
        nodes = [self.query()]
        while self.take()[1] == ",":
            nodes.append(self.query())
        number = int(re.sub(r"\D", "", word))
        if "OF" in word:
            return Of(number, tuple(nodes))
        return First(number, nodes[0]) if word.startswith("F") else AtLeast(number, nodes[0])

    def unboosted(self) -> Node:
        kind, text = self.take()
        if kind == "wrap":
            return self.wrapped(text)
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

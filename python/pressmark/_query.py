"""Queries outside an index: the syntax tree, and the limits."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, TypeAlias

from pressmark import _core
from pressmark._display import escaped

STRICT, SEARCH, FILTER = 0, 1, 2  # pm_parse_mode
LAYERS = {"stem": 0, "folded": 1, "surface": 2}
SCOPES: dict[str | None, int] = {None: 0, "sentence": 1, "paragraph": 2}


class Node:
    """A node of a syntax tree.

    Attributes
    ----------
    kind : str
        "word", "phrase", "any" (a lone `*`), "alternatives", "set" (of `$name` or a list), "near", "in", "or", "and", "not", "field",
        "meta", "atleast", "first", "of" or "nothing".
    children : tuple of Node
    pos, end : int
        Its place in the query text, code points `[pos, end)`.
    text : str or None
        Of words, as they stand; of fields, metadata, zones and `$name`, the name.
    layer : str
        Of words: "stem", "folded" (`=word`, words of phrases) or "surface" (`==word`).
    n, ordered, scope : int, bool, str
        Of "near" and "phrase": the distance (-1: none but the scope) or the words of slop; the order; "sentence", "paragraph" or "".
        n also of "atleast", "first" and "of".
    negated : bool
        Of "near" and "in": NOT stands before.
    fuzzy : int
        Of words: how many letters may differ.
    boost : float
        The weight in scores; 1 where none was written.
    slop : str
        Of phrases: "", "~" or "~>".
    lo, hi : str or None
        Of metadata: the value, or the bounds.

    `str(node)` is canonical query text that parses to the same tree.
    """

    def __init__(self, query: _core.Query, number: int, facts: tuple[Any, ...], children: tuple[Node, ...]) -> None:
        self._query = query
        self._number = number
        self.kind: str
        (self.kind, self.pos, self.end, _, self.text, self.layer, self.slop, self.n, self.ordered, self.scope, self.lo,
         self.hi, self.fuzzy, self.boost, self.negated) = facts
        self.children = children

    def __str__(self) -> str:
        return self._query.node_text(self._number)

    def _lines(self, depth: int) -> Iterator[str]:
        said = [self.kind]
        if self.text is not None:
            said.append(repr(self.text))
        if self.kind == "word":
            said.append(self.layer)
        if self.negated:
            said.append("not")
        if self.kind in ("atleast", "first", "of"):
            said.append(str(self.n))
        if self.fuzzy:
            said.append(f"~{self.fuzzy}")
        if self.boost != 1:
            said.append(f"^{self.boost:g}")
        if self.kind == "near":
            said += [] if self.n < 0 else [f"within {self.n}"]
            said += ["in order"] if self.ordered else []
            said += [f"in one {self.scope}"] if self.scope else []
        if self.slop:
            said.append(f"{self.slop}{self.n}")
        if self.kind == "meta":
            said.append(f"{self.lo or ''}..{self.hi or ''}" if self.hi is not None or self.lo is None else self.lo)
        yield "  " * depth + " ".join(said)
        for child in self.children:
            yield from child._lines(depth + 1)

    def __repr__(self) -> str:
        return "\n".join(self._lines(0))

    def _repr_html_(self) -> str:
        return f"<pre>{escaped(repr(self))}</pre>"


def tree_of(query: _core.Query) -> Node:
    facts = query.nodes()

    def build(at: int) -> tuple[Node, int]:
        children, after = [], at + 1
        for _ in range(facts[at][3]):
            child, after = build(after)
            children.append(child)
        return Node(query, at, facts[at], tuple(children)), after

    return build(0)[0]


Params: TypeAlias = Mapping[str, str | Iterable[str]] | None  # what $name stands for


def names_of(params: Params) -> tuple[tuple[str, ...], ...]:
    """Parameters as the core takes them: each name with its values."""
    out = []
    for name, value in (params or {}).items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"a parameter's name is of letters, digits and _, not {name!r}")
        values = (value,) if isinstance(value, str) else tuple(value)
        wrong = [v for v in values if not isinstance(v, str)]
        if wrong:
            raise TypeError(f"parameter {name!r} is a str or several, not {type(wrong[0]).__name__}")
        out.append((name, *values))
    return tuple(out)


def check_lang(lang: str) -> None:
    if lang not in _core.languages():
        raise ValueError(f"no language {lang!r}; there are: {', '.join(_core.languages())}")


def parse(query: str, lang: str = "english") -> Node:
    """The syntax tree of a query, read without an index: any name may stand before a colon.

    Raises QuerySyntaxError, AmbiguousQueryError, LimitError, with the place. Thread-safe.
    """
    check_lang(lang)
    return tree_of(_core.parse(query, STRICT))


class Limits:
    """Limits, to be read or set for the whole process; reaching one raises LimitError.

    Attributes
    ----------
    depth : int
        Nesting of a query.
    clauses : int
        Words, phrases and sets in a query.
    expansions : int
        Forms that one pattern may stand for.
    query_length : int
        Code points of a query.
    pairs : int
        Pairs of places looked at in one document.
    segment_tokens : int
        Tokens of one segment, in building.
    """

    _names = ("depth", "clauses", "expansions", "query_length", "pairs", "segment_tokens")

    def __getattr__(self, name: str) -> int:
        return _core.limit(name)

    def __setattr__(self, name: str, value: int) -> None:
        _core.set_limit(name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names]

    def __repr__(self) -> str:
        return "Limits(" + ", ".join(f"{n}={getattr(self, n)}" for n in self._names) + ")"


limits = Limits()

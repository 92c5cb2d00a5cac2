"""Random collections and queries, the same for the same seed.

Collections are tiny and repeat themselves, so that words meet in every way; queries take most of their words from one place
of one text, so that many have hits. What DESIGN.md leaves to the reader of *plain* text (a lone pattern that ends in `?`,
capitals throughout) is not drawn: queries carry their operators.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .engine import Document
from .tree import (And, AtLeast, Boost, Field, First, In, Layer, Meta, Near, Node, Not, Of, Or, Phrase, Range, Sign, Slot, Word,
                   walk, width)
from .words import Token, is_name, unaccent

_FAMILIES = (
    ("alpha", "beta", "gamma", "delta"), ("alpha", "beta", "Alpha"), ("kill", "kills", "killed", "killing", "Killing"),
    ("strike", "strikes", "striking", "base"), ("US", "us", "U.S.", "US's", "Us", "U.S"), ("WHO", "who", "Who", "the"),
    ("NATO", "Nato", "nato", "alliance"), ("NGO", "NGOs", "ngo", "ngos"), ("YouTube", "Youtube", "YOUTUBE", "youtube"),
    ("Iran", "Iran's", "Iran’s", "IRAN", "iran", "#Iran", "#iran"), ("café", "cafe", "cafés", "CAFÉ", "cafes"),
    ("élève", "eleve", "élèves", "eleves"), ("self-defence", "selfdefence", "self", "defence", "defences"),
    ("al-Asad", "Asad", "al", "alasad"), ("US-led", "led", "US", "usled"), ("don't", "don’t", "do", "not"),
    ("5,000", "5000", "2020", "troops"), ("@iran_ir", "iran", "khamenei"), ("a", "aa", "ab", "b"),
    ("of", "the", "house", "White", "white"), ("rot", "rots", "rotting", "Rot"), ("to", "be", "or", "not"),
)
_OUTLETS = ("bbc", "The Hill", "Reuters", "Daily Mirror")
_KEYWORDS = frozenset("AND OR NOT IN TO OF W PRE NEAR FIRST ATLEAST".split())
_QUERY_WORD = re.compile(r"[#@]?\w+(?:['’]\w+)*|(?:[^\W\d_]\.)+[^\W\d_]?")
_MOST_LEAVES = 7


@dataclass(frozen=True)
class Corpus:
    """Rows for `pm.index(rows, text=fields, key="id")`."""

    rows: list[dict[str, str | None]]
    fields: tuple[str, ...]


def synthetic(rng: random.Random) -> Corpus:
    """A collection of 2 to 9 documents over 3 to 8 words."""
    pool = sorted({w for family in rng.sample(_FAMILIES, rng.randint(1, 3)) for w in family})
    words = rng.sample(pool, min(len(pool), rng.randint(3, 8)))
    fields = ("title", "text", "caption")[: rng.choice((1, 2, 2, 3))] if rng.random() < 0.9 else ("text",)
    rows: list[dict[str, str | None]] = []
    for number in range(rng.randint(2, 9)):
        row: dict[str, str | None] = {"id": f"d{number}", **_metadata(rng)}
        for field in fields:
            longest = 18 if field == "text" or len(fields) == 1 else 6
            row[field] = _text(rng, words, rng.randint(0 if rng.random() < 0.2 else 2, longest))
        rows.append(row)
    return Corpus(_with_metadata(rows), fields)


def large(rng: random.Random) -> Corpus:
    """A collection of 250 to 600 short documents, over words of which some are in nearly all and some in very few.

    Its lists run over several blocks, with long gaps.
    """
    pool = sorted({w for family in rng.sample(_FAMILIES, 3) for w in family})
    words = rng.sample(pool, min(len(pool), 9))
    rows: list[dict[str, str | None]] = []
    for number in range(rng.randint(250, 600)):
        drawn = rng.choices(words, [4.0**-rank for rank in range(len(words))], k=rng.randint(2, 8))
        rows.append({"id": f"d{number}", **_metadata(rng), "title": _text(rng, drawn, rng.randint(0, 2)),
                     "text": _text(rng, drawn, len(drawn))})
    return Corpus(_with_metadata(rows), ("title", "text"))


def _with_metadata(rows: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """The first row has an outlet and a date, so that the columns exist in every collection."""
    rows[0].update(outlet=rows[0]["outlet"] or "Reuters", date=rows[0]["date"] or "2020-01-08")
    return rows


def _metadata(rng: random.Random) -> dict[str, str | None]:
    day = f"{rng.choice(('2019-12', '2020-01', '2020-02', '2021-01'))}-{rng.randint(1, 28):02}"
    return {"outlet": rng.choice(_OUTLETS) if rng.random() < 0.9 else None, "date": day if rng.random() < 0.9 else None}


def _text(rng: random.Random, words: Sequence[str], length: int) -> str:
    text, starts = "", True
    for _ in range(length):
        word = rng.choice(words)
        text += word[0].upper() + word[1:] if starts and rng.random() < 0.7 else word
        ending = rng.choices(("", ".", "!", ",", " –", "\n\n", ".\n\n", "”", " “"), (70, 12, 2, 5, 2, 2, 3, 2, 2))[0]
        starts = ending[:1] in (".", "!")
        text += ending if ending.endswith(("\n", "“")) else ending + " "
    return text.strip(" ")


def news(rng: random.Random, articles: Sequence[dict[str, str]]) -> Corpus:
    """A collection of slices of 3 to 6 articles, some of them of the same one."""
    chosen = rng.choices(articles, k=rng.randint(3, 6))
    if rng.random() < 0.3:
        chosen.append(chosen[0])
    rows: list[dict[str, str | None]] = []
    for number, article in enumerate(chosen):
        words = re.findall(r"\S+\s*", article["text"]) or [""]
        at = rng.randrange(len(words))
        title = " ".join(article["title"].split()[:12])
        rows.append({"id": f"d{number}", "outlet": article["outlet"] or None, "date": article["date"][:10] or None,
                     "title": title, "text": "".join(words[at : at + rng.randint(10, 60)])})
    return Corpus(_with_metadata(rows), ("title", "text"))


class Queries:
    """Draws queries about a collection.

    Parameters
    ----------
    rng
        The only source of chance.
    documents, fields
        The collection as tokens.
    """

    def __init__(self, rng: random.Random, documents: Sequence[Document], fields: Sequence[str]) -> None:
        self.rng = rng
        self.fields = list(fields)
        self.outlets = sorted({d.meta["outlet"] for d in documents if d.meta.get("outlet")}) or ["bbc"]
        self.months = sorted({d.meta["date"][:7] for d in documents if d.meta.get("date")}) or ["2020-01"]
        self.units = [(f, d.fields[f]) for d in documents for f in fields if d.fields.get(f)]
        self.field, self.near, self.at = "", [Token("alpha", "alpha", "alpha")], 0

    def draw(self) -> Node:
        """A query with at least one positive leaf."""
        while True:
            if self.units:
                self.field, self.near = self.rng.choice(self.units)
                self.at = self.rng.randrange(len(self.near))
            depth = self.rng.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
            node = self._document(depth) if depth and self.rng.random() < 0.4 else self._proximity(depth)
            inner = node.child if isinstance(node, Boost) else node
            lonely = isinstance(inner, Word) and (inner.text.endswith("?") or inner is not node)  # plain text to a search
            if 1 <= width(node) and not lonely and _leaves(node) <= _MOST_LEAVES:
                return node

    # Operators.

    def _document(self, depth: int) -> Node:
        rng = self.rng
        if depth == 0 or rng.random() < 0.25:
            return self._proximity(depth)
        kind = rng.choices(("and", "or", "field", "first", "atleast", "of", "boost"), (48, 24, 8, 6, 6, 6, 2))[0]
        if kind == "field":
            return Field(self._field(), self._document(depth - 1))
        if kind == "first":
            return First(rng.choice((1, 2, 3, 5, 8, 12, 30)), self._document(depth - 1))
        if kind == "atleast":
            return AtLeast(rng.choice((1, 2, 2, 3, 4)), self._document(depth - 1))
        if kind == "of":
            parts = [self._document(depth - 1) for _ in range(rng.choice((2, 3, 3, 4)))]
            if rng.random() < 0.1:
                parts[-1] = self._meta()
            return Of(rng.randint(1, len(parts)), tuple(parts))
        if kind == "boost":
            return Boost(self._document(depth - 1), rng.choice((0.5, 2, 3, 0.125, 10)))
        if kind == "or":
            nodes = [self._document(depth - 1) for _ in range(rng.choice((2, 2, 3)))]
            if rng.random() < 0.08:
                nodes[rng.randrange(len(nodes))] = self._meta()
            return Or(tuple(nodes))
        nodes = [self._document(depth - 1)]
        for _ in range(rng.choice((1, 1, 2))):
            node = self._meta() if rng.random() < 0.2 else self._document(depth - 1)
            nodes.append(Not(node) if rng.random() < 0.35 else node)
        if rng.random() < 0.1:
            nodes.insert(0, self._meta())
        return And(tuple(nodes))

    def _proximity(self, depth: int) -> Node:
        rng = self.rng
        kind = "leaf" if depth == 0 else rng.choices(("near", "or", "field", "in", "leaf"), (62, 16, 4, 8, 10))[0]
        if kind == "leaf":
            return self._leaf()
        if kind == "field":
            return Field(self._field(), self._proximity(depth - 1))
        if kind == "in":
            zone = "quote" if rng.random() < 0.75 else self._field()
            return In(self._proximity(depth - 1), zone, rng.random() < 0.35)
        if kind == "or":
            return Or(tuple(self._proximity(depth - 1) for _ in range(rng.choice((2, 2, 3)))))
        within = rng.choice((1, 1, 2, 2, 3, 4, 5, 8, 12))
        scope = rng.choices(("", "s", "p"), (75, 17, 8))[0]
        no_number = bool(scope) and rng.random() < 0.5
        left, right = self._proximity(depth - 1), self._proximity(rng.randrange(depth))
        if rng.random() < 0.3:
            left, right = right, left
        return Near(left, right, None if no_number else within, rng.random() < 0.4, scope, rng.random() < 0.15)

    def _field(self) -> str:
        return self.field if self.field and self.rng.random() < 0.8 else self.rng.choice(self.fields)

    def _meta(self) -> Node:
        rng = self.rng
        if rng.random() < 0.5:
            value = rng.choice(self.outlets)
            value = rng.choice((value, value.lower(), value.upper(), value[:2] + "*", "*" + value[-2:]))
            return Meta("outlet", value.replace('"', "*"))
        low, high = sorted(rng.choices(self.months, k=2))
        low, high = (v if rng.random() < 0.6 else f"{v}-{rng.randint(1, 28):02}" if rng.random() < 0.7 else v[:4]
                     for v in (low, high))
        if rng.random() < 0.4:
            return Meta("date", low)
        signs: tuple[Sign, ...] = ("TO", "TO", "..", ">", ">=", "<", "<=")
        sign = rng.choice(signs)
        if sign == ".." and rng.random() < 0.5:
            return Range("date", *rng.choice(((low, ""), ("", high))), sign)
        return Range("date", "" if sign[0] == "<" else low, "" if sign[0] == ">" else high, sign)

    # Words and phrases.

    def _token(self) -> Token:
        """A token that can be typed: mostly one near the chosen place."""
        rng = self.rng
        for _ in range(20):
            unit = self.near
            if self.units and rng.random() < 0.15:
                unit = rng.choice(self.units)[1]
            at = self.at + rng.randint(-5, 5) if unit is self.near else rng.randrange(len(unit))
            token = unit[min(max(at, 0), len(unit) - 1)]
            if self._typeable(token):
                return token
        return Token("absent", "absent", "absent")

    @staticmethod
    def _typeable(token: Token) -> bool:
        return (_QUERY_WORD.fullmatch(token.surface) is not None and token.surface not in _KEYWORDS
                and len(token.surface) < 40)

    def _leaf(self) -> Node:
        rng = self.rng
        if rng.random() < 0.3:
            return self._phrase()
        if rng.random() < 0.03:
            return Word(rng.choice(("absent", "zzz", "Unheard")))
        if rng.random() < 0.06:
            return Word(self._hyphenated(), rng.choice(("stem", "folded")))
        layer: Layer = rng.choices(("stem", "folded", "surface"), (65, 20, 15))[0]
        token = self._token()
        if layer != "surface" and rng.random() < 0.08 and re.fullmatch(r"[^\W\d_]{2,}", token.folded):
            return Word(self._misspelt(self._spelling(token)), layer, rng.choice((1, 1, 2)))
        return self._word(token, layer)

    def _word(self, token: Token, layer: Layer) -> Word:
        if self.rng.random() < 0.15 and re.fullmatch(r"\w+", token.folded):
            return Word(self._pattern(token, layer == "surface"), layer)
        if layer == "surface":
            return Word(token.surface, layer)
        return Word(self._spelling(token), layer)

    def _misspelt(self, text: str) -> str:
        """A word with up to two letters left out, doubled or changed; of letters alone."""
        rng = self.rng
        text = "".join(c for c in text if c.isalpha()) or "alpha"
        for _ in range(rng.randint(0, 2)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(("", text[at] * 2, rng.choice("aeikst"))) + text[at + 1 :]
        return text if len(text) > 1 and text not in _KEYWORDS else "alpha"

    def _spelling(self, token: Token) -> str:
        surface = token.surface
        text = self.rng.choice((surface, surface, surface, surface.lower(), surface.lower(), surface.upper(),
                                surface.capitalize(), unaccent(surface), surface.replace("’", "'")))
        if is_name(text) and (text[0] in "#@" or "'" in token.folded):
            text = text.lower()
        return surface.lower() if text in _KEYWORDS else text

    def _hyphenated(self) -> str:
        at = next((i for i in range(max(self.at - 3, 0), len(self.near) - 1) if self.rng.random() < 0.6), 0)
        pair = [t.surface for t in self.near[at : at + 2] if re.fullmatch(r"[^\W\d_]+", t.surface)]
        text = "-".join(pair) if len(pair) == 2 else "self-defence"
        return text if any(c.islower() for c in text) else text.lower()

    def _pattern(self, token: Token, surface: bool) -> str:
        rng = self.rng
        text = token.surface if surface else token.folded
        if not re.fullmatch(r"\w+", text):
            text = token.folded
        if not surface and rng.random() < 0.3:
            text = unaccent(text)
        cut = rng.randrange(len(text))
        end = rng.randint(cut, len(text))
        pattern = rng.choice((text[:cut] + "*", text[:cut] + "*" + text[end:], "*" + text[cut:],
                              text[:cut] + "?" + text[cut + 1 :], text[:cut] + "?" + text[end:]))
        return pattern if re.search(r"\w", pattern) else text + "*"

    def _phrase(self) -> Phrase:
        rng = self.rng
        length = rng.choice((1, 2, 2, 2, 3, 3, 4))
        at = min(max(self.at + rng.randint(-2, 2), 0), len(self.near) - 1)
        tokens = [t if self._typeable(t) else None for t in self.near[at : at + length]]
        slots = [self._slot(t) for t in tokens]
        slop, ordered = None, True
        if len(slots) > 1 and rng.random() < 0.4:
            slop, ordered = rng.randint(0, 4), rng.random() < 0.5
            if len(slots) > 2 and rng.random() < 0.5:
                del slots[rng.randrange(1, len(slots) - 1)]
            if not ordered or rng.random() < 0.15:
                rng.shuffle(slots)
        if not any(slot.words for slot in slots):
            slots[0] = Slot((Word(self._spelling(self._token())),))
        return Phrase(tuple(slots), slop, ordered)

    def _slot(self, token: Token | None) -> Slot:
        rng = self.rng
        if token is None or rng.random() < 0.1:
            return Slot()
        if rng.random() < 0.04:
            return Slot((Word(self._hyphenated()),))
        if rng.random() < 0.08:
            token = self._token()
        layer: Layer = rng.choices(("stem", "folded", "surface"), (84, 8, 8))[0]
        words = [self._word(token, layer) if rng.random() < 0.6 else Word(self._spelling(token))]
        if rng.random() < 0.12:
            words += [self._word(self._token(), "stem") for _ in range(rng.choice((1, 1, 2)))]
            rng.shuffle(words)
        return Slot(tuple(words))


def _leaves(node: Node) -> int:
    return sum(isinstance(n, (Word, Phrase)) for n in walk(node))

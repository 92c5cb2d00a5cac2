"""How one word of a query is read: which tokens it matches (DESIGN.md sections 4 and 6).

A token is matched by its own text alone, so a reading is a function of (surface, folded, stem). Folded forms and stems of
the query's words come from the same tokenizer as those of the documents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .tree import Phrase, Word


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a document. `start`, `end`: code points; `sentence`, `paragraph`, `quote`: numbers within the field."""

    surface: str
    folded: str
    stem: str
    sentence: int = 0
    paragraph: int = 0
    start: int = 0
    end: int = 0
    quote: int | None = None


Tokenizer = Callable[[str], list[Token]]
Matcher = Callable[[Token], bool]

_OWN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
_POSSESSIVE = re.compile(r"(?<=\w)\.?['’]s?$", re.IGNORECASE)
_DOTTED = re.compile(r"\w(?:\.\w)+\.?|\w\.(?:\w\.)+")


@lru_cache(maxsize=1 << 16)
def unaccent(form: str) -> str:
    """A folded form without combining marks, and without the strokes and ligatures that do not decompose."""
    plain = "".join(c for c in unicodedata.normalize("NFD", form) if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", plain).translate(_OWN_LETTERS)


def is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _core(surface: str) -> str:
    """A surface without sign and possessive ending: what its letter case is judged by."""
    return _POSSESSIVE.sub("", surface.lstrip("#@$"))


def _letters(text: str) -> list[str]:
    return [c for c in text if c.isalpha()]


def is_dotted(text: str) -> bool:
    """U.S., U.S, u.s. and their possessives: single letters with full stops."""
    return _DOTTED.fullmatch(_core(text)) is not None and len(_letters(_core(text))) >= 2


def is_name(text: str) -> bool:
    """A query word of two or more letters, all capital or with dots (section 4, Case)."""
    letters = _letters(_core(text))
    return is_dotted(text) or (len(letters) >= 2 and all(c.isupper() for c in letters))


def capitals_mean_nothing(phrase: Phrase) -> bool:
    """Two or more words with letters, and no letter is lower case."""
    letters = [_letters(w.text) for slot in phrase.slots for w in slot.words]
    letters = [found for found in letters if found]
    return len(letters) >= 2 and not any(c.islower() for found in letters for c in found)


def _is_acronym(surface: str) -> bool:
    core = _core(surface)
    letters = _letters(core)
    return is_dotted(core) or (len(letters) >= 2 and all(c.isupper() for c in letters))


def _is_plural_of_capitals(surface: str) -> bool:
    """Two and more capitals, then s: NGOs."""
    core = _core(surface)
    letters = _letters(core[:-1])
    return core.endswith("s") and len(letters) >= 2 and all(c.isupper() for c in letters)


def _name(token: Token) -> Matcher:
    """The forms of a name in capitals, with dots, in capitals plus s; from four letters on with any capital."""
    form = token.folded
    accents = unaccent(form) != form
    long = len(_letters(_core(token.surface))) >= 4

    def matches(t: Token) -> bool:
        folded = t.folded if accents else unaccent(t.folded)
        if folded == form + "s" and _is_plural_of_capitals(t.surface):
            return True
        return folded == form and (_is_acronym(t.surface) or (long and any(c.isupper() for c in _core(t.surface))))

    return matches


def _folded(token: Token) -> Matcher:
    form = token.folded
    if unaccent(form) == form:
        return lambda t: unaccent(t.folded) == form
    return lambda t: t.folded == form


def _stemmed(token: Token) -> Matcher:
    form, stem = token.folded, token.stem
    if unaccent(form) == form:
        return lambda t: unaccent(t.folded) == form or unaccent(t.stem) == unaccent(stem)
    return lambda t: t.stem == stem


def _pattern(text: str, surface: bool) -> Matcher:
    """`*` and `?` against the whole folded form, or the surface; without accents, against the form without them."""
    if not surface:
        text = unicodedata.normalize("NFC", text.casefold())
    parts = {"*": ".*", "?": "."}
    whole = re.compile("".join(parts.get(c) or re.escape(c) for c in text), re.DOTALL)
    if surface:
        return lambda t: whole.fullmatch(t.surface) is not None
    if unaccent(text) == text:
        return lambda t: whole.fullmatch(unaccent(t.folded)) is not None
    return lambda t: whole.fullmatch(t.folded) is not None


def levenshtein(a: str, b: str) -> int:
    """Fewest insertions, deletions and substitutions of code points between two words."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j - 1] + (x != y), above[j] + 1, row[j - 1] + 1))
    return row[-1]


def _fuzzy(token: Token, most: int) -> Matcher:
    form = token.folded
    if unaccent(form) == form:
        return lambda t: levenshtein(unaccent(t.folded), form) <= most
    return lambda t: levenshtein(t.folded, form) <= most


class Reader:
    """Turns the words of a query into what a token must be.

    Parameters
    ----------
    tokenize
        The tokenizer of the collection; called on query words, and cached.
    """

    def __init__(self, tokenize: Tokenizer) -> None:
        self._tokenize = tokenize
        self._known: dict[str, list[Token]] = {}

    def _tokens(self, text: str) -> list[Token]:
        if text not in self._known:
            self._known[text] = self._tokenize(text)
        return self._known[text]

    def runs(self, word: Word, in_phrase: bool = False, names: bool = True) -> list[list[Matcher]]:
        """What a word is found as: one token, or for a hyphenated word its parts in a row or the joined word.

        Parameters
        ----------
        in_phrase
            Bare words match by folded form, not by stem.
        names
            Words in capitals are names; dotted words are anyway.

        Returns
        -------
        list of runs, each a list of matchers for adjacent tokens
        """
        if is_pattern(word.text):
            return [[_pattern(word.text, word.layer == "surface")]]
        if word.layer == "surface" and "-" not in word.text:
            return [[lambda t: t.surface == word.text]]
        found = [[self._token(t, word, in_phrase, names) for t in self._tokens(word.text)]]
        if "-" in word.text:
            joined = self._tokens(word.text.replace("-", ""))
            found.append([self._token(t, word, in_phrase, names) for t in joined])
        return found

    def _token(self, token: Token, word: Word, in_phrase: bool, names: bool) -> Matcher:
        if word.layer == "surface":
            return lambda t: t.surface == token.surface
        bare = word.layer == "stem"
        if word.fuzzy:
            matches = _fuzzy(token, word.fuzzy)
        elif bare and (is_dotted(token.surface) or (names and is_name(token.surface))):
            matches = _name(token)
        elif bare and not in_phrase:
            matches = _stemmed(token)
        else:
            matches = _folded(token)
        sign = token.surface[0]
        if sign in "#@":
            return lambda t: t.surface[0] == sign and matches(t)
        return matches

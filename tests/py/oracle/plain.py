"""A small tokenizer for texts of the self-tests: enough to read DESIGN.md's examples without pressmark.

It is not the tokenizer of section 4 (its stems cut five English endings); comparisons with pressmark take their tokens from
pressmark itself.
"""

from __future__ import annotations

import re
import unicodedata

from .words import Token, is_dotted

_TOKEN = re.compile(r"(?:\w\.){2,}(?:['’]s)?|[#@]?\w+(?:['’]\w+)*")
_CONTRACTIONS = {"it's", "that's", "let's", "he's", "she's", "what's", "who's"}
_ENDINGS = ("ing", "ed", "es", "s", "e")


def fold(surface: str) -> str:
    """Lower case, apostrophes unified, without sign, English possessive and dots of an acronym."""
    form = unicodedata.normalize("NFC", surface.lstrip("#@").casefold()).replace("’", "'")
    if form not in _CONTRACTIONS:
        form = re.sub(r"'s$", "", form)
    return form.replace(".", "") if is_dotted(surface) else form


def stem(form: str) -> str:
    """A form without one of a few endings, if three letters remain."""
    ending = next((e for e in _ENDINGS if form.endswith(e) and len(form) - len(e) >= 3), "")
    return form[: len(form) - len(ending)] if form.replace("'", "").isalpha() else form


def tokenize(text: str) -> list[Token]:
    """Tokens of a text; a sentence ends at . ! ? before a blank and a capital, a paragraph at a blank line."""
    tokens: list[Token] = []
    sentence = paragraph = end = 0
    for match in _TOKEN.finditer(text):
        gap = text[end : match.start()]
        if tokens and "\n\n" in gap:
            paragraph += 1
            sentence += 1
        elif tokens and re.search(r"[.!?].*\s", gap) and match[0][0].isupper():
            sentence += 1
        folded = fold(match[0])
        before = text[: match.start()]
        quote = before.count("“") if before.rfind("“") > before.rfind("”") else None
        tokens.append(Token(match[0], folded, stem(folded), sentence, paragraph, match.start(), match.end(), quote))
        end = match.end()
    return tokens

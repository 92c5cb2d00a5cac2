"""Queries drawn from the text itself, the same for the same seed and text: phrases of two words, and two words near each other."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Sequence

STOP, COMMON = 50, 1500  # ranks by frequency: stop words below the one, common words from there to the other
CLASSES = ("phrase_rare", "phrase_common", "phrase_stop", "near_rare", "near_common")


@dataclass(frozen=True)
class Query:
    """"a b" where within is 0, else a and b at most within words apart, in any order."""

    kind: str
    a: str
    b: str
    within: int = 0


def draw(texts: Sequence[str], n: int = 300, seed: int = 1) -> list[Query]:
    """n queries, as many of each class: two words that stand beside each other, or up to 20 words apart, at a random place."""
    rng = random.Random(seed)
    counts = Counter(word for text in texts for word in text.split())
    rank = {word: i for i, (word, _) in enumerate(sorted(counts.items(), key=lambda x: (-x[1], x[0])))}

    def rare(word: str) -> bool:
        return rank[word] >= COMMON

    def common(word: str) -> bool:
        return STOP <= rank[word] < COMMON

    def stop(word: str) -> bool:
        return rank[word] < STOP

    wanted: dict[str, tuple[Callable[[str], bool], Callable[[str], bool]]] = {
        "phrase_rare": (rare, rare), "phrase_common": (common, common), "phrase_stop": (stop, stop),
        "near_rare": (rare, common), "near_common": (common, common)}
    return [query for kind in CLASSES for query in of_kind(texts, rng, kind, *wanted[kind], n // len(CLASSES))]


def of_kind(texts: Sequence[str], rng: random.Random, kind: str, first: Callable[[str], bool], second: Callable[[str], bool],
            n: int) -> list[Query]:
    found: dict[Query, None] = {}
    for _ in range(2000 * n):
        if len(found) == n:
            break
        words = texts[rng.randrange(len(texts))].split()
        within = rng.randint(1, 20) if kind.startswith("near") else 0
        apart = rng.randint(1, within) if within else 1
        if len(words) <= apart:
            continue
        at = rng.randrange(len(words) - apart)
        a, b = words[at], words[at + apart]
        if first(a) and second(b) and a != b:  # a word near itself means different things to different engines
            found[Query(kind, a, b, within)] = None
    return list(found)

"""BM25 as DESIGN.md section 7 has it, over the enumerator's hits.

Robertson & Zaragoza (2009), eq. 3.15, with Lucene's idf ln(1 + (N - df + 0.5) / (df + 0.5)) and without the factor k1 + 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .engine import Document, Engine
from .tree import And, Boost, Field, Meta, Node, Not, Of, Or, Range


def operands(engine: Engine, node: Node, doc: Document, fields: Sequence[str], only: str = "",
             boost: float = 1.0) -> list[tuple[Node, float]]:
    """What is scored in a document, and its boost: the leaves of AND, OR and n OF in the branches that it satisfies.

    A word, a phrase, a proximity, FIRST and ATLEAST are one operand each; a field restriction stays with each operand inside it.
    """
    match node:
        case Not() | Meta() | Range():
            return []
        case And(nodes) | Or(nodes) | Of(_, nodes):
            if not engine.satisfied(node, doc, fields):
                return []
            return [leaf for n in nodes for leaf in operands(engine, n, doc, fields, only, boost)]
        case Field(name, child):
            return operands(engine, child, doc, [f for f in fields if f == name], name, boost)
        case Boost(child, weight):
            return operands(engine, child, doc, fields, only, boost * weight)
    whole = Field(only, node) if only else node
    return [(whole, boost)] if engine.satisfied(node, doc, fields) else []


def score(engine: Engine, query: Node, k1: float = 1.2, b: float = 0.75) -> dict[str, float]:
    """Score of every document that satisfies the query, by key."""
    lengths = {d.key: sum(len(d.fields.get(f, [])) for f in engine.fields) for d in engine.documents}
    mean = sum(lengths.values()) / max(len(lengths), 1)
    weights: dict[Node, float] = {}
    scores = {}
    for doc in engine.documents:
        if not engine.satisfied(query, doc, engine.fields):
            continue
        total = 0.0
        for leaf, boost in operands(engine, query, doc, engine.fields):
            if leaf not in weights:
                df = len(engine.matching(leaf))
                weights[leaf] = math.log(1 + (len(engine.documents) - df + 0.5) / (df + 0.5))
            tf = len(engine.hits_of(leaf, doc))
            total += boost * weights[leaf] * tf / (tf + k1 * (1 - b + b * lengths[doc.key] / mean))
        scores[doc.key] = total
    return scores

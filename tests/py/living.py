"""What an index that was written to must answer: what one built at once of the same rows does."""

from __future__ import annotations

from typing import Any, Sequence

import pressmark as pm

ROWS = [
    {"key": "000", "date": "2020-01-08", "outlet": "Mirror", "words": 3, "title": "A “slap in the face”",
     "text": "Missile strikes were a “slap in the face” for\u00a0the US.\n\nThe US denied it. They told us so."},
    {"key": "001", "date": "2020-01-09T12:30:00", "outlet": "Hill", "words": 1, "title": "Missiles",
     "text": "The missile hit the base. No slap, no face."},
    {"key": "002", "date": "2020-02-01", "outlet": "Hill", "words": 2, "tags": ["x", "y"], "title": "弾道ミサイル",
     "text": "弾道ミサイル missile 😀 base slap in the face"},
    {"key": "003", "outlet": "Élysée", "title": "", "text": "<b>Nothing</b> & more"},
]
MORE = [{"key": "004", "date": "2020-03-01", "outlet": "Hill", "words": 5, "title": "More", "text": "Another missile, another base."},
        {"key": "005", "outlet": "Mirror", "words": 7, "title": "US", "text": "A slap in the face of US and us."}]
QUERIES = ["missile", '"slap in the face"', "US", "us", "miss*", "missile W/5 base", "the PRE/3 face", "missile AND NOT slap", "title:missile"]


def searched(idx: pm.Index, query: str, **options: Any) -> tuple[Any, ...]:
    """Rows with their scores, the number of all, the notes."""
    ranking = idx.search(query, 1000, **options)
    return ranking.to_dicts(), ranking.total, list(ranking.notes)


def answers(idx: pm.Index, queries: Sequence[str], columns: Sequence[str], dated: bool = True) -> dict[str, Any]:
    """All that must not depend on how the index came about. Scores as they are, to the bit. dated: articles have dates."""
    out: dict[str, Any] = {"keys": idx.keys(), "len": len(idx), "tokens": idx.n_tokens, "fields": idx.fields,
                           "documents": idx.documents(list(columns)).to_dicts()}
    for layer in ("folded", "stem", "surface"):
        out[f"words {layer}"] = idx.words(layer=layer).to_dicts()
    for query in queries:
        hits = idx.hits(query)
        out[f"hits {query}"] = (hits.to_dicts(), [h.parts for h in hits], hits.documents, list(hits.notes))
        out[f"count {query}"] = (idx.count(query), idx.count(query, unit="documents"), idx.count([query]).to_dicts())
        out[f"search {query}"] = searched(idx, query)
        for column in (*columns[:2], "doc", "field"):
            out[f"{query} by {column}"] = hits.by(column).to_dicts()
        for sort in (*(("newest", "oldest") if dated else ()), *columns[:2]):
            out[f"search {query} {sort}"] = searched(idx, query, sort=sort)
    return out


def names(idx: pm.Index) -> list[str]:
    return [c["name"] for c in idx.info()["columns"]]


def faults(idx: pm.Index, rows: Sequence[dict[str, Any]], queries: Sequence[str] = QUERIES, **options: Any) -> list[str]:
    """Where idx answers otherwise than an index built of rows; options: of pm.index."""
    if not rows:
        return [what for what, n in (("len", len(idx)), ("tokens", idx.n_tokens), ("keys", len(idx.keys())),
                                     ("documents", len(idx.documents())), ("words", len(idx.words())),
                                     *((q, idx.count(q) + len(idx.hits(q)) + idx.search(q).total) for q in queries)) if n]
    with pm.index(rows, text=idx.fields, **options) as built:
        columns = [c for c in names(built) if c != built.info()["date"]]
        dated = built.info()["date"] is not None
        mine, truth = (answers(i, queries, columns, dated) for i in (idx, built))
        empty = set(names(idx)) - set(names(built))
        wrong = [f"column {n}" for n in empty if any(v is not None for v in idx.documents([n]).column(n).tolist())]
        wrong += [f"{name}: {mine[name]!r:.300} and not {truth[name]!r:.300}" for name in truth if mine.get(name) != truth[name]]
        texts = idx.fields if idx.info()["text_stored"] else []
        wrong += [f"text {key}" for key in built.keys() for f in texts if idx.text(key, f) != built.text(key, f)]
        wrong += [f"tokens {key}" for key in built.keys() if idx.tokens(key).to_dicts() != built.tokens(key).to_dicts()]
        return wrong

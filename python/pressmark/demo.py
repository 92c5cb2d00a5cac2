"""`pressmark demo`: the sample articles indexed, then every hit of a phrase and of a distance, in its context."""

from __future__ import annotations

from importlib.resources import as_file, files

QUERIES = (('"throat of world trade"', 30), ("seized W/5s ship", 23))  # and characters of context


def main() -> int:
    """Prints the demo; 0, for it always finds something."""
    import pressmark as pm

    with as_file(files("pressmark") / "sample" / "articles.jsonl") as source:
        index = pm.index(str(source))
    print(f"{len(index)} sample articles about an invented event, {index.n_tokens:,} words: every hit, in its context")
    for query, width in QUERIES:
        hits = index.hits(query)
        print(f"\n{query}\n{hits.count} hits in {hits.documents} articles\n")
        print(hits.kwic(width=width))
    index.close()
    return 0

"""The brute-force engine that pressmark is compared with, and what compares them.

`tree` holds queries, `words` how a query word is read, `engine` what a hit is, `scores` BM25; `generate` draws corpora and
queries, `compare` and `shrink` find and reduce differences, `run` counts them. Written from DESIGN.md alone: nothing here
looks at the engine's code.
"""

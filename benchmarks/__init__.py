"""Benchmarks of pressmark: how fast an index is built (build) and how fast it answers beside its peers (peers)."""

"""Comparison by meaning: the port to models that make vectors of texts, and those there are."""

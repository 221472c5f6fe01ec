"""Benchmarks: ratios to a bare SDK server measured in the same run. ``make bench`` runs them."""

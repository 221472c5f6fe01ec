"""Sentences of a draft compared with the quotes that they cite: claims in, verdicts out."""

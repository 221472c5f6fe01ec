"""Quotes: located, checked against their snapshot, numbered and compared with each other."""

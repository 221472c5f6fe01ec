"""Checks a finished job folder again: hashes, quotes, steps, citations."""

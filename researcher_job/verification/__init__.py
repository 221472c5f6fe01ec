"""Verification of a finished job folder: hashes, quotes, steps, citations."""

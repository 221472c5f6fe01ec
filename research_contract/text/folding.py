"""Spellings that are compared as one: accents."""

from __future__ import annotations

import unicodedata


def without_accents(text: str) -> str:
    """Return ``text`` without combining marks: ``für`` becomes ``fur``."""
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)

"""Counts in sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, such as ``1 quote`` or ``3 quotes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""Faults that verification finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault: its place (a file, ``quote 3``, ``step 7``) and the problem."""

    name: str
    problem: str

"""What verification finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold: what (a file, ``quote 3``, ``step 7``) and why."""

    name: str
    problem: str

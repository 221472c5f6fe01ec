"""Where this repository and the material shared beside it lie, whatever folder a test stands in."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""Labelled questions and recorded bodies that are no part of the repository; may be missing."""

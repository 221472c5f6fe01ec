"""Recorded answers of real workspaces, from the folder ``recorded/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("recorded")


def exchange(name: str) -> dict[str, Any]:
    """Return a recorded exchange: request, status, headers, body."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def run(name: str) -> dict[str, Any]:
    """Return the body of a recorded run."""
    found: dict[str, Any] = exchange(f"jobs_run_{name}")["body"]
    return found


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.json"))

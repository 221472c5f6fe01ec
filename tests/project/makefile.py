"""The Makefile, taken apart: its targets and the commands of each."""

from __future__ import annotations

import re

from tests.repository import ROOT

_TARGET = re.compile(r"^(?P<name>[a-z-]+):[^=\n]*\n(?P<recipe>(?:\t.*\n)*)", re.MULTILINE)
_VALUES = {"$(BIN)": ".venv/bin", "$(VENV)": ".venv", "$(SCRIPTS)": "bin", "$(DOCS)": ".venv-docs"}
"""Variables where nothing is set, on Linux and macOS."""


def targets(text: str = "") -> dict[str, list[str]]:
    """Return the commands of each target that a person types, variables filled in."""
    text = text or (ROOT / "Makefile").read_text(encoding="utf-8")
    for name, value in _VALUES.items():
        text = text.replace(name, value)
    return {
        found["name"]: [line.strip().removeprefix("@") for line in found["recipe"].splitlines()]
        for found in _TARGET.finditer(text)
    }

"""Names the packages of this environment that ``constraints.txt`` does not pin.

The Makefile runs it in each environment that it makes: what has no pin is another one tomorrow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions

from tests.repository import ROOT

PART_OF_PYTHON = {"pip", "setuptools", "wheel"}
"""What ``python -m venv`` may install."""


def unpinned(constraints: str, installed: Iterable[tuple[str, str]]) -> list[str]:
    """Return ``name==version`` of each installed package that has no pin or another version."""
    pins = {_canonical(line) for line in constraints.splitlines()}
    found = {f"{name}=={version}" for name, version in installed if name not in PART_OF_PYTHON}
    return sorted(line for line in found if _canonical(line) not in pins)


def _canonical(line: str) -> str:
    name, _, version = line.strip().partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def main() -> int:
    """Print the packages; 0: there are none."""
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    installed = [(found.name, found.version) for found in distributions()]
    found = unpinned(constraints, [each for each in installed if each[0] != "mcp-jobs-server"])
    if found:
        print("Not pinned in constraints.txt:", *found, sep="\n  ", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Checks what ``make dist`` built: one wheel and one source distribution of the tagged version."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tests.repository import ROOT


def fault(names: Sequence[str], tag: str = "") -> str:
    """Return what is wrong with the files of these names; "" if nothing is.

    ``tag`` is the tag of the release, such as ``v0.1.0``; "" where there is none.
    """
    wheels = [parse_wheel_filename(name)[1] for name in names if name.endswith(".whl")]
    sources = [parse_sdist_filename(name)[1] for name in names if name.endswith(".tar.gz")]
    if len(wheels) != 1 or wheels != sources or len(names) != 2:
        return f"Not one wheel and one source distribution of one version: {', '.join(names)}."
    if tag and tag != f"v{wheels[0]}":
        return f"The tag is {tag}, the version {wheels[0]}."
    return ""


def main(arguments: Sequence[str], place: Path = ROOT / "dist") -> int:
    """Print what is wrong; 0: nothing."""
    found = fault(sorted(path.name for path in place.iterdir()), *arguments)
    if found:
        print(found, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

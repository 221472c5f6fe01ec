"""``make pins``: writes the pins of the app and of the jobs from ``constraints.txt``.

Which packages each of them needs follows from the metadata of the installed packages and the
Python version there.
"""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.bundle.document import FILE as BUNDLE
from tests.repository import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
"""The pins of everything that is installed anywhere: the only ones that are written by hand."""

REQUIREMENTS = ROOT / "requirements.txt"

PROJECT = "mcp-jobs-server"
APP_PYTHON = "3.11.10"
ENVIRONMENT_PYTHON = {"4": "3.12.3", "5": "3.12.3"}
"""Python of the serverless environment versions."""

LEFT_TO_THE_ENVIRONMENT = {"protobuf"}
"""Not pinned on serverless: the environment's own clients need the version that is there."""

_HEADER = """\
# Written by `make pins`: the pins of constraints.txt that the app needs.
"""
_PACKAGES = re.compile(r"(?<=\n      - \./dist/\*\.whl\n)(?:      - .+\n)+")
"""The lines below the wheel in the variable ``packages`` of the bundle."""

TAKEN_FOR_A_PACKAGE = re.compile(r"[A-Za-z0-9_-]+==\d+(\.\d+){0,2}")
"""Pins that the CLI does not take for a local path, by the expression in its source."""


def marker_environment(python: str) -> dict[str, str]:
    """Return what markers see on Linux with that Python."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "platform_python_implementation": "CPython",
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }


def needed(python: str) -> dict[str, list[Requirement]]:
    """Return what the project needs there, each package with all that is asked of it."""
    environment = marker_environment(python)
    found: dict[str, list[Requirement]] = {}
    to_do = [(PROJECT, frozenset[str]())]
    done = set()
    while to_do:
        name, extras = to_do.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        for requirement in _requirements(name, extras, environment):
            below = canonicalize_name(requirement.name)
            found.setdefault(below, []).append(requirement)
            to_do.append((below, frozenset(requirement.extras)))
    return found


def _requirements(
    name: str, extras: frozenset[str], environment: dict[str, str]
) -> list[Requirement]:
    lines = [Requirement(line) for line in distribution(name).requires or ()]
    return [line for line in lines if _applies(line, extras, environment)]


def _applies(line: Requirement, extras: frozenset[str], environment: dict[str, str]) -> bool:
    if line.marker is None:
        return True
    return any(line.marker.evaluate({**environment, "extra": extra}) for extra in extras or {""})


def pins(lines: list[str]) -> dict[str, str]:
    """Return the versions of ``name==version`` lines by the canonical names."""
    said = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in (s.split("==") for s in said)}


def pins_of(path: Path) -> dict[str, str]:
    return pins(path.read_text(encoding="utf-8").splitlines())


def requirements() -> str:
    """Return the text of ``requirements.txt``: what the app installs."""
    return _HEADER + "".join(f"{line}\n" for line in _lines(set(needed(APP_PYTHON))))


def bundle_with_pins(text: str) -> str:
    """Return the text of the bundle with the pins that the jobs need in its ``packages``."""
    names = {name for python in ENVIRONMENT_PYTHON.values() for name in needed(python)}
    lines = "".join(f"      - {line}\n" for line in _lines(names - LEFT_TO_THE_ENVIRONMENT))
    written, count = _PACKAGES.subn(lambda _: lines, text)
    if count != 1:
        raise ValueError(f"{BUNDLE.name} has {count} lists of packages, not one.")
    return written


def _lines(names: set[str]) -> list[str]:
    """Return the lines of ``constraints.txt`` that pin these packages, in its order.

    Raises:
        ValueError: one has no pin.
    """
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    if missing := names - set(pins(lines)):
        raise ValueError(f"{CONSTRAINTS.name} has no pin of {', '.join(sorted(missing))}.")
    return [line for line in lines if names & set(pins([line]))]


def main() -> None:
    """Write both files."""
    REQUIREMENTS.write_text(requirements(), encoding="utf-8")
    BUNDLE.write_text(bundle_with_pins(BUNDLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

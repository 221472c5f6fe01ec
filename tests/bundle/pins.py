"""What an installation needs, by the metadata of the installed packages and a Python version."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "mcp-jobs-server"
APP_PYTHON = "3.11.10"
ENVIRONMENT_PYTHON = {"4": "3.12.3", "5": "3.12.3"}
"""Python of the serverless environment versions."""

LEFT_TO_THE_ENVIRONMENT = {"protobuf"}
"""Not pinned on serverless: the environment's own clients need the version that is there."""

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

"""Node and the npm packages of ``typescript/package.json``, which ``make test`` installs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.repository import ROOT

REQUIRED = "CLIENTS_REQUIRED"
"""Set where clients of other makers must be there, as on the build machine."""

LONGEST = 120
"""Seconds after which a client counts as hanging; a safety limit, not a measurement."""

_HERE = ROOT / "tests" / "clients" / "typescript"
_PACKAGES = _HERE / "node_modules"
_INSPECTORS = {
    "inspector-1": "cli/build/cli.js",
    "inspector-2": "clients/launcher/build/index.js",
}


NODE = "install Node 20 or newer with npm, then run 'make clients'"


def missing(what: str, remedy: str = NODE) -> None:
    """Skip the test and say how to get what is missing, or fail it where ``REQUIRED`` is set."""
    reason = f"{what} is not there: {remedy}."
    assert REQUIRED not in os.environ, reason
    pytest.skip(reason)


def program() -> str:
    """Return the Node to run: the one of the npm packages, since the inspectors need 22.19."""
    if not _PACKAGES.is_dir():
        missing("The npm packages of tests/clients/typescript")
    packaged = sorted(_PACKAGES.glob("node-*/bin/node"))
    found = str(packaged[0]) if packaged else shutil.which("node")
    if found is None:
        missing("Node")
    return str(found)


def package(name: str) -> Path:
    """Return the script of an npm package that has one command."""
    place = _PACKAGES / name
    if not place.is_dir():
        missing(f"The npm package {name}")
    return place / "dist" / "index.js"


def run(script: str, given: object) -> object:
    """Run a script of this folder with ``given`` as JSON; return the JSON that it prints."""
    printed: object = json.loads(_output([program(), str(_HERE / script)], json.dumps(given)))
    return printed


def inspect(
    inspector: str, server: Sequence[str], tool: str, arguments: Mapping[str, str]
) -> tuple[int, str]:
    """Call one tool with an inspector; return its exit status and all that it shows."""
    command = [program(), str(_PACKAGES / inspector / _INSPECTORS[inspector]), "--cli", *server]
    command += ["--method", "tools/call", "--tool-name", tool]
    for name, value in arguments.items():
        command += ["--tool-arg", f"{name}={value}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LONGEST)
    return done.returncode, done.stdout + done.stderr


def _output(command: Sequence[str], given: str) -> str:
    done = subprocess.run(
        command, input=given, check=False, capture_output=True, text=True, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

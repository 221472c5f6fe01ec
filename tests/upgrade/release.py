"""The packages of the last release, taken from the history of this repository."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.repository import ROOT
from tests.structure.imports import PACKAGES

MOVED = "mcp_jobs_server/service.py"
"""A file of the last release that is elsewhere today: its removal ends that release's history."""


def last_release() -> str:
    """Return the last commit of the last release; skips the test where there is no history."""
    moving = _git("rev-list", "-1", "HEAD", "--", MOVED).decode().strip()
    if not moving:
        pytest.skip(f"the history of this clone does not reach the last release ({MOVED})")
    return _git("rev-parse", "--verify", "--quiet", f"{moving}^").decode().strip()


def install_last_release(place: Path) -> None:
    """Put the packages of the last release below ``place``."""
    commit = last_release()
    names = _git("ls-tree", "--name-only", commit).decode().split()
    archive = _git("archive", commit, *(name for name in PACKAGES if name in names))
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(place, filter="data")
    assert (place / MOVED).is_file()


def install_today(place: Path) -> None:
    """Put today's packages below ``place``, and remove those that are there, as pip does."""
    for name in PACKAGES:
        shutil.rmtree(place / name, ignore_errors=True)
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))


def _git(*words: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    done = subprocess.run([git, "-C", str(ROOT), *words], capture_output=True, check=False)
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").strip() or "the clone may be shallow"
        pytest.skip(f"the history of this repository cannot be read: {why}")
    return done.stdout

"""Names and commands that the last release documented are still there."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

SAFETY_SECONDS = 60


@pytest.mark.parametrize(
    "code",
    [
        "from mcp_jobs_server.fake_workspace.workspace import FakeWorkspace",
        "from mcp_jobs_server.testing import MemoryFolders, MemoryRunner",
        "from mcp_jobs_server.models import Owner",
        "from mcp_jobs_server.client import connect, run",
        "from researcher_job.testing import FakeLibrary",
    ],
)
def test_imports_of_the_last_release_work(code: str, tmp_path: Path) -> None:
    """In a process of its own: no import before it may have loaded what it needs."""
    run(sys.executable, "-W", "error", "-c", code, cwd=tmp_path)


def test_the_fakes_are_the_same_under_both_names() -> None:
    from mcp_jobs_server.fake_workspace.workspace import FakeWorkspace as Old
    from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
    from researcher_job.testing import FakeLibrary, FakeSource

    assert Old is FakeWorkspace
    assert FakeLibrary is FakeSource


@pytest.mark.parametrize(
    ("module", "usage"),
    [
        ("mcp_jobs_server", "usage: mcp-jobs-server "),
        ("mcp_jobs_server.demo", "usage: python -m mcp_jobs_server.demo "),
        ("mcp_jobs_server.fake_workspace", "usage: "),
        ("mcp_jobs_server.runners.local", "usage: "),
        ("researcher_job", "usage: researcher-job "),
    ],
)
def test_modules_are_still_commands(module: str, usage: str, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", module, "--help", cwd=tmp_path).startswith(usage)


@pytest.mark.parametrize("command", ["mcp-jobs-server", "researcher-job"])
def test_console_scripts_are_installed_and_start(command: str, tmp_path: Path) -> None:
    [script] = entry_points(group="console_scripts", name=command)
    assert callable(script.load())
    path = Path(sys.executable).with_name(command)
    assert run(str(path), "--help", cwd=tmp_path).startswith(f"usage: {command} ")


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=SAFETY_SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

"""A task: its volumes, its identity, delayed files, and the end of its processes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.runs import Attempt
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT, wait_until

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

SLEEP = "import time; time.sleep(600)"


def run_code(workspace: FakeWorkspace, app: WorkspaceClient, code: str) -> Attempt:
    """Run Python code as a task; return its attempt when it has ended."""
    job = workspace.add_job(task=WheelTask(command=(sys.executable, "-c", code)))
    app.jobs.run_now(job.job_id)
    run = workspace.runs()[-1]
    wait_until(lambda: not run.active)
    return run.attempts[-1]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- privileges ------------------------------------------------------------------------------


def test_a_task_has_the_privileges_of_its_identity(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    for name in ("main.law.contracts", "main.sales.offers"):
        (workspace.add_volume(name) / "a.txt").write_text(name)
    workspace.rights.revoke(
        "volume main.sales.offers", workspace.runner.name, "READ_VOLUME", "WRITE_VOLUME"
    )
    workspace.rights.revoke("volume main.law.contracts", workspace.runner.name, "WRITE_VOLUME")
    attempt = run_code(
        workspace,
        app,
        "import os\n"
        "print(open('/Volumes/main/law/contracts/a.txt').read())\n"
        "for path, mode in (('law/contracts', 'w'), ('sales/offers', 'r')):\n"
        "    try: open(f'/Volumes/main/{path}/a.txt', mode)\n"
        "    except PermissionError as error: print(error)\n"
        "print(os.listdir('/Volumes'), os.listdir('/Volumes/main/law'))\n"
        "try: os.listdir('/Volumes/main/sales')\n"
        "except PermissionError as error: print(error)",
    )
    assert attempt.log.splitlines() == [
        "main.law.contracts",
        "[Errno 13] Permission denied: '/Volumes/main/law/contracts/a.txt'",
        "[Errno 13] Permission denied: '/Volumes/main/sales/offers/a.txt'",
        "['main'] ['contracts']",
        "[Errno 13] Permission denied: '/Volumes/main/sales'",
    ], attempt.log


def test_a_task_calls_the_workspace_as_its_identity(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    attempt = run_code(
        workspace,
        app,
        "from databricks.sdk import WorkspaceClient\nprint(WorkspaceClient().current_user.me().id)",
    )
    assert attempt.log.strip() == workspace.runner.id


# --- child processes and paths ---------------------------------------------------------------


def test_child_processes_of_a_task_see_the_volumes(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    (workspace.volumes / "main/research/jobs/a.txt").write_text("content")
    inner = f"print(open('{ROOT}/a.txt').read())"
    attempt = run_code(
        workspace,
        app,
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-P', '-c', {inner!r}])",
    )
    assert attempt.log == "content\n"


def test_volume_names_are_lower_case_and_paths_stay_inside(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    (workspace.volumes / "main/research/jobs/a.txt").write_text("content")
    attempt = run_code(
        workspace,
        app,
        "import os\n"
        "print(open('/Volumes/MAIN/Research/jobs/a.txt').read())\n"
        "print(os.path.exists('/Volumes/../volumes'))\n"
        f"os.chdir('{ROOT}')\nprint(os.getcwd())\n"
        f"try: open('{ROOT}/none.txt')\n"
        "except FileNotFoundError as error: print(error)",
    )
    assert attempt.log.splitlines() == [
        "content",
        "False",
        ROOT,
        f"[Errno 2] No such file or directory: '{ROOT}/none.txt'",
    ], attempt.log


# --- delays -----------------------------------------------------------------------------------


def test_changes_of_a_task_reach_the_api_late(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    app.files.upload(f"{ROOT}/status.txt", io.BytesIO(b"old"), overwrite=True)
    workspace.files.crossing_seconds = 3600
    attempt = run_code(
        workspace,
        app,
        f"open('{ROOT}/status.txt', 'w').write('new'); open('{ROOT}/fresh.txt', 'w').write('x')\n"
        f"print(open('{ROOT}/status.txt').read())",
    )
    assert attempt.log == "new\n"
    contents = app.files.download(f"{ROOT}/status.txt").contents
    assert contents is not None
    assert contents.read() == b"old"
    assert [entry.name for entry in app.files.list_directory_contents(ROOT)] == ["status.txt"]


def test_changes_of_the_api_reach_a_task_late(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    workspace.files.crossing_seconds = 3600
    app.files.upload(f"{ROOT}/control/stop", io.BytesIO(b""), overwrite=False)
    attempt = run_code(workspace, app, f"import os; print(os.listdir('{ROOT}/control'))")
    assert attempt.log == "[]\n"
    assert [e.name for e in app.files.list_directory_contents(f"{ROOT}/control")] == ["stop"]


# --- end of processes ------------------------------------------------------------------------


@pytest.mark.parametrize("new_session", [False, True])
def test_remaining_processes_are_killed(
    workspace: FakeWorkspace, app: WorkspaceClient, *, new_session: bool
) -> None:
    attempt = run_code(
        workspace,
        app,
        "import subprocess, sys\n"
        f"command = [sys.executable, '-c', {SLEEP!r}]\n"
        f"child = subprocess.Popen(command, start_new_session={new_session})\n"
        "print(child.pid)",
    )
    pid = int(attempt.log)
    if new_session:  # killed only with the workspace
        assert is_alive(pid)
        workspace.__exit__(None, None, None)
    wait_until(lambda: not is_alive(pid))


WORKSPACE = """
import sys, time
from pathlib import Path
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
import requests

with FakeWorkspace(Path(sys.argv[1])) as workspace:
    job = workspace.add_job(task=WheelTask(command=(sys.executable, "-c", sys.argv[2])))
    headers = {"Authorization": f"Bearer {workspace.app.token}"}
    requests.post(f"{workspace.url}/api/2.2/jobs/run-now", json={"job_id": job.job_id},
                  headers=headers, timeout=30).raise_for_status()
    time.sleep(600)
"""


def test_a_task_ends_when_the_workspace_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    task = f"import os; open({str(pid_file)!r}, 'w').write(f'{{os.getpid()}} '); {SLEEP}"
    process = subprocess.Popen([sys.executable, "-c", WORKSPACE, str(tmp_path / "w"), task])
    try:
        wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith(" "))
        pid = int(pid_file.read_text())
        assert is_alive(pid)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid))
    finally:
        process.kill()
        process.wait()

"""What a task finds: volumes that its identity may use, delays, and an end of all it started."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from mcp_jobs_server.testing.fake_workspace.execution import WheelTask
from mcp_jobs_server.testing.fake_workspace.runs import Attempt
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

LONGEST = 60
"""Seconds after which a test is taken for hanging; a net, not a measure."""

SLEEP = "import time; time.sleep(600)"


def until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def code(text: str) -> WheelTask:
    """Return a task that runs this Python text."""
    return WheelTask(command=(sys.executable, "-c", text))


def done(workspace: FakeWorkspace, app: WorkspaceClient, text: str) -> Attempt:
    """Run Python text as a task of the job's identity, to its end."""
    job = workspace.add_job(task=code(text))
    app.jobs.run_now(job.job_id)
    run = workspace.runs()[-1]
    until(lambda: not run.active)
    return run.attempts[-1]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- rights -----------------------------------------------------------------------------------


def test_a_task_reads_and_writes_what_its_identity_may(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    for name in ("main.law.contracts", "main.sales.offers"):
        (workspace.add_volume(name) / "a.txt").write_text(name)
    workspace.rights.revoke(
        "volume main.sales.offers", workspace.runner.name, "READ_VOLUME", "WRITE_VOLUME"
    )
    workspace.rights.revoke("volume main.law.contracts", workspace.runner.name, "WRITE_VOLUME")
    attempt = done(
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


def test_a_task_asks_the_workspace_as_its_identity(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    attempt = done(
        workspace,
        app,
        "from databricks.sdk import WorkspaceClient\nprint(WorkspaceClient().current_user.me().id)",
    )
    assert attempt.log.strip() == workspace.runner.id


# --- the mount in other processes and at its edges ---------------------------------------------


def test_processes_of_a_task_see_the_volumes_too(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    (workspace.volumes / "main/research/jobs/a.txt").write_text("seen")
    inner = f"print(open('{ROOT}/a.txt').read())"
    attempt = done(
        workspace,
        app,
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-P', '-c', {inner!r}])",
    )
    assert attempt.log == "seen\n"


def test_names_of_volumes_are_lower_case_and_paths_stay_inside(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    (workspace.volumes / "main/research/jobs/a.txt").write_text("seen")
    attempt = done(
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
        "seen",
        "False",
        ROOT,
        f"[Errno 2] No such file or directory: '{ROOT}/none.txt'",
    ], attempt.log


# --- delays -----------------------------------------------------------------------------------


def test_files_cross_from_the_mount_to_the_api_late(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    app.files.upload(f"{ROOT}/status.txt", io.BytesIO(b"old"), overwrite=True)
    workspace.files.crossing_seconds = 3600
    attempt = done(
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


def test_files_cross_from_the_api_to_the_mount_late(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    workspace.files.crossing_seconds = 3600
    app.files.upload(f"{ROOT}/control/stop", io.BytesIO(b""), overwrite=False)
    attempt = done(workspace, app, f"import os; print(os.listdir('{ROOT}/control'))")
    assert attempt.log == "[]\n"
    assert [e.name for e in app.files.list_directory_contents(f"{ROOT}/control")] == ["stop"]


# --- ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_what_a_task_leaves_behind_is_ended(
    workspace: FakeWorkspace, app: WorkspaceClient, *, apart: bool
) -> None:
    attempt = done(
        workspace,
        app,
        "import subprocess, sys\n"
        f"left = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session={apart})\n"
        "print(left.pid)",
    )
    pid = int(attempt.log)
    if apart:  # of a session of its own: it ends with the workspace
        assert is_alive(pid)
        workspace.__exit__(None, None, None)
    until(lambda: not is_alive(pid))


STAGE = """
import sys, time
from pathlib import Path
from mcp_jobs_server.testing.fake_workspace.execution import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
import requests

with FakeWorkspace(Path(sys.argv[1])) as workspace:
    job = workspace.add_job(task=WheelTask(command=(sys.executable, "-c", sys.argv[2])))
    headers = {"Authorization": f"Bearer {workspace.app.token}"}
    requests.post(f"{workspace.url}/api/2.2/jobs/run-now", json={"job_id": job.job_id},
                  headers=headers, timeout=30).raise_for_status()
    time.sleep(600)
"""


def test_a_task_ends_with_a_workspace_that_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    task = f"import os; open({str(told)!r}, 'w').write(f'{{os.getpid()}} '); {SLEEP}"
    stage = subprocess.Popen([sys.executable, "-c", STAGE, str(tmp_path / "w"), task])
    try:
        until(lambda: told.exists() and told.read_text().endswith(" "))
        pid = int(told.read_text())
        assert is_alive(pid)
        os.kill(stage.pid, signal.SIGKILL)
        until(lambda: not is_alive(pid))
    finally:
        stage.kill()
        stage.wait()

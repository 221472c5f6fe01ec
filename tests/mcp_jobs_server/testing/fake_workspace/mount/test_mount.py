"""A task sees ``/Volumes`` as a mount: complete files, no appending, renaming or locking."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.task_process import TaskProcess, WheelTask
from mcp_jobs_server.testing.fake_workspace.mount import MountedVolumes

FILE = "/Volumes/main/research/jobs/a/status.json"
ALLOWED = {
    "write a file": ("p.write_text('new'); print(p.read_text(), os.path.getsize(p))", "new 3"),
    "replace a file": ("p.write_text('old'); p.write_text('newer'); print(p.read_text())", "newer"),
    "a file is visible once it is closed": (
        "f = open(p, 'w'); f.write('x'); print(p.exists(), end=' '); f.close(); print(p.exists())",
        "False True",
    ),
    "list a directory": (
        "p.touch(); print(os.listdir(p.parent), [e.path for e in os.scandir(p.parent)])",
        f"['status.json'] ['{FILE}']",
    ),
    "write a raw file": (
        "import io; f = io.FileIO(p, 'xb'); f.write(b'raw'); f.close(); print(p.read_bytes())",
        "b'raw'",
    ),
    "remove a file": ("p.write_text('x'); p.unlink(); print(p.exists())", "False"),
}
REFUSED = {
    "append": ("open(p, 'a')", "Illegal seek"),
    "change in place": ("open(p, 'r+')", "Illegal seek"),
    "rename": ("p.write_text('x'); p.rename(str(p) + '2')", "not implemented"),
    "link": ("p.write_text('x'); os.link(p, str(p) + '2')", "not implemented"),
    "create an existing file": ("p.write_text('x'); open(p, 'x')", "File exists"),
    "lock": (
        "import fcntl; p.write_text('x'); fcntl.flock(open(p), fcntl.LOCK_EX)",
        "not implemented",
    ),
    "write without a directory": ("open('/Volumes/main/none/x', 'w')", "No such file"),
}


def run(root: Path, code: str) -> str:
    """Run Python code as a task; return its log."""
    setup = (
        f"import os; from pathlib import Path; p = Path({FILE!r}); p.parent.mkdir(parents=True)\n"
    )
    task = WheelTask(command=(sys.executable, "-c", setup + code))
    process = TaskProcess(task, (), {}, MountedVolumes(str(root.resolve()))).start()
    try:
        while process.exit_code() is None:
            time.sleep(0.02)
        return process.log()
    finally:
        process.close()


@pytest.mark.parametrize("action", ALLOWED)
def test_allowed(tmp_path: Path, action: str) -> None:
    code, output = ALLOWED[action]
    assert run(tmp_path, code).strip() == output


@pytest.mark.parametrize("action", REFUSED)
def test_refused(tmp_path: Path, action: str) -> None:
    code, error = REFUSED[action]
    assert error in run(tmp_path, code).splitlines()[-1]


def test_other_paths_are_not_affected(tmp_path: Path) -> None:
    code = (
        "q = Path('here'); q.write_text('a'); open(q, 'a').write('b'); q.rename('there')\n"
        "print(Path('there').read_text())"
    )
    assert run(tmp_path, code).strip() == "ab"

"""A task sees ``/Volumes`` as a mount: complete files, no appending, renaming or locking."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.task_process import TaskProcess, WheelTask
from mcp_jobs_server.testing.fake_workspace.mount import MountedVolumes
from mcp_jobs_server.testing.fake_workspace.mount.delayed_changes import MOUNT

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
    "open from the descriptor of a folder": (
        "p.write_text('x'); d = os.open('/', os.O_RDONLY)\n"
        "for part in p.parts[1:-1]: d = os.open(part, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=d)\n"
        "print(os.read(os.open(p.name, os.O_RDONLY, dir_fd=d), 9), os.listdir(d),"
        " [e.name for e in os.scandir(d)], os.stat(p.name, dir_fd=d).st_size)",
        "b'x' ['status.json'] ['status.json'] 1",
    ),
    "remove a file": ("p.write_text('x'); p.unlink(); print(p.exists())", "False"),
}
REFUSED = {
    "append": ("open(p, 'a')", "Illegal seek"),
    "change in place": ("open(p, 'r+')", "Illegal seek"),
    "rename": ("p.write_text('x'); p.rename(str(p) + '2')", "not implemented"),
    "link": ("p.write_text('x'); os.link(p, str(p) + '2')", "not implemented"),
    "append from the descriptor of a folder": (
        "p.write_text('x'); d = os.open(p.parent, os.O_RDONLY)\n"
        "os.open(p.name, os.O_WRONLY | os.O_APPEND, dir_fd=d)",
        "Illegal seek",
    ),
    "create an existing file": ("p.write_text('x'); open(p, 'x')", "File exists"),
    "lock": (
        "import fcntl; p.write_text('x'); fcntl.flock(open(p), fcntl.LOCK_EX)",
        "not implemented",
    ),
    "write without a directory": ("open('/Volumes/main/none/x', 'w')", "No such file"),
}


def run(root: Path, code: str, volumes: MountedVolumes | None = None) -> str:
    """Run Python code as a task; return its log."""
    make = "" if volumes else "p.parent.mkdir(parents=True)"
    setup = f"import os; from pathlib import Path; p = Path({FILE!r}); {make}\n"
    task = WheelTask(command=(sys.executable, "-c", setup + code))
    process = TaskProcess(task, (), {}, volumes or MountedVolumes(str(root.resolve()))).start()
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


BY_DESCRIPTOR = {
    "open": "os.open(p.name, os.O_RDONLY, dir_fd=d)",
    "stat": "os.stat(p.name, dir_fd=d)",
    "remove": "os.unlink(p.name, dir_fd=d)",
}


@pytest.mark.parametrize("action", BY_DESCRIPTOR)
def test_rights_and_delays_hold_from_a_descriptor_too(tmp_path: Path, action: str) -> None:
    file = tmp_path.joinpath(*Path(FILE).parts[2:])
    file.parent.mkdir(parents=True)
    file.write_text("x")
    code = "d = os.open(p.parent.parent, os.O_RDONLY); d = os.open('a', 0, dir_fd=d)\n"
    nothing = MountedVolumes(str(tmp_path.resolve()), reads=(), writes=())
    assert "Permission denied" in run(tmp_path, "os.open(p.parent, 0)", nothing)
    read_only = MountedVolumes(str(tmp_path.resolve()), writes=())
    log = run(tmp_path, code + BY_DESCRIPTOR[action], read_only)
    assert ("Permission denied" in log) is (action == "remove")
    late = MountedVolumes(str(tmp_path.resolve()), late_seconds=60)
    late.delayed.keep_previous(str(file.resolve()), MOUNT)
    file.write_text("newer")
    code += "print(os.read(os.open(p.name, os.O_RDONLY, dir_fd=d), 9))"
    assert run(tmp_path, code, late).strip() == "b'x'"


def test_a_descriptor_above_a_volume_gives_no_right_to_it(tmp_path: Path) -> None:
    (tmp_path / "main" / "law" / "papers").mkdir(parents=True)
    (tmp_path / "main" / "hr" / "files").mkdir(parents=True)
    volumes = MountedVolumes(str(tmp_path.resolve()), reads=("main.law.papers",))
    code = "d = os.open('/Volumes/main', 0)\nos.open('hr/files', 0, dir_fd=d)"
    assert "Permission denied" in run(tmp_path, code, volumes)


def test_other_paths_are_not_affected(tmp_path: Path) -> None:
    code = (
        "q = Path('here'); q.write_text('a'); open(q, 'a').write('b'); q.rename('there')\n"
        "print(Path('there').read_text())"
    )
    assert run(tmp_path, code).strip() == "ab"

"""A task sees ``/Volumes`` as a mount: whole files, nothing appended, renamed or locked."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mcp_jobs_server.testing.fake_workspace.execution import Execution, WheelTask

FILE = "/Volumes/main/research/jobs/a/status.json"
SEEN = {
    "a file is written whole": "p.write_text('new'); print(p.read_text(), os.path.getsize(p))",
    "an existing one is replaced": (
        "p.write_text('old'); p.write_text('newer'); print(p.read_text())"
    ),
    "it is seen when it is closed": (
        "f = open(p, 'w'); f.write('x'); print(p.exists(), end=' '); f.close(); print(p.exists())"
    ),
    "a folder is listed": (
        "p.touch(); print(os.listdir(p.parent), [e.path for e in os.scandir(p.parent)])"
    ),
    "a raw file is written": (
        "import io; f = io.FileIO(p, 'xb'); f.write(b'raw'); f.close(); print(p.read_bytes())"
    ),
    "a file is removed": "p.write_text('x'); p.unlink(); print(p.exists())",
}
ANSWERS = {
    "a file is written whole": "new 3",
    "an existing one is replaced": "newer",
    "it is seen when it is closed": "False True",
    "a folder is listed": f"['status.json'] ['{FILE}']",
    "a raw file is written": "b'raw'",
    "a file is removed": "False",
}
REFUSED = {
    "nothing is appended": ("open(p, 'a')", "Illegal seek"),
    "nothing is changed in place": ("open(p, 'r+')", "Illegal seek"),
    "nothing is renamed": ("p.write_text('x'); p.rename(str(p) + '2')", "not implemented"),
    "nothing is linked": ("p.write_text('x'); os.link(p, str(p) + '2')", "not implemented"),
    "a file is made once": ("p.write_text('x'); open(p, 'x')", "File exists"),
    "nothing is locked": (
        "import fcntl; p.write_text('x'); fcntl.flock(open(p), fcntl.LOCK_EX)",
        "not implemented",
    ),
    "a file needs its folder": ("open('/Volumes/main/none/x', 'w')", "No such file"),
}


def run(volumes: Path, code: str) -> str:
    """Run code as a task would run; return what it printed."""
    head = (
        f"import os; from pathlib import Path; p = Path({FILE!r}); p.parent.mkdir(parents=True)\n"
    )
    task = WheelTask(command=(sys.executable, "-c", head + code))
    execution = Execution(volumes, task, (), {}).start()
    try:
        while execution.returned() is None:
            time.sleep(0.02)
        return execution.log()
    finally:
        execution.close()


@pytest.mark.parametrize("what", SEEN)
def test_what_a_mount_does(tmp_path: Path, what: str) -> None:
    assert run(tmp_path, SEEN[what]).strip() == ANSWERS[what]


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_mount_refuses(tmp_path: Path, what: str) -> None:
    code, why = REFUSED[what]
    assert why in run(tmp_path, code).splitlines()[-1]


def test_other_paths_are_as_they_are(tmp_path: Path) -> None:
    code = (
        "q = Path('here'); q.write_text('a'); open(q, 'a').write('b'); q.rename('there')\n"
        "print(Path('there').read_text())"
    )
    assert run(tmp_path, code).strip() == "ab"

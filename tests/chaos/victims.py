"""Who is killed: finds the processes of each kind, and counts those that a kill really met."""

from __future__ import annotations

import contextlib
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

from mcp_jobs_server.backends.local.processes import os_processes

KINDS = ("server", "launcher", "runner", "job", "tree")


class Victims:
    """The processes of one data directory and of its ``servers``. ``kills`` counts by kind:
    one for each kill, however many processes a tree has."""

    def __init__(self, data_dir: Path, chance: random.Random) -> None:
        self._data_dir = data_dir
        self._chance = chance
        self.servers: Sequence[subprocess.Popen[bytes]] = ()
        self.kills: Counter[str] = Counter()
        self.processes = 0

    def kill(self, kind: str) -> bool:
        """Kill one of the kind; ``False``: there is none at this moment."""
        found: dict[str, Callable[[], list[psutil.Process]]] = {
            "server": self._server,
            "launcher": self.launchers,
            "runner": lambda: self._marked(job=False),
            "job": lambda: self._marked(job=True),
        }
        if kind == "tree":
            return self._counted(kind, self._tree())
        one = found[kind]()
        return bool(one) and self._counted(kind, [self._chance.choice(one)])

    def launchers(self) -> list[psutil.Process]:
        """Return what servers have started: launchers, which live for milliseconds."""
        found: list[psutil.Process] = []
        for server in self.servers:
            with contextlib.suppress(psutil.Error, OSError):  # it may be gone while it is looked at
                found += [psutil.Process(pid) for pid in _children(server.pid)]
        return found

    def _server(self) -> list[psutil.Process]:
        return [psutil.Process(one.pid) for one in self.servers if one.poll() is None]

    def _marked(self, *, job: bool) -> list[psutil.Process]:
        found = os_processes.data_dir_processes(self._data_dir)
        return [one for one in found if os_processes.is_job(one) == job]

    def _tree(self) -> list[psutil.Process]:
        """A server with its launchers, a runner with its jobs, or all there is."""
        match self._chance.choice(["server", "runner", "all"]):
            case "server":
                return _with_children(self._server()[:1])
            case "runner":
                return _with_children(self._marked(job=False)[:1])
        return [*self._server(), *os_processes.data_dir_processes(self._data_dir)]

    def _counted(self, kind: str, victims: Iterable[psutil.Process]) -> bool:
        met = sum(_killed(one) for one in victims)
        self.kills[kind] += met > 0
        self.processes += met
        return met > 0


def _children(pid: int) -> list[int]:
    """Return the children of a process; on Linux from a file a thread, within their lifetime."""
    threads = Path(f"/proc/{pid}/task")
    if not threads.exists():
        return [child.pid for child in psutil.Process(pid).children()]
    found: list[int] = []
    for path in threads.glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text().split())
    return found


def _with_children(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for root in roots:
        try:
            found += [root, *root.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def _killed(process: psutil.Process) -> bool:
    """Kill the process; ``False``: it was gone before."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.kill()
    except psutil.Error:
        return False
    return True

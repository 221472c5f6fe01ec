"""One run: servers that keep jobs coming, kills at random moments, then quiet until all ended."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server.backends.local.processes import os_processes
from tests.chaos.accidents import DamagedRows
from tests.chaos.stage import Stage
from tests.chaos.victims import KINDS, Victims
from tests.mcp_jobs_server.backends.local.damaged_rows import JOBS, PROFILES
from tests.repository import ROOT

WITNESS = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS moves (number INTEGER PRIMARY KEY, id TEXT, old TEXT, new TEXT);
CREATE TRIGGER IF NOT EXISTS moved AFTER UPDATE OF state ON jobs
    BEGIN INSERT INTO moves (id, old, new) VALUES (old.id, old.state, new.state); END;
COMMIT;
"""
"""Writes down each move of a job from state to state, whoever makes it."""


@dataclass(frozen=True)
class Pace:
    """``kills`` of each kind; then up to ``quiet_seconds`` for all jobs to end. Killing gives up
    after ``most_seconds``. ``rest_seconds``: the longest pause between two kills. Meanwhile the
    data directory is moved away ``moves`` times, and back after a moment, and ``columns`` of its
    tables are damaged in copies of their rows."""

    kills: int
    moves: int = 20
    columns: int = len(JOBS) + len(PROFILES)
    servers: int = 3
    rest_seconds: float = 0.3
    most_seconds: float = 600.0
    quiet_seconds: float = 120.0


class Run:
    """A chaos run below ``root``; the same seed makes the same choices, not the same moments."""

    def __init__(self, root: Path, pace: Pace, seed: int) -> None:
        self.stage = Stage(root)
        self._pace = pace
        self.seed = seed
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._served = 0
        self.moves = 0
        self._servers: list[subprocess.Popen[bytes]] = []
        self.rows = DamagedRows(self.stage, self._chance, pace.columns)
        self.victims = Victims(self.stage.settings.data_dir, self._chance)
        self.faults: list[str] = []

    def kill_all(self) -> None:
        """Kill until there were enough of each kind, then wait until nothing is left to do."""
        self.stage.make()
        try:
            self._serve()
            self._witness()
            with self._hunt():
                self._kill_until_enough()
            self.stage.enough.touch()
            self._serve()
            self._quiet("jobs have not ended", self.rows.unended)
        finally:
            self._close()
        self._quiet("processes have not ended", self._living)
        os_processes.kill(
            lambda: os_processes.data_dir_processes(self.stage.settings.data_dir), wait_seconds=10
        )
        self.rows.take_out()

    def _serve(self) -> None:
        """Bring back the servers that are gone."""
        living = [one for one in self._servers if one.poll() is None]
        while len(living) < self._pace.servers:
            self._served += 1
            command = [sys.executable, "-m", "tests.chaos.server", str(self.stage.root)]
            with (self.stage.root / "servers.log").open("ab") as log:
                living.append(
                    subprocess.Popen(
                        [*command, f"{self.seed}-{self._served}"],
                        stdin=subprocess.PIPE,
                        stderr=log,
                        cwd=ROOT,
                    )
                )
        for gone in set(self._servers) - set(living):
            if gone.stdin is not None:
                gone.stdin.close()
        self._servers = self.victims.servers = living

    def _witness(self) -> None:
        path = self.stage.settings.data_dir / "jobs.sqlite3"
        until = time.monotonic() + self._pace.quiet_seconds
        while time.monotonic() < until:
            try:
                # It is a server that makes the file.
                made = f"{path.as_uri()}?mode=rw"
                with closing(sqlite3.connect(made, uri=True, timeout=10)) as db:
                    db.executescript(WITNESS)
                return
            except sqlite3.OperationalError:  # not made yet
                time.sleep(0.05)
        self.faults.append("no server made a database")

    def _kill_until_enough(self) -> None:
        until = time.monotonic() + self._pace.most_seconds
        while (
            (wanted := [kind for kind in KINDS if self.victims.kills[kind] < self._pace.kills])
            or self.moves < self._pace.moves
            or self.rows.done < self._pace.columns
        ):
            if time.monotonic() > until:
                self.faults.append(f"not enough kills in time of: {', '.join(wanted)}")
                return
            self._kill_next([kind for kind in wanted if kind != "launcher"])
            if self.moves < self._pace.moves and self._chance.random() < 0.2:
                self._move_away()
            if self.rows.done < self._pace.columns and self._chance.random() < 0.3:
                self.rows.damage_one()
            self._serve()

    def _move_away(self) -> None:
        """Move the data directory while all work in it, and back; nobody may make it anew."""
        self._until_opened()
        self.moves += 1
        directory = self.stage.settings.data_dir
        aside = directory.rename(directory.with_name("aside"))
        time.sleep(self._chance.uniform(0, 1.5))
        if directory.exists():
            found = [str(path) for path in directory.rglob("*")]
            self.faults.append(f"the data directory was made anew while it was away: {found}")
            shutil.rmtree(directory, ignore_errors=True)
        aside.rename(directory)

    def _until_opened(self) -> None:
        """Wait for new servers: one that never saw the directory would rightly make it."""
        self._quiet("servers have not opened the data", self._not_opened)

    def _not_opened(self) -> list[int]:
        living = (one.pid for one in self._servers if one.poll() is None)
        return [pid for pid in living if not self.stage.opened(pid).exists()]

    def _kill_next(self, wanted: Sequence[str]) -> None:
        if wanted:
            self.victims.kill(self._chance.choice(wanted))
            time.sleep(self._chance.uniform(0, self._pace.rest_seconds))
            return
        # Launchers come where a runner is missing that had come up: let it.
        self.victims.kill("runner")
        time.sleep(self._chance.uniform(0.8, 1.6))

    @contextmanager
    def _hunt(self) -> Iterator[None]:
        """Kill launchers as they come, each after a random part of its few milliseconds."""
        over = threading.Event()

        def hunt() -> None:
            chance = random.Random(self.seed)  # noqa: S311 - no secret
            while not over.wait(0.002) and self.victims.kills["launcher"] < self._pace.kills:
                if self.victims.launchers() and not over.wait(chance.uniform(0, 0.01)):
                    self.victims.kill("launcher")

        hunter = threading.Thread(target=hunt)
        hunter.start()
        try:
            yield
        finally:
            over.set()
            hunter.join()

    def _quiet(self, fault: str, left: Callable[[], Sized]) -> None:
        until = time.monotonic() + self._pace.quiet_seconds
        while found := left():
            if time.monotonic() > until:
                self.faults.append(f"{len(found)} {fault}: {found}")
                return
            time.sleep(0.2)

    def _living(self) -> list[int]:
        return [one.pid for one in os_processes.data_dir_processes(self.stage.settings.data_dir)]

    def _close(self) -> None:
        """Let the servers leave by themselves."""
        for server in self._servers:
            if server.stdin is not None:
                server.stdin.close()
        for server in self._servers:
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.faults.append("a server did not leave when its client had gone")
                server.kill()
                server.wait()

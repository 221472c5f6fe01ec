"""Ends all that runs for a data directory, without losing any of it."""

from __future__ import annotations

from dataclasses import replace

from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import Place
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.errors import Unavailable


def end_processes(layout: Layout, *, wait_seconds: float) -> int:
    """Kill the runners and what they run; return how many runners there were.

    All of them can stand being killed at any moment, so nothing is gained by asking first.
    """
    found = os_processes.of_data_dir(layout.root)
    runners = sum(not os_processes.is_job(process) for process in found)
    left = os_processes.kill(
        lambda: os_processes.of_data_dir(layout.root), wait_seconds=wait_seconds
    )
    if left:
        raise Unavailable(
            f"{len(left)} processes did not end within {wait_seconds:g} seconds.",
            "Run the command again.",
        )
    return runners


def release_jobs(layout: Layout, options: RunnerOptions) -> None:
    """Settle the jobs whose processes are gone, and queue again what has not ended."""
    database = Database(layout)
    try:
        queue = Queue(database, options.profile)
        for profile in queue.profiles():
            place = Place(layout, replace(options, profile=profile))
            Supervisor(queue.of(profile), place).release()
    finally:
        database.close()

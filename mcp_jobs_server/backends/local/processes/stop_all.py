"""Ends all that runs for a data directory, without losing any of it."""

from __future__ import annotations

from dataclasses import replace

from mcp_jobs_server.errors import Unavailable
from mcp_jobs_server.runners.local import processes
from mcp_jobs_server.runners.local.attempt import Place
from mcp_jobs_server.runners.local.database import Database
from mcp_jobs_server.runners.local.layout import Layout
from mcp_jobs_server.runners.local.options import RunnerOptions
from mcp_jobs_server.runners.local.queue import Queue
from mcp_jobs_server.runners.local.supervisor import Supervisor


def end_processes(layout: Layout, *, wait_seconds: float) -> int:
    """Kill the runners and what they run; return how many runners there were.

    All of them can stand being killed at any moment, so nothing is gained by asking first.
    """
    found = processes.of_data_dir(layout.root)
    runners = sum(not processes.is_job(process) for process in found)
    left = processes.kill(lambda: processes.of_data_dir(layout.root), wait_seconds=wait_seconds)
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

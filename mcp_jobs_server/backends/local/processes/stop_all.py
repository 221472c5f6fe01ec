"""Ends all processes of a data directory without losing a job."""

from __future__ import annotations

from dataclasses import replace

from mcp_jobs_server.backends.local.options import runner_options
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import RunnerContext
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.store.database import Database, translate_errors
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.settings import Settings


def stop_all(settings: Settings, *, wait_seconds: float) -> int:
    """End the runner processes of the data directory and the processes of their jobs.

    All of them may be killed at any moment, so they are not asked to end first. No job is lost or
    charged: a job that was being stopped is cancelled, a running one is queued again. It goes on
    from its folder when the next server or command ensures a runner, at once if a server is in use.

    Returns:
        How many runner processes were ended.

    Raises:
        Unavailable: a process does not end within ``wait_seconds``, or the data directory cannot be
            used.
        NewerVersion: the processes are ended; the jobs are left to a newer program.
    """
    paths = DataPaths(settings.data_dir)
    processes = os_processes.data_dir_processes(paths.root)
    runners = sum(not os_processes.is_job(process) for process in processes)
    left = os_processes.kill(
        lambda: os_processes.data_dir_processes(paths.root), wait_seconds=wait_seconds
    )
    if left:
        raise Unavailable(
            f"{len(left)} processes did not end within {wait_seconds:g} seconds.",
            "Run the command again.",
        )
    database = Database(paths)
    try:
        with translate_errors():
            if database.exists:
                options = runner_options(settings)
                for profile in Queue(database, options.profile).claimed_profiles():
                    context = RunnerContext(paths, replace(options, profile=profile))
                    Supervisor(Queue(database, profile), context).release()
    except Unavailable as error:
        message = f"The runners are stopped ({runners}), but their jobs could not be settled:"
        raise Unavailable(f"{message} {error.message}", error.hint) from error
    finally:
        database.close()
    return runners

"""``jobs rebuild``: lists the jobs again whose rows were lost with the job database."""

from __future__ import annotations

import argparse

import anyio

from mcp_jobs_server.cli.output import print_json, print_line
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.models import ENDED_STATES
from mcp_jobs_server.core.settings import load_settings

LOST = (
    "Idempotency keys are not stored in job folders: a call that repeats the key of one of these"
    " jobs starts a new job."
)


def rebuild(args: argparse.Namespace) -> int:
    """List the jobs again, and print those and the folders that were refused."""
    from mcp_jobs_server.backends.local.runner import LocalRunner

    settings = load_settings()
    if settings.backend == "lakeflow":
        raise InvalidArgument(
            "Jobs on Databricks have no job database.",
            "Their folders are the list; nothing is lost.",
        )

    async def run() -> int:
        async with LocalRunner(settings) as runner:
            rebuilt = await runner.rebuild()
        unfinished = sum(state not in ENDED_STATES for state in rebuilt.jobs.values())
        if args.json:
            print_json({"jobs": dict(rebuilt.jobs), "refused": dict(rebuilt.refused)})
            return 0
        for path, reason in rebuilt.refused.items():
            print_line(f"Not listed: {path}: {reason}.")
        count = len(rebuilt.jobs)
        print_line(f"Listed {count} job{'' if count == 1 else 's'} again.")
        if unfinished:
            print_line(
                f"{unfinished} had not ended: those are not begun again; their reports are written"
                " from what they had found, or by their process if it still runs."
            )
        if count:
            print_line(LOST)
        return 0

    return anyio.run(run)

"""``jobs list``: the jobs that fit, newest first."""

from __future__ import annotations

import argparse
from datetime import datetime
from functools import partial

from mcp_jobs_server.cli.jobs import run_action
from mcp_jobs_server.cli.output import (
    console,
    duration,
    is_terminal,
    one_line,
    print_json,
    print_line,
    print_note,
)
from mcp_jobs_server.client import Research
from mcp_jobs_server.messages.results import JobShown

STATE_WIDTH = len("insufficient evidence")


async def _list(args: argparse.Namespace, client: Research) -> int:
    chooses = bool(args.text or args.state or args.since or args.limit)
    everything = await client.jobs(include_ended=args.all or chooses)
    text = args.text.casefold()
    fitting = [
        job
        for job in everything
        if args.state in (None, job.state, job.outcome)
        and (args.since is None or datetime.fromisoformat(job.created_at) >= args.since)
        and text in f"{job.title}\n{job.summary}".casefold()
    ]
    fitting.sort(key=lambda job: job.created_at, reverse=True)
    jobs = fitting[: args.limit]
    if notice := await client.notice():
        print_note(notice)
    if args.json:
        print_json([job.model_dump(mode="json", exclude_none=True) for job in jobs])
    elif not everything:
        print_note('No jobs. Start one: mcp-jobs-server research "…"')
    elif not jobs:
        print_note("No job fits; to list all: mcp-jobs-server jobs list --all")
    else:
        for job in jobs:
            _print(job)
    return 0


def _print(job: JobShown) -> None:
    """Print a job in two lines on a terminal, or tab-separated on one line in a pipe."""
    state = (job.outcome or job.state).replace("_", " ")
    created = job.created_at[:16].replace("T", " ")
    title, summary = one_line(job.title, 60), one_line(job.summary, 80)
    if is_terminal():
        print_line(f"{job.job_id}  {state:<{STATE_WIDTH}}  {created[5:]}")
        print_line("  " + one_line(f"{title}: {job.summary}", console().width - 2))
    else:
        took = duration(job.elapsed_seconds)
        print_line("\t".join((job.job_id, state, created, took, title, summary)))


list_jobs = partial(run_action, _list)

"""``research``: starts a job, follows it and prints its report."""

from __future__ import annotations

import argparse
from functools import partial

import anyio

from mcp_jobs_server.cli.following import view
from mcp_jobs_server.cli.output import (
    one_line,
    print_json,
    print_line,
    print_markdown,
    print_note,
    prose,
)
from mcp_jobs_server.cli.words import at_command_line
from mcp_jobs_server.client import Research, connect
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.messages.results import StartResult, StatusResult
from mcp_jobs_server.messages.texts import limits_text
from research_contract.records import REPORT_HTML

EXIT_CODES = {"answered": 0, "evidence": 0, "partial": 3, "insufficient_evidence": 4}
INTERRUPTED = 130


def research(args: argparse.Namespace) -> int:
    """Run the command; the exit code depends on the outcome of the research."""
    settings = load_settings()
    started: list[StartResult] = []
    try:
        return anyio.run(partial(_research, args, settings, started))
    except KeyboardInterrupt:
        if not started:
            print_note("Interrupted. To list the jobs: mcp-jobs-server jobs list")
        else:
            job_id = started[0].job_id
            print_note(f"\nThe job {job_id} continues to run.")
            print_note(f"To follow it: mcp-jobs-server jobs watch {job_id}")
            print_note(f"To stop it:   mcp-jobs-server jobs cancel {job_id}")
        return INTERRUPTED


async def _research(
    args: argparse.Namespace, settings: Settings, started: list[StartResult]
) -> int:
    async with connect(settings) as client:
        job = await client.start(
            args.main_question,
            sources=args.source,
            questions=args.question,
            terms=args.term,
            title=args.title,
            depth=args.depth,
            limits={"minutes": args.minutes} if args.minutes else None,
            again=args.again,
        )
        started.append(job)
        folder = client.folder(job.job_id)
        if args.detach and args.json:
            print_json({**job.model_dump(mode="json", exclude_none=True), "folder": folder})
            return 0
        if args.detach:
            print_line(job.job_id)
        if job.note:
            print_note(prose(one_line(at_command_line(job.note))))
        if job.limits.lowered:
            print_note(limits_text(job.limits))
        if args.detach:
            print_note(f"To follow it: mcp-jobs-server jobs watch {job.job_id}")
            return 0
        print_note(f"Research job {job.job_id} started.\nCtrl-C stops watching, not the job.")
        status = await follow_to_end(client, job.job_id)
        report = await client.fetch(job.job_id) if status.state == "completed" else None
    if args.json:
        fields = status.model_dump(mode="json", exclude_none=True, exclude={"steps", "next"})
        print_json({**fields, "folder": folder, **({"report": report.content} if report else {})})
    elif report:
        print_markdown(report.content, folder)
        print_note(f"\nJob folder: {folder}\nTo read in a browser: {folder}/{REPORT_HTML}")
    else:
        print_failure(status)
    return exit_code(status)


async def follow_to_end(client: Research, job_id: str) -> StatusResult:
    """Show the progress of a job until it has ended, and return its last status."""
    with view() as shown:
        async for status in client.follow(job_id, on_change=shown.on_change):
            shown.show(status)
    return status


def exit_code(status: StatusResult) -> int:
    """Return 0 for answered or evidence, 3 partial, 4 insufficient evidence, 1 failed or cancelled.

    Evidence of a job that ended before it had searched every question is partial.
    """
    if status.outcome == "evidence" and status.progress.done < status.progress.total:
        return EXIT_CODES["partial"]
    return EXIT_CODES.get(status.outcome or "", 1)


def print_failure(status: StatusResult) -> None:
    """Print why a job has no report, and how to read its findings."""
    print_note(f"{status.state}: {one_line(status.summary)}")
    if status.error:
        print_note(f"error: {one_line(f'{status.error.message} {status.error.hint}')}")
    print_note(f"To read the findings so far: mcp-jobs-server jobs report {status.job_id}")

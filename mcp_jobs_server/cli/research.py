"""``research``: start a job, follow it, print its report."""

from __future__ import annotations

import argparse
from functools import partial

import anyio

from mcp_jobs_server.cli.following import view
from mcp_jobs_server.cli.output import one_line, print_json, print_line, print_markdown, print_note
from mcp_jobs_server.client import Research, connect
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.messages.results import StartResult, StatusResult
from mcp_jobs_server.messages.texts import limits_text
from research_contract.records import REPORT_HTML

EXIT_CODES = {"answered": 0, "partial": 3, "insufficient_evidence": 4}
INTERRUPTED = 130


def research(args: argparse.Namespace) -> int:
    """Run the command; the exit code says what came of the research."""
    settings = load_settings()
    began: list[StartResult] = []
    try:
        return anyio.run(partial(_research, args, settings, began))
    except KeyboardInterrupt:
        _say_goodbye(began[0].job_id if began else "")
        return INTERRUPTED


async def _research(args: argparse.Namespace, settings: Settings, began: list[StartResult]) -> int:
    async with connect(settings) as client:
        job = await _start(client, args)
        began.append(job)
        folder = client.folder(job.job_id)
        if args.detach:
            _say_started(job, folder, as_json=args.json)
            return 0
        _say_what_to_know(job)
        print_note(f"Research job {job.job_id} started. Ctrl-C stops watching, not the job.")
        ended = await followed(client, job.job_id)
        return await _finish(client, ended, folder, as_json=args.json)


async def _start(client: Research, args: argparse.Namespace) -> StartResult:
    return await client.start(
        args.asked,
        sources=args.source,
        questions=args.question,
        terms=args.term,
        title=args.title,
        depth=args.depth,
        limits={"minutes": args.minutes} if args.minutes else None,
        again=args.again,
    )


async def followed(client: Research, job_id: str) -> StatusResult:
    """Show the job until it ended, and return where it stands then."""
    with view() as shown:
        async for standing in client.follow(job_id, on_change=shown.hear):
            shown.show(standing)
    return standing


async def _finish(client: Research, ended: StatusResult, folder: str, *, as_json: bool) -> int:
    report = await client.fetch(ended.job_id) if ended.state == "completed" else None
    if as_json:
        found = {"report": report.content} if report else {}
        shown = ended.model_dump(mode="json", exclude_none=True, exclude={"steps", "next"})
        print_json({**shown, "folder": folder, **found})
    elif report:
        print_markdown(report.content)
        print_note(f"\nJob folder: {folder}\nTo read in a browser: {folder}/{REPORT_HTML}")
    else:
        say_ended(ended)
    return exit_code(ended)


def exit_code(ended: StatusResult) -> int:
    """Return 0 answered, 3 partial, 4 insufficient evidence, 1 failed or cancelled."""
    return EXIT_CODES.get(ended.outcome or "", 1)


def say_ended(ended: StatusResult) -> None:
    """Say to a person why there is no report, and what is left."""
    print_note(f"{ended.state}: {one_line(ended.summary)}")
    if ended.error:
        print_note(f"error: {one_line(f'{ended.error.message} {ended.error.hint}')}")
    print_note(f"What was found until then: mcp-jobs-server jobs report {ended.job_id}")


def _say_started(job: StartResult, folder: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**job.model_dump(mode="json", exclude_none=True), "folder": folder})
        return
    print_line(job.job_id)
    _say_what_to_know(job)
    print_note(f"To follow it: mcp-jobs-server jobs watch {job.job_id}")


def _say_what_to_know(job: StartResult) -> None:
    if job.note:
        print_note(one_line(job.note))
    if job.limits.lowered:
        print_note(limits_text(job.limits))


def _say_goodbye(job_id: str) -> None:
    if not job_id:
        print_note("Interrupted. See what runs: mcp-jobs-server jobs list")
        return
    print_note(f"\nThe job {job_id} goes on by itself.")
    print_note(f"To follow it: mcp-jobs-server jobs watch {job_id}")
    print_note(f"To stop it:   mcp-jobs-server jobs cancel {job_id}")

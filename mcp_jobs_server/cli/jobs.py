"""``jobs list | show | watch | report | cancel | remove``."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import anyio

from mcp_jobs_server.cli.output import (
    console,
    is_terminal,
    one_line,
    print_json,
    print_line,
    print_markdown,
    print_note,
    print_table,
)
from mcp_jobs_server.cli.research import exit_code, follow_to_end, print_failure
from mcp_jobs_server.client import Research, connect
from mcp_jobs_server.core.errors import Conflict, InvalidArgument, NotFound
from mcp_jobs_server.core.settings import load_settings
from research_contract.records import JOB_ID

MIN_WIDTH_WITH_SUMMARY = 110
"""Columns of a terminal below which a list leaves out the summaries."""

Action = Callable[[argparse.Namespace, Research], Awaitable[int]]


def run_action(action: Action, args: argparse.Namespace) -> int:
    """Run an action with the client of the configured backend; return the exit code."""
    settings = load_settings()

    async def run() -> int:
        async with connect(settings) as client:
            return await action(args, client)

    return anyio.run(run)


async def _list(args: argparse.Namespace, client: Research) -> int:
    jobs = await client.jobs(include_ended=args.all)
    if notice := await client.notice():
        print_note(notice)
    if args.json:
        print_json([job.model_dump(mode="json", exclude_none=True) for job in jobs])
        return 0
    if not jobs:
        print_note('No jobs. Start one: mcp-jobs-server research "…"')
        return 0
    titles = ("id", "state", "created", "took", "title", "summary")
    narrow = is_terminal() and console().width < MIN_WIDTH_WITH_SUMMARY
    columns = len(titles) - 1 if narrow else len(titles)
    rows = [
        (
            job.job_id,
            (job.outcome or job.state).replace("_", " "),
            job.created_at[:16].replace("T", " "),
            duration(job.elapsed_seconds),
            one_line(job.title, 60),
            one_line(job.summary, 80),
        )
        for job in jobs
    ]
    print_table(titles[:columns], [row[:columns] for row in rows])
    return 0


def duration(seconds: float) -> str:
    """Format a duration: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


async def _show(args: argparse.Namespace, client: Research) -> int:
    status = await client.status(args.id)
    folder = client.folder(status.job_id)
    if args.json:
        print_json({**status.model_dump(mode="json", exclude_none=True), "folder": folder})
        return 0
    spent = status.spent
    rows = [
        ("job", status.job_id),
        ("state", f"{status.state} {(status.outcome or '').replace('_', ' ')}".strip()),
        ("summary", status.summary),
        ("questions", f"{status.progress.done} of {status.progress.total} done"),
        ("took", duration(status.elapsed_seconds)),
        ("spent", f"{spent.tool_calls} tool calls, {duration(spent.active_seconds)} active"),
    ]
    if status.queue_position:
        rows.append(("queue", f"number {status.queue_position}"))
    if status.coverage:
        rows.append(("coverage", status.coverage.sentence()))
    if status.error:
        rows.append(("error", f"{status.error.message} {status.error.hint}"))
    print_table(("", ""), [*rows, ("folder", folder)])
    for step in status.steps:
        print_line(f"{step.step:>4}  {step.at}  {one_line(step.message)}")
    if status.more_steps:
        command = f"mcp-jobs-server jobs report {status.job_id} --part steps"
        print_line(f"      … all steps: {command}")
    return 0


async def _watch(args: argparse.Namespace, client: Research) -> int:
    status = await client.status(args.id)
    status = await follow_to_end(client, status.job_id)
    folder = client.folder(status.job_id)
    if args.json:
        fields = status.model_dump(mode="json", exclude_none=True, exclude={"steps"})
        print_json({**fields, "folder": folder})
    elif status.state == "completed":
        outcome = (status.outcome or "").replace("_", " ")
        print_line(f"{status.job_id} {outcome}: {one_line(status.summary)}")
        print_note(f"To read it: mcp-jobs-server jobs report {status.job_id}")
        print_note(f"Job folder: {folder}")
    else:
        print_failure(status)
    return exit_code(status)


async def _report(args: argparse.Namespace, client: Research) -> int:
    part = args.part
    if part == "report" and args.section:
        part = "section"
    elif part == "report" and args.citation:
        part = "citation"
    report = await client.fetch(
        args.id, part=part, section=args.section, citation=args.citation or None
    )
    if args.open:
        pages = [link.uri for link in report.links if link.name == "open"]
        if not pages:
            raise NotFound(
                f"The job {report.job_id} has no report yet.",
                f"To follow it: mcp-jobs-server jobs watch {report.job_id}",
            )
        print_line(pages[0])
    elif args.json:
        print_json(report)
    elif part == "steps":
        print_line(report.content)
    else:
        print_markdown(report.content)
    return 0


async def _cancel(args: argparse.Namespace, client: Research) -> int:
    result = await client.cancel(args.id, finish_now=args.finish_now)
    if args.json:
        print_json(result)
    else:
        print_line(f"{result.job_id} {result.state}: {result.summary}")
    return 0


async def _remove(args: argparse.Namespace, client: Research) -> int:
    if args.older_than and args.ids:
        raise InvalidArgument("Both ids and --older-than are given.", "Give one of them.")
    if args.older_than:
        return await _remove_old(args, client)
    if not args.ids:
        raise InvalidArgument(
            "No job is given.",
            "Give ids, or an age: mcp-jobs-server jobs remove --older-than 30d",
        )
    for job_id in args.ids:
        if not JOB_ID.fullmatch(job_id):
            raise InvalidArgument(
                f"'{one_line(job_id, 40)}' is not the exact id of a job.",
                "To list the ids: mcp-jobs-server jobs list --all",
            )
    for job_id in args.ids:
        await client.remove(job_id)
        if not args.json:
            print_line(f"Removed {job_id}.")
    if args.json:
        print_json({"removed": list(args.ids)})
    return 0


async def _remove_old(args: argparse.Namespace, client: Research) -> int:
    """Remove the jobs that ended before ``args.older_than``; list those that are still in use."""
    removed: list[str] = []
    kept: dict[str, str] = {}
    for job_id in await client.ended_before(datetime.now(UTC) - args.older_than):
        try:
            await client.remove(job_id)
        except NotFound:
            continue  # another process removed it
        except Conflict as error:
            kept[job_id] = error.message
        else:
            removed.append(job_id)
    if args.json:
        print_json({"removed": removed, "kept": kept})
        return 0
    for job_id, reason in kept.items():
        print_line(f"Kept {job_id}. {reason}")
    print_line(f"Removed {len(removed)} job{'' if len(removed) == 1 else 's'}.")
    return 0


list_jobs = partial(run_action, _list)
show = partial(run_action, _show)
watch = partial(run_action, _watch)
report = partial(run_action, _report)
cancel = partial(run_action, _cancel)
remove = partial(run_action, _remove)

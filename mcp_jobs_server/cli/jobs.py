"""``jobs list | show | watch | report | cancel | remove``."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import anyio

from mcp_jobs_server.cli.output import (
    console,
    on_terminal,
    one_line,
    print_json,
    print_line,
    print_markdown,
    print_note,
    print_table,
)
from mcp_jobs_server.cli.research import exit_code, followed, say_ended
from mcp_jobs_server.client import Research, connect
from mcp_jobs_server.core.errors import Conflict, InvalidArgument, NotFound
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.messages.results import JobShown, ReportResult, StatusResult
from research_contract.records import JOB_ID

WIDE = 110
"""Columns of a terminal below which a list leaves the summaries out."""

Action = Callable[[argparse.Namespace, Research], Awaitable[int]]


def _run(action: Action, args: argparse.Namespace) -> int:
    settings = load_settings()

    async def connected() -> int:
        async with connect(settings) as client:
            return await action(args, client)

    return anyio.run(connected)


# --- list -------------------------------------------------------------------------------------


async def _show_list(args: argparse.Namespace, client: Research) -> int:
    found = await client.jobs(include_ended=args.all)
    if args.json:
        print_json([job.model_dump(mode="json", exclude_none=True) for job in found])
    elif found:
        titles = ("id", "state", "created", "took", "title", "summary")
        columns = len(titles) if not on_terminal() or console().width >= WIDE else len(titles) - 1
        print_table(titles[:columns], [_row(job)[:columns] for job in found])
    else:
        print_note('No jobs. Start one: mcp-jobs-server research "…"')
    return 0


def _row(job: JobShown) -> tuple[str, ...]:
    state = job.outcome or job.state
    created = job.created_at[:16].replace("T", " ")
    title, summary = one_line(job.title, 60), one_line(job.summary, 80)
    return (job.job_id, state.replace("_", " "), created, took(job.elapsed_seconds), title, summary)


def took(seconds: float) -> str:
    """Say a length of time: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


# --- show, watch ------------------------------------------------------------------------------


async def _show(args: argparse.Namespace, client: Research) -> int:
    standing = await client.status(args.id)
    folder = client.folder(standing.job_id)
    if args.json:
        print_json({**standing.model_dump(mode="json", exclude_none=True), "folder": folder})
        return 0
    print_table(("", ""), [*_facts(standing), ("folder", folder)])
    for step in standing.steps:
        print_line(f"{step.step:>4}  {step.at}  {one_line(step.message)}")
    if standing.more_steps:
        print_line(
            f"      … all of them: mcp-jobs-server jobs report {standing.job_id} --part steps"
        )
    return 0


def _facts(standing: StatusResult) -> list[tuple[str, ...]]:
    spent = standing.spent
    facts = [
        ("job", standing.job_id),
        ("state", f"{standing.state} {(standing.outcome or '').replace('_', ' ')}".strip()),
        ("summary", standing.summary),
        ("questions", f"{standing.progress.done} of {standing.progress.total} done"),
        ("took", took(standing.elapsed_seconds)),
        ("spent", f"{spent.tool_calls} searches and calls, {took(spent.active_seconds)} active"),
    ]
    if standing.queue_position:
        facts.append(("queue", f"number {standing.queue_position}"))
    if standing.coverage:
        facts.append(("coverage", standing.coverage.sentence()))
    if standing.error:
        facts.append(("error", f"{standing.error.message} {standing.error.hint}"))
    return list(facts)


async def _watch(args: argparse.Namespace, client: Research) -> int:
    standing = await client.status(args.id)
    ended = await followed(client, standing.job_id)
    folder = client.folder(ended.job_id)
    if args.json:
        shown = ended.model_dump(mode="json", exclude_none=True, exclude={"steps"})
        print_json({**shown, "folder": folder})
    elif ended.state == "completed":
        print_line(
            f"{ended.job_id} {(ended.outcome or '').replace('_', ' ')}: {one_line(ended.summary)}"
        )
        print_note(f"Read it: mcp-jobs-server jobs report {ended.job_id}\nJob folder: {folder}")
    else:
        say_ended(ended)
    return exit_code(ended)


# --- report -----------------------------------------------------------------------------------


async def _report(args: argparse.Namespace, client: Research) -> int:
    part = _part(args)
    found = await client.fetch(
        args.id, part=part, section=args.section, citation=args.citation or None
    )
    if args.open:
        print_line(_page_to_open(found))
    elif args.json:
        print_json(found)
    elif part == "steps":
        print_line(found.content)
    else:
        print_markdown(found.content)
    return 0


def _part(args: argparse.Namespace) -> str:
    """Return the part; naming a section or citation is asking for it."""
    if args.part == "report" and args.section:
        return "section"
    return "citation" if args.part == "report" and args.citation else str(args.part)


def _page_to_open(found: ReportResult) -> str:
    for link in found.links:
        if link.name == "open":
            return link.uri
    raise NotFound(
        f"The job {found.job_id} has no report yet.",
        f"Follow it: mcp-jobs-server jobs watch {found.job_id}",
    )


# --- cancel, remove ---------------------------------------------------------------------------


async def _cancel(args: argparse.Namespace, client: Research) -> int:
    done = await client.cancel(args.id, finish_now=args.finish_now)
    if args.json:
        print_json(done)
    else:
        print_line(f"{done.job_id} {done.state}: {done.summary}")
    return 0


async def _remove(args: argparse.Namespace, client: Research) -> int:
    if args.older_than and args.ids:
        raise InvalidArgument("Both ids and --older-than are given.", "Give one of them.")
    if args.older_than:
        return await _remove_old(args, client)
    if not args.ids:
        raise InvalidArgument(
            "Which jobs?", "Give their ids, or an age: mcp-jobs-server jobs remove --older-than 30d"
        )
    for job_id in args.ids:
        if not JOB_ID.fullmatch(job_id):
            raise InvalidArgument(
                f"'{one_line(job_id, 40)}' is not the exact id of a job.",
                "The ids: mcp-jobs-server jobs list --all",
            )
    for job_id in args.ids:
        await client.remove(job_id)
        if not args.json:
            print_line(f"Removed {job_id}.")
    if args.json:
        print_json({"removed": list(args.ids)})
    return 0


async def _remove_old(args: argparse.Namespace, client: Research) -> int:
    """Remove what ended so long ago; what is in use is kept and named."""
    removed: list[str] = []
    kept: dict[str, str] = {}
    for job_id in await client.ended_before(datetime.now(UTC) - args.older_than):
        try:
            await client.remove(job_id)
        except NotFound:
            continue  # somebody else removed it
        except Conflict as error:
            kept[job_id] = error.message
        else:
            removed.append(job_id)
    if args.json:
        print_json({"removed": removed, "kept": kept})
        return 0
    for job_id, why in kept.items():
        print_line(f"Kept {job_id}. {why}")
    print_line(f"Removed {len(removed)} job{'' if len(removed) == 1 else 's'}.")
    return 0


show_list = partial(_run, _show_list)
show = partial(_run, _show)
watch = partial(_run, _watch)
report = partial(_run, _report)
cancel = partial(_run, _cancel)
remove = partial(_run, _remove)

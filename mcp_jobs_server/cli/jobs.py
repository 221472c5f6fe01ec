"""``jobs show | watch | report | cancel | steer | remove``."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio

from mcp_jobs_server.cli.output import (
    duration,
    is_terminal,
    one_line,
    print_facts,
    print_json,
    print_line,
    print_markdown,
    print_note,
    prose,
)
from mcp_jobs_server.cli.research import exit_code, follow_to_end, print_failure
from mcp_jobs_server.client import Research, connect
from mcp_jobs_server.core.errors import Conflict, InvalidArgument, NotFound
from mcp_jobs_server.core.models import ACTIVE_STATES, ENDED_STATES
from mcp_jobs_server.core.settings import load_settings

Action = Callable[[argparse.Namespace, Research], Awaitable[int]]


def run_action(action: Action, args: argparse.Namespace) -> int:
    """Run an action with the client of the configured backend; return the exit code."""
    settings = load_settings()

    async def run() -> int:
        async with connect(settings) as client:
            return await action(args, client)

    return anyio.run(run)


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
    print_facts([*rows, ("folder", folder)])
    for step in status.steps:
        at = step.at[11:19] if is_terminal() else step.at
        print_line(prose(f"{step.step:>4}  {at}  {one_line(step.message)}", indent=16))
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
        page = Path(pages[0])
        if not await anyio.to_thread.run_sync(
            lambda: page.exists() and webbrowser.open(page.as_uri())
        ):
            print_note("No browser could be opened here; open this page in one.")
    elif args.json:
        print_json(report)
    elif part == "steps":
        print_line(report.content)
    else:
        print_markdown(report.content, client.folder(report.job_id))
    return 0


async def _cancel(args: argparse.Namespace, client: Research) -> int:
    job_id = args.id and (await client.status(args.id)).job_id
    if not job_id:
        job_id = await _newest(client, ACTIVE_STATES, "unfinished")
    result = await client.cancel(job_id, finish_now=args.finish_now)
    if args.json:
        print_json(result)
    else:
        print_line(f"{result.job_id} {result.state}: {result.summary}")
    return 0


async def _steer(args: argparse.Namespace, client: Research) -> int:
    """Pass an instruction to a job; return 1 if it is too late."""
    result = await client.steer((await client.status(args.id)).job_id, args.text)
    if args.json:
        print_json(result)
    else:
        print_line(f"{result.job_id}: {result.summary}")
    return 0 if result.accepted else 1


async def _newest(client: Research, states: Collection[str], kind: str) -> str:
    """Return the id of the newest job in one of these states."""
    jobs = [job for job in await client.jobs(include_ended=True) if job.state in states]
    if not jobs:
        raise NotFound(f"There is no {kind} job.", "To list all: mcp-jobs-server jobs list --all")
    return max(jobs, key=lambda job: job.created_at).job_id


async def _remove(args: argparse.Namespace, client: Research) -> int:
    if args.older_than and args.ids:
        raise InvalidArgument("Both ids and --older-than are given.", "Give one of them.")
    if args.older_than:
        return await _remove_old(args, client)
    if not all(args.ids):
        raise InvalidArgument("An id is empty.", "To list the ids: mcp-jobs-server jobs list --all")
    ids = [(await client.status(named)).job_id for named in args.ids]
    if not ids:
        ids = [await _newest(client, ENDED_STATES, "ended")]
        if not args.yes and not await _is_confirmed(client, ids[0]):
            return 1
    for job_id in ids:
        await client.remove(job_id)
        if not args.json:
            print_line(f"Removed {job_id}.")
    if args.json:
        print_json({"removed": ids})
    return 0


async def _is_confirmed(client: Research, job_id: str) -> bool:
    """Ask whether to remove the job that was not named.

    Raises:
        InvalidArgument: nobody can be asked, since standard input is no terminal.
    """
    if not (sys.stdin and sys.stdin.isatty()):
        raise InvalidArgument(
            f"No job is given, and nobody can be asked about the newest ended one, {job_id}.",
            "Give its id, or pass --yes, or an age: mcp-jobs-server jobs remove --older-than 30d",
        )
    title = one_line((await client.fetch(job_id, part="summary")).title, 60)
    print_note(f"Remove {job_id} ({title}) and its folder? [y/N]")
    answer = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    return answer.strip().lower() in ("y", "yes")


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


show = partial(run_action, _show)
watch = partial(run_action, _watch)
report = partial(run_action, _report)
cancel = partial(run_action, _cancel)
steer = partial(run_action, _steer)
remove = partial(run_action, _remove)

"""``retention``: deletes jobs that ended long ago; what the scheduled task of the bundle runs."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from mcp_jobs_server.cli.output import print_error, print_json, print_line
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.operations.retention.sweep import Swept, sweep

_SHOWN = 20


def retention(args: argparse.Namespace) -> int:
    """Delete, or say what would be deleted.

    Leaves by ``SystemExit`` where something failed: a wheel task calls this command as a function
    and does not look at what it returns.
    """
    try:
        swept = sweep(
            Path(args.root),
            days=args.days,
            owner=args.owner,
            now=datetime.now(UTC),
            apply=args.apply,
        )
    except JobsError as error:
        raise SystemExit(print_error(error, as_json=args.json)) from error
    if args.json:
        print_json(swept.fields())
    else:
        _print(swept)
    if swept.failed:
        raise SystemExit(1)
    return 0


def _print(swept: Swept) -> None:
    did = "Deleted" if swept.applied else "Would delete"
    for said, ids in (
        (f"{did} {{}} that ended before", swept.expired),
        (f"{did} {{}} that never ran", swept.never_ran),
        (f"{did} {{}} of doctor", swept.probes),
        ("Kept {} that did not end", swept.unended),
        ("Kept {} that a job builds on which did not end", swept.built_on),
        ("Could not delete {}; the next run tries again", swept.failed),
    ):
        if ids:
            print_line(f"{said.format(_count(ids))}: {_some(ids)}")
    for owner in swept.unreadable:
        print_line(f"Left all of {owner}: a request of theirs cannot be read by this version.")
    if not swept.applied:
        print_line("Nothing was deleted; --apply does it.")
    elif not (swept.expired or swept.never_ran or swept.probes):
        print_line("There was nothing to delete.")


def _count(ids: list[str]) -> str:
    return f"{len(ids)} {'folder' if len(ids) == 1 else 'folders'}"


def _some(ids: list[str]) -> str:
    more = len(ids) - _SHOWN
    return ", ".join(ids[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

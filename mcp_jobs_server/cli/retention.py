"""``retention``: deletes jobs that ended long ago. The scheduled task of the bundle runs it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from mcp_jobs_server.cli.output import print_error, print_json, print_line
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.operations.retention.sweep import Swept, sweep

_MAX_LISTED = 20


def retention(args: argparse.Namespace) -> int:
    """Delete expired jobs, or print what would be deleted.

    A failure raises ``SystemExit``, because a wheel task calls this command as a function and
    ignores its return value.
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
    verb = "Deleted" if swept.applied else "Would delete"
    for sentence, ids in (
        (f"{verb} {{}} that ended before", swept.expired),
        (f"{verb} {{}} that never ran", swept.never_ran),
        (f"{verb} {{}} of doctor", swept.probes),
        ("Kept {} that did not end", swept.unended),
        ("Kept {} that an active job builds on", swept.built_on),
        ("Could not delete {}; the next run tries again", swept.failed),
    ):
        if ids:
            count = f"{len(ids)} {'folder' if len(ids) == 1 else 'folders'}"
            more = f" and {len(ids) - _MAX_LISTED} more" if len(ids) > _MAX_LISTED else ""
            print_line(f"{sentence.format(count)}: {', '.join(ids[:_MAX_LISTED])}{more}")
    for owner in swept.unreadable:
        print_line(f"Kept all of {owner}: this version cannot read one of the requests there.")
    if not swept.applied:
        print_line("Nothing was deleted; --apply does it.")
    elif not (swept.expired or swept.never_ran or swept.probes):
        print_line("There was nothing to delete.")

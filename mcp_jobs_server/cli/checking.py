"""``jobs check``: a draft beside the quotes of a job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import anyio

from mcp_jobs_server.citations import wording
from mcp_jobs_server.cli.output import one_line, print_json, print_line
from mcp_jobs_server.client import connect
from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.messages.arguments import MAX_DRAFT
from mcp_jobs_server.messages.results import CheckResult

FAULTS = 3
"""Exit code where a claim is not supported, or cites nothing."""


def check(args: argparse.Namespace) -> int:
    """Print the verdict on each claim; 0 where all are supported."""
    text = _draft(args.file)
    found = anyio.run(_checked, args.id, text)
    if args.json:
        print_json(found)
    else:
        print_line(wording.body(found))
    return 0 if found.next.action == "tell_user" else FAULTS


async def _checked(job_id: str, text: str) -> CheckResult:
    async with connect(load_settings()) as client:
        return await client.check(text, job_id)


def _draft(name: str) -> str:
    """Return the draft in a file, or what comes in through a pipe where its name is ``-``."""
    try:
        raw = sys.stdin.buffer if name == "-" else Path(name).expanduser().open("rb")
        with raw as file:
            data = file.read(4 * MAX_DRAFT + 1)
    except OSError as error:
        said = f"'{one_line(name, 80)}' cannot be read: {error.strerror}."
        raise NotFound(said, "Name the file that holds the draft, or - for a pipe.") from error
    text = data.decode(errors="replace").strip()
    if len(text) > MAX_DRAFT:
        raise InvalidArgument(
            f"The draft is longer than {MAX_DRAFT:,} characters.", "Check it in parts."
        )
    return text

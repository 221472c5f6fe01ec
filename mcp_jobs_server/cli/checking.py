"""``jobs check``: compares the claims of a draft with the quotes of a job."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from mcp_jobs_server.citations import wording
from mcp_jobs_server.cli.jobs import run_action
from mcp_jobs_server.cli.output import one_line, print_json, print_line
from mcp_jobs_server.client import Research
from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.messages.arguments import MAX_DRAFT

UNSUPPORTED = 3
"""Exit code if a claim is not supported or cites nothing."""


async def _check(args: argparse.Namespace, client: Research) -> int:
    """Print the verdict on each claim of the draft; return 0 if all are supported."""
    result = await client.check(_read_draft(args.file), args.id)
    if args.json:
        print_json(result)
    else:
        print_line(wording.body(result))
    return 0 if result.next.action == "tell_user" else UNSUPPORTED


def _read_draft(name: str) -> str:
    """Return the text of a file, or of standard input if its name is ``-``."""
    try:
        raw = sys.stdin.buffer if name == "-" else Path(name).expanduser().open("rb")
        with raw as file:
            data = file.read(4 * MAX_DRAFT + 1)
    except OSError as error:
        raise NotFound(
            f"'{one_line(name, 80)}' cannot be read: {error.strerror}.",
            "Name the file that holds the draft, or - for standard input.",
        ) from error
    text = data.decode(errors="replace").strip()
    if len(text) > MAX_DRAFT:
        raise InvalidArgument(
            f"The draft is longer than {MAX_DRAFT:,} characters.", "Check it in parts."
        )
    return text


check = partial(run_action, _check)

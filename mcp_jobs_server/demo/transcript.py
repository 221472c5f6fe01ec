"""Tool calls of an assistant, printed as a transcript in the terminal."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from mcp_jobs_server.cli.output import one_line, print_line, print_markdown
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import ENDED_STATES

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

WIDTH = 160
"""Columns of the transcript. The report is not cut."""
WAIT_SECONDS = 20
VERIFY_SECONDS = 120


async def follow(client: Client, job_id: str) -> Mapping[str, Any]:
    """Poll the status of a job until it has ended; return the last status."""
    cursor = ""
    while True:
        arguments = {"job_id": job_id, "cursor": cursor, "wait_seconds": WAIT_SECONDS}
        status = await call(client, "get_status", arguments)
        if status["state"] in ENDED_STATES and not status.get("more_steps"):
            return status
        cursor = str(status["cursor"])


async def read(client: Client, job_id: str) -> Path | None:
    """Print the report, fetched page by page; return the folder of the job if it is local."""
    cursor: str | None = ""
    pages: list[str] = []
    page: Mapping[str, Any] = {}
    while cursor is not None:
        arguments = {"job_id": job_id, "part": "report", "cursor": cursor}
        page = await call(client, "fetch_report", arguments, quiet=True)
        pages.append(str(page["content"]))
        cursor = page.get("next_cursor")
    print_line()
    print_markdown("\n\n".join(pages))
    print_line()
    path = next((link["uri"] for link in page.get("links", ()) if link["name"] == "open"), None)
    return Path(str(path)).parent if path else None


async def call(
    client: Client, tool: str, arguments: Mapping[str, Any], *, quiet: bool = False
) -> Mapping[str, Any]:
    """Call a tool and return the fields of its result; print the call and, unless quiet, the
    result.

    Raises:
        JobsError: the result is an error.
    """
    arguments = {name: value for name, value in arguments.items() if value not in ("", None)}
    say_call(tool, arguments)
    result = await client.call_tool(tool, arguments, progress_callback=say_progress)
    if result.is_error or result.structured_content is None:
        raise JobsError(text_of(result))
    if not quiet:
        say("server", text_of(result))
    fields: Mapping[str, Any] = result.structured_content
    return fields


async def call_refused(client: Client, tool: str, arguments: Mapping[str, Any]) -> None:
    """Make a call that must be refused; print the call and the error.

    Raises:
        JobsError: the call succeeded.
    """
    say_call(tool, arguments)
    result = await client.call_tool(tool, dict(arguments))
    if not result.is_error:
        raise JobsError(f"{tool} was not refused.")
    say("server", text_of(result))


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


def say_call(tool: str, arguments: Mapping[str, Any]) -> None:
    values = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    say("assistant", f"{tool}({values})")


async def say_progress(progress: float, total: float | None, message: str | None) -> None:
    of_total = f" of {total:g}" if total else ""
    say("progress", f"{int(progress)}{of_total}  {message or ''}")


def say(speaker: str, text: str) -> None:
    """Print a text of a speaker. Lines are cut at the width of the transcript."""
    first, *rest = text.splitlines() or [""]
    print_line(f"{speaker:>9} │ {one_line(first, WIDTH)}")
    for line in rest:
        print_line(f"{'':>9} │ {one_line(line, WIDTH)}")


async def verify(folder: Path) -> int:
    """Verify all quotes and hashes of a job folder with the researcher's own command."""
    command = [sys.executable, "-m", "researcher_job", "verify", str(folder)]
    print_line(f"Verified with: {shlex.join(command)}")
    with anyio.fail_after(VERIFY_SECONDS):
        process = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT)
    print_line(process.stdout.decode(errors="replace").strip())
    return 0 if process.returncode == 0 else 1

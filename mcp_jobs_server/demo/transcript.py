"""A conversation with a server as it is shown in a terminal, as an assistant would have it."""

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
"""Columns of the transcript; the report is printed whole."""
WAIT_SECONDS = 20
VERIFY_SECONDS = 120


async def follow(client: Client, job_id: str) -> Mapping[str, Any]:
    """Look in until the job ended, as an assistant does that follows ``next``."""
    cursor = ""
    while True:
        arguments = {"job_id": job_id, "cursor": cursor, "wait_seconds": WAIT_SECONDS}
        standing = await call(client, "get_status", arguments)
        if standing["state"] in ENDED_STATES and not standing.get("more_steps"):
            return standing
        cursor = str(standing["cursor"])


async def read(client: Client, job_id: str) -> Path | None:
    """Print the report, page by page, and return the folder of the job."""
    cursor: str | None = ""
    pages: list[str] = []
    answer: Mapping[str, Any] = {}
    while cursor is not None:
        arguments = {"job_id": job_id, "part": "report", "cursor": cursor}
        answer = await call(client, "fetch_report", arguments, quiet=True)
        pages.append(str(answer["content"]))
        cursor = answer.get("next_cursor")
    print_line()
    print_markdown("\n\n".join(pages))
    print_line()
    place = next((link["uri"] for link in answer.get("links", ()) if link["name"] == "open"), None)
    return Path(str(place)).parent if place else None


async def call(
    client: Client, tool: str, arguments: Mapping[str, Any], *, quiet: bool = False
) -> Mapping[str, Any]:
    """Call a tool, showing the call and its answer; return the answer's fields."""
    given = {name: value for name, value in arguments.items() if value not in ("", None)}
    say("assistant", _call(tool, given))
    result = await client.call_tool(tool, given, progress_callback=told)
    if result.is_error or result.structured_content is None:
        raise JobsError(text(result))
    if not quiet:
        say("server", text(result))
    fields: Mapping[str, Any] = result.structured_content
    return fields


async def refused(client: Client, tool: str, arguments: Mapping[str, Any]) -> str:
    """Make a call that must be refused, and return what is said.

    Raises:
        JobsError: it was not refused.
    """
    say(
        "assistant",
        f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})",
    )
    result = await client.call_tool(tool, dict(arguments))
    if not result.is_error:
        raise JobsError(f"{tool} was not refused.")
    say("server", text(result))
    return text(result)


def _call(tool: str, arguments: Mapping[str, Any]) -> str:
    said = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"{tool}({said})"


async def told(progress: float, total: float | None, message: str | None) -> None:
    """Print what happens while a call waits."""
    of = f" of {total:g}" if total else ""
    say("progress", f"{int(progress)}{of}  {message or ''}")


def text(result: CallToolResult) -> str:
    """Return the text of an answer."""
    return "\n".join(block.text for block in result.content if block.type == "text")


def say(who: str, words: str) -> None:
    """Print what somebody says, each line cut at the width of the transcript."""
    first, *rest = words.splitlines() or [""]
    print_line(f"{who:>9} │ {one_line(first, WIDTH)}")
    for more in rest:
        print_line(f"{'':>9} │ {one_line(more, WIDTH)}")


async def verify(folder: Path) -> int:
    """Check every quote and hash of the folder anew, as anyone can who was sent it."""
    command = [sys.executable, "-m", "researcher_job", "verify", str(folder)]
    print_line(f"Checked again with: {shlex.join(command)}")
    with anyio.fail_after(VERIFY_SECONDS):
        done = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT)
    print_line(done.stdout.decode(errors="replace").strip())
    return 0 if done.returncode == 0 else 1

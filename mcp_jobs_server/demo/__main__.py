"""A real assistant's side of the story: start research over stdio, follow it, read the report.

``python -m mcp_jobs_server.demo [QUESTION] [SOURCE …]``: without arguments it asks about the
libraries this program runs with, whose documentation is on every machine after installation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import anyio

from mcp_jobs_server.__main__ import BROKEN_PIPE, INTERRUPTED, discard_output
from mcp_jobs_server.cli.output import print_error, print_line, print_note
from mcp_jobs_server.core.errors import InvalidArgument, JobsError, NothingToSearch
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.demo.transcript import call, follow, read, say, verify
from mcp_jobs_server.operations.install.snippets import command_line, instructions, launch
from mcp_jobs_server.sources.grants import path_from_uri
from mcp_jobs_server.sources.registry import Sources

QUESTION = (
    "What does the Model Context Protocol let you build?"
    " On top of which libraries does AnyIO work?"
    " What does Pydantic use Python type hints for?"
)
LIBRARIES = ("mcp", "pydantic", "anyio", "starlette", "uvicorn", "httpx2", "rich", "filelock")


@dataclass(frozen=True)
class Ask:
    """What the demo asks, of which sources (``NAME=DIR``), and where it keeps its jobs.

    ``own``: the sources are the user's own documents.
    """

    question: str
    sources: Sequence[str]
    data_dir: Path
    own: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when the research was completed and every quote verified."""
    args = _parser().parse_args(argv)
    try:
        return _run(_ask(args.question, args.source, load_settings()))
    except JobsError as error:
        return print_error(error, as_json=False)


def _run(ask: Ask) -> int:
    code = BROKEN_PIPE
    try:
        code = anyio.run(_demonstrate, ask)
    except KeyboardInterrupt:
        print_note(f"\nThe job goes on by itself. {_see(ask)}")
        return INTERRUPTED
    except BaseExceptionGroup as error:
        # Whoever read the transcript went away in the middle of it, such as `head`.
        if error.subgroup(BrokenPipeError) is None:
            raise
        discard_output()
    return code


def _see(ask: Ask) -> str:
    """Say how to see the demo's jobs, which lie apart from the user's own."""
    return f"The demo's jobs: MCP_JOBS_DATA_DIR={ask.data_dir} {command_line('jobs', 'list')}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_jobs_server.demo", description=__doc__)
    parser.add_argument("question", nargs="?", default="", metavar="QUESTION")
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="a folder, or NAME=folder")
    return parser


def _ask(question: str, typed: Sequence[str], settings: Settings) -> Ask:
    """Return what to ask; the demo's jobs stay apart from the user's own."""
    if typed and not question.strip():
        raise InvalidArgument(
            "There is no question to ask of these documents.",
            'Say one: make demo QUESTION="…" SOURCES="…"',
        )
    apart = replace(settings, data_dir=settings.data_dir / "demo")
    _, folders = Sources(apart).resolve_typed(typed or installed_documents())
    if not folders:
        raise NothingToSearch("No documents were found.", "Name a folder: make demo SOURCES=DIR")
    named = tuple(f"{source.name}={path_from_uri(source.uri)}" for source in folders)
    return Ask(question.strip() or QUESTION, named, apart.data_dir, own=bool(typed))


def installed_documents() -> list[str]:
    """Return the folders of metadata and documentation that installed libraries ship."""
    found = ((name, _documents(name)) for name in LIBRARIES)
    return [f"{name}={folder}" for name, folder in found if folder]


def _documents(name: str) -> Path | None:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    metadata = next((file for file in files if file.name == "METADATA"), None)
    return Path(str(metadata.locate())).parent if metadata else None


async def _demonstrate(ask: Ask) -> int:
    from mcp import Client, StdioServerParameters

    named = [word for source in ask.sources for word in ("--source", source)]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_jobs_server", "serve", *named],
        env={"MCP_JOBS_DATA_DIR": str(ask.data_dir), "PYTHONUNBUFFERED": "1"},
    )
    say("you", ask.question)
    async with Client(server) as client:
        say("client", f"connected over stdio, protocol {client.protocol_version}")
        started = await call(client, "start_research", {"question": ask.question, "again": True})
        ended = await follow(client, str(started["job_id"]))
        folder = await read(client, str(started["job_id"]))
    if ended["state"] != "completed" or folder is None:
        return 1
    verified = await verify(folder)
    _say_what_next(ask, folder)
    return verified


def _say_what_next(ask: Ask, folder: Path) -> None:
    start = launch(sources=ask.sources if ask.own else ())
    print_line(
        f"\nJob folder: {folder}\nTo read in a browser: {folder / 'report.html'}\n{_see(ask)}"
    )
    print_line("\nTo give your own assistant this, paste into its configuration:\n")
    for found in instructions("claude-desktop", start):
        print_line(f"{found.client}: {found.place}\n{found.text}\n")
    print_line(f"For Cursor, VS Code and Claude Code: {command_line('connect')}")
    if not ask.own:
        print_line(f"To add your own documents: {command_line('sources', 'add', 'NAME', 'DIR')}")


if __name__ == "__main__":
    sys.exit(main())

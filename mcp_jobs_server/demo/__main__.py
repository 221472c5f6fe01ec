"""Research over stdio as an assistant does it: start, follow, read the report, verify it.

``python -m mcp_jobs_server.demo [QUESTION] [SOURCE …]``: the default questions are about the
documents of a harbour that does not exist, in the folder ``harbour`` beside this file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from mcp_jobs_server.__main__ import BROKEN_PIPE, INTERRUPTED, discard_output
from mcp_jobs_server.cli.output import print_error, print_line, print_note
from mcp_jobs_server.core.errors import InvalidArgument, JobsError, NothingToSearch
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.demo.transcript import call, follow, read, say, verify
from mcp_jobs_server.operations.install.snippets import command_line, instructions, server_command
from mcp_jobs_server.sources.grants import path_from_uri
from mcp_jobs_server.sources.registry import Sources

QUESTION = (
    "What must a tenant do when the lease ends?"
    " What do guests pay for a lift by crane up to 5 t?"
    " What is a swinging mooring?"
)
"""What a list answers, a row of a table and a definition."""
DOCUMENTS = Path(__file__).resolve().parent / "harbour"


@dataclass(frozen=True)
class Demo:
    """The question, its sources (``NAME=DIR``), and the data directory for the jobs of the demo.

    ``own`` is true for documents of the user and false for those of the demo.
    """

    question: str
    sources: Sequence[str]
    data_dir: Path
    own: bool

    def list_command(self) -> str:
        """Return a line with the command that lists the jobs of the demo."""
        command = command_line("jobs", "list")
        return f"The demo's jobs: MCP_JOBS_DATA_DIR={self.data_dir} {command}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return 0 if the research was completed and every quote was verified."""
    parser = argparse.ArgumentParser(prog="python -m mcp_jobs_server.demo", description=__doc__)
    parser.add_argument("question", nargs="?", default="", metavar="QUESTION")
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="a folder, or NAME=folder")
    arguments = parser.parse_args(argv)
    try:
        demo = _prepare(arguments.question, arguments.source, load_settings())
    except JobsError as error:
        return print_error(error, as_json=False)
    try:
        return anyio.run(_run, demo)
    except JobsError as error:
        return print_error(error, as_json=False)
    except KeyboardInterrupt:
        print_note(f"\nThe job continues in the background. {demo.list_command()}")
        return INTERRUPTED
    except BaseExceptionGroup as error:
        # The reader of the transcript, such as `head`, has exited before its end.
        if error.subgroup(BrokenPipeError) is None:
            raise
        discard_output()
        return BROKEN_PIPE


def _prepare(question: str, typed: Sequence[str], settings: Settings) -> Demo:
    """Resolve question and sources. The jobs get a data directory apart from the user's own."""
    if typed and not question.strip():
        raise InvalidArgument(
            "These documents need a question.",
            'Add one: make demo QUESTION="…" SOURCES="…"',
        )
    settings = replace(settings, data_dir=settings.data_dir / "demo")
    _, folders = Sources(settings).resolve_typed(typed or [str(DOCUMENTS)])
    if not folders:
        raise NothingToSearch("No documents were found.", "Name a folder: make demo SOURCES=DIR")
    sources = tuple(f"{source.name}={path_from_uri(source.uri)}" for source in folders)
    return Demo(question.strip() or QUESTION, sources, settings.data_dir, own=bool(typed))


async def _run(demo: Demo) -> int:
    from mcp import Client, StdioServerParameters

    options = [word for source in demo.sources for word in ("--source", source)]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_jobs_server", "serve", *options],
        env={"MCP_JOBS_DATA_DIR": str(demo.data_dir), "PYTHONUNBUFFERED": "1"},
    )
    say("you", demo.question)
    async with Client(server) as client:
        say("client", f"connected over stdio, protocol {client.protocol_version}")
        started = await call(client, "start_research", {"question": demo.question, "again": True})
        status = await follow(client, str(started["job_id"]))
        folder = await read(client, str(started["job_id"]))
    if status["state"] != "completed" or folder is None:
        return 1
    exit_code = await verify(folder)
    print_line(f"\nJob folder: {folder}\nTo read in a browser: {folder / 'report.html'}")
    print_line(demo.list_command())
    print_line("\nTo connect your own assistant, paste this into its configuration:\n")
    command = server_command(sources=demo.sources if demo.own else ())
    for instruction in instructions("claude-desktop", command):
        print_line(f"{instruction.client}: {instruction.place}\n{instruction.text}\n")
    print_line(f"For Cursor, VS Code and Claude Code: {command_line('connect')}")
    if not demo.own:
        print_line(f"To add your own documents: {command_line('sources', 'add', 'NAME', 'DIR')}")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())

"""The argument parser. It imports no command; each command names the function that runs it."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias, cast

from mcp_jobs_server import __version__
from mcp_jobs_server.cli import examples
from mcp_jobs_server.cli.usage import Parser
from mcp_jobs_server.cli.values import age, days, integer, seconds_to_wait, since

DEPTHS = ("quick", "standard", "deep")
PARTS = ("summary", "report", "section", "evidence", "sources", "citations", "citation", "steps")
STATES = ("queued", "running", "cancelling", "completed", "failed", "cancelled")
OUTCOMES = ("answered", "partial", "insufficient_evidence")
SHELLS = ("bash", "zsh", "fish")
CLIENTS = ("claude-desktop", "cursor", "vscode", "claude-code", "other")
_LISTED_ALONE = ("jobs", "sources")
_SERVE_OPTIONS = ("--source", "--transport", "--host", "--port", "--app", "--profile")

Command = Callable[[argparse.Namespace], int]


class Arguments(argparse.Namespace):
    """Parsed arguments; ``run`` is ``module:function`` in ``mcp_jobs_server.cli``."""

    run: str

    def load(self) -> Command:
        """Import and return the function that runs the command."""
        module, function = self.run.split(":")
        imported = importlib.import_module(f"mcp_jobs_server.cli.{module}")
        return cast("Command", getattr(imported, function))


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parse(argv: Sequence[str]) -> Arguments:
    """Parse the arguments; wrong usage exits with code 2, as argparse does.

    Without a command, or with options of ``serve`` only, the command is ``serve``, because clients
    start the program that way. ``jobs`` and ``sources`` alone list. Without arguments on a terminal
    a welcome text is printed.
    """
    words = list(argv)
    if not words and sys.stdin is not None and sys.stdin.isatty():
        return Arguments(run="welcome:welcome")
    if not words or words[0].split("=")[0] in _SERVE_OPTIONS:
        words = ["serve", *words]
    if words[0] in _LISTED_ALONE and (
        len(words) == 1 or (words[1].startswith("-") and words[1] not in ("-h", "--help"))
    ):
        words.insert(1, "list")
    return build().parse_args(words, namespace=Arguments())


def complete() -> None:
    """Answer a shell that asks for the words to complete, and exit; else do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(build())


def build() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser: argparse.ArgumentParser = Parser(
        prog="mcp-jobs-server",
        description="Research jobs over your documents, for any assistant that speaks MCP.",
        epilog=examples.MAIN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcp-jobs-server {__version__}")
    commands: _Commands = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=Parser
    )
    for add in _COMMANDS:
        add(commands)
    return parser


def _command(
    commands: _Commands,
    name: str,
    summary: str,
    *,
    run: str = "",
    epilog: str = "",
    prints_data: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    if prints_data:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _serve(commands: _Commands) -> None:
    parser = _command(
        commands,
        "serve",
        "serve assistants over MCP (clients start this command)",
        run="serve:serve",
        epilog=examples.SERVE,
        prints_data=False,
    )
    parser.add_argument(
        "--transport", choices=("stdio", "http"), help="default: stdio; as a Databricks App: http"
    )
    parser.add_argument(
        "--host",
        help="with http; default: 127.0.0.1; 0.0.0.0 opens the server to the network",
    )
    parser.add_argument(
        "--port",
        type=partial(integer, least=0, most=65535, kind="a port; it must be 0 to 65535"),
        help="with http; default: 8000, as an app the port of its environment",
    )
    _source_option(parser, "[NAME=]DIR", "folder that jobs of this server may read; repeatable")
    parser.add_argument(
        "--app", metavar="URL", help="forward all messages to the Databricks App at this URL"
    )
    parser.add_argument("--profile", metavar="NAME", help="with --app: Databricks profile to use")


def _research(commands: _Commands) -> None:
    parser = _command(
        commands,
        "research",
        "start a research job and follow it to its report",
        run="research:research",
        epilog=examples.RESEARCH,
    )
    parser.add_argument("main_question", metavar="QUESTION", help="what to find out")
    _source_option(
        parser,
        "SOURCE",
        "folder, NAME=folder or name of a source; repeatable; default: all",
    )
    parser.add_argument(
        "--question",
        action="append",
        default=[],
        metavar="Q",
        help="question to answer; repeatable",
    )
    parser.add_argument(
        "--term",
        action="append",
        default=[],
        metavar="T",
        help="search term to add; repeatable",
    )
    parser.add_argument("--depth", choices=DEPTHS, default="standard")
    parser.add_argument("--minutes", metavar="N", help="maximum active minutes, such as 5 or '1 h'")
    parser.add_argument("--title", default="", help="short name of the job")
    parser.add_argument("--again", action="store_true", help="even if the same job is active")
    parser.add_argument("--detach", action="store_true", help="start the job and return at once")


def _jobs(commands: _Commands) -> None:
    group = _command(
        commands,
        "jobs",
        "list jobs, read reports, stop and remove jobs",
        epilog=examples.JOBS,
        prints_data=False,
    )
    jobs = group.add_subparsers(metavar="COMMAND", required=True)
    listed = _command(
        jobs, "list", "list active and recent jobs, newest first", run="job_list:list_jobs"
    )
    listed.add_argument("--all", action="store_true", help="include all ended jobs")
    listed.add_argument("--state", choices=(*STATES, *OUTCOMES), help="only jobs in this state")
    listed.add_argument(
        "--since", type=since, metavar="AGE", help="only jobs since then: 12h, 30d or 2026-01-31"
    )
    number = partial(integer, least=1, most=99999, kind="a number of jobs")
    listed.add_argument("--limit", type=number, metavar="N", help="only the newest N jobs")
    listed.add_argument(
        "text", nargs="?", default="", metavar="TEXT", help="text in title or summary"
    )
    shown = _command(jobs, "show", "show the status of a job", run="jobs:show")
    watched = _command(jobs, "watch", "follow a job until it has ended", run="jobs:watch")
    read = _command(jobs, "report", "print the report of a job, or a part of it", run="jobs:report")
    checked = _command(
        jobs, "check", "compare a draft with [n] citations with the quotes", run="checking:check"
    )
    ended = _command(jobs, "cancel", "stop a job", run="jobs:cancel")
    for parser in (shown, watched, read, checked, ended):
        newest = "the newest unfinished job" if parser is ended else "the newest job"
        parser.add_argument(
            "id", nargs="?", default="", help=f"id or a unique prefix; default: {newest}"
        )
    read.add_argument("--part", choices=PARTS, default="report")
    read.add_argument("--section", default="", help="name or number of the section to print")
    read.add_argument("--citation", help="number of the citation to print")
    read.add_argument(
        "--open", action="store_true", help="open it in a browser, and print its path"
    )
    checked.add_argument("file", metavar="FILE", help="the draft; - reads standard input")
    ended.add_argument(
        "--finish-now", action="store_true", help="let it write a report of its findings first"
    )
    steered = _command(jobs, "steer", "add or drop a question of a running job", run="jobs:steer")
    steered.add_argument("id", metavar="JOB", help="id or a unique prefix")
    steered.add_argument(
        "text", metavar="TEXT", help="'add: QUESTION', 'drop: NUMBER', or words for its model"
    )
    removed = _command(jobs, "remove", "remove ended jobs and their folders", run="jobs:remove")
    removed.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="ids or unique prefixes; default: the newest ended job, after a question",
    )
    removed.add_argument("--yes", action="store_true", help="do not ask")
    removed.add_argument(
        "--older-than",
        type=age,
        metavar="AGE",
        help="all that ended this long ago, such as 30d",
    )
    _command(
        jobs,
        "rebuild",
        "list jobs again from their folders if the job database was lost",
        run="rebuild:rebuild",
    )


def _sources(commands: _Commands) -> None:
    group = _command(
        commands,
        "sources",
        "manage the folders that jobs may read",
        epilog=examples.SOURCES,
        prints_data=False,
    )
    sources = group.add_subparsers(metavar="COMMAND", required=True)
    added = _command(sources, "add", "grant a folder, effective immediately", run="sources:add")
    added.add_argument("name", metavar="NAME", help="name of the source")
    added.add_argument("directory", metavar="DIR", help="the folder, or a single file")
    for option, meaning in (("--include", "only what"), ("--exclude", "nothing that")):
        text = f"read {meaning} matches PATTERN, as in a .gitignore; may be repeated"
        added.add_argument(option, metavar="PATTERN", action="append", default=[], help=text)
    _command(sources, "list", "list the sources", run="sources:list_sources")
    read = _command(sources, "index", "read a source ahead", run="sources:index", prints_data=False)
    read.add_argument("name", metavar="NAME")
    removed = _command(sources, "remove", "revoke a grant", run="sources:remove")
    removed.add_argument("name", metavar="NAME")


def _connect(commands: _Commands) -> None:
    parser = _command(
        commands,
        "connect",
        "print the configuration to paste into a client",
        run="connect:connect",
        epilog=examples.CONNECT,
    )
    parser.add_argument("client", nargs="?", choices=CLIENTS, help="default: all clients")
    _source_option(parser, "[NAME=]DIR", "folder that its jobs may read; repeatable")


def _doctor(commands: _Commands) -> None:
    parser = _command(
        commands,
        "doctor",
        "check everything that jobs need, and print advice",
        run="doctor:doctor",
        epilog=examples.DOCTOR,
    )
    parser.add_argument("--app", default="", metavar="NAME", help="on Databricks: check this app")
    parser.add_argument(
        "--without-run",
        action="store_true",
        help="on Databricks: start no test run of the job",
    )


def _stop(commands: _Commands) -> None:
    parser = _command(
        commands,
        "stop",
        "end all runners; unfinished jobs continue when a runner starts again",
        run="stop:stop",
        epilog=examples.STOP,
    )
    parser.add_argument(
        "--wait",
        type=seconds_to_wait,
        default=20,
        metavar="SECONDS",
        help="maximum wait; default: 20",
    )


def _setup(commands: _Commands) -> None:
    parser = _command(
        commands,
        "setup",
        "check a Databricks workspace and prepare it for a team",
        run="setup:setup",
        epilog=examples.SETUP,
    )
    for name, text in (
        ("catalog", "existing catalog; default: that of MCP_JOBS_VOLUME"),
        ("schema", "schema of the job folders"),
        ("volume", "volume of the job folders"),
        ("app", "name of the deployed app"),
        ("group", "register the app in Unity Catalog for this group"),
        ("model", "serving endpoint that jobs use"),
        ("client-id", "OAuth client for the registration"),
        ("client-secret-file", "file with its secret; - reads standard input"),
    ):
        parser.add_argument(f"--{name}", default="", metavar=name.upper()[:6], help=text)
    job_id = partial(integer, least=1, most=2**63 - 1, kind="the id of a job")
    parser.add_argument("--job", type=job_id, metavar="ID", help="id of the deployed job")
    parser.add_argument("--apply", action="store_true", help="make the changes, not only the plan")
    parser.add_argument(
        "--shared-credentials",
        action="store_true",
        help="one sign-in for everybody: all callers of Unity Catalog see the same jobs",
    )


def _retention(commands: _Commands) -> None:
    parser = _command(
        commands,
        "retention",
        "delete expired job folders of a volume",
        run="retention:retention",
        epilog=examples.RETENTION,
    )
    parser.add_argument(
        "--root",
        required=True,
        metavar="DIR",
        help="the volume, such as /Volumes/main/research/jobs",
    )
    parser.add_argument(
        "--days",
        type=days,
        required=True,
        metavar="N",
        help="delete jobs that ended more than N days ago; 0: none; all: every job of one owner",
    )
    parser.add_argument("--owner", default="", metavar="FOLDER", help="only jobs of this owner")
    parser.add_argument(
        "--apply", action="store_true", help="delete, instead of printing what would be deleted"
    )


def _completion(commands: _Commands) -> None:
    parser = _command(
        commands,
        "completion",
        "print what makes a shell complete commands and options",
        run="completion:completion",
        epilog=examples.COMPLETION,
        prints_data=False,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


_COMMANDS = (
    *(_serve, _research, _jobs, _sources, _connect, _doctor, _stop, _completion),
    *(_setup, _retention),
)


def _source_option(parser: argparse.ArgumentParser, metavar: str, text: str) -> None:
    parser.add_argument("--source", action="append", default=[], metavar=metavar, help=text)

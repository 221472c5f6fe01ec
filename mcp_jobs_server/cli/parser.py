"""What can be typed. Imports no command: each names the function that runs it."""

from __future__ import annotations

import argparse
import difflib
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NoReturn, TypeAlias, cast

from mcp_jobs_server import __version__
from mcp_jobs_server.cli import examples

DEPTHS = ("quick", "standard", "deep")
PARTS = ("summary", "report", "section", "evidence", "sources", "citations", "citation", "steps")
CLIENTS = ("claude-desktop", "cursor", "vscode", "claude-code")
_SERVE_OPTIONS = ("--source", "--transport", "--host", "--port", "--app", "--profile")

Command = Callable[[argparse.Namespace], int]


class Arguments(argparse.Namespace):
    """What was typed; ``run`` is ``module:function`` below ``mcp_jobs_server.cli``."""

    run: str

    def load(self) -> Command:
        """Import and return the function that runs the command."""
        module, function = self.run.split(":")
        found = importlib.import_module(f"mcp_jobs_server.cli.{module}")
        return cast("Command", getattr(found, function))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        guess = self._nearest(message)
        self.exit(
            2, f"error: {message}{guess}\nRun '{self.prog} --help' to see what can be typed.\n"
        )

    def _nearest(self, message: str) -> str:
        """Return the option that was probably meant by the first unknown one."""
        unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        near = difflib.get_close_matches(unknown[1], _options(self), n=1) if unknown else []
        return f"; did you mean {near[0]}?" if near else ""


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Return all options of a parser and of the commands below it."""
    found: set[str] = set()
    for action in parser._actions:  # argparse tells them in no other way
        found.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found |= _options(below)
    return found


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parse(argv: Sequence[str]) -> Arguments:
    """Return what was typed; ends the process with 2 where it makes no sense, as argparse does.

    A client that starts the program without a command gets ``serve``; so does one that passes
    only options of it. A person at a terminal is told what there is.
    """
    words = list(argv)
    if not words and sys.stdin is not None and sys.stdin.isatty():
        return Arguments(run="welcome:welcome")
    if not words or words[0].split("=")[0] in _SERVE_OPTIONS:
        words = ["serve", *words]
    return build().parse_args(words, namespace=Arguments())


def build() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser: argparse.ArgumentParser = _Parser(
        prog="mcp-jobs-server",
        description="Research jobs over your documents, for any assistant that speaks MCP.",
        epilog=examples.MAIN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcp-jobs-server {__version__}")
    commands: _Commands = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=_Parser
    )
    for add in _COMMANDS:
        add(commands)
    return parser


def _command(
    commands: _Commands,
    name: str,
    said: str,
    *,
    run: str = "",
    epilog: str = "",
    prints_data: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=said,
        description=said[0].upper() + said[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    if prints_data:
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


def _group(
    commands: _Commands,
    name: str,
    said: str,
    epilog: str,
) -> _Commands:
    group = _command(commands, name, said, epilog=epilog, prints_data=False)
    return group.add_subparsers(metavar="COMMAND", required=True)


def _serve(commands: _Commands) -> None:
    parser = _command(
        commands,
        "serve",
        "serve assistants over MCP (what a client starts)",
        run="serve:serve",
        epilog=examples.SERVE,
        prints_data=False,
    )
    parser.add_argument(
        "--transport", choices=("stdio", "http"), help="default stdio; http as a Databricks App"
    )
    parser.add_argument("--host", help="with http; default 127.0.0.1, as an app 0.0.0.0")
    parser.add_argument(
        "--port", type=_port, help="with http; default 8000, as an app what it is told"
    )
    _source_option(parser, "[NAME=]DIR", "a folder that jobs of this server may read; repeatable")
    parser.add_argument(
        "--app", metavar="URL", help="pass everything on to the Databricks App at this address"
    )
    parser.add_argument("--profile", metavar="NAME", help="with --app: the Databricks profile")


def _research(commands: _Commands) -> None:
    parser = _command(
        commands,
        "research",
        "start a research job and follow it to its report",
        run="research:research",
        epilog=examples.RESEARCH,
    )
    parser.add_argument("asked", metavar="QUESTION", help="what to find out")
    _source_option(
        parser, "SOURCE", "a folder, NAME=folder, or the name of a source; repeatable; default: all"
    )
    parser.add_argument(
        "--question", action="append", default=[], metavar="Q", help="a question to pursue"
    )
    parser.add_argument(
        "--term", action="append", default=[], metavar="T", help="another word to search for"
    )
    parser.add_argument("--depth", choices=DEPTHS, default="standard")
    parser.add_argument("--minutes", metavar="N", help="most active minutes, such as 5 or '1 h'")
    parser.add_argument("--title", default="", help="short name of the job")
    parser.add_argument("--again", action="store_true", help="although the same one is unfinished")
    parser.add_argument("--detach", action="store_true", help="start it and return at once")


def _jobs(commands: _Commands) -> None:
    jobs = _group(commands, "jobs", "look at jobs, read reports, stop and remove", examples.JOBS)
    listed = _command(jobs, "list", "list unfinished jobs and recent ones", run="jobs:show_list")
    listed.add_argument("--all", action="store_true", help="all that ever ended too")
    shown = _command(jobs, "show", "show where a job stands", run="jobs:show")
    watched = _command(jobs, "watch", "follow a job to its end", run="jobs:watch")
    read = _command(jobs, "report", "print the report of a job, or a part", run="jobs:report")
    for parser in (shown, watched, read):
        parser.add_argument(
            "id", nargs="?", default="", help="id or its unique start; default: the newest job"
        )
    read.add_argument("--part", choices=PARTS, default="report")
    read.add_argument("--section", default="", help="with --part section: its name or number")
    read.add_argument("--citation", help="with --part citation: its number")
    read.add_argument("--open", action="store_true", help="print the path of the page to open")
    checked = _command(
        jobs, "check", "compare a draft that cites [n] with the quotes", run="checking:check"
    )
    checked.add_argument("id", help="id or its unique start")
    checked.add_argument("file", metavar="FILE", help="the draft; - reads it from a pipe")
    ended = _command(jobs, "cancel", "stop a job", run="jobs:cancel")
    ended.add_argument("id", help="exact id of the job")
    ended.add_argument(
        "--finish-now", action="store_true", help="let it write its report from what it knows"
    )
    removed = _command(jobs, "remove", "remove ended jobs and their folders", run="jobs:remove")
    removed.add_argument("ids", nargs="*", metavar="ID", help="exact ids of ended jobs")
    removed.add_argument(
        "--older-than", type=_age, metavar="AGE", help="all that ended so long ago, such as 30d"
    )


def _sources(commands: _Commands) -> None:
    sources = _group(commands, "sources", "say which folders jobs may read", examples.SOURCES)
    added = _command(sources, "add", "grant a folder, effective at once", run="sources:add")
    added.add_argument("name", metavar="NAME", help="what to call it")
    added.add_argument("directory", metavar="DIR", help="the folder, or a single file")
    _command(sources, "list", "list what jobs may read", run="sources:show_list")
    removed = _command(sources, "remove", "take a grant back", run="sources:remove")
    removed.add_argument("name", metavar="NAME")


def _connect(commands: _Commands) -> None:
    parser = _command(
        commands,
        "connect",
        "print what to paste into an assistant's configuration",
        run="connect:connect",
        epilog=examples.CONNECT,
    )
    parser.add_argument("client", nargs="?", choices=CLIENTS, help="default: all of them")
    _source_option(parser, "[NAME=]DIR", "a folder that its jobs may read; repeatable")


def _doctor(commands: _Commands) -> None:
    parser = _command(
        commands,
        "doctor",
        "check that everything jobs need works, and say what to do",
        run="doctor:doctor",
        epilog=examples.DOCTOR,
    )
    parser.add_argument("--app", default="", metavar="NAME", help="on Databricks: look at this app")
    parser.add_argument(
        "--without-run", action="store_true", help="on Databricks: do not start the job to test it"
    )


def _stop(commands: _Commands) -> None:
    parser = _command(
        commands,
        "stop",
        "end all runners; unfinished jobs go on when one is started again",
        run="stop:stop",
        epilog=examples.STOP,
    )
    parser.add_argument(
        "--wait", type=_seconds, default=20, metavar="SECONDS", help="at most; default 20"
    )


def _setup(commands: _Commands) -> None:
    parser = _command(
        commands,
        "setup",
        "check a Databricks workspace, and put it in order for a team",
        run="setup:setup",
        epilog=examples.SETUP,
    )
    for name, said in (
        ("catalog", "catalog that exists; default: that of MCP_JOBS_VOLUME"),
        ("schema", "schema of the job folders"),
        ("volume", "volume of the job folders"),
        ("app", "name of the deployed app"),
        ("group", "group that may call the app through Unity Catalog, where it is then registered"),
        ("model", "serving endpoint that jobs ask"),
        ("client-id", "OAuth client for the registration"),
        ("client-secret-file", "file with its secret; - reads a pipe"),
    ):
        parser.add_argument(f"--{name}", default="", metavar=name.upper()[:6], help=said)
    parser.add_argument("--job", type=_job, metavar="ID", help="number of the deployed job")
    parser.add_argument("--apply", action="store_true", help="do it; otherwise print the plan only")
    parser.add_argument(
        "--shared-credentials",
        action="store_true",
        help="sign in once for all: everybody who comes through Unity Catalog sees the same jobs",
    )


def _retention(commands: _Commands) -> None:
    parser = _command(
        commands,
        "retention",
        "delete job folders of a volume that outlived their time",
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
        type=_days,
        required=True,
        metavar="N",
        help="what ended more than N days ago; 0: nothing; all: of one person everything",
    )
    parser.add_argument("--owner", default="", metavar="FOLDER", help="only this person's")
    parser.add_argument(
        "--apply", action="store_true", help="do it; otherwise say what it would do"
    )


_COMMANDS = (_serve, _research, _jobs, _sources, _connect, _doctor, _stop, _setup, _retention)


def _source_option(parser: argparse.ArgumentParser, metavar: str, said: str) -> None:
    parser.add_argument("--source", action="append", default=[], metavar=metavar, help=said)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) < 65536:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a port; it must be 0 to 65535")
    return int(text)


def _job(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not the number of a job")
    return int(text)


def _days(text: str) -> int | None:
    """Return the days, or ``None`` for all that ended."""
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number of days")
    return int(text)


_AGE = re.compile(r"(\d{1,5}) ?(h|d|w)", re.ASCII)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not an age; write 12h, 30d or 8w")
    return timedelta(hours=int(found[1]) * {"h": 1, "d": 24, "w": 168}[found[2]])


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number of seconds up to 3600")
    return seconds

"""The command ``researcher-job``: runs or verifies one job folder, or reads sources ahead."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from researcher_job.core.errors import (
    ExitCode,
    FolderGone,
    JobError,
    RequestUnreadable,
    error_kind,
    error_message,
)

_EXIT_CODES = """\
exit codes:
  0  an outcome was written or already existed; verify: no faults
  1  the job failed; verify: faults were found
  2  the command line is wrong
  3  stopped on request
  4  another process or run works on the folder
  5  the request is missing, unreadable, of a newer format, or exceeds what the job may do
  6  the disk is full or cannot be written, so there is no report either
"""


class CommandFailed(SystemExit):
    """Ends the process with an exit code. A caller that catches it gets a message as its text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code)
        self._message = message

    def __str__(self) -> str:
        return self._message or f"researcher-job ended with exit code {self.code}"


def command() -> None:
    """Run the command line of this process: the entry point of the console script.

    It returns only on success. A platform that calls it treats any return as success, and shows
    the message of an exception.

    Raises:
        CommandFailed: the exit code is not 0.
    """
    code, message = _execute(sys.argv[1:])
    if code:
        raise CommandFailed(code, message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return _execute(list(sys.argv[1:] if arguments is None else arguments))[0]


def _execute(arguments: list[str]) -> tuple[int, str]:
    """Return the exit code and the message printed to standard error."""
    if arguments[:1] == ["verify"]:
        work = partial(_verify, arguments[1:])
    elif arguments[:1] == ["replay"]:
        work = partial(_replay, arguments[1:])
    elif arguments[:1] == ["index"]:
        work = partial(_index, arguments[1:])
    else:
        options = _parser().parse_args(arguments)
        if not options.probe and options.folder is None:
            _parser().error("the following arguments are required: --folder")
        if not options.probe and options.run_id:
            return _run_on_platform(options)
        work = partial(_probe if options.probe else _run, options)
    code, message = _call(work)
    if message:
        print(message, file=sys.stderr)  # noqa: T201 - the command's own output
    return code, message


def _call(work: Callable[[], int], *, safe_to_log: bool = False) -> tuple[int, str]:
    """Return the exit code, and a message on failure.

    ``safe_to_log``: the message must not contain text of questions or sources, so it may be only
    the kind of the error.
    """
    try:
        return work(), ""
    except JobError as error:
        message = error_kind(error) if safe_to_log and not error.safe_to_log else str(error)
        return error.exit_code, message
    except Exception as error:  # noqa: BLE001 - people get a sentence, not a stack trace
        from researcher_job.limits.disk_reserve import is_disk_full

        cause = error_kind(error) if safe_to_log else error_message(error)
        code = ExitCode.DISK_FULL if is_disk_full(error) else ExitCode.FAILED
        return code, f"The job failed: {cause}."


def _run(options: argparse.Namespace) -> int:
    from researcher_job.command.run_folder import run

    return run(options)


def _run_on_platform(options: argparse.Namespace) -> tuple[int, str]:
    """Run a folder where other people read the log: print only ids and kinds of errors."""
    from researcher_job.command.quiet import suppress_output

    name = f"job {options.folder.name}, run {options.run_id}"
    print(f"{name}: begins", flush=True)  # noqa: T201 - the command's own output
    with suppress_output():
        code, message = _call(partial(_run, options), safe_to_log=True)
    message = message or ExitCode(code).name.lower()
    print(f"{name}: {message}", file=sys.stderr if code else sys.stdout)
    return code, message


def _probe(options: argparse.Namespace) -> int:
    from researcher_job.command.probe_command import run_probe, show
    from researcher_job.command.quiet import suppress_output

    with suppress_output():
        result = run_probe(options)
    return show(result, as_json=options.json)


def _index(arguments: list[str]) -> int:
    from researcher_job.command.index_command import run_index

    return run_index(arguments)


def _replay(arguments: list[str]) -> int:
    from researcher_job.command.replay_command import run_replay

    return run_replay(arguments)


def _verify(arguments: list[str]) -> int:
    """Verify a folder and print its faults."""
    import json
    from dataclasses import asdict

    from research_contract.files import NewerFormat
    from research_contract.text.safe import one_line
    from researcher_job.verification.verify import verify

    parser = argparse.ArgumentParser(
        prog="researcher-job verify",
        description="Checks every quote, file hash, step and citation of a job folder.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    try:
        result = verify(options.folder)
    except (NewerFormat, FolderGone) as error:
        raise RequestUnreadable(str(error)) from error
    summary = {"verified": not result.faults, "summary": result.sentence()}
    if options.json:
        output = json.dumps({**summary, **asdict(result)}, ensure_ascii=True, indent=2)
    else:
        faults = [f"{one_line(fault.name)}: {fault.problem}" for fault in result.faults]
        output = "\n".join([*faults, result.sentence()])
    print(output)  # noqa: T201 - the command's own output
    return ExitCode.FAILED if result.faults else ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="researcher-job",
        usage="%(prog)s --folder DIR [options]\n"
        "       %(prog)s --probe [--config FILE] [--folder DIR] [--json]\n"
        "       %(prog)s verify DIR [--json]\n"
        "       %(prog)s replay DIR --into DIR2\n"
        "       %(prog)s index NAME=URI ... --cache DIR [--config FILE]",
        description="Runs the research job in one folder. 'verify DIR' checks a folder again.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="folder that holds request.json")
    parser.add_argument(
        "--run-id",
        type=_run_id,
        metavar="ID",
        help="id of this platform run, to which the folder must belong",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="research.toml of this job: only sources in it are read",
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="research.toml of which only the table [researcher] is used",
    )
    parser.add_argument(
        "--storage",
        choices=("auto", "local", "mount"),
        default="auto",
        help="how the folder is written (default: as a mount below /Volumes)",
    )
    parser.add_argument(
        "--lock", type=Path, metavar="FILE", help="lock file to hold (default: DIR/.lock)"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder that keeps extracted documents for reuse"
    )
    parser.add_argument(
        "--attempt",
        type=int,
        metavar="N",
        help="number of this attempt (default: the previous one plus one)",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="NAME",
        help="a source of the request that is not granted any more: it is not read",
    )
    parser.add_argument(
        "--finish",
        choices=("deadline", "finish_now", "died"),
        help="only write the report, from the contents of the folder, for this reason",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="test what jobs need here; with --folder, also write the result there",
    )
    parser.add_argument("--json", action="store_true", help="print the probe as JSON")
    return parser


def _run_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text, re.ASCII):
        raise argparse.ArgumentTypeError("an id has 1 to 64 letters, digits, '-' and '_'")
    return text


if __name__ == "__main__":
    command()

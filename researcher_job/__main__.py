"""The command ``researcher-job``: runs, finishes or verifies one job folder."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from researcher_job.core.errors import ExitCode, JobError, RequestUnreadable, error_kind

if TYPE_CHECKING:
    from researcher_job.verification.verify import Verification

_EXIT_CODES = """\
exit codes:
  0  an outcome was written, or was there already; verify: all holds
  1  the job failed; verify: something does not hold
  2  the command line is wrong
  3  stopped as asked
  4  another process or run works on the folder
  5  the request is missing, unreadable, of a newer format, or asks for what it may not
  6  the disk is full or cannot be written, so there is no report either
"""


class Ended(SystemExit):
    """Ends the process with an exit code; who catches it instead reads a sentence."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(code)
        self._words = words

    def __str__(self) -> str:
        return self._words or f"researcher-job ended with exit code {self.code}"


def command() -> None:
    """Run the command line of this process: what the console script calls.

    It returns only where all is well. A platform that calls it takes any return for success, and
    shows the text of what is raised.

    Raises:
        Ended: the exit code is not 0.
    """
    code, words = _answer(sys.argv[1:])
    if code:
        raise Ended(code, words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return _answer(list(sys.argv[1:] if arguments is None else arguments))[0]


def _answer(given: list[str]) -> tuple[int, str]:
    """Return the exit code and what was said about it on standard error."""
    if given[:1] == ["verify"]:
        return _told(partial(_verify, _verify_parser().parse_args(given[1:])))
    options = _parser().parse_args(given)
    if options.probe:
        return _told(partial(_probe, options))
    if options.folder is None:
        _parser().error("the following arguments are required: --folder")
    if options.run_id:
        return _of_platform(options)
    return _told(partial(_run, options))


def _run(options: argparse.Namespace) -> int:
    from researcher_job.command.run_folder import run

    return run(options)


def _probe(options: argparse.Namespace) -> int:
    from researcher_job.command.probe_command import run_probe, show
    from researcher_job.command.quiet import suppress_output

    with suppress_output():
        result = run_probe(options)
    return show(result, as_json=options.json)


def _of_platform(options: argparse.Namespace) -> tuple[int, str]:
    """Run a folder where others read what is printed: it names ids and kinds of errors only."""
    from researcher_job.command.quiet import suppress_output

    name = f"job {options.folder.name}, run {options.run_id}"
    print(f"{name}: begins", flush=True)  # noqa: T201 - the command's own output
    with suppress_output():
        code, words = _tried(partial(_run, options), discreet=True)
    words = words or ExitCode(code).name.lower()
    print(f"{name}: {words}", file=sys.stderr if code else sys.stdout)
    return code, words


def _told(work: Callable[[], int]) -> tuple[int, str]:
    code, words = _tried(work)
    if words:
        print(words, file=sys.stderr)  # noqa: T201 - the command's own output
    return code, words


def _tried(work: Callable[[], int], *, discreet: bool = False) -> tuple[int, str]:
    """Return the exit code, and of an error a sentence; ``discreet``: only its kind."""
    try:
        return work(), ""
    except JobError as error:
        words = str(error) if error.safe_to_log or not discreet else error_kind(error)
        return error.exit_code, words
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, not a stack trace
        from researcher_job.limits.disk_reserve import is_disk_full
        from researcher_job.research.job import error_message

        words = f"The job failed: {error_kind(error) if discreet else error_message(error)}."
        return (ExitCode.DISK_FULL if is_disk_full(error) else ExitCode.FAILED), words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="researcher-job",
        usage="%(prog)s --folder DIR [options]\n"
        "       %(prog)s --probe [--config FILE] [--folder DIR] [--json]\n"
        "       %(prog)s verify DIR [--json]",
        description="Runs the research job in one folder. 'verify DIR' checks a folder again.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="folder that holds request.json")
    parser.add_argument(
        "--run-id",
        type=_run_id,
        metavar="ID",
        help="id of the platform's run that this is: the folder must be meant for it",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="research.toml of this job: no source but those in it is read",
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
        "--cache", type=Path, metavar="DIR", help="where extracted documents are kept for reuse"
    )
    parser.add_argument(
        "--attempt", type=int, metavar="N", help="number of this attempt (default: one more)"
    )
    parser.add_argument(
        "--finish",
        choices=("deadline", "finish_now", "died"),
        help="only write the report from what the folder holds, for this reason",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="test what jobs need here; with --folder the result is written there, too",
    )
    parser.add_argument("--json", action="store_true", help="print the probe as JSON")
    return parser


def _run_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text, re.ASCII):
        raise argparse.ArgumentTypeError("an id has 1 to 64 letters, digits, '-' and '_'")
    return text


def _verify_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="researcher-job verify",
        description="Checks every quote, file hash, step and citation of a job folder.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _verify(options: argparse.Namespace) -> int:
    from research_contract.files import NewerFormat
    from researcher_job.verification.verify import verify

    try:
        found = verify(options.folder)
    except NewerFormat as error:
        raise RequestUnreadable(str(error)) from error
    if options.json:
        _print_json(found)
    else:
        _print_lines(found)
    return ExitCode.FAILED if found.faults else ExitCode.DONE


def _print_json(found: Verification) -> None:
    import json
    from dataclasses import asdict

    said = {"verified": not found.faults, "summary": found.sentence(), **asdict(found)}
    print(json.dumps(said, ensure_ascii=True, indent=2))  # noqa: T201 - the command's own output


def _print_lines(found: Verification) -> None:
    from research_contract.text.safe import one_line

    for fault in found.faults:
        print(f"{one_line(fault.name)}: {fault.problem}")  # noqa: T201 - the command's own output
    print(found.sentence())  # noqa: T201 - the command's own output


if __name__ == "__main__":
    command()

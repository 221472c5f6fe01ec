"""The command ``researcher-job``: runs, finishes or verifies one job folder."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from researcher_job.errors import ExitCode, JobError, LockHeld, RequestUnreadable

if TYPE_CHECKING:
    from researcher_job.folder import JobFolder
    from researcher_job.verify import Verification

LEAVE_SECONDS = 3.0
"""How long a stopped job may take to end by itself before the process leaves at once."""

_EXIT_CODES = """\
exit codes:
  0  an outcome was written, or was there already; verify: all holds
  1  the job failed; verify: something does not hold
  2  the command line is wrong
  3  stopped as asked
  4  another process works on the folder
  5  the request is missing, unreadable or of a newer format
  6  the disk is full or cannot be written, so there is no report either
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["verify"]:
            return _verify(_verify_parser().parse_args(given[1:]))
        return _run(_parser().parse_args(given))
    except JobError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's own output
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, not a stack trace
        from researcher_job.job import cause_of
        from researcher_job.reserve import lacks_room

        print(f"The job failed: {cause_of(error)}.", file=sys.stderr)  # noqa: T201 - as above
        return ExitCode.NO_ROOM if lacks_room(error) else ExitCode.FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="researcher-job",
        usage="%(prog)s --folder DIR [options]\n       %(prog)s verify DIR [--json]",
        description="Runs the research job in one folder. 'verify DIR' checks a folder again.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", type=Path, required=True, metavar="DIR", help="folder that holds request.json"
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
    return parser


def _verify_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="researcher-job verify",
        description="Checks every quote, file hash, step and citation of a job folder.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _run(options: argparse.Namespace) -> int:
    from researcher_job.folder import LOCK, JobFolder

    root: Path = options.folder.absolute()
    folder = JobFolder(root)
    _refuse_newer(folder)  # before the lock: what cannot be read is left untouched
    with _locked(options.lock or root / LOCK):
        if folder.outcome():
            return ExitCode.DONE
        return _finish(folder, options) if options.finish else _research(folder, options)


def _refuse_newer(folder: JobFolder) -> None:
    from researcher_job.contract_files import NewerFormat

    folder.request()
    try:
        folder.status()
        folder.outcome()
    except NewerFormat as error:
        raise RequestUnreadable(str(error)) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    # A runner that looks whether the lock is held stands in the way for some microseconds.
    lock = FileLock(path.absolute(), timeout=1)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockHeld("Another process works on this job; wait until it has ended.") from error
    except OSError as error:
        raise JobError(f"The lock file cannot be opened ({error.strerror}).") from error
    try:
        yield
    finally:
        lock.release()


def _finish(folder: JobFolder, options: argparse.Namespace) -> int:
    from researcher_job.clock import Clock
    from researcher_job.finish import finish

    finish(folder, options.finish, clock=Clock(), attempt=options.attempt)
    return ExitCode.DONE


def _research(folder: JobFolder, options: argparse.Namespace) -> int:
    import anyio

    from researcher_job.control import Control
    from researcher_job.extractive import find
    from researcher_job.job import Job
    from researcher_job.settings import JobSettings, default_cache_dir
    from researcher_job.sources.documents import open_library
    from researcher_job.sources.index import remove_unused

    cache_dir = options.cache or default_cache_dir()
    remove_unused(cache_dir)
    control = Control(folder.path)
    control.obey_signals()
    before = folder.status()
    job = Job(
        folder=folder,
        request=folder.request(),
        attempt=options.attempt or (before.attempt + 1 if before else 1),
        settings=JobSettings(cache_dir=cache_dir),
        open_library=open_library,
        find=find,
        control=control,
        on_stop=leave_soon,
    )
    return anyio.run(job.run)


def leave_soon(seconds: float = LEAVE_SECONDS) -> None:
    """Leave the process after ``seconds`` even where a thread that reads does not let go."""
    timer = threading.Timer(seconds, os._exit, (int(ExitCode.STOPPED),))
    timer.daemon = True
    timer.start()


def _verify(options: argparse.Namespace) -> int:
    from researcher_job.contract_files import NewerFormat
    from researcher_job.verify import verify

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
    from researcher_job.inert import one_line

    for fault in found.faults:
        print(f"{one_line(fault.name)}: {fault.problem}")  # noqa: T201 - the command's own output
    print(found.sentence())  # noqa: T201 - the command's own output


if __name__ == "__main__":
    sys.exit(main())

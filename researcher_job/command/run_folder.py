"""Runs one job folder: as a process that holds its lock, or as a platform run."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import anyio
from filelock import FileLock, Timeout

from research_contract import records
from research_contract.files import NewerFormat
from researcher_job.command.run_ownership import check_run_owner, probe_requested
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode, JobError, LockHeld, RequestUnreadable
from researcher_job.core.settings import JobSettings
from researcher_job.records.control import Control
from researcher_job.records.job_folder import LOCK, JobFolder
from researcher_job.records.storage import LOCAL, storage_of

LEAVE_SECONDS = 3.0
"""A stopped job has this long to end before the process exits."""

LOOK_SECONDS = 0.2
"""How often a job looks whether its lock is still at its path."""


def run(options: argparse.Namespace) -> ExitCode:
    """Run the folder as the command line options say.

    Raises:
        JobError: the folder cannot be run; the message gives the reason.
    """
    root: Path = options.folder.absolute()
    folder = JobFolder(root, storage_of(root, options.storage))
    if options.run_id and probe_requested(folder):
        from researcher_job.command.probe_command import run_probe

        run_probe(options)  # good or bad, the result is in the folder
        return ExitCode.DONE
    folder.request()
    try:
        # Before the lock, so that a folder of a newer format is not changed.
        folder.status()
        folder.outcome()
    except NewerFormat as error:
        raise RequestUnreadable(str(error)) from error
    with locked(folder, options.lock or root / LOCK):
        if folder.outcome():
            return ExitCode.DONE
        if options.finish:
            from researcher_job.report.conclusion import finish

            finish(folder, options.finish, clock=Clock(), attempt=options.attempt)
            return ExitCode.DONE
        if options.run_id:
            check_run_owner(folder, options.run_id, Clock().now())
            if Control(root).requested() == "stop":
                return ExitCode.STOPPED
        return _research(folder, options)


@contextmanager
def locked(folder: JobFolder, path: Path) -> Iterator[None]:
    """Hold the lock of a local folder. A mount has no locks; there the run id decides."""
    if folder.storage is not LOCAL:
        yield
        return
    # Wait, because a runner that checks whether the lock is held takes it for some microseconds.
    lock = FileLock(path.absolute(), timeout=1)
    try:
        path.absolute().parent.stat()  # the lock would make a directory anew that was moved
        lock.acquire()
    except Timeout as error:
        raise LockHeld("Another process works on this job; wait until it has ended.") from error
    except OSError as error:
        raise JobError(f"The lock file cannot be opened ({error.strerror}).") from error
    released = threading.Event()
    arguments = (path, path.stat(), released)
    threading.Thread(target=_leave_if_moved, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        released.set()
        lock.release()


def _leave_if_moved(lock: Path, held: os.stat_result, released: threading.Event) -> None:
    """End the process at once if the held lock is not at its path any more.

    The data directory was then moved or replaced, and another process may work on a copy of this
    folder at the same path.
    """
    while not released.wait(LOOK_SECONDS):
        try:
            moved = not os.path.samestat(lock.stat(), held)
        except OSError:
            moved = True
        if moved and not released.is_set():
            os._exit(ExitCode.LOCKED)


def _research(folder: JobFolder, options: argparse.Namespace) -> ExitCode:
    """Check the request against the configuration, and run the job."""
    from research_contract.configuration import Configuration
    from researcher_job.command.policy import check_request, load_configuration
    from researcher_job.models.configured import configured_models
    from researcher_job.models.settings import read_model_table
    from researcher_job.research.job import Job
    from researcher_job.research.purse import Purse
    from researcher_job.sources.embeddings.configured import (
        model_of_blocks,
        model_of_quotes,
        refuse_egress,
    )
    from researcher_job.sources.index.index import remove_unused
    from researcher_job.sources.opener import open_sources
    from researcher_job.strategies.configured import configured_strategy

    request = folder.request()
    configuration = Configuration()
    if options.config is not None:
        configuration = load_configuration(options.config)
        check_request(request, configuration, folder.path)
    elif options.settings is not None:
        configuration = load_configuration(options.settings)
    control = Control(folder.path)
    control.handle_signals()
    left_out = frozenset((*options.without, *control.left_out()))
    previous = folder.status()
    with _cache_dir(folder, options.cache) as cache_dir:
        remove_unused(cache_dir)
        settings = JobSettings(cache_dir=cache_dir)
        if folder.storage is not LOCAL:
            settings = settings.for_mount()
        settings = settings.with_configuration(configuration.researcher)
        refuse_egress(settings, request.sources)
        table = read_model_table(configuration.model)
        purse = Purse()
        job = Job(
            folder=folder,
            request=request,
            attempt=options.attempt or (previous.attempt + 1 if previous else 1),
            settings=settings,
            open_source=partial(
                open_sources,
                without=left_out,
                model=model_of_blocks(settings),
                ahead=model_of_quotes(settings, purse),
                services={one.name: one.service for one in configuration.sources if one.service},
            ),
            strategy=configured_strategy(settings, purse),
            purse=purse,
            models=configured_models(table, request.limits) if table else None,
            control=control,
            left_out=left_out,
            on_stop=exit_after,
            run_id=options.run_id or "",
            format_version=_format_version(request, options),
        )
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return anyio.run(job.run)
        # An event loop already runs in this thread, as in a notebook, so use another thread.
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(anyio.run, job.run).result()


def _format_version(request: records.Request, options: argparse.Namespace) -> int:
    """Return the format in which the job writes its records.

    A server or runner of the last release may still run after an upgrade. It counts the attempts
    of its jobs, and reads their folders in the format of its requests only.
    """
    started_by_server = options.attempt is not None or options.run_id
    return request.format_version if started_by_server else records.FORMAT_VERSION


@contextmanager
def _cache_dir(folder: JobFolder, given: Path | None) -> Iterator[Path]:
    """Yield the folder of extracted and indexed documents.

    The default is the user's cache directory; for a mount a temporary folder, because the machine
    of the run is temporary, too.
    """
    if given or folder.storage is LOCAL:
        from platformdirs import user_cache_path

        yield given or user_cache_path("researcher-job", appauthor=False, ensure_exists=True)
        return
    (folder.path / records.STOP).parent.mkdir(exist_ok=True)  # so that it can be listed
    with tempfile.TemporaryDirectory(
        prefix="researcher-job-", ignore_cleanup_errors=True
    ) as cache_dir:
        yield Path(cache_dir)


def exit_after(seconds: float = LEAVE_SECONDS) -> None:
    """Exit the process after ``seconds``, even if a thread that reads a file does not return."""
    timer = threading.Timer(seconds, os._exit, (int(ExitCode.STOPPED),))
    timer.daemon = True
    timer.start()

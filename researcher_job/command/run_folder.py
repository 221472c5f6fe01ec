"""Runs one job folder: as a process that holds its lock, or as a run of a platform."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from filelock import FileLock, Timeout

from research_contract import records
from research_contract.files import NewerFormat
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode, JobError, LockHeld, RequestUnreadable
from researcher_job.core.settings import JobSettings, default_cache_dir
from researcher_job.records.control import Control
from researcher_job.records.job_folder import LOCK, JobFolder
from researcher_job.records.storage import LOCAL, storage_of

if TYPE_CHECKING:
    from research_contract.configuration import Configuration
    from researcher_job.research.job import Job

LEAVE_SECONDS = 3.0
"""How long a stopped job may take to end by itself before the process leaves at once."""


def run(options: argparse.Namespace) -> ExitCode:
    """Do what the command line asks of the folder.

    Raises:
        JobError: it cannot be done; the text says why.
    """
    root: Path = options.folder.absolute()
    folder = JobFolder(root, storage_of(root, options.storage))
    if options.run_id:
        from researcher_job.command.run_ownership import check_run_owner, probe_requested

        if probe_requested(folder):
            return _probe(options)
    _refuse_newer(folder)  # before the lock: what cannot be read is left untouched
    with _held(folder, options.lock or root / LOCK):
        if folder.outcome():
            return ExitCode.DONE
        if options.finish:
            return _finish(folder, options)
        if options.run_id:
            check_run_owner(folder, options.run_id, Clock().now())
            if Control(root).requested() == "stop":
                return ExitCode.STOPPED
        return _research(folder, options)


def _probe(options: argparse.Namespace) -> ExitCode:
    """Leave the result in the folder: whoever asked for it reads it there, good or bad."""
    from researcher_job.command.probe_command import run_probe

    run_probe(options)
    return ExitCode.DONE


def _refuse_newer(folder: JobFolder) -> None:
    folder.request()
    try:
        folder.status()
        folder.outcome()
    except NewerFormat as error:
        raise RequestUnreadable(str(error)) from error


@contextmanager
def _held(folder: JobFolder, path: Path) -> Iterator[None]:
    """Hold the lock of a local folder. A mount has no locks: there the run's id decides."""
    if folder.storage is not LOCAL:
        yield
        return
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


def _finish(folder: JobFolder, options: argparse.Namespace) -> ExitCode:
    from researcher_job.report.conclusion import finish

    finish(folder, options.finish, clock=Clock(), attempt=options.attempt)
    return ExitCode.DONE


def _research(folder: JobFolder, options: argparse.Namespace) -> ExitCode:
    from researcher_job.research.job import Job
    from researcher_job.sources.documents.documents import open_documents
    from researcher_job.sources.index.index import remove_unused
    from researcher_job.strategies.configured import strategy_named

    request = folder.request()
    configuration = _configured(folder, request, options)
    control = Control(folder.path)
    control.obey_signals()
    before = folder.status()
    with _cache(folder, options.cache) as cache_dir:
        remove_unused(cache_dir)
        settings = _paces(folder, cache_dir, configuration)
        job = Job(
            folder=folder,
            request=request,
            attempt=options.attempt or (before.attempt + 1 if before else 1),
            settings=settings,
            open_source=open_documents,
            strategy=strategy_named(settings.strategy),
            control=control,
            on_stop=exit_after,
            run_id=options.run_id or "",
        )
        return _run_to_end(job)


def _configured(
    folder: JobFolder, request: records.Request, options: argparse.Namespace
) -> Configuration | None:
    """Return the job's own configuration; a request that asks for more than it is refused."""
    if options.config is None:
        return None
    from researcher_job.command.policy import check_request, load_configuration

    configuration = load_configuration(options.config)
    check_request(request, configuration, folder.path)
    return configuration


def _paces(folder: JobFolder, cache_dir: Path, configuration: Configuration | None) -> JobSettings:
    settings = JobSettings(cache_dir=cache_dir)
    if folder.storage is not LOCAL:
        settings = settings.on_mount()
    return settings.set_by(configuration.researcher) if configuration else settings


@contextmanager
def _cache(folder: JobFolder, asked: Path | None) -> Iterator[Path]:
    """Give the folder of indexes: on a mount one that goes with the run, since its disk does."""
    if asked or folder.storage is LOCAL:
        yield asked or default_cache_dir()
        return
    (folder.path / records.STOP).parent.mkdir(exist_ok=True)  # so that it can be listed
    with tempfile.TemporaryDirectory(
        prefix="researcher-job-", ignore_cleanup_errors=True
    ) as cache_dir:
        yield Path(cache_dir)


def _run_to_end(job: Job) -> ExitCode:
    """Run the job, beside an event loop that runs in this thread already: a notebook has one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(job.run)
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(anyio.run, job.run).result()


def exit_after(seconds: float = LEAVE_SECONDS) -> None:
    """Leave the process after ``seconds`` even where a thread that reads does not let go."""
    timer = threading.Timer(seconds, os._exit, (int(ExitCode.STOPPED),))
    timer.daemon = True
    timer.start()

"""A job from request to outcome: research until done, interrupted or out of budget, then end."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
from anyio import to_thread

from research_contract import records
from research_contract.records import Coverage, Request, SourceRef, Spent, Status
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode, JobError, LimitReached
from researcher_job.core.settings import JobSettings
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.limits.budget import Budget
from researcher_job.limits.disk_reserve import DISK_FULL, DiskReserve, is_disk_full
from researcher_job.records.changes import read_changes, write_changes
from researcher_job.records.control import Control, Requested
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Ledger
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.sinks.base import StepSink
from researcher_job.records.status import StatusWriter
from researcher_job.report.conclusion import FINISH_NOW, Conclusion
from researcher_job.report.report import report_title
from researcher_job.research.base_job import BaseJob, BaseJobUnreadable, read_base_job
from researcher_job.research.follow_up import FollowUp
from researcher_job.research.lead import Lead, open_questions
from researcher_job.research.metered_source import MeteredSource
from researcher_job.research.reading_steps import ReadingLog
from researcher_job.research.refresh import Refresh
from researcher_job.research.worker import Worker
from researcher_job.sources.base import Reading, Source
from researcher_job.sources.coverage import reached
from researcher_job.strategies.base import Strategy
from researcher_job.tracing.base import JOB, REPORT, Attributes, NoTracing, Tracer


class OpenSource(Protocol):
    """Reads the sources and returns them ready to be searched."""

    def __call__(
        self,
        sources: Sequence[SourceRef],
        *,
        cache_dir: Path,
        reading: Reading | None = None,
        about: Sequence[str] = (),
    ) -> Awaitable[Source]: ...


@dataclass
class _Interruption:
    """What ended the research before its end: ``reason`` for people, ``stopped`` for good."""

    reason: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class Job:
    """One attempt at one job folder. The caller holds the folder's lock.

    ``on_stop`` is called once when a stop is seen, before the research is cancelled. ``run_id``
    is the run that this attempt is part of, where runs have ids. ``sinks`` receive its steps.
    """

    folder: JobFolder
    request: Request
    attempt: int
    settings: JobSettings
    open_source: OpenSource
    strategy: Strategy
    control: Control
    clock: Clock = field(default_factory=Clock)
    on_stop: Callable[[], None] = lambda: None
    run_id: str = ""
    sinks: Sequence[StepSink] = ()
    tracer: Tracer = field(default_factory=NoTracing)

    async def run(self) -> ExitCode:
        """Do the job and return how it ended. A job that has an outcome is left as it is."""
        if self.folder.outcome():
            return ExitCode.DONE
        attributes: Attributes = {"job_id": self.request.job_id, "attempt": self.attempt}
        with self.tracer.span(JOB, attributes):
            return await _Attempt(self).run()


class _Attempt:
    """The moving parts of one attempt, put together from the folder."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._interruption = _Interruption()
        root, request, settings = job.folder.path, job.request, job.settings
        self._questions = records.questions_of(request.question, request.plan)
        before = job.folder.status()
        self._budget = Budget(request.limits, job.folder.spent(), job.clock.monotonic)
        storage, most = job.folder.storage, settings.segment_records
        self._ledger = Ledger(root, self._budget, storage)
        self._book = EvidenceBook(root, job.folder.evidence(), limit=most, storage=storage)
        self._board = StatusWriter(
            root, self._first(before), clock=job.clock, spent=self._spent, storage=storage
        )
        self._journal = Journal(
            root,
            self._board,
            clock=job.clock,
            segment_records=most,
            storage=storage,
            sinks=job.sinks,
        )
        self._told = before.last_step if before else 0
        self._progress = ProgressPage(
            job.folder, report_title(request), self._questions, least=settings.progress_seconds
        )
        self._reading_log = ReadingLog()
        self._reserve = DiskReserve(root, settings.reserve_bytes)

    def _spent(self) -> Spent:
        return self._budget.tick()

    def _first(self, before: Status | None) -> Status:
        return Status(
            attempt=self._job.attempt,
            run_id=self._job.run_id,
            summary="Starting",
            total=len(self._questions),
            last_evidence=self._book.last,
            coverage=before.coverage if before else None,
            updated_at=self._job.clock.now(),
        )

    async def run(self) -> ExitCode:
        try:
            self._journal.fill_lost_steps(self._told)
            await self._research_while_there_is_room()
            return self._end()
        except Exception as error:
            if is_disk_full(error):
                with contextlib.suppress(OSError):
                    self._journal.close()
                raise
            self._journal.step("error", f"The job failed: {error_message(error)}.")
            self._book.close()  # before the steps that name what is in it
            self._journal.close()
            raise
        finally:
            self._book.close()
            self._reserve.release()

    async def _research_while_there_is_room(self) -> None:
        try:
            self._reserve.allocate()
            await self._research_until_interrupted()
        except Exception as error:
            if not is_disk_full(error):
                raise
            self._interruption.reason = DISK_FULL

    async def _research_until_interrupted(self) -> None:
        pace = self._job.settings
        async with anyio.create_task_group() as group:
            group.start_soon(
                partial(
                    self._board.write_periodically,
                    least=pace.status_seconds,
                    most=pace.heartbeat_seconds,
                )
            )
            with anyio.CancelScope() as research:
                if self._interrupted(self._job.control.requested()):
                    research.cancel()
                group.start_soon(self._watch, research)
                try:
                    await self._research()
                except LimitReached as cap:
                    self._interruption.reason = str(cap)
            group.cancel_scope.cancel()

    async def _watch(self, research: anyio.CancelScope) -> None:
        """Look at control files and time until one of them ends the research."""
        while True:
            await anyio.sleep(self._job.settings.look_seconds)
            if self._interrupted(
                await self._job.folder.storage.run_blocking(self._job.control.requested)
            ):
                return research.cancel()

    def _interrupted(self, told: Requested | None) -> bool:
        if told:
            self._board.change(asked=told)
        match "stop" if self._job.control.signal_received else told:
            case "stop":
                self._interruption.stopped = True
                self._job.on_stop()
                return True
            case "finish_now":
                self._interruption.reason = FINISH_NOW
                return True
        try:
            self._budget.check_time()
        except LimitReached as cap:
            self._interruption.reason = str(cap)
            return True
        return False

    async def _research(self) -> None:
        await anyio.lowlevel.checkpoint()
        self._tell_plan()
        earlier = await self._read_earlier()
        refreshed = earlier if self._job.request.refresh_of else None
        unfinished = open_questions(self._job.folder, self._questions)
        if not unfinished and not (refreshed and not read_changes(self._job.folder.path)):
            return
        source = await self._read_sources()
        follow_up = FollowUp(earlier, self._job.strategy) if earlier and not refreshed else None
        if not source.coverage.read and not (earlier and earlier.quotes):
            self._interruption.reason = _nothing_read(self._job.request, source.coverage)
            return
        self._board.change(state="researching")
        await self._pursue(source, follow_up)
        if refreshed:
            await self._compare(refreshed, source)

    async def _read_earlier(self) -> BaseJob | None:
        """Read what an earlier job found; the research goes on without it where it is not there."""
        job = self._job
        try:
            earlier = await to_thread.run_sync(read_base_job, job.request, job.folder.path)
        except BaseJobUnreadable as error:
            self._journal.step("error", f"{error} Nothing is taken over from it.")
            return None
        if earlier:
            self._journal.step("status", earlier.sentence())
        return earlier

    async def _compare(self, earlier: BaseJob, source: Source) -> None:
        """Write down what is new, changed and gone since the job that this one repeats."""
        self._journal.set_summary("Comparing with the earlier evidence")
        metered = MeteredSource(
            source,
            worker="refresh",
            journal=self._journal,
            ledger=self._ledger,
            tracer=self._job.tracer,
        )
        refresh = Refresh(earlier, self._questions, metered, self._book)
        tasks = (self._job.folder.task(index) for index in range(len(self._questions)))
        cited = {n for task in tasks if task and task.result for n in task.result.evidence}
        found = [item for item in self._job.folder.evidence() if item.n in cited]
        changes = await refresh.compare(found)
        self._book.flush()
        write_changes(self._job.folder.path, changes, self._job.folder.storage)
        self._board.change(last_evidence=self._book.last)
        self._journal.step("status", changes.sentence())

    async def _pursue(self, source: Source, follow_up: FollowUp | None) -> None:
        await self._lead().pursue(
            Worker(
                source=source,
                strategy=self._job.strategy,
                journal=self._journal,
                book=self._book,
                ledger=self._ledger,
                tracer=self._job.tracer,
                terms=self._job.request.plan.search_terms,
                depth=self._job.request.depth,
                follow_up=follow_up,
            )
        )

    def _lead(self) -> Lead:
        return Lead(
            folder=self._job.folder,
            questions=self._questions,
            journal=self._journal,
            progress=self._progress,
            attempt=self._job.attempt,
            concurrency=self._job.settings.concurrency,
        )

    def _tell_plan(self) -> None:
        count = len(self._questions)
        said = f"{count} question{'' if count == 1 else 's'} to pursue."
        if self._job.attempt > 1:
            said = f"Attempt {self._job.attempt} goes on from the folder. {said}"
        self._journal.step("plan", said, payload={"questions": list(self._questions)})
        self._progress.write(self._journal)

    async def _read_sources(self) -> Source:
        sources = self._job.request.sources
        names = ", ".join(source.name for source in sources)
        self._journal.set_summary(f"Reading {names}" if names else "No sources were named")
        self._journal.step("status", f"Reading the sources: {names or 'none'}.")
        source = await self._job.open_source(
            sources,
            cache_dir=self._job.settings.cache_dir,
            reading=self._on_read,
            about=(*self._questions, *self._job.request.plan.search_terms),
        )
        self._board.change(coverage=source.coverage)
        self._journal.step(
            "status",
            source.coverage.sentence(),
            payload=source.coverage.model_dump(mode="json"),
        )
        self._progress.write(self._journal)
        return source

    async def _on_read(self, coverage: Coverage, name: str) -> None:
        self._board.change(coverage=coverage)
        done = reached(coverage)
        self._journal.set_summary(f"Reading {name}: {done} of {coverage.found} files")
        if self._reading_log.should_log(done, of=coverage.found):
            self._journal.step("status", f"Read {name} ({done} of {coverage.found} files).")

    def _end(self) -> ExitCode:
        job = self._job
        self._reserve.release()
        self._book.close()
        if (told := job.control.requested()) is not None:
            self._board.change(asked=told)
        if self._interruption.stopped or job.control.signal_received or told == "stop":
            self._journal.set_summary("Stopped as asked")
            self._journal.step("status", "The job was stopped as asked.")
            self._journal.close()
            return ExitCode.STOPPED
        self._board.change(state="writing")
        self._journal.set_summary("Writing the report")
        self._board.write()
        with job.tracer.span(REPORT, {"quotes": self._book.last}):
            Conclusion(
                folder=job.folder,
                request=job.request,
                spent=self._budget.tick(),
                coverage=self._board.current.coverage or Coverage(),
                attempts=job.attempt,
                reason=self._interruption.reason,
                at=job.clock.now(),
            ).write_outcome(self._journal, self._progress)
        return ExitCode.DONE


def error_message(error: BaseException) -> str:
    """Say in one phrase what went wrong: the first cause inside a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, JobError):
        return str(error).rstrip(". ")
    return f"{type(error).__name__}: {error}".rstrip(". ")


def _nothing_read(request: Request, coverage: Coverage) -> str:
    if not request.sources:
        return "No source was named, so nothing could be read."
    return f"Nothing could be read in the sources. {coverage.sentence()}"

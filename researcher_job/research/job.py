"""A job from request to outcome: research until done or interrupted, then write the report."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio import to_thread

from research_contract import records
from research_contract.files import encode
from research_contract.records import FORMAT_VERSION, Coverage, Limits, Request, Status
from research_contract.text.safe import named
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode, LimitReached, error_message
from researcher_job.core.plural import counted
from researcher_job.core.settings import JobSettings
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.limits.budget import Budget
from researcher_job.limits.disk_reserve import DISK_FULL, DiskReserve, is_disk_full
from researcher_job.models.configured import Models
from researcher_job.models.kept import KeptModels
from researcher_job.records.changes import read_changes
from researcher_job.records.control import Control, ControlRequest
from researcher_job.records.course import Course
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import KeptCalls, Ledger
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.sinks.base import StepSink
from researcher_job.records.status import StatusWriter
from researcher_job.report.conclusion import FINISH_NOW, Conclusion
from researcher_job.report.report import report_title
from researcher_job.research.base_job import BaseJob, BaseJobUnreadable, read_base_job
from researcher_job.research.follow_up import FollowUp
from researcher_job.research.interruption import Interruption
from researcher_job.research.lead import Lead, open_questions
from researcher_job.research.paid_calls import metered
from researcher_job.research.purse import Purse
from researcher_job.research.reading_steps import ReadingLog
from researcher_job.research.refresh import Refresh
from researcher_job.research.replay import Replay
from researcher_job.research.with_model import WithModel, seconds_to_write
from researcher_job.research.worker import Worker
from researcher_job.sources.base import OpenSource, Source
from researcher_job.sources.embeddings.configured import editions
from researcher_job.sources.services.source_set import SourceSet
from researcher_job.strategies.base import Strategy
from researcher_job.tracing.base import JOB, REPORT, Attributes, NoTracing, Tracer


@dataclass(frozen=True)
class Job:
    """One attempt at one job folder. The caller holds the folder's lock.

    ``format_version`` is that of the records it writes. ``on_stop`` is called once when a stop is
    requested, before the research is cancelled. ``sinks`` receive its steps. ``run_id`` is the
    platform run of this attempt, if there is one.
    ``models`` are the language models, if there are any: then ``strategy`` does what they fail at.
    With ``replay`` no call is made.
    ``left_out`` names sources of the request that are not granted any more: ``open_source`` does
    not read them, and no evidence of theirs is carried over. ``purse`` gets the ledger.
    """

    folder: JobFolder
    request: Request
    attempt: int
    settings: JobSettings
    open_source: OpenSource
    strategy: Strategy
    control: Control
    models: Models | None = None
    clock: Clock = field(default_factory=Clock)
    on_stop: Callable[[], None] = lambda: None
    run_id: str = ""
    left_out: Collection[str] = ()
    sinks: Sequence[StepSink] = ()
    tracer: Tracer = field(default_factory=NoTracing)
    purse: Purse = field(default_factory=Purse)
    replay: Replay | None = None
    format_version: int = FORMAT_VERSION

    async def run(self) -> ExitCode:
        """Run the attempt and return how it ended. A job with an outcome is left unchanged."""
        if self.folder.outcome():
            return ExitCode.DONE
        attributes: Attributes = {"job_id": self.request.job_id, "attempt": self.attempt}
        with self.tracer.span(JOB, attributes):
            return await _Attempt(self).run()


class _Attempt:
    """One attempt: its phases in the order in which they run, each in one method."""

    def __init__(self, job: Job) -> None:
        folder, request, settings = job.folder, job.request, job.settings
        root, storage, limit = folder.path, folder.storage, settings.segment_records
        previous = folder.status()
        self._job = job
        self._course = Course(folder, request, job.control, with_model=bool(job.models))
        self._questions = self._course.questions
        replay = job.replay
        if replay:
            self._budget = Budget(Limits(), replay.outcome.spent, job.clock.monotonic)
            self._ledger: Ledger = KeptCalls(root, self._budget, replay.reason)
        else:
            self._budget = Budget(request.limits, folder.spent(), job.clock.monotonic)
            self._ledger = Ledger(root, self._budget, storage)
        job.purse.open(self._ledger)
        self._book = EvidenceBook(root, folder.quotes(), limit=limit, storage=storage)
        first_status = Status(
            format_version=job.format_version,
            attempt=job.attempt,
            run_id=job.run_id,
            summary="Starting",
            total=len(self._questions),
            last_evidence=self._book.last,
            coverage=previous.coverage if previous else None,
            embeddings=replay.embeddings if replay else editions(settings),
            updated_at=job.clock.now(),
        )
        self._status = StatusWriter(
            root, first_status, clock=job.clock, spent=self._budget.tick, storage=storage
        )
        self._journal = Journal(
            root,
            self._status,
            clock=job.clock,
            segment_records=limit,
            storage=storage,
            sinks=job.sinks,
        )
        self._last_published_step = previous.last_step if previous else 0
        self._progress = ProgressPage(
            folder, report_title(request), self._questions, least=settings.progress_seconds
        )
        self._reading_log = ReadingLog()
        self._reserve = DiskReserve(root, settings.reserve_bytes)
        self._interruption = Interruption(
            job.control,
            self._budget,
            self._status,
            job.on_stop,
            finish_seconds=settings.finish_seconds,
            keep_seconds=seconds_to_write(request.limits) if job.models else 0.0,
        )
        self._models = job.models and WithModel.of(
            job.models,
            request.limits,
            ledger=self._ledger,
            journal=self._journal,
            tracer=job.tracer,
        )
        if self._models:
            self._status.update(models=self._models.names, prompts=self._models.prompts)

    async def run(self) -> ExitCode:
        """Research; then stop on request, or write the report."""
        try:
            self._journal.fill_lost_steps(self._last_published_step)
            await self._research_until_interrupted()
            await self._write_with_model()
            self._reserve.release()
            self._book.close()
            self._interruption.record(self._job.control.requested())
            return self._stop() if self._interruption.stop_requested else self._write_report()
        except Exception as error:
            if is_disk_full(error):
                with contextlib.suppress(OSError):
                    self._journal.close()
                raise
            self._journal.step("error", f"The job failed: {error_message(error)}.")
            self._book.close()  # before the steps that refer to its evidence
            self._journal.close()
            raise
        finally:
            self._book.close()
            self._reserve.release()

    async def _research_until_interrupted(self) -> None:
        """Research, write the status meanwhile, and end early on an interruption or a full disk."""
        try:
            self._reserve.allocate()
            await self._watched(self._research, self._interruption.ends_research)
        except Exception as error:
            if not is_disk_full(error):
                raise
            self._interruption.reason = DISK_FULL

    async def _write_with_model(self) -> None:
        """Have a model write, within what research left of the time; a stop ends that at once."""
        interruption, models = self._interruption, self._models
        if not models or interruption.stop_requested or interruption.reason == DISK_FULL:
            return
        results = self._conclusion().results()
        if not any(result.evidence for result in results):
            return
        self._status.update(state="writing")
        self._journal.set_summary("Writing the report")
        coverage = self._status.current.coverage or Coverage()
        write = partial(models.write, self._job.folder, self._job.request, coverage, results)
        seconds = seconds_to_write(self._job.request.limits) or math.inf
        if interruption.reason == FINISH_NOW:
            seconds = min(seconds, self._job.settings.finish_seconds)
        await self._watched(write, interruption.ends_writing, seconds=seconds)

    async def _watched(
        self,
        work: Callable[[], Awaitable[None]],
        ends: Callable[[ControlRequest | None], bool],
        *,
        seconds: float = math.inf,
    ) -> None:
        """Do ``work`` until it is done, ``ends`` says so or the time is over; write the status."""
        settings, storage = self._job.settings, self._job.folder.storage
        least, most = settings.status_seconds, settings.heartbeat_seconds
        async with anyio.create_task_group() as group:
            group.start_soon(partial(self._status.write_periodically, least=least, most=most))
            with anyio.move_on_after(seconds) as scope:
                if ends(self._job.control.requested()):
                    scope.cancel()
                watch = partial(self._interruption.watch, interval=settings.look_seconds, ends=ends)
                group.start_soon(watch, scope, storage)
                try:
                    await work()
                except LimitReached as limit:
                    self._interruption.reason = str(limit)
            group.cancel_scope.cancel()

    async def _research(self) -> None:
        """Do the work that earlier attempts left: read the sources, research, compare."""
        await anyio.lowlevel.checkpoint()  # an attempt that was interrupted at once does nothing
        await self._course.take(self._journal)
        self._log_plan()
        if self._models:
            kept = KeptModels.of(self._models.models)
            self._job.folder.write(records.MODELS, encode(kept))
        base_job = await self._read_base_job()
        is_refresh = base_job and self._job.request.refresh_of
        not_compared = is_refresh and not read_changes(self._job.folder.path)
        if not open_questions(self._job.folder, self._questions) and not not_compared:
            return
        source = await self._read_sources()
        try:
            await self._search(source, base_job)
        finally:
            if isinstance(source, SourceSet):
                self._status.update(coverage=source.coverage)
                with anyio.CancelScope(shield=True):
                    await source.close()

    async def _search(self, source: Source, base_job: BaseJob | None) -> None:
        """Research what was read, and compare a refresh with its base job."""
        refreshed = base_job if self._job.request.refresh_of else None
        asks_services = isinstance(source, SourceSet) and source.services
        if not (source.coverage.read or asks_services) and not (base_job and base_job.quotes):
            self._interruption.reason = (
                f"Nothing could be read in the sources. {source.coverage.sentence()}"
                if self._job.request.sources
                else "No source was named, so nothing could be read."
            )
            return
        self._status.update(state="researching")
        await self._pursue_questions(source, None if refreshed else base_job)
        if refreshed:
            await self._compare(refreshed, source)

    def _log_plan(self) -> None:
        message = f"{counted(len(self._questions), 'question')} to research."
        if self._job.attempt > 1:
            message = f"Attempt {self._job.attempt} continues from the folder. {message}"
        self._journal.step("plan", message, payload={"questions": list(self._questions)})
        self._progress.write(self._journal)

    async def _read_base_job(self) -> BaseJob | None:
        """Return the base job; ``None`` if there is none or it cannot be read."""
        job = self._job
        try:
            read = partial(read_base_job, without=job.left_out)
            base_job = await to_thread.run_sync(read, job.request, job.folder.path)
        except BaseJobUnreadable as error:
            self._journal.step("error", f"{error} No evidence is carried over from it.")
            return None
        if base_job:
            self._journal.step("status", base_job.sentence())
        return base_job

    async def _read_sources(self) -> Source:
        sources = self._job.request.sources
        names = ", ".join(source.name for source in sources)
        self._journal.set_summary(f"Reading {names}" if names else "No sources were named")
        self._journal.step("status", f"Reading the sources: {names or 'none'}.")
        with self._interruption.reading():
            source = await self._job.open_source(
                sources,
                cache_dir=self._job.settings.cache_dir,
                reading=self._log_reading,
                about=(*self._questions, *self._job.request.plan.search_terms),
            )
        coverage, data = source.coverage, source.coverage.model_dump(mode="json")
        self._status.update(coverage=coverage)
        self._journal.step("status", coverage.sentence(), payload=data)
        self._progress.write(self._journal)
        return source

    async def _log_reading(self, coverage: Coverage, name: str) -> bool:
        """Show how much was read; return whether reading shall end."""
        self._status.update(coverage=coverage)
        done, found = coverage.reached, coverage.found
        self._journal.set_summary(f"Reading {named(name)}: {done} of {found} files")
        if self._reading_log.should_log(done, total=coverage.found):
            self._journal.step("status", f"Read {named(name)} ({done} of {coverage.found} files).")
        return self._interruption.ends_reading

    async def _pursue_questions(self, source: Source, base_job: BaseJob | None) -> None:
        """Research the open questions, and carry over evidence of ``base_job``."""
        job = self._job
        worker = Worker(
            folder=job.folder,
            page=self._progress,
            source=source,
            strategy=job.strategy,
            journal=self._journal,
            book=self._book,
            ledger=self._ledger,
            course=self._course,
            tracer=job.tracer,
            terms=job.request.plan.search_terms,
            depth=job.request.depth,
            with_model=self._models.strategy_of(job.strategy) if self._models else None,
            turns=job.replay.turns if job.replay else None,
            follow_up=FollowUp(base_job, job.strategy) if base_job else None,
            keeps_nearest=job.format_version > 1,
        )
        concurrency = job.settings.concurrency
        lead = Lead(
            job.folder, self._course, self._journal, self._progress, job.attempt, concurrency
        )
        await lead.pursue(worker)
        if self._models and self._models.limits_reached:
            self._interruption.reason = self._models.limits_reached[0]

    async def _compare(self, base_job: BaseJob, source: Source) -> None:
        """Record which quotes are new, changed or gone since the base job."""
        folder = self._job.folder
        self._journal.set_summary(f"Comparing with job {base_job.job_id}")
        paying = metered(
            source,
            worker="refresh",
            journal=self._journal,
            ledger=self._ledger,
            tracer=self._job.tracer,
        )
        refresh = Refresh(base_job, self._questions, paying, self._book)
        tasks = (folder.task(index) for index in range(len(self._questions)))
        cited = {n for task in tasks if task and task.result for n in task.result.evidence}
        changes = await refresh.compare([item for item in folder.evidence() if item.n in cited])
        self._book.flush()
        folder.write(records.CHANGES, encode(changes))
        self._status.update(last_evidence=self._book.last)
        self._journal.step("status", changes.sentence())

    def _stop(self) -> ExitCode:
        self._journal.set_summary("Stopped on request")
        self._journal.step("status", "The job was stopped on request.")
        self._journal.close()
        return ExitCode.STOPPED

    def _write_report(self) -> ExitCode:
        job = self._job
        self._status.update(state="writing")
        self._journal.set_summary("Writing the report")
        self._status.write()
        with job.tracer.span(REPORT, {"quotes": self._book.last}):
            self._conclusion().write_outcome(self._journal, self._progress)
        return ExitCode.DONE

    def _conclusion(self) -> Conclusion:
        job, status = self._job, self._status.current
        return Conclusion(
            job.folder,
            job.request,
            spent=self._budget.tick(),
            coverage=status.coverage or Coverage(),
            embeddings=status.embeddings,
            models=status.models,
            prompts=status.prompts,
            attempts=job.attempt,
            reason=self._interruption.reason,
            at=job.clock.now(),
        )

"""What a strategy tells of one question while it pursues it: evidence, tasks, steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from research_contract.files import encode
from research_contract.records import Evidence, StepKind
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.records.course import Course
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.tasks import QuestionTasks, SubTask, plan_name
from researcher_job.sources.base import Quote


@dataclass(frozen=True)
class QuestionProgress:
    """The ``Progress`` of the question with this index: it writes to folder, journal and book.

    ``record`` records one quote of a task, if it is valid.
    """

    index: int
    question: str
    worker: str
    folder: JobFolder
    journal: Journal
    course: Course
    book: EvidenceBook
    page: ProgressPage
    record: Callable[[Quote, str], Awaitable[Evidence | None]]

    async def found(self, task: str, quotes: Sequence[Quote]) -> None:
        for quote in quotes:
            await self.record(quote, f"{self.index + 1}.{task}")
        self.book.flush()

    async def told(self, call: int) -> Sequence[str]:
        return await self.course.told(self.index, call, self.journal)

    def shown(self, sha256: str, text: str) -> None:
        self.book.keep_snapshot(sha256, text)

    def planned(self, tasks: Sequence[SubTask]) -> None:
        plan = QuestionTasks(question=self.question, tasks=tuple(tasks))
        self.folder.write(plan_name(self.index), encode(plan))
        self.page.write(self.journal)

    def log(self, kind: StepKind, message: str, *, task: str = "") -> None:
        worker = f"{self.worker}, task {task}" if task else self.worker
        self.journal.step(kind, message, worker=worker)

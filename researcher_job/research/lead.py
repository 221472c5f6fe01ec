"""Leads the questions of a job: researches the open ones concurrently and stores each as a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from research_contract.files import encode
from research_contract.records import QuestionResult
from research_contract.steering import dropped_result
from researcher_job.core.errors import JobError, LimitReached
from researcher_job.limits.disk_reserve import is_disk_full
from researcher_job.records.course import Course
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.tasks import Task, TaskState, task_name
from researcher_job.research.worker import Worker, worker_name


def open_questions(folder: JobFolder, questions: Sequence[str]) -> tuple[int, ...]:
    """Return the indexes of the questions that no attempt has finished yet."""
    return tuple(
        index
        for index, question in enumerate(questions)
        if not ((task := folder.task(index)) and task.state == "done" and task.question == question)
    )


@dataclass(frozen=True)
class Lead:
    """Researches the open questions of one job, ``concurrency`` at a time.

    Before and behind each question, ``course`` is asked which ones were added or dropped. A search
    for a question that is dropped ends at once.
    """

    folder: JobFolder
    course: Course
    journal: Journal
    progress: ProgressPage
    attempt: int
    concurrency: int

    async def pursue(self, worker: Worker) -> None:
        """Research every open question. A question that fails does not stop the others.

        Raises:
            LimitReached: a limit is used up; questions that were started may be unfinished.
            JobError: every open question failed.
        """
        limiter = anyio.CapacityLimiter(self.concurrency)
        searches: dict[int, anyio.CancelScope] = {}
        limits: list[LimitReached] = []
        failures: list[str] = []

        async def run(index: int) -> None:
            async with limiter:
                await self.course.take(self.journal)
                if not limits and index not in self.course.dropped:
                    with searches[index]:
                        await self._pursue_question(worker, index, limits, failures)
                await self.course.take(self.journal)

        def begin() -> None:
            for index in self.course.dropped:
                if index in searches:
                    searches[index].cancel()
                self._write_task(index, "done", result=dropped_result(self.course.questions[index]))
            for index in self._update_done():
                if index not in searches:
                    searches[index] = anyio.CancelScope()
                    group.start_soon(run, index)

        async with anyio.create_task_group() as group:
            self.course.on_change = begin
            begin()
        if limits:
            raise limits[0]
        if failures and len(failures) == len(searches.keys() - self.course.dropped):
            raise JobError(failures[0])

    async def _pursue_question(
        self, worker: Worker, index: int, limits: list[LimitReached], failures: list[str]
    ) -> None:
        """Research one question; a limit or a failure is added to the lists."""
        question, count = self.course.questions[index], len(self.course.questions)
        try:
            self._write_task(index, "running")
            self.journal.step("task", f"Started: {question}", worker=worker_name(index))
            self.journal.set_summary(f"Searching question {index + 1} of {count}: {question}")
            result = await worker.pursue(index, question)
            if index not in self.course.dropped:
                self._write_task(index, "done", result=result)
            self._update_done()
        except LimitReached as limit:
            limits.append(limit)
        except Exception as error:  # other questions must continue
            if is_disk_full(error):
                raise
            failures.append(f"Question {index + 1} failed ({type(error).__name__}: {error}).")
            self.journal.step("error", failures[-1], worker=worker_name(index))
            note = "An error ended the search for this question."
            self._write_task(index, "failed", note=note)

    def _write_task(
        self, index: int, state: TaskState, *, result: QuestionResult | None = None, note: str = ""
    ) -> None:
        task = Task(
            index=index,
            question=self.course.questions[index],
            state=state,
            attempt=self.attempt,
            result=result,
            note=note,
        )
        self.folder.write(task_name(index), encode(task))
        self.progress.write(self.journal)

    def _update_done(self) -> tuple[int, ...]:
        """Update the number of finished questions in the status; return the open ones."""
        todo = open_questions(self.folder, self.course.questions)
        total = len(self.course.questions)
        self.journal.status.update(done=total - len(todo), total=total)
        return todo

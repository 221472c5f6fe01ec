"""Leads the questions of a job: researches the open ones concurrently and stores each as a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from research_contract.files import encode
from research_contract.records import QuestionResult
from researcher_job.core.errors import JobError, LimitReached
from researcher_job.limits.disk_reserve import is_disk_full
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
    """Researches the open questions of one job, ``concurrency`` at a time."""

    folder: JobFolder
    questions: Sequence[str]
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
        todo = self._update_done()
        limiter = anyio.CapacityLimiter(self.concurrency)
        limits: list[LimitReached] = []
        failures: list[str] = []

        async def run(index: int) -> None:
            async with limiter:
                if limits:
                    return
                try:
                    await self._pursue_question(worker, index)
                except LimitReached as limit:
                    limits.append(limit)
                except Exception as error:  # other questions must continue
                    if is_disk_full(error):
                        raise
                    failures.append(
                        f"Question {index + 1} failed ({type(error).__name__}: {error})."
                    )
                    self.journal.step("error", failures[-1], worker=worker_name(index))
                    note = "An error ended the search for this question."
                    self._write_task(index, "failed", note=note)

        async with anyio.create_task_group() as group:
            for index in todo:
                group.start_soon(run, index)
        if limits:
            raise limits[0]
        if todo and len(failures) == len(todo):
            raise JobError(failures[0])

    async def _pursue_question(self, worker: Worker, index: int) -> None:
        question, count = self.questions[index], len(self.questions)
        self._write_task(index, "running")
        self.journal.step("task", f"Started: {question}", worker=worker_name(index))
        self.journal.set_summary(f"Searching question {index + 1} of {count}: {question}")
        result = await worker.pursue(index, question)
        self._write_task(index, "done", result=result)
        self._update_done()

    def _write_task(
        self, index: int, state: TaskState, *, result: QuestionResult | None = None, note: str = ""
    ) -> None:
        task = Task(
            index=index,
            question=self.questions[index],
            state=state,
            attempt=self.attempt,
            result=result,
            note=note,
        )
        self.folder.write(task_name(index), encode(task))
        self.progress.write(self.journal)

    def _update_done(self) -> tuple[int, ...]:
        """Update the number of finished questions in the status; return the open ones."""
        todo = open_questions(self.folder, self.questions)
        total = len(self.questions)
        self.journal.status.update(done=total - len(todo), total=total)
        return todo

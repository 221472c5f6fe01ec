"""Leads the questions of a job: what is still open, several at a time, each kept as a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from research_contract.records import QuestionResult
from researcher_job.core.errors import JobError, LimitReached
from researcher_job.limits.disk_reserve import is_disk_full
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.tasks import Task, write_task
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
    """Runs the open questions of one job, ``concurrency`` at a time."""

    folder: JobFolder
    questions: Sequence[str]
    journal: Journal
    progress: ProgressPage
    attempt: int
    concurrency: int

    async def pursue(self, worker: Worker) -> None:
        """Pursue every open question. One that fails is recorded and does not stop the others.

        Raises:
            LimitReached: a limit is used up; questions that were begun may be unfinished.
            JobError: every open question failed.
        """
        todo = open_questions(self.folder, self.questions)
        self._show_done(len(self.questions) - len(todo))
        limiter = anyio.CapacityLimiter(self.concurrency)
        caps: list[LimitReached] = []
        failures: list[str] = []
        async with anyio.create_task_group() as group:

            async def take(index: int) -> None:
                async with limiter:
                    if caps:
                        return
                    try:
                        await self._take(worker, index)
                    except LimitReached as cap:
                        caps.append(cap)
                    except Exception as error:  # other questions must go on
                        if is_disk_full(error):
                            raise
                        failures.append(self._failed(index, error))

            for index in todo:
                group.start_soon(take, index)
        if caps:
            raise caps[0]
        if todo and len(failures) == len(todo):
            raise JobError(failures[0])

    async def _take(self, worker: Worker, index: int) -> None:
        question, count = self.questions[index], len(self.questions)
        self._write(index, state="running")
        self.journal.step("task", f"Begins: {question}", worker=worker_name(index))
        self.journal.set_summary(f"Searching question {index + 1} of {count}: {question}")
        result = await worker.pursue(index, question)
        self._write(index, state="done", result=result)
        self._show_done(count - len(open_questions(self.folder, self.questions)))

    def _failed(self, index: int, error: Exception) -> str:
        note = f"Question {index + 1} could not be pursued ({type(error).__name__}: {error})."
        self.journal.step("error", note, worker=worker_name(index))
        self._write(index, state="failed", note="An error ended the search for this question.")
        return note

    def _write(
        self, index: int, *, state: str, result: QuestionResult | None = None, note: str = ""
    ) -> None:
        task = Task.model_validate(
            {
                "index": index,
                "question": self.questions[index],
                "state": state,
                "attempt": self.attempt,
                "result": result,
                "note": note,
            }
        )
        write_task(self.folder.path, task, self.folder.storage)
        self.progress.write(self.journal)

    def _show_done(self, done: int) -> None:
        self.journal.board.change(done=done, total=len(self.questions))

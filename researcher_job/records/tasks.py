"""The tasks of a job: one a question, kept in the folder so that a resume repeats nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from research_contract import records
from research_contract.files import encode
from research_contract.records import QuestionResult, Record
from researcher_job.records.storage import LOCAL, Storage

TaskState = Literal["running", "done", "failed"]


class Task(Record):
    """``work/tasks/<index>.json``: where the question with that index (from 0) stands.

    ``result`` is there once it is done. ``note`` says why it failed.
    """

    index: int
    question: str
    state: TaskState
    attempt: int = 1
    result: QuestionResult | None = None
    note: str = ""


def task_name(index: int) -> str:
    """Return the name of the file of the task with this index."""
    return f"{records.TASKS}/{index}.json"


def write_task(root: Path, task: Task, storage: Storage = LOCAL) -> None:
    """Replace the task's file in the job folder ``root``."""
    storage.write(root / task_name(task.index), encode(task))

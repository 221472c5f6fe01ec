"""The tasks of a job: one per question, stored so that a resumed job repeats no finished work."""

from __future__ import annotations

from typing import Literal

from research_contract import records
from research_contract.records import QuestionResult, Record

TaskState = Literal["running", "done", "failed"]


class Task(Record):
    """``work/tasks/<index>.json``: the state of the question with this index (from 0).

    ``result`` is set once the task is done. ``note`` gives the reason of a failure.
    """

    index: int
    question: str
    state: TaskState
    attempt: int = 1
    result: QuestionResult | None = None
    note: str = ""


def task_name(index: int) -> str:
    """Return the file name of the task with this index."""
    return f"{records.TASKS}/{index}.json"

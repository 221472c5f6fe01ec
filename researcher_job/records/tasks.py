"""The tasks of a job: one per question, stored so that a resumed job repeats no finished work."""

from __future__ import annotations

from typing import Literal

from research_contract import records
from research_contract.records import QuestionResult, Record

TaskState = Literal["running", "done", "failed"]
SubTaskState = Literal["pending", "in_progress", "complete", "failed", "skipped"]


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


class SubTask(Record):
    """A task into which a model divided a question; ``reason`` is that of its state."""

    ask: str
    state: SubTaskState
    reason: str = ""


class QuestionTasks(Record):
    """``work/plans/<index>.json``: the tasks of the question with this index, where a model leads.

    They are for people: a resumed job makes them again from the kept answers of the model.
    """

    question: str
    tasks: tuple[SubTask, ...] = ()


def plan_name(index: int) -> str:
    """Return the file name of the tasks of the question with this index."""
    return f"{records.PLANS}/{index}.json"


def task_name(index: int) -> str:
    """Return the file name of the task with this index."""
    return f"{records.TASKS}/{index}.json"

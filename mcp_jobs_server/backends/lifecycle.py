"""What happens between entering and leaving the ``async with`` block of a runner."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVarTuple

import anyio
from anyio.abc import TaskGroup

Ts = TypeVarTuple("Ts")
Task = Callable[[*Ts], Coroutine[Any, Any, object]]

RunInBackground = Callable[..., None]
"""Starts a function with arguments as a background task of a runner."""


class Lifecycle:
    """Base of runners that work in the background while their ``async with`` block runs.

    Leaving the block cancels the background tasks and releases the resources. It never ends a job.
    An error that the block raises leaves it as it is, not wrapped in an exception group.
    """

    def __init__(self) -> None:
        self._task_group: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._task_group = await anyio.create_task_group().__aenter__()
        self._start_background_tasks()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        tasks = self._require_entered()
        tasks.cancel_scope.cancel()
        try:
            # The error of the block is not passed on: the task group would wrap it in a group.
            await tasks.__aexit__(None, None, None)
        finally:
            self._task_group = None
            self._release()

    def _require_entered(self) -> TaskGroup:
        """Return the task group.

        Raises:
            RuntimeError: the runner is used outside its ``async with`` block.
        """
        if self._task_group is None:
            name = type(self).__name__
            raise RuntimeError(f"Use the runner inside `async with {name}(…) as runner:`.")
        return self._task_group

    def _run_in_background(self, task: Task[*Ts], *arguments: *Ts) -> None:
        """Run ``task`` until it returns or the block is left."""
        self._require_entered().start_soon(task, *arguments)

    def _start_background_tasks(self) -> None:
        """Start what runs from the beginning; a subclass overrides this."""

    def _release(self) -> None:
        """Release what the runner holds; a subclass overrides this."""

"""What a runner does when its ``async with`` block is entered and left."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVarTuple

import anyio
from anyio.abc import TaskGroup

Ts = TypeVarTuple("Ts")
Task = Callable[[*Ts], Coroutine[Any, Any, object]]

RunInBackground = Callable[..., None]
"""Starts a coroutine function with its arguments as a background task of a runner."""


@dataclass(eq=False, kw_only=True)
class Lifecycle:
    """Base of runners that have background tasks while their ``async with`` block runs.

    Leaving the block cancels the background tasks and then releases the resources. It never ends a
    job. An exception raised in the block propagates as it is, not wrapped in an exception group.

    Args:
        background: tasks to start when the block is entered.
        release: called after the background tasks ended.
    """

    background: Sequence[Callable[[], Coroutine[Any, Any, object]]] = ()
    release: Callable[[], None] = lambda: None
    _task_group: TaskGroup | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._task_group = await anyio.create_task_group().__aenter__()
        for task in self.background:
            self._task_group.start_soon(task)
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
            # The exception of the block is not passed on: the task group would wrap it.
            await tasks.__aexit__(None, None, None)
        finally:
            self._task_group = None
            self.release()

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

"""Runs independent requests concurrently."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, cast

import anyio

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


async def gather(calls: Iterable[Callable[[], Awaitable[T]]], *, limit: int = 8) -> list[T]:
    """Run the calls concurrently, at most ``limit`` at a time, and return their results in order.

    The first error is raised as it is, not in an exception group, and cancels the other calls.
    """
    pending = list(calls)
    results: dict[int, T] = {}
    errors: list[Exception] = []
    limiter = anyio.CapacityLimiter(limit)

    async def run(number: int, tasks: anyio.abc.TaskGroup) -> None:
        async with limiter:
            try:
                results[number] = await pending[number]()
            except Exception as error:  # noqa: BLE001 - raised below, outside the task group
                errors.append(error)
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for number in range(len(pending)):
            tasks.start_soon(run, number, tasks)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(pending))]


async def gather_pair(
    first: Callable[[], Awaitable[A]], second: Callable[[], Awaitable[B]]
) -> tuple[A, B]:
    """Run two calls of different types concurrently and return both results."""
    calls: tuple[Callable[[], Awaitable[object]], ...] = (first, second)
    return cast("tuple[A, B]", tuple(await gather(calls)))

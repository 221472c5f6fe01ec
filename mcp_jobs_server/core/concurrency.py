"""Independent requests made at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


async def gather(asks: Iterable[Callable[[], Awaitable[T]]], *, limit: int = 8) -> list[T]:
    """Return what each returns, in order; the first error of any is raised as it is.

    Where one fails, those under way are let go.
    """
    waiting = list(asks)
    found: dict[int, T] = {}
    errors: list[Exception] = []
    limiter = anyio.CapacityLimiter(limit)

    async def ask(number: int, tasks: anyio.abc.TaskGroup) -> None:
        async with limiter:
            try:
                found[number] = await waiting[number]()
            except Exception as error:  # noqa: BLE001 - raised below, out of its group
                errors.append(error)
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for number in range(len(waiting)):
            tasks.start_soon(ask, number, tasks)
    if errors:
        raise errors[0]
    return [found[number] for number in range(len(waiting))]


async def gather_pair(
    first: Callable[[], Awaitable[A]], second: Callable[[], Awaitable[B]]
) -> tuple[A, B]:
    """Return what the two return."""
    a: list[A] = []
    b: list[B] = []

    async def ask_first() -> None:
        a.append(await first())

    async def ask_second() -> None:
        b.append(await second())

    await gather((ask_first, ask_second))
    return a[0], b[0]

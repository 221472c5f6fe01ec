"""Which sources a caller may have read. A job reads with rights of its own, which are not lent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

import anyio

from mcp_jobs_server.core.errors import JobsError, Unavailable
from research_contract.records import SourceRef

EVERYBODY = "*"
"""Audience of a source that all who may call may use."""

Refusals = Mapping[str, JobsError]
"""Errors by the names of the sources that cannot be used."""


class Access(Protocol):
    """What one caller may use of the sources that are configured."""

    def offered(self, sources: Sequence[SourceRef]) -> tuple[SourceRef, ...]:
        """Return those that the caller may know of; of the others nothing is ever told."""
        ...

    async def refusals(self, sources: Sequence[SourceRef]) -> Refusals:
        """Return what keeps the caller from reading, of sources that are offered."""
        ...

    async def withheld(
        self, sources: Sequence[SourceRef], quoted: Callable[[], Awaitable[Collection[str]]]
    ) -> tuple[str, ...]:
        """Return the names of sources whose earlier evidence the caller may no longer be given.

        ``sources`` are those configured now, ``quoted`` tells the names that the evidence gives.

        Raises:
            Unavailable: it cannot be told now.
        """
        ...


class FullAccess:
    """The caller may use all there is: one person, and whatever that person granted."""

    def offered(self, sources: Sequence[SourceRef]) -> tuple[SourceRef, ...]:
        return tuple(sources)

    async def refusals(self, sources: Sequence[SourceRef]) -> Refusals:
        del sources
        return {}

    async def withheld(
        self, sources: Sequence[SourceRef], quoted: Callable[[], Awaitable[Collection[str]]]
    ) -> tuple[str, ...]:
        del sources, quoted
        return ()


FULL_ACCESS: Access = FullAccess()


class Opening(Protocol):
    """Opens what lies behind a source with the caller's own rights, without reading it."""

    async def refusal(self, source: SourceRef) -> JobsError | None:
        """Return what keeps the caller out; ``None``: the source opened."""
        ...


class OpensNothing:
    """There is nothing behind a source that a caller has rights of their own to."""

    async def refusal(self, source: SourceRef) -> JobsError | None:
        del source
        return None


class AudienceAccess:
    """The caller is a member of groups; each source names the one whose members may use it.

    A source without an audience is nobody's; so is one that is not, or no more, configured as it
    is asked for.

    Args:
        groups: those of the caller.
        configured: the sources of the configuration.
        audiences: a group for each of them, by name.
        opening: opens a source with rights of the caller's own.
    """

    def __init__(
        self,
        groups: Collection[str],
        *,
        configured: Sequence[SourceRef],
        audiences: Mapping[str, str],
        opening: Opening | None = None,
    ) -> None:
        mine = (source for source in configured if _is_for(groups, audiences.get(source.name, "")))
        self._mine = {(source.name, source.uri) for source in mine}
        self._opening = opening or OpensNothing()

    def offered(self, sources: Sequence[SourceRef]) -> tuple[SourceRef, ...]:
        return tuple(source for source in sources if (source.name, source.uri) in self._mine)

    async def refusals(self, sources: Sequence[SourceRef]) -> Refusals:
        found: dict[str, JobsError] = {}

        async def look(source: SourceRef) -> None:
            if refusal := await self._opening.refusal(source):
                found[source.name] = refusal

        async with anyio.create_task_group() as tasks:
            for source in sources:
                tasks.start_soon(look, source)
        return found

    async def withheld(
        self, sources: Sequence[SourceRef], quoted: Callable[[], Awaitable[Collection[str]]]
    ) -> tuple[str, ...]:
        concerned = set(await quoted())
        offered = self.offered(sources)
        asked_for = [source for source in offered if source.name in concerned]
        refused = await self.refusals(asked_for)
        raise_unavailable(refused)
        usable = {source.name for source in asked_for} - set(refused)
        others = {source.name for source in sources} - {source.name for source in offered}
        return tuple(sorted((concerned | others) - usable))


def raise_unavailable(refusals: Refusals) -> None:
    """Raise the first error that is no refusal: whether the caller may read was not answered."""
    for error in refusals.values():
        if isinstance(error, Unavailable):
            raise error


def _is_for(groups: Collection[str], audience: str) -> bool:
    return audience == EVERYBODY or (audience != "" and audience in groups)

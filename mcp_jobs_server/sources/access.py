"""Which sources a caller may use. A job reads with its own identity, not the caller's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Protocol

from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.errors import JobsError, Unavailable
from research_contract.records import SourceRef

EVERYBODY = "*"
"""Audience of a source that every caller may use."""

Refusals = Mapping[str, JobsError]
"""Errors by the names of the sources that cannot be used."""


class Access(Protocol):
    """What one caller may use of the configured sources."""

    def offered(self, sources: Sequence[SourceRef]) -> tuple[SourceRef, ...]:
        """Return the sources that the caller may know about. Others are never mentioned to it."""
        ...

    async def refusals(self, sources: Sequence[SourceRef]) -> Refusals:
        """Return the errors for those of the offered sources that the caller may not read."""
        ...

    async def withheld(
        self, sources: Sequence[SourceRef], quoted: Callable[[], Awaitable[Collection[str]]]
    ) -> tuple[str, ...]:
        """Return the names of sources whose earlier evidence the caller may no longer see.

        ``sources`` are the sources configured now; ``quoted`` returns the names of the sources in
        the evidence.

        Raises:
            Unavailable: this cannot be determined now.
        """
        ...


class FullAccess:
    """Access to everything: for the single user who granted the sources."""

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


class SourceCheck(Protocol):
    """Checks with the caller's own rights that a source opens, without reading it."""

    async def refusal(self, source: SourceRef) -> JobsError | None:
        """Return why the caller may not open the source; ``None`` if it opens."""
        ...


class AudienceAccess:
    """Access by group membership: each source names the group whose members may use it.

    Nobody may use a source without an audience, or one that is not configured with the requested
    name and URI any more.

    Args:
        groups: groups of the caller.
        configured: the configured sources.
        audiences: the group of each source, by source name.
        check: an additional check of each source with the caller's own rights, if any.
    """

    def __init__(
        self,
        groups: Collection[str],
        *,
        configured: Sequence[SourceRef],
        audiences: Mapping[str, str],
        check: SourceCheck | None = None,
    ) -> None:
        open_to_caller = {EVERYBODY, *groups} - {""}
        self._allowed = {
            (source.name, source.uri)
            for source in configured
            if audiences.get(source.name, "") in open_to_caller
        }
        self._check = check

    def offered(self, sources: Sequence[SourceRef]) -> tuple[SourceRef, ...]:
        return tuple(source for source in sources if (source.name, source.uri) in self._allowed)

    async def refusals(self, sources: Sequence[SourceRef]) -> Refusals:
        if self._check is None:
            return {}
        errors = await gather(partial(self._check.refusal, source) for source in sources)
        return {source.name: error for source, error in zip(sources, errors, strict=True) if error}

    async def withheld(
        self, sources: Sequence[SourceRef], quoted: Callable[[], Awaitable[Collection[str]]]
    ) -> tuple[str, ...]:
        quoted_names = set(await quoted())
        offered = self.offered(sources)
        checked = [source for source in offered if source.name in quoted_names]
        refused = await self.refusals(checked)
        raise_unavailable(refused)
        usable = {source.name for source in checked} - set(refused)
        others = {source.name for source in sources} - {source.name for source in offered}
        return tuple(sorted((quoted_names | others) - usable))


def raise_unavailable(refusals: Refusals) -> None:
    """Raise the first ``Unavailable``: the caller's rights could not be determined."""
    for error in refusals.values():
        if isinstance(error, Unavailable):
            raise error

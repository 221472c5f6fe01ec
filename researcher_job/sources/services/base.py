"""The port to a service: what finds and opens pages elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

from research_contract.records import Record
from researcher_job.core.errors import JobError
from researcher_job.sources.document import Reason

MAX_PAGE = 400_000
"""Characters of one page that are kept; the coverage says so where a page is longer."""

MAX_PAGES = 20
"""Results of one search that are kept."""

Media = Literal["text/markdown", "text/plain", "text/html", "application/json"]


class Page(Record):
    """A page, or what a search says of one. A page without ``text`` is one to be opened.

    ``address`` is where a person finds it. ``whole`` is false for what a search says of a page.
    """

    address: str
    text: str = ""
    title: str = ""
    media: Media = "text/markdown"
    whole: bool = True


class ServiceFailed(JobError):
    """A service did not answer as it should; it costs only what it would have found.

    ``reason`` says in the coverage what was not read.
    """

    def __init__(self, message: str, reason: Reason = Reason.CALL_FAILED) -> None:
        super().__init__(message)
        self.reason = reason


class PageService(Protocol):
    """Finds and opens pages. Calls may overlap; each is charged and kept by whoever makes it.

    ``starts`` are addresses that are opened for every question; a service with any is not searched.
    Every method but ``close`` may raise ``ServiceFailed``, and should for all that goes wrong.
    """

    @property
    def starts(self) -> Sequence[str]: ...

    async def search(self, words: str) -> Sequence[Page]:
        """Return the best pages for ``words``, the question in the words of a person."""
        ...

    async def open(self, address: str) -> Page:
        """Return the page at ``address``, which is one of ``starts`` or was found by ``search``."""
        ...

    async def close(self) -> None:
        """End connections and processes. Called once, also after failures and cancellation."""
        ...


@dataclass(frozen=True)
class ServiceCall:
    """A call to the service ``source``: ``tool`` is ``search`` or ``open``, ``about`` its subject.

    ``arguments`` are all that the answer depends on.
    """

    tool: str
    source: str
    about: str
    arguments: Mapping[str, JsonValue]


Pay = Callable[[ServiceCall, Callable[[], Awaitable[JsonValue]]], Awaitable[JsonValue]]
"""Makes a call that costs one tool call, or returns the answer that is kept of it.

It raises ``LimitReached`` where no tool call is left; then nothing was called.
"""


async def unpaid(_call: ServiceCall, make: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
    """Make the call and keep nothing: outside a job."""
    return await make()

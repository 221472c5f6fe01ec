"""A stretch of a text file from any byte on: a page costs the same in a file of any size."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.reports.paging import QUOTED, not_issued
from research_contract.text.safe import closing

WINDOW_BYTES = 128_000
"""Bytes that are read for a page: six times what a job writes, so most are one window."""


@dataclass(frozen=True)
class Window:
    """Text from byte ``start`` to before ``end`` of a file with ``size`` bytes."""

    text: str
    start: int
    end: int
    size: int

    @property
    def following(self) -> int | None:
        """Where the next window begins; ``None``: this is the last one."""
        return self.end if self.end < self.size else None


async def read_window(folders: Folders, job: Job, name: str, start: int = 0) -> Window | None:
    """Return the window that begins at byte ``start``; ``None``: there is no such file.

    It ends with a paragraph or, where none ends in it, with a line or word. One that begins inside
    a line begins with the mark of a quote: no words of a document come to begin a line.

    Raises:
        InvalidArgument: the file is not so long.
    """
    before = min(start, 1)
    found = await folders.read(job.folder, name, start=start - before, limit=WINDOW_BYTES)
    if found is None:
        return None
    if start >= max(1, found.size):
        raise not_issued("report")
    data = found.data[before:]
    if start + len(data) < found.size:
        data = data[: _cut(data)]
    text = data.decode(errors="replace")
    if before and found.data[:1] != b"\n":
        text = QUOTED + text
    end = start + len(data)
    if end < found.size and not data.endswith(b"\n"):
        text += closing(text.rpartition("\n")[2])
    return Window(text, start, end, found.size)


def _cut(data: bytes) -> int:
    """Return how many of the bytes are shown before a window ends: at least one."""
    for mark in (b"\n\n", b"\n", b" "):
        if (at := data.rfind(mark, 1)) > 0:
            return at + len(mark)
    last = len(data) - 1
    while last > 0 and data[last] & 0xC0 == 0x80:  # inside a character of several bytes
        last -= 1
    return last or len(data)

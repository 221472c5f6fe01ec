"""The port to job folders."""

from __future__ import annotations

from typing import Protocol

from mcp_jobs_server.core.models import Slice


class Folders(Protocol):
    """Reads and writes the files of job folders, wherever they are kept.

    ``folder`` is a path below the root (``<owner>/<yyyy-mm>/<job_id>``) and ``name`` a path
    below the folder, both with ``/``. Both are checked: a part that is empty, ``.`` or ``..``,
    starts with ``/`` or holds NUL or a backslash raises ``NotFound``. A link that leads out of
    the root is not there for a reader, and raises ``NotFound`` where something is to be written:
    nothing outside the root is ever read or written.

    A file is written whole: a reader sees the old or the new one, never half of it.

    Every method raises ``Unavailable`` where the storage does not answer or is full; nothing
    that was there before is lost by that.
    """

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        """Return at most ``limit`` bytes (-1: all) from byte ``start``, and the file's size.

        A negative ``start`` counts from the end: -100 is the last 100 bytes, or all of a shorter
        file; the slice says where it begins. ``None`` where there is no such file. ``start`` at
        or behind the end gives no bytes. The cost does not depend on what stands before.
        """
        ...

    async def write(self, folder: str, name: str, data: bytes) -> None:
        """Replace the file by ``data``, making the folders above it."""
        ...

    async def create(self, folder: str, name: str, data: bytes) -> bool:
        """Write ``data`` unless the file is there; return whether it was written."""
        ...

    def location(self, folder: str, name: str = "") -> str:
        """Return where a person finds the folder or file: a path they can open."""
        ...

"""The port for job folders."""

from __future__ import annotations

from typing import Protocol

from mcp_jobs_server.core.models import Slice


class Folders(Protocol):
    """Reads and writes the files of job folders.

    ``folder`` is a path below the root (``<owner>/<yyyy-mm>/<job_id>``), ``name`` a path below the
    folder, both with ``/``. Both are validated: a part that is empty, ``.`` or ``..``, or contains
    NUL or a backslash, raises ``NotFound``. Nothing outside the root is ever read or written: a
    link that leads out of it does not exist for ``read`` and raises ``NotFound`` for ``write`` and
    ``create``.

    Files are written whole: a reader sees the old file or the new one, never a part of it.

    Every method raises ``Unavailable`` if the storage does not answer or is full. Files that were
    there before are not lost.

    Attributes:
        distant: whether each read is a request to another computer, so that it saves time to ask
            for several files side by side before it is known which ones are needed.
    """

    distant: bool

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        """Return at most ``limit`` bytes (-1: all) from byte ``start`` on, and the file's size.

        A negative ``start`` counts from the end: -100 is the last 100 bytes, or all of a shorter
        file. The slice has the actual start. ``None``: there is no such file. A ``start`` at or
        after the end returns no bytes. The cost does not depend on the bytes before ``start``.
        """
        ...

    async def write(self, folder: str, name: str, data: bytes) -> None:
        """Replace the file by ``data``; missing folders above it are created."""
        ...

    async def create(self, folder: str, name: str, data: bytes) -> bool:
        """Write ``data`` unless the file exists; return whether it was written."""
        ...

    def location(self, folder: str, name: str = "") -> str:
        """Return the path under which a user can open the folder or file."""
        ...

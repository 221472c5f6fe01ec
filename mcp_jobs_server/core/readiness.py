"""Readiness checks of the server's dependencies, as reported by ``/ready``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio

from mcp_jobs_server.core.errors import JobsError

PartFaults = Mapping[str, str]
"""The fault of each required part, without host names; "" for a part without a fault."""


class Readiness(Protocol):
    """Checks the parts that a backend needs."""

    async def check(self) -> PartFaults:
        """Check each part within ten seconds. Raises nothing: errors are returned as faults."""
        ...


@dataclass(eq=False)
class DataDirectoryReadiness:
    """``Readiness`` of jobs on this machine: the data directory must be usable.

    ``require`` raises a ``JobsError`` if the directory was there before and is gone.
    """

    path: Path
    require: Callable[[], None] = lambda: None

    async def check(self) -> PartFaults:
        return {"data": await anyio.to_thread.run_sync(self._fault)}

    def _fault(self) -> str:
        try:
            self.require()
        except JobsError as error:
            return error.message
        existing = next(path for path in (self.path, *self.path.parents) if path.exists())
        if not existing.is_dir():
            return "the data directory is not a directory"
        writable = os.access(existing, os.W_OK | os.X_OK)
        return "" if writable else "the data directory is not writable"

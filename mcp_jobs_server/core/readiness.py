"""Whether a server can do its work now: asked by ``/ready`` for whoever sends it requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import anyio

PartFaults = Mapping[str, str]
"""What is wrong with each part that is needed, in words without hosts; "" where nothing is."""


class Readiness(Protocol):
    """What a backend needs."""

    async def check(self) -> PartFaults:
        """Look at each part, within ten seconds. Raises nothing: a fault is told as one."""
        ...


class DataDirectoryReadiness:
    """``Readiness`` of jobs on this machine: their directory can be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def check(self) -> PartFaults:
        return {"data": await anyio.to_thread.run_sync(self._fault)}

    def _fault(self) -> str:
        there = next(path for path in (self._path, *self._path.parents) if path.exists())
        if not there.is_dir():
            return "the data directory is no directory"
        return (
            "" if os.access(there, os.W_OK | os.X_OK) else "the data directory may not be written"
        )

"""Which directory stands behind a path of ``/Volumes``, and who may do what there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .lateness import API, MOUNT, Lateness

VOLUMES = "/Volumes"
STAGING = ".staging"
"""Directory beside the catalogs for what is not whole yet; no name of a catalog begins so."""

LEVELS = 3
"""Names of a volume: catalog, schema, volume."""


def refusal(number: int, path: Any) -> OSError:
    """Return the error with which the mount refuses something."""
    named = os.fspath(path) if isinstance(path, os.PathLike) else path
    return OSError(number, os.strerror(number), named)


@dataclass(frozen=True)
class Places:
    """``root`` is behind ``/Volumes``. ``reads`` and ``writes`` are the volumes ("c.s.v") that the
    job's identity may read and write; ``None`` is all. ``late_seconds``: until a file gets from
    one side to the other."""

    root: str
    reads: Sequence[str] | None = None
    writes: Sequence[str] | None = None
    late_seconds: float = 0.0

    @classmethod
    def of(cls, text: str) -> Places:
        """Return what ``text`` says."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """Return it as the job's processes read it."""
        return json.dumps(vars(self))

    def behind(self, path: Any) -> str | None:
        """Return the real path of a path below ``/Volumes``; ``None`` for any other."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None  # an open descriptor
        text = os.fsdecode(path)
        if not text.startswith(VOLUMES):
            return None
        text = os.path.normpath(text)
        if text != VOLUMES and not text.startswith(f"{VOLUMES}/"):
            return None
        parts = text.split("/")[2:]
        names = [part.lower() for part in parts[:LEVELS]]  # as Unity Catalog stores them
        return "/".join((self.root, *names, *parts[LEVELS:]))

    def shown(self, real: str) -> str:
        """Return the path below ``/Volumes`` of a real one; others as they are."""
        inside = real == self.root or real.startswith(f"{self.root}/")
        return VOLUMES + real[len(self.root) :] if inside else real

    def for_reading(self, real: str, given: Any) -> str:
        """Return where to read what is at ``real``: late changes are not seen yet.

        Raises:
            PermissionError: the job's identity may not read there.
            FileNotFoundError: it is not seen yet.
        """
        names = self._names(real)
        if len(names) < LEVELS:
            allowed = self._leads_to_something(names)
        else:
            allowed = self.reads is None or ".".join(names[:LEVELS]) in self.reads
        if not allowed:
            raise refusal(errno.EACCES, given)
        seen = self.lateness.seen(real, MOUNT)
        if seen is None:
            raise refusal(errno.ENOENT, given)
        return seen

    def for_writing(self, real: str, given: Any) -> str:
        """Return ``real`` if the job's identity may change what is there.

        Raises:
            PermissionError: it may not.
        """
        if self.writes is not None:
            names = self._names(real)
            if len(names) <= LEVELS or ".".join(names[:LEVELS]) not in self.writes:
                raise refusal(errno.EACCES, given)
        return real

    def changes(self, real: str) -> None:
        """Say that the mount is about to change a file, which the other side sees later."""
        self.lateness.keep(real, API)

    @property
    def lateness(self) -> Lateness:
        return Lateness(self.root, self.late_seconds)

    def _names(self, real: str) -> list[str]:
        return real[len(self.root) + 1 :].split("/") if real != self.root else []

    def _leads_to_something(self, names: Sequence[str]) -> bool:
        """Return whether a volume that may be read is below a catalog or schema."""
        if self.reads is None or not names:
            return True
        return any(volume.split(".")[: len(names)] == list(names) for volume in self.reads)

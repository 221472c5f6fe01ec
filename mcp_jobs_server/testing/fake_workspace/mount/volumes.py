"""The directory behind ``/Volumes`` and the volumes that a job may read and write."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .delayed_changes import MOUNT, DelayedChanges

VOLUMES = "/Volumes"
STAGING = ".staging"
"""Directory beside the catalogs for incomplete files. No catalog name starts with a dot."""

_readlink = os.readlink  # the mount replaces that of ``os``

LEVELS = 3
"""Parts of the name of a volume: catalog, schema, volume."""


def os_error(number: int, path: Any) -> OSError:
    """Return an error of the mount that names ``path``."""
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    return OSError(number, os.strerror(number), name)


def path_of(descriptor: int) -> str:
    """Return the real path of an open file or folder."""
    if sys.platform == "darwin":
        import fcntl

        found = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024))
        return os.fsdecode(found.rstrip(b"\0"))
    return _readlink(f"/proc/self/fd/{descriptor}")


@dataclass(frozen=True)
class MountedVolumes:
    """The volumes below ``root`` as an identity sees them.

    ``reads`` and ``writes`` are the volumes (``catalog.schema.volume``) that it may read and
    write; ``None`` stands for all. ``late_seconds``: see ``DelayedChanges``.
    """

    root: str
    reads: Sequence[str] | None = None
    writes: Sequence[str] | None = None
    late_seconds: float = 0.0

    @classmethod
    def from_json(cls, text: str) -> MountedVolumes:
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the text with which ``from_json`` restores this object in another process."""
        return json.dumps(vars(self))

    @property
    def delayed(self) -> DelayedChanges:
        return DelayedChanges(self.root, self.late_seconds)

    def real_path(self, path: Any) -> str | None:
        """Return the real path of a path below ``/Volumes``; ``None`` for any other.

        Names of catalogs, schemas and volumes are in lower case, as Unity Catalog stores them.
        """
        if not isinstance(path, str | bytes | os.PathLike):
            return None  # a file descriptor
        text = os.fsdecode(path)
        if not text.startswith(VOLUMES):
            return None
        text = os.path.normpath(text)
        if text != VOLUMES and not text.startswith(f"{VOLUMES}/"):
            return None
        parts = text.split("/")[2:]
        names = [part.lower() for part in parts[:LEVELS]]
        return "/".join((self.root, *names, *parts[LEVELS:]))

    def absolute(self, path: Any, folder: int | None = None) -> Any:
        """Return the path that a program means by ``path``, below ``/Volumes`` if it is there.

        ``folder`` is the descriptor of the folder at which a relative path starts; ``path`` may be
        a descriptor itself.
        """
        if isinstance(path, int):
            return self.volume_path(path_of(path))
        if folder is None or not isinstance(path, str | bytes | os.PathLike):
            return path
        return os.path.join(self.volume_path(path_of(folder)), os.fsdecode(path))  # noqa: PTH118

    def volume_path(self, real: str) -> str:
        """Return the path below ``/Volumes`` of a real path; any other path unchanged."""
        inside = real == self.root or real.startswith(f"{self.root}/")
        return VOLUMES + real[len(self.root) :] if inside else real

    def for_reading(self, real: str, path: Any) -> str:
        """Return the path to read in place of ``real``: the previous file of a delayed change.

        Raises:
            PermissionError: the identity may not read there.
            FileNotFoundError: the file is not visible yet.
        """
        names = self._names(real)
        if self.reads is None or not names:
            allowed = True
        elif len(names) < LEVELS:  # a catalog or schema: one of its volumes must be readable
            allowed = any(volume.split(".")[: len(names)] == names for volume in self.reads)
        else:
            allowed = ".".join(names[:LEVELS]) in self.reads
        if not allowed:
            raise os_error(errno.EACCES, path)
        visible = self.delayed.visible(real, MOUNT)
        if visible is None:
            raise os_error(errno.ENOENT, path)
        return visible

    def for_writing(self, real: str, path: Any) -> str:
        """Return ``real`` if the identity may write there.

        Raises:
            PermissionError: it may not.
        """
        if self.writes is not None:
            names = self._names(real)
            if len(names) <= LEVELS or ".".join(names[:LEVELS]) not in self.writes:
                raise os_error(errno.EACCES, path)
        return real

    def _names(self, real: str) -> list[str]:
        """Return the parts of a real path below ``root``."""
        return real[len(self.root) + 1 :].split("/") if real != self.root else []

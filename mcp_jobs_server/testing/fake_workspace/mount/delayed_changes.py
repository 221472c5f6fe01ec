"""Delayed visibility of files between the mount and the Files API, in both directions.

Before one side changes a file, a copy of it, or a mark that it did not exist, is kept for the
other side in a directory beside the volumes. Its name contains the time until which it is valid:
``SIDE.HASH.MILLISECONDS.KIND``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass

API, MOUNT = "api", "mount"
DIRECTORY = ".late"
"""Name of the directory, beside the catalogs."""

_ABSENT, _COPY = "absent", "old"

# The original functions: the mount replaces those of ``os``.
_listdir, _isfile, _copyfile = os.listdir, os.path.isfile, shutil.copyfile
_open = os.open


@dataclass(frozen=True)
class DelayedChanges:
    """``seconds`` pass until a change by one side is visible to the other side."""

    root: str
    seconds: float

    def keep_previous(self, real: str, side: str) -> None:
        """Keep the present file for ``side`` because the other side is about to change it."""
        if not self.seconds:
            return
        directory = f"{self.root}/{DIRECTORY}"
        os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - below pathlib
        until = int((time.time() + self.seconds) * 1000)
        name = f"{directory}/{side}.{_hash(real)}.{until}"
        if _isfile(real):
            _copyfile(real, f"{name}.{_COPY}")
        else:
            os.close(_open(f"{name}.{_ABSENT}", os.O_CREAT | os.O_WRONLY))

    def visible(self, real: str, side: str) -> str | None:
        """Return the path to read for ``side``; ``None`` if the file does not exist for it."""
        try:
            names = _listdir(f"{self.root}/{DIRECTORY}")
        except FileNotFoundError:
            return real
        now = time.time() * 1000
        prefix = f"{side}.{_hash(real)}."
        kept = []
        for name in names:
            if name.startswith(prefix):
                until, kind = name.removeprefix(prefix).split(".")
                if int(until) > now:
                    kept.append((int(until), kind, name))
        if not kept:
            return real
        _, kind, name = min(kept)
        return f"{self.root}/{DIRECTORY}/{name}" if kind == _COPY else None


def _hash(real: str) -> str:
    return hashlib.sha256(os.fsencode(real)).hexdigest()[:24]

"""Files that get from one side to the other with delay: from the mount to the API, and back.

Before one side changes a file, what the other side has seen so far is kept for a while, in a
directory beside the volumes. Names there say until when: ``SIDE.HASH.MILLISECONDS.KIND``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass

API, MOUNT = "api", "mount"
KEPT = ".late"
"""Directory beside the catalogs."""

_ABSENT, _OLD = "absent", "old"

# What the mount takes over later, taken now.
_listdir, _exists, _copy = os.listdir, os.path.isfile, shutil.copyfile
_open = os.open


@dataclass(frozen=True)
class Lateness:
    """``seconds`` are those between a change on one side and its being seen on the other."""

    root: str
    seconds: float

    def keep(self, real: str, side: str) -> None:
        """Keep what ``side`` sees of a file that the other side is about to change."""
        if not self.seconds:
            return
        os.makedirs(self._place, exist_ok=True)  # noqa: PTH103 - below pathlib
        until = int((time.time() + self.seconds) * 1000)
        name = f"{self._place}/{side}.{_key(real)}.{until}"
        if _exists(real):
            _copy(real, f"{name}.{_OLD}")
        else:
            os.close(_open(f"{name}.{_ABSENT}", os.O_CREAT | os.O_WRONLY))

    def seen(self, real: str, side: str) -> str | None:
        """Return where to read what ``side`` sees of a file; ``None`` if it sees none."""
        now = time.time() * 1000
        kept = sorted(
            (int(until), kind, name)
            for name, until, kind in self._records(f"{side}.{_key(real)}.")
            if int(until) > now
        )
        if not kept:
            return real
        _, kind, name = kept[0]
        return f"{self._place}/{name}" if kind == _OLD else None

    def _records(self, begin: str) -> list[tuple[str, str, str]]:
        try:
            names = _listdir(self._place)
        except FileNotFoundError:
            return []
        found = [name for name in names if name.startswith(begin)]
        return [(name, *name.split(".")[2:4]) for name in found]  # type: ignore[misc]

    @property
    def _place(self) -> str:
        return f"{self.root}/{KEPT}"


def _key(real: str) -> str:
    return hashlib.sha256(os.fsencode(real)).hexdigest()[:24]

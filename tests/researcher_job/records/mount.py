"""A directory that behaves like a Volume's mount for one process; also a program.

``python -m`` with ROOT ARGUMENTS… runs ``researcher-job ARGUMENTS…`` in a process that cannot
append, write in the middle, rename, link, lock or open a database below ``ROOT``.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

from researcher_job.__main__ import command

_MOVES = frozenset({"os.rename", "os.link", "os.symlink", "os.truncate", "sqlite3.connect"})
_WRITES = os.O_WRONLY | os.O_RDWR
_WHOLE = os.O_TRUNC | os.O_EXCL


def behave_like_mount(root: Path, *, write_seconds: float = 0.0) -> None:
    """Make operations that a mount does not support fail below ``root`` in this process.

    Each write takes ``write_seconds`` longer: a real mount takes a fraction of a second.
    """
    top = str(root.resolve())

    def below(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(f"{top}/")  # noqa: PTH100 - no link

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _MOVES and any(below(one) for one in arguments):
            raise OSError(errno.ENOSYS, "Function not implemented")
        if event == "open" and below(arguments[0]):
            if not _whole(arguments[2]):
                raise OSError(errno.ESPIPE, "Illegal seek")
            if _writes(arguments[2]):
                time.sleep(write_seconds)

    sys.addaudithook(hook)


def _whole(flags: object) -> bool:
    """Return whether these flags open a file for reading, or for writing from its beginning."""
    assert isinstance(flags, int)
    if not _writes(flags):
        return True
    return bool(flags & _WHOLE) and not flags & (os.O_APPEND | os.O_RDWR)


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & _WRITES)


if __name__ == "__main__":
    behave_like_mount(Path(sys.argv[1]))
    sys.argv = ["researcher-job", *sys.argv[2:]]
    command()

"""Opens what lies below a folder, never through a link, whatever is swapped meanwhile.

On POSIX each part of a path is opened from the descriptor of the folder above it, and a part that
is a link is refused. Windows has no such call: there the whole path is opened, and the final path
of the open handle must be the expected one.

This module imports the standard library only.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

_FOLDER = getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_PASS_THROUGH = _FOLDER | getattr(os, "O_PATH", os.O_RDONLY)
"""Linux needs only the right to pass through a folder on the way, as for a path."""


def open_below(root: str, parts: Sequence[str], flags: int) -> int:
    """Return a descriptor of the file at ``parts`` below the folder ``root``.

    Links in ``root`` itself are followed. ``flags`` are those of ``os.open``. Without ``parts``,
    ``root`` is opened.

    Raises:
        OSError: there is no such file, it may not be opened, or a part is a link.
    """
    _refuse_parents(parts)
    if sys.platform == "win32":
        from research_contract.windows_handles import open_at

        descriptor = open_at(root, parts, flags)
    elif not parts:
        descriptor = os.open(root, flags)
    else:
        with _folder(root, parts[:-1]) as above:
            descriptor = os.open(parts[-1], flags | _NO_LINK, dir_fd=above)
    return descriptor


@contextmanager
def listable(root: str, parts: Sequence[str]) -> Iterator[int | str]:
    """Yield what ``os.scandir`` takes for the folder at ``parts`` below ``root``.

    Its entries have paths and can be examined only before the context is left.

    Raises:
        OSError: there is no such folder, it may not be opened, or a part is a link.
    """
    _refuse_parents(parts)
    if sys.platform == "win32":
        from research_contract.windows_handles import held_folder

        with held_folder(root, parts) as path:
            yield path
    else:
        descriptor = open_below(root, parts, os.O_RDONLY | _FOLDER)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def stat_below(root: str, parts: Sequence[str]) -> os.stat_result:
    """Return what ``os.lstat`` says of ``parts`` below ``root``; no link on the way is followed.

    Raises:
        OSError: there is nothing, or a part before the last one is a link.
    """
    _refuse_parents(parts)
    if os.name == "nt" or not parts:
        return os.lstat(os.path.join(root, *parts))  # noqa: PTH118 - strings only
    with _folder(root, parts[:-1]) as above:
        return os.stat(parts[-1], dir_fd=above, follow_symlinks=False)


@contextmanager
def writable(root: str, parts: Sequence[str]) -> Iterator[tuple[int | None, str]]:
    """Yield the folder at ``parts`` below ``root``; missing ones below it are made (0700).

    Its files are named by the ``dir_fd`` of functions of ``os`` and a name after the text that is
    yielded with it.

    Raises:
        OSError: there is no ``root``, a folder may not be made or opened, or a part is a link.
    """
    _refuse_parents(parts)
    if sys.platform == "win32":
        from research_contract.windows_handles import held_folder

        with ExitStack() as held:
            path = held.enter_context(held_folder(root, ()))
            for depth, part in enumerate(parts, start=1):
                with suppress(FileExistsError):
                    os.mkdir(os.path.join(path, part))  # noqa: PTH102, PTH118 - strings only
                path = held.enter_context(held_folder(root, parts[:depth]))
            yield None, path + os.sep
    else:
        with _folder(root, parts, make=True) as descriptor:
            yield descriptor, ""


@contextmanager
def _folder(root: str, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Yield a descriptor from which what is in the folder can be opened."""
    descriptor = os.open(root, _PASS_THROUGH)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=descriptor)
            inner = os.open(part, _PASS_THROUGH | _NO_LINK, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_parents(parts: Sequence[str]) -> None:
    if not {"", ".", ".."}.isdisjoint(parts):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

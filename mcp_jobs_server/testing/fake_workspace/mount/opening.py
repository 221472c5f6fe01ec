"""How files of the mount are opened: for reading as they are, for writing whole or not at all."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from .places import STAGING, Places, refusal

Opening = Callable[..., Any]
_WRITING = frozenset("wax+")

_open, _replace, _close = os.open, os.replace, os.close
_isdir, _lexists, _dirname = os.path.isdir, os.path.lexists, os.path.dirname


def attach_opening(places: Places) -> None:
    """Take over ``open``, ``io.open``, ``io.FileIO`` and ``os.open``."""
    opening = _opening(places, io.open)
    os.open = _opening_descriptor(places)
    io.FileIO = _files(places, io.FileIO)  # type: ignore[misc]
    builtins.open = opening
    io.open = opening


class Upload(io.FileIO):
    """A file that takes its place when it is closed.

    Raises:
        FileExistsError: ``exclusive``, and there is one.
        FileNotFoundError: the directory is not there.
    """

    def __init__(self, places: Places, given: Any, *, exclusive: bool) -> None:
        self._target = _writable(places, given, exclusive=exclusive)
        self._places = places
        staging = f"{places.root}/{STAGING}"
        os.makedirs(staging, exist_ok=True)  # noqa: PTH103 - below pathlib
        self._fresh = f"{staging}/{token_hex(8)}"
        super().__init__(_open(self._fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w")
        self.name = os.fspath(given)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._places.changes(self._target)
            _replace(self._fresh, self._target)


def _writable(places: Places, given: Any, *, exclusive: bool) -> str:
    """Return the real path of a file that may be written now."""
    real = places.for_writing(places.behind(given) or "", given)
    if _isdir(real):
        raise refusal(errno.EISDIR, given)
    if exclusive and _lexists(real):
        raise refusal(errno.EEXIST, given)
    if not _isdir(_dirname(real)):
        raise refusal(errno.ENOENT, given)
    return real


def _uploading(places: Places, given: Any, mode: str) -> Upload:
    if "a" in mode or "+" in mode:
        raise refusal(errno.ESPIPE, given)
    return Upload(places, given, exclusive="x" in mode)


def _opening(places: Places, original: Opening) -> Opening:
    def opening(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        real = places.behind(file)
        if real is None:
            return original(file, mode, *rest, **options)
        if not set(mode) & _WRITING:
            options.setdefault("opener", _opener)
            return original(file, mode, *rest, **options)
        raw = _uploading(places, file, mode)
        if "b" in mode:
            return raw if 0 in (*rest[:1], options.get("buffering")) else io.BufferedWriter(raw)
        return _text(io.BufferedWriter(raw), *rest[1:], **options)

    return opening


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags)


def _text(
    buffer: io.BufferedWriter,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **_: Any,
) -> io.TextIOWrapper:
    return io.TextIOWrapper(buffer, encoding or "utf-8", errors, newline)


def _files(places: Places, original: type[io.FileIO]) -> type[io.FileIO]:
    class Opened(original):  # type: ignore[misc, valid-type]
        def __new__(cls, file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
            if places.behind(file) is None:
                return original(file, mode, *rest, **options)
            if set(mode) & _WRITING:
                return _uploading(places, file, mode)
            return original(file, mode, *rest, **{"opener": _opener, **options})

    return Opened


def _opening_descriptor(places: Places) -> Callable[..., int]:
    """Return ``os.open``. What it opens for writing is changed in place: no more than a new or
    an emptied file can be had so."""

    def opening(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        real = places.behind(path)
        if real is None:
            return _open(path, flags, mode, dir_fd=dir_fd)
        if not flags & (os.O_WRONLY | os.O_RDWR):
            real = places.for_reading(real, path)
        else:
            if flags & os.O_APPEND or (flags & os.O_RDWR and not flags & (os.O_TRUNC | os.O_EXCL)):
                raise refusal(errno.ESPIPE, path)
            real = places.for_writing(real, path)
            places.changes(real)
        try:
            return _open(real, flags, mode)
        except OSError as error:
            raise refusal(error.errno or errno.EIO, path) from None

    return opening

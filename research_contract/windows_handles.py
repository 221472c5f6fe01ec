"""Opens files and folders on Windows and compares where their handles really lead."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _KERNEL = ctypes.WinDLL("kernel32", use_last_error=True)
    _KERNEL.CreateFileW.restype = wintypes.HANDLE
    _KERNEL.CreateFileW.argtypes = (
        *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID),
        *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
    )
    _KERNEL.CloseHandle.argtypes = (wintypes.HANDLE,)
    _KERNEL.GetFinalPathNameByHandleW.argtypes = (
        *(wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD),
    )
    _LIST_DIRECTORY = 0x1
    _SHARE_READ_WRITE = 0x1 | 0x2
    """Without the right to delete: no folder on the way can be renamed while the handle is open."""
    _OPEN_EXISTING = 3
    _BACKUP_SEMANTICS = 0x0200_0000
    """Needed to open a folder."""
    _INVALID = wintypes.HANDLE(-1).value
    _LONGEST = 32_768

    def open_at(root: str, parts: Sequence[str], flags: int) -> int:
        """Return a descriptor of the file at ``parts`` below ``root``.

        Raises:
            OSError: it cannot be opened, or the path leads elsewhere.
        """
        descriptor = os.open(os.path.join(root, *parts), flags)  # noqa: PTH118 - strings only
        try:
            _compare(msvcrt.get_osfhandle(descriptor), root, parts)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @contextmanager
    def held_folder(root: str, parts: Sequence[str]) -> Iterator[str]:
        """Yield the path of the folder, which cannot be renamed until the context is left.

        Raises:
            OSError: it cannot be opened, or the path leads elsewhere.
        """
        path = os.path.join(root, *parts)  # noqa: PTH118 - strings only
        handle = _KERNEL.CreateFileW(
            path, _LIST_DIRECTORY, _SHARE_READ_WRITE, None, _OPEN_EXISTING, _BACKUP_SEMANTICS, None
        )
        if handle == _INVALID:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            _compare(handle, root, parts)
            yield path
        finally:
            _KERNEL.CloseHandle(handle)

    def _compare(handle: int, root: str, parts: Sequence[str]) -> None:
        expected = os.path.join(os.path.realpath(root), *parts)  # noqa: PTH118 - strings only
        final = ctypes.create_unicode_buffer(_LONGEST)
        if not _KERNEL.GetFinalPathNameByHandleW(handle, final, _LONGEST, 0):
            raise ctypes.WinError(ctypes.get_last_error())
        if _plain(final.value) != _plain(expected):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    def _plain(path: str) -> str:
        """Return a path without the prefix for long paths, as Windows compares it."""
        if path.startswith("\\\\?\\UNC\\"):
            path = "\\\\" + path.removeprefix("\\\\?\\UNC\\")
        return os.path.normcase(path.removeprefix("\\\\?\\"))

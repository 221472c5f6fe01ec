"""Reads and writes the files of a job folder, for the server and the job alike.

A Unity Catalog Volume has no append, no rename and no locks, and a file may be read at any moment.
Therefore three rules hold everywhere:

* a file has one writer;
* a file is written as a whole (in a local directory a segment of a log may grow line by line);
* an incomplete file or last line (it does not parse, or lacks its newline) counts as missing.

This module imports the standard library and pydantic only, because the server loads it at start.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from research_contract.records import FORMAT_VERSION, Record

R = TypeVar("R", bound=Record)


class NewerFormat(ValueError):
    """The folder has a newer format version; it must be left untouched."""

    def __init__(self, version: object) -> None:
        super().__init__(
            f"This job folder has format version {version}; this program reads up to"
            f" {FORMAT_VERSION}. Upgrade mcp-jobs-server to read it."
        )


def encode(record: Record) -> bytes:
    """Return ``record`` as one line of JSON in UTF-8, newline included."""
    return record.model_dump_json().encode() + b"\n"


def decode(kind: type[R], data: bytes | None) -> R | None:
    """Return the record in ``data``, or ``None`` where it is missing, incomplete or invalid.

    Raises:
        NewerFormat: the record has a newer format version.
    """
    if not data:
        return None
    try:
        record = kind.model_validate_json(data)
    except ValidationError:
        _refuse_newer(_version(data))
        return None
    _refuse_newer(getattr(record, "format_version", 0))
    return record


def _version(data: bytes) -> object:
    """Return the format version in JSON that is no known record."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return 0
    return raw.get("format_version", 0) if isinstance(raw, dict) else 0


def _refuse_newer(version: object) -> None:
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise NewerFormat(version)


def decode_lines(kind: type[R], data: bytes) -> list[tuple[R | None, int]]:
    """Return the records in the complete lines of a segment, each with the offset behind it.

    A last line without its newline is ignored. A complete line that is no such record (someone
    edited the folder) gives ``None``, so that it keeps its number and reading goes on.
    """
    found: list[tuple[R | None, int]] = []
    start = 0
    while (stop := data.find(b"\n", start)) >= 0:
        found.append((decode(kind, data[start:stop]), stop + 1))
        start = stop + 1
    return found


def read_whole(path: Path) -> bytes | None:
    """Return the content of the file at ``path``, or ``None`` where there is no regular file.

    Anything else is not opened: a pipe would block the reader for ever.
    """
    if not path.is_file():
        return None
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def make_parents(path: Path) -> None:
    """Create up to two missing directories above ``path``, as files of a job folder need.

    A job whose whole directory was moved must not make it anew: then it could not be moved back.

    Raises:
        FileNotFoundError: more directories are missing.
    """
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.mkdir(exist_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Replace the file at ``path`` by ``data``; a reader sees either the old or the new content.

    Where the file system cannot rename (a Volume's mount), the file is written in place.
    """
    make_parents(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        if error.errno not in _NO_RENAME:
            raise
        path.write_bytes(data)


_NO_RENAME = frozenset({38, 95})  # ENOSYS, EOPNOTSUPP: errors of rename on a Volume's mount


def create_once(path: Path, data: bytes) -> bool:
    """Write ``data`` to ``path`` unless the file exists; return whether it was written."""
    make_parents(path)
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def join_lines(records: Iterable[Record]) -> bytes:
    """Return ``records`` as the lines of one segment or composed file."""
    return b"".join(encode(record) for record in records)

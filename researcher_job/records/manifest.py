"""The manifest: the files of a job's result and their hashes, and the seal of the outcome."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from research_contract import records
from research_contract.files import encode
from research_contract.records import Outcome
from researcher_job.records.job_folder import LOCK

NOT_HASHED = frozenset(
    {
        records.RUN,
        records.ENDED,
        records.STATUS,
        records.OUTCOME,
        LOCK,
        records.RESERVE,
        "control",
        records.STOP,
        records.FINISH_NOW,
    }
)
"""Files that are not part of the result: files that server and runner may change after the end,
files that exist only while the job runs, the status (heartbeat), and the outcome itself."""

_DESKTOP_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def written_files(root: Path) -> Iterator[str]:
    """Yield the names of all files of the result, sorted within each folder.

    A link counts as a file and is never followed.
    """
    for folder, folders, files in os.walk(root):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*files, *links]):
            path = Path(folder, name).relative_to(root).as_posix()
            steers = path.startswith(f"{records.STEER}/")  # it may come at any moment
            if path not in NOT_HASHED and name not in _DESKTOP_FILES and not steers:
                yield path


def hash_file(path: Path) -> str:
    """Return the SHA-256 (hex) of the file at ``path``; "" if it is not a regular file.

    Reading a pipe would block forever.
    """
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(root: Path) -> dict[str, str]:
    """Return the hash of each file of the result by its name."""
    return {name: hash_file(root / name) for name in written_files(root)}


def seal(outcome: Outcome) -> tuple[Outcome, bytes]:
    """Return ``outcome`` with its own hash, and the bytes to write."""
    unsealed = encode(outcome.model_copy(update={"sha256": ""}))
    sealed = outcome.model_copy(update={"sha256": hashlib.sha256(unsealed).hexdigest()})
    return sealed, encode(sealed)


def is_sealed(outcome: Outcome, data: bytes) -> bool:
    """Return whether ``data``, the encoded ``outcome``, matches the hash that it contains."""
    name = b'"sha256":"'
    unsealed = data.replace(name + outcome.sha256.encode() + b'"', name + b'"', 1)
    return hashlib.sha256(unsealed).hexdigest() == outcome.sha256

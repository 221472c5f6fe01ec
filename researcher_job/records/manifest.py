"""The files that a job wrote into its folder, with their hashes."""

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
"""Files of others that may change after the end, what is there only while the job runs, the
heartbeat, and the outcome itself."""

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def written_files(root: Path) -> Iterator[str]:
    """Yield the names of all files that belong to the job's result, sorted a folder at a time.

    A link counts as a file and is never followed.
    """
    for folder, folders, files in os.walk(root):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*files, *links]):
            path = Path(folder, name).relative_to(root).as_posix()
            if path not in NOT_HASHED and name not in _LITTER:
                yield path


def hash_file(path: Path) -> str:
    """Return the SHA-256 (hex) of the file at ``path``; "" of what is no plain file.

    A pipe that someone put there would hold the reader for ever.
    """
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(root: Path) -> dict[str, str]:
    """Return the hash of each file of the result by its name."""
    return {name: hash_file(root / name) for name in written_files(root)}


def seal(outcome: Outcome) -> tuple[Outcome, bytes]:
    """Return ``outcome`` with its own hash in it, and the bytes to write."""
    plain = encode(outcome.model_copy(update={"sha256": ""}))
    sealed = outcome.model_copy(update={"sha256": hashlib.sha256(plain).hexdigest()})
    return sealed, encode(sealed)


def is_sealed(outcome: Outcome, data: bytes) -> bool:
    """Return whether ``data``, in which ``outcome`` stands, is as it was sealed."""
    name = b'"sha256":"'
    plain = data.replace(name + outcome.sha256.encode() + b'"', name + b'"', 1)
    return hashlib.sha256(plain).hexdigest() == outcome.sha256


def remove_leftovers(root: Path) -> None:
    """Remove temporary files that an attempt left behind when it was killed while writing."""
    for path in root.rglob(".*.tmp"):
        path.unlink(missing_ok=True)

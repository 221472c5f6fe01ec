"""The file that an index is built in: begun anew, as a copy of an earlier one, or gone on with."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from researcher_job.sources.document import EXTRACTOR_VERSION
from researcher_job.sources.index.index import INDEX_VERSION

VERSION = f"{EXTRACTOR_VERSION}.{INDEX_VERSION}"
"""What stands in a draft that this code may go on with."""


def begin(draft: Path, earlier: Sequence[Path]) -> None:
    """Leave ``draft`` where it is sound; else begin it as the first sound one of ``earlier``.

    There is no file where none is sound.
    """
    if not _is_sound(draft):
        _remove(draft)
        for path in earlier:
            with contextlib.suppress(OSError):  # it may be pruned at this moment
                shutil.copyfile(path, draft)
                if _is_sound(draft):
                    return
            _remove(draft)


def _is_sound(path: Path) -> bool:
    """Whether ``path`` is an index of this version, finished or not."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path)) as database:
            version = database.execute("SELECT value FROM facts WHERE name = 'version'").fetchone()
            whole = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(version == (VERSION,) and whole == ("ok",))


def _remove(draft: Path) -> None:
    for path in (draft, draft.with_name(f"{draft.name}-journal")):
        path.unlink(missing_ok=True)

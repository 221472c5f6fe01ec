"""Brings the index of a folder up to date, as a job does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from researcher_job.sources.documents.update import Update
from researcher_job.sources.documents.walk import walk


def finished_update(
    folder: Path, cache: Path, earlier: Sequence[Path] = (), others: Sequence[Path] = ()
) -> tuple[Update, Path]:
    """Return the update of the index of ``folder`` when it is finished, and where the index is."""
    update = Update(cache / "draft", earlier, list(walk(folder)), others=others)
    while not update.go_on():
        pass
    place = cache / f"{len(list(cache.iterdir()))}.sqlite"
    update.finish(place)
    update.close()
    return update, place

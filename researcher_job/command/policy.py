"""What of a request a job may do that has a configuration of its own."""

from __future__ import annotations

import os
import re
import urllib.parse
import urllib.request
from pathlib import Path

from research_contract.configuration import (
    Configuration,
    ConfigurationError,
    read_configuration,
    volume_path,
)
from research_contract.records import Request, SourceRef
from research_contract.text.safe import one_line
from researcher_job.core.errors import RequestRefused

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


def load_configuration(path: Path) -> Configuration:
    """Return the configuration.

    Raises:
        RequestRefused: it cannot be used.
    """
    try:
        return read_configuration(path)
    except ConfigurationError as error:
        raise RequestRefused(str(error)) from error


def check_request(request: Request, configuration: Configuration, folder: Path) -> None:
    """Check the sources and the earlier job that the request for the job in ``folder`` names.

    A source must stand in the configuration by name and URI, and may lie neither below the
    root of all job folders nor around it. An earlier job must be one of the same owner.

    Raises:
        RequestRefused: one of this does not hold.
    """
    known = {(one.name, one.uri) for one in configuration.sources}
    root = jobs_root(folder)
    for source in request.sources:
        if (source.name, source.uri) not in known:
            raise RequestRefused(
                f"The source '{one_line(source.name, most=64)}' is not one that this job may read."
                " Add it to the job's configuration with the same address, or start the job anew."
            )
        if (place := source_path(source)) and _overlap(place, root):
            raise RequestRefused(
                f"The source '{one_line(source.name, most=64)}' lies where job folders are, so it"
                " is never read. Remove it from the configuration."
            )
    if request.earlier and not _within(folder / request.earlier, folder.parents[1]):
        raise RequestRefused(
            "The earlier job is none of the same owner, so nothing is taken from it."
        )


def jobs_root(folder: Path) -> Path:
    """Return the folder that holds all job folders: ``<root>/<owner>/<yyyy-mm>/<job_id>``."""
    return folder.parents[2] if _MONTH.fullmatch(folder.parent.name) else folder


def source_path(source: SourceRef) -> Path | None:
    """Return where the files of a source are; ``None`` for one that has none here."""
    parts = urllib.parse.urlsplit(source.uri)
    if parts.scheme == "volume":
        return Path(volume_path(source.uri) or "")
    return Path(urllib.request.url2pathname(parts.path)) if parts.scheme == "file" else None


def _overlap(one: Path, other: Path) -> bool:
    return any(
        a.is_relative_to(b) or b.is_relative_to(a)
        for a, b in ((_plain(one), _plain(other)), (_plain(one.resolve()), _plain(other.resolve())))
    )


def _within(path: Path, parent: Path) -> bool:
    return _plain(path) != _plain(parent) and _plain(path).is_relative_to(_plain(parent))


def _plain(path: Path) -> Path:
    """Return the path without detours and without regard to case, which a volume has none of."""
    text = os.path.normpath(path).casefold()
    return Path(text.replace("//", "/", 1))  # two at the beginning are left by normpath

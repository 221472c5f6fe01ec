"""Checks a request against the job's own configuration."""

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
    """Return the configuration in the file at ``path``.

    Raises:
        RequestRefused: the configuration is invalid.
    """
    try:
        return read_configuration(path)
    except ConfigurationError as error:
        raise RequestRefused(str(error)) from error


def check_request(request: Request, configuration: Configuration, folder: Path) -> None:
    """Check the sources and the base job of the request for the job in ``folder``.

    The configuration must have each source with the same name, URI and patterns. A source must
    neither be inside the root of all job folders nor contain it. A base job must have the same
    owner.

    Raises:
        RequestRefused: one of these checks failed.
    """
    configured = {one.source for one in configuration.sources}
    root = jobs_root(folder)
    for source in request.sources:
        name = one_line(source.name, most=64)
        if source not in configured:
            raise RequestRefused(
                f"The source '{name}' is not one that this job may read."
                " Add it to the job's configuration with the same address and patterns, or start"
                " the job anew."
            )
        if (path := source_path(source)) and _overlap(path, root):
            raise RequestRefused(
                f"The source '{name}' overlaps the job folders, so it is never read."
                " Remove it from the configuration."
            )
    if request.earlier:
        owner = _normalized(folder.parents[1])
        base_job = _normalized(folder / request.earlier)
        if base_job == owner or not base_job.is_relative_to(owner):
            raise RequestRefused("The earlier job belongs to another owner, so it is not used.")


def jobs_root(folder: Path) -> Path:
    """Return the folder of all job folders: ``<root>/<owner>/<yyyy-mm>/<job_id>``."""
    return folder.parents[2] if _MONTH.fullmatch(folder.parent.name) else folder


def source_path(source: SourceRef) -> Path | None:
    """Return the path of a source's files; ``None`` for a source without local files."""
    parts = urllib.parse.urlsplit(source.uri)
    if parts.scheme == "volume":
        return Path(volume_path(source.uri) or "")
    return Path(urllib.request.url2pathname(parts.path)) if parts.scheme == "file" else None


def _overlap(one: Path, other: Path) -> bool:
    """Return whether one path contains the other, either as written or with links resolved."""
    pairs = (
        (_normalized(one), _normalized(other)),
        (_normalized(one.resolve()), _normalized(other.resolve())),
    )
    return any(a.is_relative_to(b) or b.is_relative_to(a) for a, b in pairs)


def _normalized(path: Path) -> Path:
    """Return the path without ``..`` and in lower case, because volumes ignore case."""
    text = os.path.normpath(path).casefold()
    return Path(text.replace("//", "/", 1))  # normpath keeps two leading slashes

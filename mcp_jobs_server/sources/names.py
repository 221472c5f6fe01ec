"""Names of sources, and error messages about names."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.sources.grants import printable
from research_contract.patterns import fault_of_pattern
from research_contract.records import SourceRef

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):", re.ASCII)
_MAX_LENGTH = 2000
_MAX_LISTED = 12
NO_SOURCE_FOR_CALLER = (
    "No source is open to you here.",
    "Ask the operator of this server: the members of a source's audience group may use it.",
)
ADD_A_FOLDER = 'To add a folder, run: mcp-jobs-server sources add documents "/path/to/folder"'


def check_name(name: str) -> None:
    """Raise ``InvalidArgument`` unless ``name`` is valid as the name of a source."""
    if not NAME.fullmatch(name):
        raise InvalidArgument(
            f"'{printable(name)}' cannot be the name of a source{_odd_character(name)}.",
            "A name has 1 to 64 letters (a-z), digits, '.', '_' and '-', a letter or digit first.",
        )


def check_patterns(patterns: Iterable[str]) -> None:
    """Raise ``InvalidArgument`` unless all ``patterns`` can choose files of a source."""
    for pattern in patterns:
        if fault := fault_of_pattern(pattern):
            raise InvalidArgument(
                f"The pattern '{printable(pattern)}' {fault}.",
                "Patterns are those of a .gitignore file, such as '*.md', 'drafts/' or '/old/*'.",
            )


def check_text(text: str) -> None:
    """Raise ``InvalidArgument`` if ``text`` can be neither the name of a source nor a path."""
    if not text.strip() or len(text) > _MAX_LENGTH:
        raise InvalidArgument(
            f"A source has 1 to {_MAX_LENGTH:,} characters, not {len(text):,}.",
            "Pass the name of a source or a path.",
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise InvalidArgument(
            f"The source '{printable(text)}' contains control characters.", "Pass it without them."
        )


def refuse_url(text: str, sources: Sequence[SourceRef]) -> None:
    """Raise ``InvalidArgument`` if ``text`` is a URL other than a ``file:`` URL."""
    match = _SCHEME.match(text)
    if not match or match[1].lower() == "file":
        return
    is_web = match[1].lower() in ("http", "https")
    kind = "The web" if is_web else f"'{match[1]}:' sources"
    raise InvalidArgument(
        f"{kind} cannot be searched from here: {printable(text)}.", available_sources(sources)
    )


def is_path(text: str) -> bool:
    """Return whether ``text`` looks like a path or a ``file:`` URL rather than a name."""
    return text.startswith(("~", ".", "file:")) or "/" in text or "\\" in text


def find_by_name(name: str, sources: Iterable[SourceRef]) -> SourceRef | None:
    """Return the source of that name, ignoring case."""
    folded = name.casefold()
    return next((source for source in sources if source.name.casefold() == folded), None)


def free_name(real: Path, sources: Iterable[SourceRef]) -> str:
    """Derive a name for a folder from its own name that no other source has."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", real.name.lower()).strip("-._")[:60] or "documents"
    taken = {source.name.casefold() for source in sources}
    numbered = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *numbered) if name not in taken)


def grant_command(real: Path, sources: Sequence[SourceRef] = ()) -> str:
    """Return the command that grants ``real``, ready to paste into a shell."""
    path = f'"{real}"' if os.name == "nt" else shlex.quote(str(real))
    return f"mcp-jobs-server sources add {free_name(real, sources)} {path}"


def unknown_source(text: str, sources: Sequence[SourceRef]) -> NotFound:
    """Return the error for an unknown name, with the most similar name and the known names."""
    folded = {source.name.casefold(): source.name for source in sources}
    similar = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=0.5)
    guess = f"Did you mean '{folded[similar[0]]}'? " if similar else ""
    return NotFound(
        f"There is no source '{printable(text)}'{_odd_character(text)}.",
        f"{guess}{available_sources(sources)}",
    )


def available_sources(sources: Sequence[SourceRef]) -> str:
    """Return a sentence that lists the names of the first 12 sources."""
    if not sources:
        return f"No source is configured here. {ADD_A_FOLDER}"
    names = ", ".join(source.name for source in sources[:_MAX_LISTED])
    more = f" and {len(sources) - _MAX_LISTED} more" if len(sources) > _MAX_LISTED else ""
    return f"The sources here: {names}{more}."


def _odd_character(text: str) -> str:
    """Describe a non-ASCII character, which may look like an ASCII one (a Cyrillic letter)."""
    odd = next((char for char in text if not char.isascii()), "")
    if not odd:
        return ""
    unicode_name = unicodedata.name(odd, f"U+{ord(odd):04X}")
    return f" (it contains '{printable(odd)}', {unicode_name})"

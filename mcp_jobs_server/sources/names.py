"""How sources are called: their names, and the sentences about names nobody knows."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.sources.grants import shown
from research_contract.records import SourceRef

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):", re.ASCII)
_LONGEST = 2000
_SHOWN_NAMES = 12
NONE_FOR_YOU = (
    "No source is open to you here.",
    "Ask who runs this server: a source is open to the members of the group named as its audience.",
)
ADD_A_FOLDER = 'To add a folder, run: mcp-jobs-server sources add documents "/path/to/folder"'


def check_name(name: str) -> None:
    """Raise ``InvalidArgument`` unless ``name`` can be the name of a source."""
    if not NAME.fullmatch(name):
        odd = _odd_character(name)
        raise InvalidArgument(
            f"'{shown(name)}' cannot be the name of a source{odd}.",
            "A name has 1 to 64 letters (a-z), digits, '.', '_' and '-', a letter or digit first.",
        )


def grant_command(real: Path, sources: Sequence[SourceRef] = ()) -> str:
    """Return the command that grants ``real``, ready to paste into a shell."""
    path = f'"{real}"' if os.name == "nt" else shlex.quote(str(real))
    return f"mcp-jobs-server sources add {free_name(real, sources)} {path}"


def named(name: str, sources: Iterable[SourceRef]) -> SourceRef | None:
    wanted = name.casefold()
    return next((source for source in sources if source.name.casefold() == wanted), None)


def check_text(text: str) -> None:
    if not text.strip() or len(text) > _LONGEST:
        raise InvalidArgument(
            f"A source has 1 to {_LONGEST:,} characters, not {len(text):,}.",
            "Pass the name of a source or a path.",
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise InvalidArgument(
            f"The source '{shown(text)}' holds control characters.", "Pass it without them."
        )


def refuse_url(text: str, sources: Sequence[SourceRef]) -> None:
    scheme = _SCHEME.match(text)
    if not scheme or scheme[1].lower() == "file":
        return
    said = (
        "The web cannot be searched"
        if scheme[1].lower() in ("http", "https")
        else (f"'{scheme[1]}:' sources cannot be searched")
    )
    raise InvalidArgument(f"{said} from here: {shown(text)}.", listed(sources))


def is_path(text: str) -> bool:
    return text.startswith(("~", ".", "file:")) or "/" in text or "\\" in text


def unknown(text: str, sources: Sequence[SourceRef]) -> NotFound:
    folded = {source.name.casefold(): source.name for source in sources}
    near = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=0.5)
    guess = f"Did you mean '{folded[near[0]]}'? " if near else ""
    odd = _odd_character(text)
    return NotFound(f"There is no source '{shown(text)}'{odd}.", f"{guess}{listed(sources)}")


def _odd_character(text: str) -> str:
    """Name a character that only looks like one of a name's, such as a Cyrillic letter."""
    import unicodedata

    odd = next((char for char in text if not char.isascii()), "")
    if not odd:
        return ""
    called = unicodedata.name(odd, f"U+{ord(odd):04X}")
    return f" (it holds '{shown(odd)}', {called})"


def listed(sources: Sequence[SourceRef]) -> str:
    if not sources:
        return f"No source is configured here. {ADD_A_FOLDER}"
    names = ", ".join(source.name for source in sources[:_SHOWN_NAMES])
    more = f" and {len(sources) - _SHOWN_NAMES} more" if len(sources) > _SHOWN_NAMES else ""
    return f"The sources here: {names}{more}."


def free_name(real: Path, sources: Iterable[SourceRef]) -> str:
    """Propose a name for a folder, made of its own name, that no other source has."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", real.name.lower()).strip("-._")[:60] or "documents"
    taken = {source.name.casefold() for source in sources}
    numbered = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *numbered) if name not in taken)

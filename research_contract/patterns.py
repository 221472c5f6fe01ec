"""Patterns that choose files of a source, as in a ``.gitignore``, and which can be used.

Of a ``SourceRef``, only files that ``include`` matches are read, if there is one, and nothing that
``exclude`` matches. They count from the folder that was granted: ``part`` is the path below it of a
source that is only a part of it.
"""

from __future__ import annotations

import re

from research_contract.records import SourceRef

MAX_PATTERNS = 2_000
MAX_WILDCARDS = 4
"""A pattern with more is not obeyed: matching it may take longer than a person lives."""

_WILDCARDS = re.compile(r"\*+|\?+|\[")
_MAX_LENGTH = 1_000


def fault_of_pattern(pattern: str) -> str:
    """Return why ``pattern`` cannot be used, as the end of a sentence; "" if it can."""
    from pathspec import GitIgnoreSpec  # here, since the server starts without it

    if not pattern.strip() or pattern.startswith("#"):
        return "matches nothing"
    if len(pattern) > _MAX_LENGTH:
        return f"has more than {_MAX_LENGTH:,} characters"
    if len(_WILDCARDS.findall(pattern)) > MAX_WILDCARDS:
        return f"has more than {MAX_WILDCARDS} wildcards"
    try:
        GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return "is none that git would understand"
    return ""


def files_of(source: SourceRef) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    """Return what decides which files of a source are read: all but its name."""
    return source.uri, source.include, source.exclude, source.part

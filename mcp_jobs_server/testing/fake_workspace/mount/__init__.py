"""Lets a process see ``/Volumes`` as a serverless task does: as a mount with its limits.

What Python opens below ``/Volumes`` is opened below another directory. As on such a mount nothing
can be appended, changed in place, renamed, linked or locked there, and a file is seen by others
once it is closed, whole. Libraries that open files in C (SQLite) do not see it; a job keeps such
files on its own disk.

It is loaded into every Python process of a job before the job's own code, under another name: it
imports the standard library only, and itself by relative names.
"""

from __future__ import annotations

from .lateness import Lateness
from .opening import attach_opening
from .places import Places
from .wrapping import attach_paths

__all__ = ["Lateness", "Places", "attach"]


def attach(text: str) -> None:
    """Let this process see what ``text`` (``Places.text``) says as ``/Volumes`` from now on."""
    places = Places.of(text)
    attach_opening(places)
    attach_paths(places)

"""Lets a reader of long files say that it still gets on."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[], None]


def _nobody() -> None:
    """Tell nobody: the default where the file is read in the process that wants it."""


_tell: Tell = _nobody


def tell_by(tell: Tell) -> None:
    """Let ``still_reading`` call ``tell`` in this process from now on."""
    global _tell  # noqa: PLW0603 - one process reads one file at a time
    _tell = tell


def still_reading() -> None:
    """Say that a step of the work (a page, some rows) is done; cheap."""
    _tell()

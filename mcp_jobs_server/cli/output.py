"""Output of the command line: plain lines in a pipe, colour on a terminal, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from mcp_jobs_server.core.errors import JobsError

if TYPE_CHECKING:
    from rich.console import Console

    from mcp_jobs_server.operations.local_checks import Check

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
"""Control characters except tab and newline (terminal escapes begin with one), and characters that
reorder text. They occur in titles and documents and must not reach the terminal."""


def clean(text: str) -> str:
    """Return ``text`` without characters that control a terminal."""
    return _UNSAFE.sub("", text.replace("\r\n", "\n"))


def one_line(text: str, width: int = 0) -> str:
    """Return ``text`` cleaned and on one line, cut to ``width`` columns (0: not cut)."""
    line = " ".join(clean(text).split())
    if not width or _columns(line) <= width:
        return line
    while line and _columns(line) > width - 1:
        line = line[:-1]
    return line + "…"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def print_line(text: str = "") -> None:
    """Write a line of text to standard output."""
    sys.stdout.write(clean(text) + "\n")
    sys.stdout.flush()


def print_note(text: str) -> None:
    """Write a line to standard error, for text that is not part of the result."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def print_json(value: BaseModel | Sequence[Mapping[str, object]] | Mapping[str, object]) -> None:
    """Write a value as JSON to standard output; model fields that are ``None`` are left out."""
    plain: object = value
    if isinstance(value, BaseModel):
        plain = value.model_dump(mode="json", exclude_none=True)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def print_error(error: JobsError, *, as_json: bool) -> int:
    """Print message and hint of an error, also as JSON if requested; return the exit code."""
    print_note(f"error: {one_line(str(error))}")
    if as_json:
        print_json(
            {
                "error": {
                    "code": error.kind,
                    "message": error.message,
                    "hint": error.hint,
                    "retryable": error.retryable,
                }
            }
        )
    return 2 if error.kind == "invalid_argument" else 1


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def console() -> Console:
    """Return a console that respects ``NO_COLOR`` and the width of the terminal."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def print_markdown(text: str) -> None:
    """Print Markdown: rendered on a terminal, unchanged in a pipe."""
    if not is_terminal():
        print_line(text)
        return
    from rich.markdown import Markdown

    console().print(Markdown(clean(text), hyperlinks=False))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal, or tab-separated lines in a pipe."""
    if not is_terminal():
        for row in rows:
            print_line("\t".join(one_line(field) for field in row))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawing = Table(*titles, box=box.SIMPLE, header_style="bold", pad_edge=False)
    drawing.columns[0].no_wrap = True
    for row in rows:
        drawing.add_row(*(Text(one_line(field)) for field in row))
    console().print(drawing)


def print_checks(checks: Sequence[Check]) -> None:
    """Print checks as a table, followed by the advice of those that are not ok."""
    rows = [(check.name, check.state, check.found) for check in checks]
    print_table(("check", "state", "what was found"), rows)
    for check in checks:
        if check.advice:
            print_line(f"{check.name}: {check.advice}")

"""How the command line speaks: plain lines in a pipe, colour on a terminal, JSON for programs."""

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

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
"""Control characters but tab and newline (terminal escapes begin with one), and what reorders
text: they come from titles and documents and never reach the terminal."""


def clean(text: str) -> str:
    """Return ``text`` without characters that steer a terminal."""
    return _UNSAFE.sub("", text.replace("\r\n", "\n"))


def one_line(text: str, width: int = 0) -> str:
    """Return ``text`` clean and on one line, cut to ``width`` columns if that is given."""
    line = " ".join(clean(text).split())
    if not width or _columns(line) <= width:
        return line
    while line and _columns(line) > width - 1:
        line = line[:-1]
    return line + "…"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def print_line(text: str = "") -> None:
    """Write a line for people to standard output."""
    sys.stdout.write(clean(text) + "\n")
    sys.stdout.flush()


def print_note(text: str) -> None:
    """Write a line to standard error: what is not the result itself."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def print_json(value: BaseModel | Sequence[Mapping[str, object]] | Mapping[str, object]) -> None:
    """Write a value as JSON to standard output; fields that are ``None`` are left out."""
    plain: object = value
    if isinstance(value, BaseModel):
        plain = value.model_dump(mode="json", exclude_none=True)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def print_error(error: JobsError, *, as_json: bool) -> int:
    """Say what is wrong and what to do; return the exit code."""
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


def on_terminal() -> bool:
    """Tell whether a person reads standard output."""
    return sys.stdout.isatty()


def console() -> Console:
    """Return the terminal to draw on; it obeys ``NO_COLOR`` and the terminal's width."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def print_markdown(text: str) -> None:
    """Print a Markdown text: rendered on a terminal, as it is in a pipe."""
    if not on_terminal():
        print_line(text)
        return
    from rich.markdown import Markdown

    console().print(Markdown(clean(text), hyperlinks=False))


def print_table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table on a terminal, lines with tabs between the fields in a pipe."""
    if not on_terminal():
        for row in rows:
            print_line("\t".join(one_line(field) for field in row))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*titles, box=box.SIMPLE, header_style="bold", pad_edge=False)
    drawn.columns[0].no_wrap = True
    for row in rows:
        drawn.add_row(*(Text(one_line(field)) for field in row))
    console().print(drawn)

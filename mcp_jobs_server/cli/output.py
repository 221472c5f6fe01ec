"""Output of the command line: plain lines in a pipe, colour on a terminal, JSON for programs."""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from mcp_jobs_server.cli.words import at_command_line
from mcp_jobs_server.core.errors import JobsError
from research_contract.text.safe import visible

if TYPE_CHECKING:
    from rich.console import Console

    from mcp_jobs_server.operations.local_checks import Check

_VERIFY = "researcher-job verify"
_BEFORE_AN_ITEM = re.compile(r"^(>.*\S)$(?=\n> *(?:\\[-*+]|•|\d{1,3}\\?[.)]))", re.MULTILINE)
"""A line of a quote before an item of a list: Markdown would join the two."""


def one_line(text: str, width: int = 0) -> str:
    """Return ``text`` visible and on one line, cut to ``width`` columns (0: not cut)."""
    line = " ".join(visible(text).split())
    if not width or _columns(line) <= width:
        return line
    line = line[: width - 1]  # each character takes at least one column
    while line and _columns(line) > width - 1:
        line = line[:-1]
    return line + "…"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def duration(seconds: float) -> str:
    """Format a duration: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def print_line(text: str = "") -> None:
    """Write a line of text to standard output."""
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def print_note(text: str) -> None:
    """Write a line to standard error, for text that is not part of the result."""
    sys.stderr.write(visible(text) + "\n")
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
    print_note(f"error: {one_line(at_command_line(str(error)))}")
    if as_json:
        print_json(
            {
                "error": {
                    "code": error.kind,
                    "message": at_command_line(error.message),
                    "hint": at_command_line(error.hint),
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


def print_markdown(text: str, folder: str = "") -> None:
    """Print Markdown: rendered on a terminal, unchanged in a pipe.

    The command to verify the job folder names ``folder``, ready to be pasted.
    """
    if folder:
        text = text.replace(f"{_VERIFY} FOLDER", f"{_VERIFY} {shlex.quote(folder)}")
    if not is_terminal():
        print_line(text)
        return
    from rich.markdown import Markdown

    console().print(Markdown(_BEFORE_AN_ITEM.sub(r"\1  ", visible(text)), hyperlinks=False))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print tab-separated lines in a pipe; on a terminal a table, or blocks if it is too wide.

    Text in blocks is not broken, so that paths can be copied.
    """
    if not is_terminal():
        for row in rows:
            print_line("\t".join(one_line(field) for field in row))
        return
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    drawing = Table(*titles, box=box.SIMPLE, header_style="bold", pad_edge=False)
    for row in rows:
        drawing.add_row(*(Text(one_line(field)) for field in row))
    screen = console()
    unbroken = screen.options.update(max_width=10_000)
    if Measurement.get(screen, unbroken, drawing).maximum <= screen.width:
        screen.print(drawing)
        return
    for first, *others in rows:
        print_line(one_line(first))
        print_facts(
            [(f"  {title}", field) for title, field in zip(titles[1:], others, strict=True)]
        )


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one a line; values are not broken, so that paths can be copied."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print_line(
            f"{name:<{width + 2}}{one_line(value)}"
            if is_terminal()
            else f"{name}\t{one_line(value)}"
        )


def print_checks(checks: Sequence[Check]) -> None:
    """Print a line a check, followed by the advice of those that are not ok."""
    for check in checks:
        row = (check.name, check.state, check.found)
        line = f"{check.state:<8} {check.name}: {check.found}" if is_terminal() else "\t".join(row)
        print_line(line)
    for check in checks:
        if check.advice:
            print_line(f"{check.name}: {check.advice}")


def prose(text: str, *, indent: int = 0) -> str:
    """Return text in lines that fit the terminal, broken between words; unchanged in a pipe.

    Not for paths and commands: a line break in one would be copied with it. Lines after the first
    begin with ``indent`` spaces.
    """
    if not is_terminal():
        return text
    return textwrap.fill(
        text,
        console().width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )

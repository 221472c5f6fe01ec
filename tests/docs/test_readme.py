"""What the README shows is what its commands print today, and its blocks can be pasted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_jobs_server.demo.__main__ import DOCUMENTS
from tests.docs.documents import Fence, fences
from tests.mcp_jobs_server.cli.command_line import SAFETY_SECONDS, CommandLine, Terminal
from tests.repository import ROOT

CUT = "…"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OF_ONE_RUN = re.compile(r"\b20\d{6}-[a-z2-7]{13}\b|(?<=\[)\d+(?=\])")
"""The id of a job, and the number of a quote: questions are researched side by side."""


def shown(text: str) -> list[str]:
    """Return the lines without colours and without what is different in each run."""
    plain = _OF_ONE_RUN.sub("0", _COLOURS.sub("", text))
    return [line.rstrip() for line in plain.splitlines()]


def missing(example: Iterable[str], output: Iterable[str]) -> list[str]:
    """Return the first line of a shortened example that the output has not in this place, if any.

    A line ``…`` stands for any lines, and at the end of a line for its rest. Blank lines do not
    count.
    """
    printed = iter([line for line in output if line])
    anywhere = True
    for line in example:
        if not line:
            continue
        if line == CUT:
            anywhere = True
            continue
        if not any(_is(line, one) for one in (printed if anywhere else [next(printed, "")])):
            return [line]
        anywhere = False
    return []


def _is(line: str, printed: str) -> bool:
    return printed.startswith(line.removesuffix(CUT)) if line.endswith(CUT) else printed == line


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CommandLine]:
    yield CommandLine(data_dir=tmp_path / "data", cwd=ROOT)
    for data_dir in (tmp_path / "data", tmp_path / "data" / "demo"):
        assert CommandLine(data_dir=data_dir, cwd=ROOT).run("stop").code == 0


def test_the_example_is_what_the_demo_prints_on_a_terminal(desk: CommandLine) -> None:
    [example] = [fence for fence in fences("README.md") if "you │" in fence.text]
    command = [sys.executable, "-m", "mcp_jobs_server.demo"]
    terminal = Terminal(command, desk.environ(), desk.cwd)
    assert terminal.end() == 0, terminal.seen
    assert len(example.text.splitlines()) > 30
    assert missing(shown(example.text), shown(terminal.seen)) == []


@pytest.mark.parametrize(
    ("example", "wrong"),
    [
        (["a", CUT, "d"], []),
        (["a", "b c"], []),
        (["a", f"b{CUT}", "", "d"], []),
        (["a", "d"], ["d"]),
        (["a", "b"], ["b"]),
        ([CUT, "d", CUT, "a"], ["a"]),
        ([CUT, "d", "e"], ["e"]),
    ],
)
def test_an_example_is_held_to_each_line_in_its_order(example: list[str], wrong: list[str]) -> None:
    assert missing(example, ["a", "b c", "", "d"]) == wrong


def test_the_first_answer_of_the_readme_is_quoted_from_the_documents() -> None:
    first = next(fences("README.md"))
    documents = [path.read_text(encoding="utf-8") for path in DOCUMENTS.iterdir()]
    quoted = [line[2:] for line in first.text.splitlines() if line.startswith("> ")]
    assert len(quoted) > 3
    assert [line for line in quoted if not any(line in text for text in documents)] == []


def pasted() -> list[Any]:
    """The blocks for a shell, but those that install or need an environment of their own."""
    return [
        pytest.param(fence, id=fence.place)
        for fence in fences("README.md")
        if fence.language == "bash" and not re.match("pip |make ", fence.text)
    ]


@pytest.mark.parametrize("fence", pasted())
def test_blocks_can_be_pasted_as_they_stand(fence: Fence, desk: CommandLine) -> None:
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    home = str(desk.data_dir.parent)
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", fence.text],
        cwd=ROOT,
        env=desk.environ(PATH=programs, HOME=home, XDG_CONFIG_HOME=f"{home}/config"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_there_are_blocks_to_paste_and_none_with_a_gap_to_fill() -> None:
    assert len(pasted()) > 1
    gaps = re.compile(r"/path/to|<[a-z]+>|\b[A-Z]{2,}_[A-Z]+\b(?!=)|\bNAME\b|\bDIR\b")
    blocks = [fence for fence in fences("README.md") if fence.language in ("bash", "python")]
    assert [fence.place for fence in blocks if gaps.search(fence.text)] == []

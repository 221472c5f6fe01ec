"""What ``make dist`` built is checked before it is published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.project.release import fault, main

WHEEL, SOURCES = "mcp_jobs_server-0.2.0-py3-none-any.whl", "mcp_jobs_server-0.2.0.tar.gz"


def test_a_release_is_a_wheel_and_its_sources(tmp_path: Path) -> None:
    assert fault([WHEEL, SOURCES]) == fault([WHEEL, SOURCES], "v0.2.0") == ""
    for name in (WHEEL, SOURCES):
        (tmp_path / name).touch()
    assert main(["v0.2.0"], tmp_path) == main([], tmp_path) == 0
    assert main(["v0.2.1"], tmp_path) == 1


@pytest.mark.parametrize("tag", ["v0.2.1", "0.2.0", "v0.2", "v0.2.0rc1"])
def test_another_version_is_not_published(tag: str) -> None:
    assert fault([WHEEL, SOURCES], tag) == f"The tag is {tag}, the version 0.2.0."


@pytest.mark.parametrize(
    "names",
    [
        [],
        [WHEEL],
        [SOURCES],
        [WHEEL, SOURCES.replace("0.2.0", "0.1.0")],
        [WHEEL, SOURCES, WHEEL.replace("0.2.0", "0.1.0")],
        [WHEEL, SOURCES, "notes.txt"],
    ],
)
def test_anything_else_is_not_published(names: Sequence[str]) -> None:
    assert fault(names).startswith("Not one wheel and one source distribution")

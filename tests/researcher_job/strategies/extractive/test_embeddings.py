"""Word vectors tell what is near in meaning, come without a network, and are not needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from researcher_job.strategies.extractive import embeddings as under_test
from researcher_job.strategies.extractive.embeddings import Vectors, nearness_by, vectors_for
from researcher_job.strategies.extractive.strategy import Extractive
from tests.repository import ROOT
from tests.researcher_job.files import opened

find = Extractive().find

find = Extractive().find

ASKED = "How long is the notice period of a permanent contract?"


@pytest.fixture
def vectors() -> Vectors:
    found = vectors_for(ASKED)
    assert found is not None, "the extra 'semantic' is not installed: make .venv/.dev"
    return found


def test_what_says_the_same_in_other_words_is_nearer(vectors: Vectors) -> None:
    same, other = vectors.nearness(
        ASKED, ["Employees may quit three months in advance.", "The dog runs through the garden."]
    )
    assert -1 <= other < same <= 1


def test_odd_texts_have_a_nearness_too(vectors: Vectors) -> None:
    odd = ["", "   ", "\x00", "…", "word " * 1_000_000, "的"]
    assert all(-1.01 <= one <= 1.01 for one in vectors.nearness(ASKED, odd))
    assert vectors.nearness(ASKED, []) == []


def test_other_scripts_are_judged_by_words_only() -> None:
    assert vectors_for("首都在哪里？") is None
    assert vectors_for("Где столица?") is None
    assert vectors_for("Où est la capitale ?") is not None


def test_without_vectors_nothing_is_near() -> None:
    assert nearness_by(None, ASKED, ["one", "two"]) == [0.0, 0.0]


OFFLINE = """
import logging, socket, sys
def refuse(*_): raise OSError("no network here")
socket.socket.connect = refuse
from researcher_job.strategies.extractive.embeddings import vectors_for
assert vectors_for("How long?").nearness("How long?", ["Two days."])
print(logging.root.handlers, logging.root.level == logging.WARNING)
"""


def test_vectors_need_no_network_and_leave_logging_alone(tmp_path: Path) -> None:
    alone = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE], env=alone, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[] True\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def without_the_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python takes a module that is ``None`` for one that is not installed."""
    under_test.installed.cache_clear()
    monkeypatch.setitem(sys.modules, "wordllama", None)
    yield
    under_test.installed.cache_clear()


NOTICE = "The notice period of a permanent contract is three months."


@pytest.mark.anyio
@pytest.mark.usefixtures("without_the_package")
async def test_without_the_package_quotes_are_found_by_words(tmp_path: Path) -> None:
    assert vectors_for(ASKED) is None
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "contracts.md").write_text(f"# Contracts\n\n{NOTICE}\n")
    found = await find(ASKED, await opened(tmp_path / "docs", tmp_path / "cache"))
    assert (found.state, [one.text for one in found.quotes]) == ("answered", [NOTICE])

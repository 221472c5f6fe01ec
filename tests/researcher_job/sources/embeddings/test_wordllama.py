"""Word vectors tell what is near in meaning, come without a network, and are not needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from researcher_job.core.settings import JobSettings
from researcher_job.research.purse import Purse
from researcher_job.sources.embeddings.base import Embedder
from researcher_job.sources.embeddings.configured import model_of_blocks, model_of_quotes
from tests.repository import ROOT

ASKED = "How long is the notice period of a permanent contract?"


@pytest.fixture(scope="module")
def words() -> Embedder:
    model = model_of_blocks(JobSettings(cache_dir=Path()))
    assert model is not None, "the extra 'semantic' is not installed: make .venv/.dev"
    return model.load()


def test_what_says_the_same_in_other_words_is_nearer(words: Embedder) -> None:
    texts = ["Employees may quit three months in advance.", "The dog runs through the garden."]
    same, other = words.passages(texts) @ words.questions([ASKED])[0]
    assert -1 <= other < same <= 1


def test_odd_texts_have_a_vector_too(words: Embedder) -> None:
    odd = ["", "   ", "\x00", "…", "word " * 1_000_000, "的"]
    cosines = words.passages(odd) @ words.questions([ASKED])[0]
    assert all(-1.01 <= one <= 1.01 for one in cosines)


def test_other_scripts_are_not_known(words: Embedder) -> None:
    assert not words.knows("首都在哪里？")
    assert not words.knows("Где столица?")
    assert words.knows("Où est la capitale ?")


def test_only_what_the_settings_allow_is_used() -> None:
    nothing = JobSettings(cache_dir=Path(), embeddings=())
    words = JobSettings(cache_dir=Path(), embeddings=("wordllama",))
    assert model_of_blocks(nothing) is None
    assert model_of_quotes(words, Purse()) is None
    assert model_of_blocks(words) is not None


OFFLINE = """
import logging, socket, sys
def refuse(*_): raise OSError("no network here")
socket.socket.connect = refuse
from pathlib import Path
from researcher_job.core.settings import JobSettings
from researcher_job.sources.embeddings.configured import model_of_blocks
assert len(model_of_blocks(JobSettings(cache_dir=Path())).load().questions(["How long?"])) == 1
print(logging.root.handlers, logging.root.level == logging.WARNING)
"""


def test_vectors_need_no_network_and_leave_logging_alone(tmp_path: Path) -> None:
    alone = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE], env=alone, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[] True\n", "")
    assert list(tmp_path.iterdir()) == []

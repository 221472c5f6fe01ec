"""A whole job with a real model, however weak: located quotes only, and within its caps."""

from __future__ import annotations

from pathlib import Path

import pytest

from research_contract import records
from research_contract.files import decode, read_whole
from research_contract.records import Limits, SourceRef
from researcher_job.records.ledger import MODEL, PaidCall
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import command, make_folder, outcome_of
from tests.small_model.served import configuration, missing, small_model

DOCUMENT = """\
# Workshop

The workshop opens at 8 o'clock and closes at 17 o'clock.

Each visitor wears a helmet in the workshop.
"""
TOKENS = 20_000
MOST_CALLS = 6


@pytest.mark.skipif(bool(missing()), reason=missing() or "installed")
def test_a_job_with_a_real_small_model_ends_within_its_caps(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "workshop.md").write_text(DOCUMENT, encoding="utf-8")
    folder = make_folder(
        tmp_path / "job",
        question="When does the workshop open?",
        sources=(SourceRef(name="documents", uri=documents.as_uri()),),
        depth="quick",
        limits=Limits(tokens=TOKENS),
    )
    config = tmp_path / "research.toml"
    with small_model() as url:
        config.write_text(configuration(url, output_tokens=96), encoding="utf-8")
        ran = command(
            *("--folder", folder.path, "--settings", config, "--cache", tmp_path / "cache")
        )
    assert ran.returncode == 0, ran.stderr
    assert verify(folder.path).faults == ()
    outcome = outcome_of(folder)
    assert outcome.models[0] == f"lead: openai:smollm2 at {url}"
    assert 0 < outcome.spent.tokens <= TOKENS
    calls = [
        paid
        for path in (folder.path / records.RESULTS).glob("*.json")
        if (paid := decode(PaidCall, read_whole(path))) and paid.kind == MODEL
    ]
    assert 1 <= len(calls) <= MOST_CALLS
    # What it quotes is its own affair; what it read is there.
    assert outcome.questions[0].evidence or outcome.questions[0].nearest

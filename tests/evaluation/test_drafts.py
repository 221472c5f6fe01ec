"""The set of drafts holds what it says, and false sentences are not called supported."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from tests.evaluation.drafts import HALVES, SET, Draft, judged, table
from tests.repository import ROOT

FALSE_SUPPORTED = 2 / 49
"""Share of false sentences that may be called supported."""

RESTATED_SUPPORTED = 0.9
TRUE_CONTRADICTED = 0.05


@pytest.fixture(scope="module")
def drafts() -> list[Draft]:
    return judged(SET.read_text(encoding="utf-8"))


def _share(drafts: list[Draft], labels: tuple[str, ...], verdict: str) -> float:
    verdicts = Counter(draft.judgement.verdict for draft in drafts if draft.label in labels)
    return Counter[str](verdicts)[verdict] / verdicts.total()


@pytest.mark.parametrize("half", HALVES)
def test_verdicts_are_right_in_both_halves(drafts: list[Draft], half: str) -> None:
    here = [draft for draft in drafts if draft.half == half]
    assert len(here) > 100
    assert _share(here, ("false",), "supported") <= FALSE_SUPPORTED
    assert _share(here, ("restated",), "supported") >= RESTATED_SUPPORTED
    assert _share(here, ("restated", "paraphrase"), "contradicted") <= TRUE_CONTRADICTED


def test_without_a_model_a_paraphrase_is_never_more_than_partly_supported(
    drafts: list[Draft],
) -> None:
    assert not _share(drafts, ("paraphrase",), "supported")


def test_what_is_partly_supported_says_what_differs(drafts: list[Draft]) -> None:
    for draft in drafts:
        if draft.judgement.verdict == "partly":
            assert draft.judgement.differs or draft.judgement.missing, draft.text


def test_the_document_gives_these_figures(drafts: list[Draft]) -> None:
    text = " ".join((ROOT / "docs" / "tools.md").read_text(encoding="utf-8").split())
    for labels, verdict in (
        (("false",), "supported"),
        (("restated",), "supported"),
        (("restated", "paraphrase"), "contradicted"),
    ):
        verdicts = [str(draft.judgement.verdict) for draft in drafts if draft.label in labels]
        assert f"{verdicts.count(verdict)} of {len(verdicts)}" in text


def test_the_command_prints_a_table_by_kind(drafts: list[Draft]) -> None:
    command = [sys.executable, "-m", "tests.evaluation.drafts"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == table(drafts)
    assert len(table(drafts).splitlines()) == 1 + 2 * (1 + len({draft.kind for draft in drafts}))

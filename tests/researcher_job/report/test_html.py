"""Excerpts and contradictions of a report, and its size."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from researcher_job.evidence.contradictions import find_contradictions
from researcher_job.evidence.excerpts import TEXT_BUDGET, excerpt, excerpts
from researcher_job.report.html import html_page
from researcher_job.report.markdown import markdown_report
from tests.researcher_job.report import test_report
from tests.researcher_job.report.test_report import evidence

MAX_PAGE_BYTES = 2_000_000


def differ(one: str, other: str, **fields: object) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    found = find_contradictions([evidence(1, one), evidence(2, other, **fields)])
    return [(pair.one_says, pair.other_says) for pair in found]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (
            "The notice period is 30 days.",
            "The notice period is sixty days.",
            ("30 days", "sixty days"),
        ),
        (
            "Leave is 1,200 hours in all.",
            "Leave is 1300 hours in all.",
            ("1,200 hours", "1300 hours"),
        ),
        ("The firm was founded in 1987.", "The firm was founded in 1989.", ("1987", "1989")),
        ("Claims close in March each year.", "Claims close in June each year.", ("March", "June")),
    ],
)
def test_different_values_for_one_subject_are_a_contradiction(
    one: str, other: str, said: tuple[str, str]
) -> None:
    assert differ(one, other) == [((said[0],), (said[1],))]


def test_a_negation_is_a_contradiction() -> None:
    assert differ(
        "Visitors may enter the plant alone.", "Visitors may not enter the plant alone."
    ) == [((), ())]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The notice period is 30 days.", "The notice period is thirty days."),
        ("The notice period is 30 days.", "Lunch costs 4 euro in the canteen."),
        ("Pump 7 moves 21 litres a minute.", "Pump 8 moves 25 litres a minute."),
        ("In 2020 revenue was 5 million.", "In 2021 revenue was 6 million."),
        ("The allowance for Norway is 80 euro.", "The allowance for Portugal is 50 euro."),
        ("The notice period is 30 days.", "The notice period is 30 days, from 2024 on."),
        ("Claims are paid by the office.", "The office never sleeps."),
    ],
)
def test_quotes_about_different_subjects_are_no_contradiction(one: str, other: str) -> None:
    assert differ(one, other) == []


def test_quotes_under_different_headings_are_no_contradiction() -> None:
    one = evidence(1, "It moves 21 litres a minute.", locator="Pumps > Pump 7")
    other = evidence(2, "It moves 25 litres a minute.", locator="Pumps > Pump 8")
    assert find_contradictions([one, other]) == ()


def snapshot(text: str) -> tuple[str, dict[str, str]]:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return sha256, {sha256: text}


def test_an_excerpt_is_limited_to_the_surrounding_text() -> None:
    text = "a" * 5_000 + "\n\nBefore. Quote. After.\n\n" + "b" * 5_000
    start = text.index("Quote.")
    found = excerpt(text, start, start + 6)
    assert (found.near_before, found.near_after) == ("Before. ", " After.")
    assert len(found.far_before) + len(found.near_before) == 2_000
    assert len(found.near_after) + len(found.far_after) == 2_000
    assert not found.begins
    assert not found.ends


def test_a_report_over_big_documents_stays_small() -> None:
    text = ("Wörter <b> & 語語語語 " * 20 + "\n\n") * 3_000
    sha256, texts = snapshot(text)
    quotes = []
    for n in range(1, 301):
        start = n * 900
        quotes.append(
            evidence(n, text[start : start + 120], snapshot=sha256, start=start, end=start + 120)
        )
    report = test_report.report(*quotes)
    around = excerpts(quotes, texts.__getitem__).values()
    assert len(around) == 300
    assert sum(len(one.far_before) + len(one.far_after) for one in around) <= TEXT_BUDGET
    full = replace(report, excerpts=excerpts(quotes, texts.__getitem__))
    page = html_page(full).encode()
    assert 300_000 < len(page) < MAX_PAGE_BYTES


def test_without_its_snapshot_a_quote_is_shown_in_its_paragraph() -> None:
    assert 'Before. <mark id="c1">Word.</mark> After.' in html_page(
        test_report.report(evidence(1, "Word."))
    )
    assert excerpts([evidence(1, "Word.")], lambda _: "Another text.") == {}


def test_a_contradiction_is_shown_once_and_named_above() -> None:
    one, other = "The notice period is 30 days.", "The notice period is 60 days."
    text = markdown_report(test_report.report(evidence(1, one), evidence(2, other)))
    named = text.index("**The sources differ: 30 days against 60 days.**")
    assert named < text.index(f"> {one}") < text.index(f"> {other}")
    assert (text.count(f"> {one}"), text.count(f"> {other}")) == (1, 1)
    assert "The sources differ: see below." in text

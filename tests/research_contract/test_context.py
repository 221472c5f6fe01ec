"""What a quote needs to be understood: context lines, and rows as labelled cells."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_contract.context import context_lines, context_text, labelled_row, location
from research_contract.records import ContextSpan, Evidence

Part = tuple[str, str] | tuple[str, str, str]
"""The kind of a context span, its text, and the text that its cell begins with."""


def quoted(
    text: str, quote: str, *parts: Part, kind: str = "paragraph", locator: str = ""
) -> Evidence:
    """Return ``quote`` of ``text``; parts of the context are found from left to right."""
    start = text.rindex(quote)
    at = start
    spans = []
    for context_kind, said, *cell in parts:
        place = -1
        if cell and context_kind == "carried_cell":
            place = text.index(said)
        elif cell:
            place = at = text.index(cell[0], at)
        begin = text.index(said)
        spans.append(
            ContextSpan(
                text=said, start=begin, end=begin + len(said), kind=context_kind, cell=place
            )
        )
    return Evidence(
        n=1,
        question=0,
        quote=quote,
        source="desk",
        uri="file:///a",
        title="A",
        locator=locator,
        snapshot="0" * 64,
        start=start,
        end=start + len(quote),
        kind=kind,
        context=tuple(spans),
    )


def cells(item: Evidence) -> list[str]:
    return [cell.text for cell in labelled_row(item)]


LEASE = "Rent\n\nDeposit\n\nThe tenant pays:\n\n- two months"


def test_headings_are_one_line_above_the_other_parts() -> None:
    item = quoted(
        LEASE,
        "two months",
        ("heading", "Rent"),
        ("heading", "Deposit"),
        ("lead_in", "The tenant pays:"),
    )
    assert context_lines(item) == ("Rent > Deposit", "The tenant pays:")
    assert context_text(item) == "Rent Deposit The tenant pays:"


def test_headings_that_the_locator_says_are_not_repeated() -> None:
    parts: Sequence[Part] = (("heading", "Rent"), ("lead_in", "The tenant pays:"))
    item = quoted(LEASE, "two months", *parts, locator="Rent, line 7")
    assert context_lines(item) == ("The tenant pays:",)


def test_a_long_part_is_cut_and_line_breaks_are_gone() -> None:
    text = "From:\nNia " + "x" * 400 + " end"
    item = quoted(text, "end", ("sender", "From:\nNia " + "x" * 400))
    [line] = context_lines(item)
    assert line.startswith("From: Nia xxx")
    assert (len(line), line[-1]) == (300, "…")


@pytest.mark.parametrize(
    ("text", "row", "parts", "said"),
    [
        (
            "Item | Cost\nTea | 2",
            "Tea | 2",
            [("column_head", "Item", "Tea"), ("column_head", "Cost", "2")],
            ["Item: Tea", "Cost: 2"],
        ),
        (
            "| Item | Cost |\n|---|---|\n|Tea \\| Chai|2|",
            "|Tea \\| Chai|2|",
            [("column_head", "Item", "Tea"), ("column_head", "Cost", "2|")],
            ["Item: Tea \\| Chai", "Cost: 2"],
        ),
        (
            "Item\tCost\nTea\t2",
            "Tea\t2",
            [("column_head", "Item", "Tea"), ("column_head", "Cost", "2")],
            ["Item: Tea", "Cost: 2"],
        ),
        (
            " | 2021 | 2022\nRevenue | 4,100 | 4,300 | up",
            "Revenue | 4,100 | 4,300 | up",
            [("column_head", "2021", "4,100"), ("column_head", "2022", "4,300")],
            ["Revenue", "2021: 4,100", "2022: 4,300", "up"],
        ),
        (
            "Price\nEUR\nTea|green | 2",
            "Tea|green | 2",
            [("column_head", "Price", "2"), ("column_head", "EUR", "2")],
            ["Tea|green", "Price > EUR: 2"],
        ),
        (
            "Region | Town\nNorth | Oslo\nBergen",
            "Bergen",
            [
                ("column_head", "Region", "Bergen"),
                ("column_head", "Town", "Bergen"),
            ],
            ["Region > Town: Bergen"],
        ),
    ],
)
def test_a_row_is_shown_by_its_heads(
    text: str, row: str, parts: Sequence[Part], said: list[str]
) -> None:
    assert cells(quoted(text, row, *parts, kind="row")) == said


def test_a_cell_that_holds_for_several_rows_is_among_the_cells() -> None:
    text = "Region | Town\nNorth | Oslo\nBergen"
    north = text.index("North")
    spans = (
        ContextSpan(text="Region", start=0, end=6, kind="column_head", cell=north),
        ContextSpan(text="North", start=north, end=north + 5, kind="carried_cell", cell=north),
        ContextSpan(text="Town", start=9, end=13, kind="column_head", cell=text.index("Bergen")),
    )
    item = quoted(text, "Bergen", kind="row").model_copy(update={"context": spans})
    assert cells(item) == ["Region: North", "Town: Bergen"]
    assert context_lines(item) == ()


def test_a_row_without_heads_is_no_labelled_row() -> None:
    item = quoted("North | Oslo", "North | Oslo", ("carried_cell", "North", "North"), kind="row")
    assert labelled_row(item) == ()
    assert context_lines(item) == ("North",)
    assert cells(quoted("Item: Tea", "Tea", ("column_head", "Item", "Tea"))) == []


_CELL = (
    st.text(st.sampled_from("ab 1,.:-"), max_size=6)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


@given(st.lists(st.tuples(_CELL, st.booleans()), min_size=2, max_size=6))
def test_no_word_of_a_row_is_lost(columns: list[tuple[str, bool]]) -> None:
    row = " | ".join(value for value, _ in columns)
    spans, at = [], 0
    for value, named in columns:
        if named:
            spans.append(ContextSpan(text="H", start=0, end=1, kind="column_head", cell=at))
        at += len(value) + 3
    item = Evidence(
        n=1,
        question=0,
        quote=row,
        source="",
        uri="",
        title="",
        locator="",
        snapshot="",
        start=0,
        end=len(row),
        kind="row",
        context=tuple(spans),
    )
    shown = [(cell.value, bool(cell.head)) for cell in labelled_row(item)]
    assert shown == (columns if spans else [])


@pytest.mark.parametrize(
    ("title", "locator", "said"),
    [
        ("Lease", "Lease > Rent", "Lease > Rent"),
        ("Lease", "Lease", "Lease"),
        ("Lease", "Leasehold", "Lease, Leasehold"),
        ("Lease", "", "Lease"),
        ("", "line 3", "line 3"),
    ],
)
def test_a_location_names_the_document_once(title: str, locator: str, said: str) -> None:
    item = quoted(LEASE, "two months").model_copy(update={"title": title, "locator": locator})
    assert location(item) == said

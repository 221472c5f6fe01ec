"""Quotes that say different things are shown side by side; labels and machine files are not."""

from __future__ import annotations

import pytest

from research_contract.records import Evidence
from researcher_job.evidence.contradictions import find_contradictions


def quoted(
    n: int, text: str, *, name: str = "", locator: str = "", kind: str = "paragraph"
) -> Evidence:
    return Evidence(
        n=n,
        question=0,
        quote=text,
        source="files",
        uri=f"file:///{name or f'{n}.md'}",
        title=name,
        locator=locator,
        kind=kind,
        snapshot="0" * 64,
        start=0,
        end=len(text),
    )


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        ("Rent is EUR 900 a month.", "Rent is EUR 950 a month.", ("EUR 900", "EUR 950")),
        ("The rent is 900 euros.", "The rent is 950 euros.", ("900 euros", "950 euros")),
        ("Price: $20", "Price: $25", ("$20", "$25")),
        ("Die Miete beträgt 900 EUR.", "Die Miete beträgt 950 EUR.", ("900 EUR", "950 EUR")),
        ("The fee is CHF 40 a night.", "The fee is CHF 45 a night.", ("CHF 40", "CHF 45")),
        ("Notice: 30 days", "Notice: 60 days", ("30 days", "60 days")),
        ("The notice period is 30 days.", "The notice period is 60 days.", ("30 days", "60 days")),
    ],
)
def test_two_amounts_of_one_thing_differ(one: str, other: str, values: tuple[str, str]) -> None:
    [pair] = find_contradictions([quoted(1, one), quoted(2, other)])
    assert (pair.one_says, pair.other_says) == ((values[0],), (values[1],))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Table 37.11 lists the columns.", "Table 37.13 lists the columns."),
        ("Table 37.11. Columns of the view", "Table 37.13. Columns of the view"),
        (
            "See section 4.2 for the limits of a lease.",
            "See section 5.1 for the limits of a lease.",
        ),
        ("Siehe Tabelle 3 mit den Spalten.", "Siehe Tabelle 4 mit den Spalten."),
        ("See Fig. 3 for the limits of a pump.", "See Fig. 4 for the limits of a pump."),
        ("Details are in chapter 3 of the manual.", "Details are in chapter 7 of the manual."),
        ("4.2 Limits of the lease", "5.2 Limits of the lease"),
        ("§ 4 Limits of the lease", "§ 5 Limits of the lease"),
        ("[12] Limits of the lease", "[14] Limits of the lease"),
        ("Rent of flat 3 is EUR 900.", "Rent of flat 4 is EUR 950."),
        ("Rent was EUR 900 in 2020.", "Rent was EUR 950 in 2021."),
        ("Rent is EUR 900 a month.", "Rent is 900 euros a month."),
    ],
)
def test_numbers_that_only_name_a_place_or_thing_contradict_nothing(one: str, other: str) -> None:
    assert find_contradictions([quoted(1, one), quoted(2, other)]) == ()


@pytest.mark.parametrize(
    "name", ["site.min.js", "searchindex.js", "style.css.map", "package-lock.json"]
)
def test_machine_files_contradict_nothing(name: str) -> None:
    one, other = '"pump", "docnames": 14, "index"', '"pump", "docnames": 17, "index"'
    assert find_contradictions([quoted(1, one, name=name), quoted(2, other, name=name)]) == ()


def test_code_and_data_contradict_nothing() -> None:
    one, other = '{"pump":{"docs":[14,3],"index":2}}', '{"pump":{"docs":[17,3],"index":2}}'
    assert find_contradictions([quoted(1, one), quoted(2, other)]) == ()


@pytest.mark.parametrize(
    ("one", "other", "name", "found"),
    [
        ("Crane up to 5 t | € 60", "Crane up to 10 t | € 110", "prices.csv", 0),
        ("Crane up to 5 t | € 60", "Crane up to 5 t | € 65", "prices.csv", 1),
        ("Crane up to 5 t | € 60", "Crane up to 5 t | € 65", "", 1),  # of two documents
    ],
)
def test_rows_contradict_each_other_only_about_the_same_thing(
    one: str, other: str, name: str, found: int
) -> None:
    rows = [quoted(n, text, name=name, kind="row") for n, text in ((1, one), (2, other))]
    assert len(find_contradictions(rows)) == found

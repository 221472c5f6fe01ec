"""Numbers, amounts and dates in forms that can be compared."""

from __future__ import annotations

from itertools import pairwise

import pytest

from research_contract.text.quantities import Quantity, quantities


def only(text: str) -> Quantity:
    [found] = quantities(text)
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000 units", "1000 units"),
        ("1.000 Euro", "1,000 euros"),
        ("1'000", "1000"),
        ("3 %", "3 percent"),
        ("3,5 km", "3500 m"),
        ("$2 million", "$2,000,000"),
        ("5 bn", "5 billion"),
        ("twelve", "12"),
        ("thirty-four days", "34 days"),
        ("90 minutes", "1.5 hours"),
        ("the 18th century", "the eighteenth century"),
        ("the 1930s", "the 1930's"),
        ("230 metres", "230 meters"),
        ("21 litres", "21"),
        ("-4 °C", "\u22124 °C"),
    ],
)
def test_the_same_number(one: str, other: str) -> None:
    assert only(one).same(only(other))
    assert only(other).same(only(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000 units", "1001 units"),
        ("3 %", "3 km"),
        ("$5", "€5"),
        ("21 litres", "21 gallons"),
        ("3.5", "35"),
        ("2 million", "2 billion"),
        ("the 18th", "18"),
        ("the 1930s", "1930"),
        ("-4 °C", "4 °C"),
    ],
)
def test_another_number(one: str, other: str) -> None:
    assert not only(one).same(only(other))


@pytest.mark.parametrize(
    "text",
    [
        "12 May 2013",
        "May 12, 2013",
        "2013-05-12",
        "12. Mai 2013",
        "12.05.2013",
        "12 de mayo de 2013",
        "May 12th, 2013",
        "12th of May 2013",
        "5/12/2013",
        "12 mai 2013",
    ],
)
def test_dates_in_many_forms(text: str) -> None:
    date, year = quantities("12 May 2013")
    found = quantities(text)
    assert len(found) == 2
    assert any(date.same(one) for one in found)
    assert any(year.same(one) for one in found)


def test_a_date_states_its_month_but_a_month_states_no_day() -> None:
    day, month = only("12 May"), only("in the June of").sort
    assert month == "date"
    may, _ = quantities("May 2013")
    assert may.same(day)
    assert not day.same(may)


def test_numbers_do_not_overlap_and_stand_where_they_say() -> None:
    text = "On 12 May 2013, 1,000 of 2.5 million people (3 %) paid $20 for 21 litres in 3 days."
    found = quantities(text)
    assert [text[one.start : one.end] for one in found] == [one.text for one in found]
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert len(found) == 8

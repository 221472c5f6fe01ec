"""How a draft is taken apart: which sentences claim something, and what they cite."""

from __future__ import annotations

import pytest

from research_contract.claims.claims import claims

DRAFT = """# What the pumps do [1]

Pumps
-----

Here is what I found:

Pump 7 moves 21 litres a minute [1]. It was built in 1987. [2][3] Dr. Wagner, i.e. the owner of
No. 3, repaired it in J. F. Kennedy Street [2, 4-6]! Does it leak [1]? So much for that.

1. The pump **never** fails [^7].
2. The [manual](https://example.org/a) names no owner of it [8](https://example.org/b)
> Quoted: the valve closes at night [9].

| Pump | Litres |
|------|--------|
| Pump 7 | 21 litres [1] |

```
print("the pump costs 300 euros")
```

**Summary**

Nobody in the town knows the price of water.

## Sources

[1] Pumps, page 3
The pump costs 500 euros [1].
"""


def test_claims_of_a_draft() -> None:
    assert [(claim.text, claim.cites) for claim in claims(DRAFT)] == [
        ("Pump 7 moves 21 litres a minute.", (1,)),
        ("It was built in 1987.", (2, 3)),
        (
            "Dr. Wagner, i.e. the owner of No. 3, repaired it in J. F. Kennedy Street!",
            (2, 4, 5, 6),
        ),
        ("The pump never fails.", (7,)),
        ("The manual names no owner of it", (8,)),
        ("Quoted: the valve closes at night.", (9,)),
        ("Pump 7 | 21 litres", (1,)),
        ("Nobody in the town knows the price of water.", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        "In short:",
        "What is known?",
        "## A heading about pump 7",
        "See below.",
        "So say all.",
    ],
)
def test_what_states_nothing_is_no_claim(text: str) -> None:
    assert claims(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "It cost 61,200.",
        "She left in June.",
        "It closed on 4 July.",
        "**Revenue was 4.1 million euros.**",
        "Costs in 2021:\n\n- 300 euros",
        "He met Wagner.",
        "Leiter ist Karl Weiss.",
        "Es kostete 900 Euro.",
        "| Price | 900 |",
    ],
)
def test_a_figure_date_or_name_makes_a_short_sentence_a_claim(text: str) -> None:
    assert claims(text)


def test_the_heads_of_a_table_are_no_claim() -> None:
    assert [claim.text for claim in claims("| Anna | Karl |\n|---|---|\n| 3 | 4 |")] == ["3 | 4"]


def test_a_range_of_marks_is_bounded() -> None:
    [claim] = claims("The pump moves water [1-999999].")
    assert len(claim.cites) == 51

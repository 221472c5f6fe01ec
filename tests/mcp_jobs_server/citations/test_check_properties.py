"""What must hold of a check whatever is written: it answers, it is bounded, it is not fooled."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mcp_jobs_server.citations.check import MAX_SHOWN, check_claims
from mcp_jobs_server.messages.results import CheckResult
from research_contract.claims.claims import claims
from research_contract.records import Evidence
from research_contract.text.quantities import quantities

TEXT = """
the pump moves water Wagner signed contract employees may not never without leave carry over don't
Siemens revenue increased fell north of in by and or Müller 北京大学 Договор A7 F-16 v2.13
7 21 1,000 2013 3.5 12:30 1.000 0.5 2013-05-12 $264,512 3% 1930s 18th 100 5/12/2013 -4 007 km
"""
QUOTES = st.lists(st.sampled_from([*TEXT.split(), "12 May"]), min_size=3, max_size=14).map(
    lambda words: " ".join(words) + "."
)
MARKUP = [*"[]()|>#*`~-=!?.: '", "\n", "[1]", "[1-9]", "```\n", "12 May", "1,000", "not "]
ODD = st.text(max_size=200) | st.lists(st.sampled_from(MARKUP), max_size=60).map("".join)
BOUNDED = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def check(draft: str, *quotes: str) -> CheckResult:
    return check_claims(
        "job", draft, [_evidence(n, quote) for n, quote in enumerate(quotes, start=1)]
    )


def _evidence(n: int, quote: str) -> Evidence:
    return Evidence(
        n=n,
        question=0,
        quote=quote,
        source="s",
        uri="file:///s",
        title="",
        locator="",
        snapshot="0" * 64,
        start=0,
        end=len(quote),
    )


@BOUNDED
@given(draft=ODD, quote=ODD)
def test_any_text_gets_a_bounded_answer(draft: str, quote: str) -> None:
    answer = check(draft, quote)
    assert len(answer.claims) <= MAX_SHOWN
    assert len(answer.uncited) <= MAX_SHOWN
    assert all(0 <= claim.score <= 1 for claim in answer.claims)
    assert answer == check(draft, quote)


@BOUNDED
@given(quote=QUOTES | ODD)
@example("The pump moves 21 litres. It never fails! Nobody knows why.")
@example("[0]0\rNO|")
@example("Wagner said 「北京大学」 in 1898。")
def test_a_verbatim_copy_is_supported(quote: str) -> None:
    draft = " ".join(f"{claim.text} [1]" for claim in claims(quote))
    for claim in check(draft, quote).claims:
        if claim.cites == (1,):
            assert claim.verdict == "supported", claim


@BOUNDED
@given(quote=QUOTES, place=st.integers(0, 99), by=st.integers(1, 9))
@example("The pump moves 21 litres and pump 21 leaks.", 0, 1)
@example("F-16 21 12 May v2.13 may.", 6, 1)
@example("12:30 F-16.", 5, 6)
def test_a_changed_number_is_never_supported(quote: str, place: int, by: int) -> None:
    digits = list(re.finditer(r"\d", quote))
    assume(digits)
    at = digits[place % len(digits)].start()
    changed = quote[:at] + str((int(quote[at]) + by) % 10) + quote[at + 1 :]
    assume(_states_another(changed, quote))
    for claim in check(f"{changed} [1]", quote).claims:
        assert claim.verdict != "supported", claim


def _states_another(changed: str, quote: str) -> bool:
    """Say whether ``changed`` states a number, or names something with digits, that is new."""
    known = quantities(quote)
    new = [one for one in quantities(changed) if not any(one.same(two) for two in known)]
    named = set(re.findall(r"[^\W\d]+[\w.-]*\d[\w.]*", changed))
    return bool(new) or bool(named - set(re.findall(r"[^\W\d]+[\w.-]*\d[\w.]*", quote)))


def test_a_draft_of_the_greatest_length_is_answered() -> None:
    draft = ("Pump 7 moves 21 litres of water a minute for Wagner [1]. " * 1100)[:60_000]
    quotes = [f"Pump {n} moves {n * 3} litres of water a minute." for n in range(1, 400)]
    answer = check(draft, *quotes)
    assert sum(answer.counts.values()) == 1000
    assert len(answer.claims) == MAX_SHOWN

"""What a quote says of a claim: words, numbers, dates, units, names, negations, opposites."""

from __future__ import annotations

import pytest

from research_contract.claims.claims import claims
from research_contract.claims.quotes import Quoted, Quotes
from research_contract.claims.verdicts import Judgement, better_quote, judge
from tests.research_contract.text.test_stems import DIFFERENT

PUMP = "Pump 7 moves 21 litres of water a minute."
LEAVE = "Employees may not carry over more than five days of leave."
REVENUE = "Revenue increased by 3 percent to $264,512 in 2019."
SALES = "Revenue was 4.1 million euros in 2020 and 4.6 million in 2021."
LIBRARY = "The library is closed from 4 July to 29 August."
BOUGHT = "Lindqvist bought Borealis in May."
SIGNED = "The contract with Siemens was signed on 12 May 2013 and covers 1,000 units."


def say(claim: str, *quotes: str, title: str = "", paragraph: str = "") -> Judgement:
    """Judge the one claim in a text by all of ``quotes``."""
    known = Quotes(Quoted(n, text, title, paragraph) for n, text in enumerate(quotes, start=1))
    [stated] = claims(f"{claim} [1]")
    return judge(stated, known, known.numbers)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Pump 7 moves 21 liters of water per minute.", PUMP),
        ("Pump 7 moves twenty-one litres of water a minute.", PUMP),
        ("The contract with Siemens was signed on May 12, 2013.", SIGNED),
        ("The contract with Siemens was signed on 2013-05-12.", SIGNED),
        ("Revenue rose by 3 % in 2019.", "Revenue rose by 3 percent in 2019."),
        ("Employees may not carry over more than 5 days of leave.", LEAVE),
        ("The road is 3,000 m long.", "The road is 3 km long."),
        ("The fund holds $2.5 million in cash.", "The fund holds $2,500,000 in cash."),
        ("Revenue was 4.6 million euros in 2021.", SALES),
        ("The gate is shut; the pump leaks.", "The pump leaks. The gate is shut."),
        (
            "Die Pumpe fördert 21 Liter Wasser je Minute.",
            "Die Pumpe fördert 21 Liter Wasser pro Minute.",
        ),
        ("The pump isn't oiled.", "The pump is not oiled."),
    ],
)
def test_the_same_in_other_forms_is_supported(claim: str, quote: str) -> None:
    assert say(claim, quote).verdict == "supported"


@pytest.mark.parametrize(
    ("claim", "quote", "claimed", "quoted"),
    [
        ("Siemens signed the contract on 2013-05-12.", SIGNED, "not said", "was"),
        ("The contract with Siemens was signed in May 2013.", SIGNED, "in May", "on 12 May"),
        ("Revenue increased to about $260,000 in 2019.", REVENUE, "about $260,000", "$264,512"),
        (
            "The fund holds $2.5 million.",
            "The fund holds $2,500,000 in cash.",
            "not said",
            "in cash",
        ),
        ("The library always closes from 4 July.", LIBRARY, "always", "is"),
        ("The glue is safe.", "The glue is safe, critics doubt.", "not said", "critics doubt"),
        ("Most of the members voted.", "Few of the members voted.", "Most", "Few"),
        (
            "The firm closes the plant.",
            "The firm plans to close the plant.",
            "not said",
            "plans to",
        ),
        ("The pump moves water.", "The pump moves water if the valve is open.", "not said", "if"),
        (
            "Die Firma stellt die Produktion her.",
            "Die Firma stellt die Produktion ein.",
            "her",
            "ein",
        ),
    ],
)
def test_what_is_said_in_other_words_is_partly_supported_and_told(
    claim: str, quote: str, claimed: str, quoted: str
) -> None:
    judged = say(claim, quote)
    assert judged.verdict == "partly"
    assert any(claimed in one.claimed and quoted in one.quoted for one in judged.differs)


def test_two_quotes_merged_into_one_claim_are_partly_supported() -> None:
    claim = "Anna Weiss founded Borealis with 4.1 million euros."
    judged = say(claim, SALES, "Anna Weiss founded Borealis in 1998.")
    assert judged.verdict == "partly"
    assert judged.differs
    joined = (
        "Anna Weiss founded Borealis in 1998 and the library is closed from 4 July to 29 August."
    )
    assert say(joined, LIBRARY, "Anna Weiss founded Borealis in 1998.").verdict == "supported"


def test_it_in_a_joined_part_stands_for_nothing_known() -> None:
    joined = "Pump 7 was built in 1987 and it leaks in winter."
    assert say(joined, "Pump 7 was built in 1987.", "It leaks in winter.").verdict == "partly"


@pytest.mark.parametrize(
    ("claim", "quote", "claimed", "quoted"),
    [
        ("Pump 7 moves 25 litres of water a minute.", PUMP, "25 litres", "21 litres"),
        ("Pump 8 moves 21 litres of water a minute.", PUMP, "8", "7"),
        ("The contract with Siemens was signed on 13 May 2013.", SIGNED, "13 May", "12 May"),
        ("The contract with Siemens was signed in June 2013.", SIGNED, "June", "12 May"),
        ("The contract with Siemens was signed on 12 May 2014.", SIGNED, "2014", "2013"),
        ("Revenue increased by 4 percent in 2019.", REVENUE, "4 percent", "3 percent"),
        ("Revenue increased to about $270,000 in 2019.", REVENUE, "$270,000", "$264,512"),
        ("Revenue fell by 3 percent in 2019.", REVENUE, "fell", "increased"),
        ("Employees may carry over more than five days of leave.", LEAVE, "no negation", "not"),
        ("Pump 7 never moves 21 litres of water.", PUMP, "never", "no negation"),
        (
            "Revenue was 4.1 million euros in 2021.",
            SALES,
            "4.1 million … 2021",
            "4.6 million … 2021",
        ),
        ("Borealis bought Lindqvist in May.", BOUGHT, "Borealis bought", "Lindqvist bought"),
        ("Karl Weiss founded Borealis.", "Anna Weiss founded Borealis.", "Karl", "Anna"),
        ("The library reopens on 4 July.", LIBRARY, "reopens", "closed"),
        ("COVID-20 spread to 14 homes.", "COVID-19 spread to 14 homes.", "COVID-20", "COVID-19"),
        (
            "Die Bibliothek ist vom 4. Juni bis 29. August geschlossen.",
            "Die Bibliothek ist vom 4. Juli bis 29. August geschlossen.",
            "4. Juni",
            "4. Juli",
        ),
        ("Die Pumpe leckt nicht im Winter.", "Die Pumpe leckt im Winter.", "nicht", "no negation"),
    ],
)
def test_what_the_quote_says_otherwise_is_named(
    claim: str, quote: str, claimed: str, quoted: str
) -> None:
    judged = say(claim, quote)
    assert judged.verdict == "contradicted"
    [differs] = judged.differs
    assert claimed in differs.claimed
    assert quoted in differs.quoted


@pytest.mark.parametrize(
    ("claim", "quote", "missing"),
    [
        ("Pump 7 moves 21 litres of water a minute for Wagner.", PUMP, "Wagner"),
        ("Bosch signed the contract on 12 May 2013.", SIGNED, "Bosch"),
        ("The contract with Siemens covers 1,000 units and 30 spares.", SIGNED, "30"),
        ("The contract with Siemens in Munich was signed in 2013.", SIGNED, "Munich"),
    ],
)
def test_a_claim_that_says_more_is_partly_supported(claim: str, quote: str, missing: str) -> None:
    judged = say(claim, quote)
    assert judged.verdict == "partly"
    assert missing in [term.text for term in judged.missing]


def test_a_copy_is_certain() -> None:
    assert say(PUMP, SIGNED, f"{LEAVE} {PUMP}").score == 1
    assert say(f"{PUMP[:-1]} today.", PUMP).score < 1


def test_what_no_quote_speaks_of_is_not_found() -> None:
    assert say("The mayor opened the harbour in spring.", PUMP).verdict == "not found"


def test_a_number_in_other_words_contradicts_nothing() -> None:
    """Another matter with another number: nothing is said against the claim."""
    judged = say(
        "The mayor paid 30 euros for bread.", "The mayor of Hamburg asked 40 euros for oil."
    )
    assert judged.verdict == "not found"
    assert judged.differs == ()


def test_several_quotes_support_a_claim_together() -> None:
    claim = "Pump 7 moves 21 litres of water and was built in 1987 by Wagner."
    pump = "Pump 7 moves 21 litres of water, day and night."
    built = "Pump 7 was built in 1987 by Wagner."
    assert say(claim, pump).verdict == "partly"
    assert say(claim, pump, built).verdict == "supported"


def test_title_and_paragraph_say_what_a_quote_is_about() -> None:
    claim = "Pump 7 was built in 1987."
    quote = "It was built in 1987."
    assert say(claim, quote).verdict == "partly"
    assert say(claim, quote, title="Pump 7").verdict == "supported"
    assert say(claim, quote, title="Pump 7 and pump 8").verdict == "partly"
    score = say(claim, quote).score
    assert say(claim, quote, paragraph="Pump 7 is old.").score > score


def test_numbers_of_the_paragraph_do_not_count() -> None:
    quote = "The pump was built by Wagner."
    claim = "The pump was built by Wagner in 1987."
    judged = say(claim, quote, paragraph=claim)
    assert judged.verdict == "partly"
    assert [term.text for term in judged.missing] == ["1987"]


def test_not_only_denies_nothing() -> None:
    claim = "The pump moves water and oil."
    assert say(claim, "The pump moves not only water but also oil.").verdict == "partly"
    assert say(claim, "The pump does not move water.").verdict == "contradicted"


def test_a_part_of_a_denied_sentence_is_no_copy() -> None:
    quote = "It is not true that the pumps leak in winter."
    assert say("The pumps leak in winter.", quote).verdict != "supported"


@pytest.mark.parametrize(
    ("claim", "other"),
    [
        ("北京大学成立于1898年。", "北京大学成立于1899年。"),
        ("Le contrat de 2013 couvre 1 000 unités.", "Le contrat de 2014 couvre 1 000 unités."),
        ("El contrato se firmó en mayo de 2013.", "El contrato se firmó en mayo de 2014."),
        ("Договор подписан 12 раз в Москве.", "Договор подписан 13 раз в Москве."),
        ("تأسست الجامعة عام 1908 في القاهرة.", "تأسست الجامعة عام 1909 في القاهرة."),
    ],
)
def test_other_languages(claim: str, other: str) -> None:
    assert say(claim, claim).verdict == "supported"
    assert say(claim, other).verdict in ("contradicted", "partly")


def test_another_quote_that_says_it_is_named() -> None:
    quotes = Quotes([Quoted(1, PUMP), Quoted(2, SIGNED), Quoted(3, LEAVE)])
    [claim] = claims("The contract with Siemens covers 1,000 units [1].")
    assert better_quote(claim, quotes, [1], judge(claim, quotes, [1])) == 2
    [claim] = claims("The contract with Siemens covers 2,000 units [1].")
    assert better_quote(claim, quotes, [1], judge(claim, quotes, [1])) is None
    [claim] = claims("The contract with Siemens covers 1,000 units [2].")
    assert better_quote(claim, quotes, [2], judge(claim, quotes, [2])) is None


def test_more_found_never_scores_less() -> None:
    claim = "The contract with Siemens was signed on 12 May 2013 and covers 1,000 units."
    texts = [
        "The contract",
        "The contract with Siemens",
        "The contract with Siemens was signed",
        "The contract with Siemens was signed on 12 May 2013",
        SIGNED,
    ]
    scores = [say(claim, text).score for text in texts]
    assert scores == sorted(scores)


@pytest.mark.parametrize(("claimed", "quoted"), DIFFERENT)
def test_words_that_begin_alike_are_different_words(claimed: str, quoted: str) -> None:
    [claim] = claims(f"The town council praised the {claimed} twice [1].")
    quotes = Quotes([Quoted(1, f"The town council praised the {quoted} twice.")])
    assert [term.text for term in judge(claim, quotes, (1,)).missing] == [claimed]

"""Running prose is divided into sentences, not behind abbreviations, numbers and ordinals."""

from __future__ import annotations

from itertools import pairwise

import pytest

from research_contract.text.splitting import split


def pieces(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in split(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ("Pump no. 7 moves 21 litres.", "It is loud."),
        ("It starts on Jan. 5 and ends on Feb. 10.", "The board agreed."),
        ("Mr. Smith met Dr. Jones at 3.5 km.", "They left.", "他走了。", "她来了。"),
        ("J. K. Rowling wrote it.", "U.S. Steel sold 5 mills to Acme Inc.", "They talked."),
        ("See Fig. 3 and Sec. 4.", "Then stop."),
        ("We met at 5 p.m.", "He left."),
        ("He said no.", "The dog ran."),
        ("He has approx. 30 cats.", "No. 5 is red."),
        ("It was in 1999.", "The year was good."),
        ("What is it?", "It is good!", "Yes …", "No."),
        ("She said: “It leaks.”", "He closed it."),
        ("It was built in 1987.[1]", "It leaks.[2][3]", "Nobody knows why."),
        ("Die Sitzung am 3. Mai war kurz.", "Danach gab es Kaffee."),
        ("Bis 31. Dezember 2025 gilt es.", "Danach nicht."),
        ("Vom 1. bis 3. Mai ist zu.", "Dann wieder auf."),
        ("Es kostet 4,5 Mio. Euro im Jahr.", "Das ist viel."),
        ("Er wohnt Hauptstr. 5 in Bonn.", "Sie nicht."),
        ("Die 2. Etage ist leer.", "Im 19. Jahrhundert war sie voll."),
        ("Er nannte z. B. Pumpen, d. h. Wasserpumpen.", "Ja."),
        ("Vgl. Abs. 3 Satz 2 und Nr. 4.", "Ende."),
        ("Das kostet 5 Euro usw.", "Der Rest folgt."),
    ],
)
def test_sentences(sentences: tuple[str, ...]) -> None:
    assert pieces(" ".join(sentences)) == list(sentences)


def test_the_spans_cover_the_text_and_touch() -> None:
    text = "  One is here. Two is there.\n\nThree, e.g. this "
    spans = list(split(text))
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_a_part_of_a_text_is_divided() -> None:
    text = "One is here. Two is there. Three."
    assert [text[a:b] for a, b in split(text, 4, 19)] == ["is here.", " Two is"]

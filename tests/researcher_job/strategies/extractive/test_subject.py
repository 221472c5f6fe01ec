"""An answer is about what was asked, and of the kind that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from researcher_job.sources.base import Source
from researcher_job.sources.index.answer_type import AnswerType, answer_type
from researcher_job.sources.index.query import analyse
from researcher_job.strategies.extractive.answer_cues import strength
from researcher_job.strategies.extractive.strategy import Extractive
from tests.researcher_job.files import opened

find = Extractive().find

pytestmark = pytest.mark.anyio

OTHERS = {
    f"{name}.md": f"# {name.title()}\n\n{name.title()} requires Python version 3.{number}."
    for number, name in enumerate(("beta", "gamma", "delta", "epsilon", "zeta", "eta"), start=8)
}


async def library_of(tmp_path: Path, texts: Mapping[str, str]) -> Source:
    (tmp_path / "docs").mkdir()
    for name, text in texts.items():
        (tmp_path / "docs" / name).write_text(text)
    return await opened(tmp_path / "docs", tmp_path / "cache")


async def test_what_other_things_require_is_no_answer(tmp_path: Path) -> None:
    alpha = "# Alpha\n\nAlpha checks the fields of a record, whatever their order is."
    library = await library_of(tmp_path, {**OTHERS, "alpha.md": alpha})
    found = await find("Which Python version does Alpha require?", library)
    assert found.state != "answered"
    assert {quote.passage.title for quote in found.quotes} <= {"Alpha"}


async def test_a_passage_that_only_mentions_the_thing_is_about_another(tmp_path: Path) -> None:
    others = {name: f"{text} It is often used with Alpha." for name, text in OTHERS.items()}
    alpha = "# Alpha\n\nAlpha checks the fields of a record, whatever their order is."
    library = await library_of(tmp_path, {**others, "alpha.md": alpha})
    found = await find("Which Python version does Alpha require?", library)
    assert found.state != "answered"
    assert not any("requires" in quote.text for quote in found.quotes)


async def test_a_thing_that_is_nowhere_named_has_no_answer(tmp_path: Path) -> None:
    more = "as the minimum when it is installed on a server."
    others = {name: f"{text[:-1]} {more}" for name, text in OTHERS.items()}
    library = await library_of(tmp_path, dict(list(others.items())[:2]))
    asked = "Which minimum Python version does {} require when installed on a server?"
    assert (await find(asked.format("Beta"), library)).state == "answered"
    found = await find(asked.format("Omega"), library)
    assert found.state != "answered"
    assert "omega" in found.note


async def test_what_the_thing_itself_requires_is(tmp_path: Path) -> None:
    alpha = "# Alpha\n\nAlpha checks the fields of a record. It requires Python version 3.10."
    library = await library_of(tmp_path, {**OTHERS, "alpha.md": alpha})
    found = await find("Which Python version does Alpha require?", library)
    assert found.state == "answered"
    assert found.quotes[0].text == "It requires Python version 3.10."


async def test_a_file_is_about_what_its_folder_is_named_for(tmp_path: Path) -> None:
    (tmp_path / "docs" / "alpha").mkdir(parents=True)
    (tmp_path / "docs" / "beta").mkdir()
    for name, version in (("alpha", "3.10"), ("beta", "3.12")):
        text = f"# Installing\n\nThe package requires Python version {version}, at least."
        (tmp_path / "docs" / name / "install.md").write_text(text)
    (tmp_path / "docs" / "alpha.md").write_text("# Alpha\n\nAlpha checks the fields of a record.")
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    found = await find("Which Python version does alpha require?", library)
    assert "3.10" in found.quotes[0].text
    assert not any("3.12" in quote.text for quote in found.quotes)


async def test_how_something_behaves_is_asked_in_words_no_document_has(tmp_path: Path) -> None:
    alpha = "# Alpha\n\nIf the lock is held by another process, Alpha raises a timeout error."
    library = await library_of(tmp_path, {**OTHERS, "alpha.md": alpha})
    question = "How does Alpha behave when the lock is already held?"
    assert [term.word for term in analyse(question).terms] == ["alpha", "lock", "held"]
    found = await find(question, library)
    assert found.state == "answered"
    assert "raises a timeout error" in found.quotes[0].text


async def test_a_time_that_no_quote_gives_is_not_answered(tmp_path: Path) -> None:
    says = "The council of Alpha opened the harbour bridge to traffic"
    library = await library_of(tmp_path, {**OTHERS, "alpha.md": f"# Alpha\n\n{says} with a feast."})
    question = "When was the harbour bridge opened to traffic by the council of Alpha?"
    assert (await find(question, library)).state == "partial"
    (tmp_path / "docs" / "alpha.md").write_text(f"# Alpha\n\n{says} in May 1931.")
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    assert (await find(question, library)).state == "answered"


async def test_the_sentence_with_the_answer_is_preferred_to_the_first(tmp_path: Path) -> None:
    text = (
        "# Blue Tide\n\nBlue Tide is a slow song about the sea. It was sold in many countries."
        " The song was written by Orsola Weiss and Ivo Brandt."
    )
    library = await library_of(tmp_path, {**OTHERS, "tide.md": text})
    found = await find("Who wrote Blue Tide?", library)
    assert found.quotes[0].text == "The song was written by Orsola Weiss and Ivo Brandt."


@pytest.mark.parametrize(
    ("question", "kind", "says", "lacks"),
    [
        ("When was it built?", "time", "It was built in 1931.", "It was built with care."),
        ("How long is it kept?", "duration", "Kept for ninety days.", "Kept in a cupboard."),
        ("How much does it cost?", "price", "A place is $40.", "A place is dear."),
        ("How many are there?", "number", "There are twelve.", "There are plenty."),
        ("Who built it?", "person", "Then Orsola Weiss built it.", "It was built quickly."),
        ("Where is it?", "place", "It lies near Graz.", "It lasts."),
        ("Where does the name Alpha come from?", "origin", "It derives from Greek.", "It works."),
        ("What is the purpose of it?", "purpose", "It is used to cut.", "It is blue."),
        ("What is the difference?", "difference", "One is old, whereas the other is new.", "Yes."),
        ("Why did it fail?", "reason", "It failed because of rust.", "It failed."),
        ("What is the meaning of it?", "definition", "It denotes a place.", "Go on."),
        ("How is it cleaned?", "manner", "It is cleaned by rinsing.", "It shines."),
    ],
)
async def test_kinds_of_answers_are_told_apart(
    question: str, kind: AnswerType, says: str, lacks: str
) -> None:
    assert answer_type(question) == kind
    there, missing = strength(kind, says, frozenset()), strength(kind, lacks, frozenset())
    assert there is not None
    assert missing is not None
    assert there > missing


async def test_what_the_question_says_is_no_answer_to_it() -> None:
    text = "In 1931 Orsola Weiss came to Graz."
    assert strength("time", text, frozenset()) == 1
    assert strength("time", text, {"1931"}) == 0
    assert strength("other", text, frozenset()) is None


async def test_the_one_thing_a_question_is_about() -> None:
    assert analyse("Which Python version does pydantic require?").subject == "pydant"
    assert analyse("What is Kubernetes used for?").subject == "kubernet"
    assert analyse("Who joined first, Orsola Weiss or Ivo Brandt?").subject == ""
    assert analyse("How many days of leave are there?").subject == ""

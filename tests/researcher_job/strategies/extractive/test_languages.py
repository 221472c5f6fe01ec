"""Questions find their sentence in scripts without spaces, with accents and in every spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from researcher_job.sources.base import Query
from researcher_job.sources.index.document_source import DocumentSource
from researcher_job.sources.index.query import analyse
from researcher_job.sources.index.tokenizer import stems
from researcher_job.strategies.extractive.strategy import Extractive
from tests.researcher_job.files import opened

find = Extractive().find

pytestmark = pytest.mark.anyio

TEXTS = {
    "zh": "公司每年给员工二十五天带薪年假。年假需要提前两周在系统中申请。\n\n"
    "备份数据保留九十天。之后自动删除。",
    "ja": "従業員には毎年二十五日の有給休暇が与えられます。\n\n"
    "バックアップは九十日間保存されます。出張費は部長が承認します。",
    "th": "พนักงานได้รับวันลาพักร้อนยี่สิบห้าวันต่อปี\n\nข้อมูลสำรองถูกเก็บไว้เก้าสิบวัน",
    "hi": "कर्मचारियों को हर साल पच्चीस दिन की छुट्टी मिलती है।\n\nबैकअप नब्बे दिन तक रखे जाते हैं।",
    "de": "Die Beschäftigten erhalten jährlich 25 Tage Urlaub.\n\n"
    "Sicherungen werden neunzig Tage aufbewahrt.",
    "fr": "Les salariés reçoivent 25 jours de congés payés.\n\n"
    "Les sauvegardes sont conservées 90 jours.",
    "en": "The colour of the label shows the licence. Anna wrote the catalogue in 1999.",
}


@pytest.fixture
async def library(tmp_path: Path) -> DocumentSource:
    (tmp_path / "docs").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "docs" / f"{name}.txt").write_text(text)
    return await opened(tmp_path / "docs", tmp_path / "cache")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("备份数据保留多少天？", "备份数据保留九十天"),
        ("バックアップは何日間保存されますか？", "バックアップは九十日間保存されます。"),
        ("出張費は誰が承認しますか？", "出張費は部長が承認します。"),
        ("ข้อมูลสำรองถูกเก็บไว้กี่วัน", "ข้อมูลสำรองถูกเก็บไว้เก้าสิบวัน"),
        ("बैकअप कितने दिन तक रखे जाते हैं?", "बैकअप नब्बे दिन तक रखे जाते हैं।"),
        ("Wie viele Tage Urlaub erhalten die Beschäftigten?", "Die Beschäftigten erhalten"),
        ("Combien de jours de congés les salaries reçoivent-ils ?", "Les salariés reçoivent"),
        ("What color shows the license?", "The colour of the label shows the licence."),
        ("Who writes the catalog?", "Anna wrote the catalogue in 1999."),
    ],
)
async def test_a_question_finds_its_sentence(
    library: DocumentSource, question: str, said: str
) -> None:
    found = await find(question, library)
    assert found.state != "not_found", found.note
    assert said in found.quotes[0].text


async def test_a_word_inside_a_run_without_spaces_is_found(library: DocumentSource) -> None:
    (passage, *_) = await library.search(Query("年假"), limit=3)
    assert "带薪年假" in passage.text
    assert await library.search(Query("汽车"), limit=3) == []


async def test_what_was_removed_is_found_no_more(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("a", "b"):
        (tmp_path / "docs" / f"{name}.md").write_text(f"# {name} 备份说明\n\n备份数据保留九十天。")
    await opened(tmp_path / "docs", tmp_path / "cache")
    (tmp_path / "docs" / "b.md").unlink()
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    found = await library.search(Query("备份数据"), limit=9)
    assert {passage.uri.rpartition("/")[2] for passage in found} == {"a.md"}
    assert [m.name for m in await library.lexicon.mentioned(["a 备份说明"], Query("备份"))] == [
        " ".join(stems(["a 备份说明"])[0])
    ]
    assert not await library.lexicon.mentioned(["b 备份说明"], Query("备份"))


def test_the_words_of_a_question_are_told_from_what_it_asks() -> None:
    def words(question: str) -> list[str]:
        return [term.word for term in analyse(question).terms]

    assert words("How often are backups made, and how many are kept?") == [
        "backups",
        "made",
        "kept",
    ]
    assert words("What does GSA stand for?") == ["gsa"]
    assert words("Wie viele Tage Urlaub gibt es?") == ["tage", "urlaub"]
    assert words("¿Cuántos días de vacaciones tienen los empleados?") == [
        "días",
        "vacaciones",
        "empleados",
    ]
    assert analyse("What is the licence?").index_stems == ("licenc", "licens")

"""Small inputs that were read wrongly, from the material that is shared beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from researcher_job.sources.base import Query
from tests.repository import SHARED
from tests.researcher_job.files import opened

pytestmark = pytest.mark.anyio

CASES = SHARED / "cases" / "documents"
VESSELS = "How many vessels does the dry dock hold?"
CRANE = "How many tonnes does the crane lift?"
BERTH = "How much does the berth cost?"
HELD = "How many minutes is a berth held?"
SAID = [
    ("html-font-size-word", "How much is the mooring fee?", "340 crowns a season"),
    ("html-unclosed-nav", "How fast is a mainsail repaired?", "within nine working days"),
    ("html-hidden-until-script", "When does the slipway reopen?", "third of June"),
    ("html-soft-hyphens", "Wie lange dauert der Sonderurlaub?", "elf Tage"),
    ("txt-ligatures", "Where is the refill valve kept?", "shed four"),
    ("pdf-hyphenation", "How long does the apprenticeship last?", "fourteen months"),
    ("docx-key-value-table", "How long is the notice period?", "Notice period | Ten weeks"),
    ("docx-form-label-pairs", "Who is the host of the visitor?", "Host | Ivo Example"),
    ("docx-one-row-table", "What is the extension of the duty officer?", "four two one"),
    ("html-rowspan", "What is the fee for a cutter in summer?", "Cutter | 43"),
    ("docx-vmerge", "Which harbour is berth A2 in?", "North"),
    ("xlsx-title-row", "What is the allowance for Norway?", "Norway | 80 | crown"),
    ("xlsx-title-row", "What is the allowance for Norway?", "Travel allowances of the yard"),
    ("xlsx-formula-no-cache", "What is the total of the bill?", "not computed (=B2+B3)"),
    ("xlsx-strict", "How many vessels does the north dock hold?", "North | 3"),
    ("docx-strict", VESSELS, "three vessels"),
    ("docx-clause-numbers", "What does clause 3 of the contract say?", "ten weeks of notice"),
    ("docx-equation", "What is the safe load?", "L=4d+7 tonnes"),
    ("docx-header-comment", "Which edition is the rule book?", "nineteen"),
    ("docx-header-comment", "Which tank takes the washing water?", "four"),
    ("pptx-chart", "How many guests came in summer?", "977"),
    ("pdf-one-bad-page", CRANE, "eleven tonnes"),
    ("pdf-one-bad-page", "What is the mooring fee?", "340 crowns"),
    ("pdf-two-columns-interleaved", "What is the winter rate?", "nineteen crowns a night"),
    ("pdf-rotated", CRANE, "eleven tonnes"),
    ("pdf-narrow-spaces-18", CRANE, "eleven tonnes"),
    ("pdf-narrow-spaces-22", CRANE, "eleven tonnes"),
    ("txt-utf16le-no-bom", "How much does the pilot earn?", "52 crowns an hour"),
    ("txt-shift-jis", "係留料はいくらですか", "二千四百円"),
    ("txt-cp1251", "Сколько стоит стоянка", "сорок рублей"),
    ("txt-cp1253", "Πόσο κοστίζει η θέση", "σαράντα ευρώ"),
    ("txt-cp1250", "Kolik stojí kotvení", "čtyřicet korun"),
    ("txt-mac-roman", "Combien coûte la place", "quarante francs"),
    ("eml-8bit-no-charset", "Combien coûte le mât", "quarante francs"),
    ("eml-junk-header-line", BERTH, "forty francs"),
    ("eml-boundary-with-odd-signs", BERTH, "forty francs"),
    ("json-comments", HELD, "95"),
    ("jsonc-suffix", HELD, "95"),
    ("odt", VESSELS, "three vessels"),
    ("rtf", VESSELS, "three vessels"),
    ("mbox", BERTH, "forty francs"),
]


@pytest.mark.skipif(not CASES.exists(), reason=f"{CASES} is missing")
@pytest.mark.parametrize(("case", "question", "value"), SAID)
async def test_the_right_value_stands_in_what_is_found(
    tmp_path: Path, case: str, question: str, value: str
) -> None:
    library = await opened(CASES / case, tmp_path / "cache")
    assert library.coverage.read == library.coverage.found
    found = await library.search(Query(question), limit=3)
    said = [passage.text for passage in found]
    said += [context.text for passage in found for context in passage.context]
    assert any(value in " ".join(text.split()) for text in said)


@pytest.mark.skipif(not CASES.exists(), reason=f"{CASES} is missing")
def test_every_case_is_asked_for() -> None:
    assert {case for case, _, _ in SAID} == {path.name for path in CASES.iterdir()}

"""Everything that reads text of others takes time in proportion to its length.

A text whose time grows with the square of its length stops the server for all who use it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from mcp_jobs_server.citations.check import check_claims
from mcp_jobs_server.cli import output
from mcp_jobs_server.databricks.failures import sanitize
from mcp_jobs_server.messages import amounts, wording
from mcp_jobs_server.reports.findings import Findings, footnotes
from mcp_jobs_server.reports.paging import split as pages
from mcp_jobs_server.reports.report_parts import sections
from research_contract.claims.claims import claims
from research_contract.context import labelled_row
from research_contract.questions import questions_of
from research_contract.records import Evidence, Plan
from research_contract.services import is_secret
from research_contract.text import safe
from research_contract.text.folding import without_accents
from research_contract.text.quantities import quantities
from research_contract.text.sentences import said, sentences
from research_contract.text.splitting import split
from research_contract.text.stop_words import without_stop_words
from research_contract.text.tokens import terms
from research_contract.text.unseen import without_hidden
from researcher_job.evidence.contradictions import find_contradictions
from researcher_job.evidence.evidence_book import paragraph_of
from researcher_job.evidence.excerpts import excerpt
from researcher_job.records.redaction import redact, redact_text
from researcher_job.report import html_citations
from researcher_job.sources.index.abbreviations import abbreviations
from researcher_job.sources.index.query import analyse
from researcher_job.sources.index.written_forms import written_forms
from tests.structure.growth import is_linear
from tests.structure.imports import PACKAGES
from tests.structure.patterns import Used, attacks, import_all, patterns

BOUNDED: Mapping[str, int] = {
    "research_contract.text.splitting._IS_MAY_END": 16,
    "researcher_job.sources.readers.markdown._MARKUP": 1_000,
}
"""Patterns that the code gives only short texts to, with their most characters."""

USED = {used.places[0]: used for used in patterns(import_all(*PACKAGES))}


@pytest.mark.parametrize("name", sorted(USED.keys() - BOUNDED.keys()))
def test_a_pattern_takes_time_in_proportion_to_the_text(name: str) -> None:
    used = USED[name]
    written = used.pattern.pattern
    source = written.decode("latin-1") if isinstance(written, bytes) else str(written)
    for method in used.methods or {"finditer"}:
        call = partial(_apply, used, method)
        for beginning, repeated in attacks(source):
            assert is_linear(call, partial(_text, beginning, repeated)), (
                f"{method} is slow for {beginning!r}, then {repeated!r} again and again"
            )


def _text(beginning: str, repeated: str, size: int) -> str:
    """Return about ``size`` characters and an end that fits hardly any pattern.

    The last part is cut, and a NUL stands both beside it and behind a space.
    """
    cut = repeated[: len(repeated) // 2]
    return f"{beginning}{repeated * (size // len(repeated))}{cut}\0 \0"


def _apply(used: Used, method: str, text: str) -> object:
    given: Any = (
        text.encode("latin-1", "replace") if isinstance(used.pattern.pattern, bytes) else text
    )
    if method == "finditer":
        return deque(used.pattern.finditer(given), maxlen=0)
    if method == "sub":
        return used.pattern.sub(given[:0], given)
    return getattr(used.pattern, method)(given)


RUNS = (
    *(" ", "\n", "\t", "a", "A ", "a-", "1", "1 ", "1,", "1.", ".", ". ", "a. ", "A. B. ", "? "),
    *("[", "[1", "[1] ", "[1, ", "(", "](", "![", "<", "<a ", "</", "|", "| a ", "- ", "-", "*"),
    *("**a", "`", "_a", "\\", ">", "> ", "&", "&a", "http://a", "://a:", "a@", "@", "not ", "## "),
    *("2 km ", "1 May 2013 ", "one ", "“", "北", "a\u0301", "eyJ-", "a: b\n", "- a\n", "[1]: a\n"),
    *("| a | 1 |\n", "Pump 7 moves 21 litres [1]. ", "Sie kostet 3 Euro. "),
)
"""What texts consist of, again and again."""


def _quoting(text: str) -> Evidence:
    return Evidence(
        n=1,
        question=0,
        quote=text,
        source="files",
        uri="a.md",
        title=text,
        locator="",
        snapshot="0" * 64,
        start=0,
        end=len(text),
    )


READERS: Mapping[str, Callable[[str], object]] = {
    "claims": claims,
    "a draft that is checked": lambda text: check_claims("job", text, [_quoting("Pump 7 leaks.")]),
    "a quote that a draft is checked by": lambda text: check_claims(
        "job", "Pump 7 moves 21 litres [1].", [_quoting(text)]
    ),
    "contradictions": lambda text: find_contradictions(
        [_quoting(text), _quoting(f"{text} b").model_copy(update={"n": 2})]
    ),
    "terms": terms,
    "quantities": quantities,
    "sentences": sentences,
    "said": said,
    "split": lambda text: deque(split(text), maxlen=0),
    "stop words": without_stop_words,
    "accents": without_accents,
    "visible": safe.visible,
    "markdown": safe.markdown,
    "block quote": safe.blockquote,
    "questions of a plan": lambda text: questions_of(text, Plan()),
    "a secret": is_secret,
    "a short line": lambda text: wording.short(text, 300),
    "a visible page": safe.visible_html,
    "visible JSON": safe.visible_json,
    "hidden text": lambda text: without_hidden(f"a{chr(0x200C)}{text}"),
    "a quotation": safe.cited,
    "words without marks": safe.bare,
    "a cut line": lambda text: safe.cut(text, len(text) - 1),
    "a name": safe.named,
    "sections": sections,
    "pages": lambda text: pages(text, 20_000),
    "footnotes": lambda text: footnotes(text, Findings((_quoting("a"),), None, None)),
    "minutes": amounts.minutes,
    "a count": amounts.count,
    "an error of the SDK": sanitize,
    "a terminal": lambda text: output.one_line(text, 80),
    "a secret in a message": redact_text,
    "a payload": lambda text: redact({"text": text}),
    "a labelled row": lambda text: labelled_row(_quoting(text).model_copy(update={"kind": "row"})),
    "abbreviations": lambda text: deque(abbreviations(text), maxlen=0),
    "written forms": lambda text: deque(written_forms(text), maxlen=0),
    "a question": analyse,
    "a paragraph": lambda text: paragraph_of(text, len(text) // 2, len(text) // 2 + 1),
    "an excerpt": lambda text: excerpt(text, len(text) // 2, len(text) // 2 + 1),
    "a block of the page": html_citations.block,
    "a link of the page": html_citations.link,
}
"""Public functions that are given text of documents, drafts, callers or services."""


@pytest.mark.parametrize("name", READERS)
def test_a_function_takes_time_in_proportion_to_the_text(name: str) -> None:
    for run in RUNS:
        assert is_linear(READERS[name], partial(_text, "", run)), f"{run!r} again and again"

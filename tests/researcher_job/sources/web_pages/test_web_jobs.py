"""Whole jobs over web pages and a web search, against a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from research_contract.records import SourceRef
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import JobFolder
from tests.researcher_job.jobs import finished_job, make_folder, outcome_of, run_configured
from tests.researcher_job.sources.web_pages.site import Site, served

QUESTION = "What is the berth fee?"


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found


def job(tmp_path: Path, toml: str, **fields: object) -> JobFolder:
    """Run a job that asks the source ``web`` and the documents of ``notes``, until it ends."""
    config = tmp_path / "research.toml"
    config.write_text(toml, encoding="utf-8")
    uri = toml.partition('uri = "')[2].partition('"')[0]
    sources = (SourceRef(name="web", uri=uri),)
    defaults = {"question": QUESTION, "sources": sources}
    return finished_job(tmp_path, config, **{**defaults, **fields})


def test_a_page_is_opened_once_for_all_questions(tmp_path: Path, site: Site) -> None:
    plan = {"questions": (QUESTION, "Who keeps the list of berths?")}
    folder = job(tmp_path, f'[sources.web]\nuri = "{site.url}/fees"\nloopback = true\n', plan=plan)
    outcome = outcome_of(folder)
    assert "12 euro" in outcome.answer
    assert {one.uri for one in folder.evidence()} == {f"{site.url}/fees"}
    assert site.asked == ["/robots.txt", "/fees"]  # nothing that the page asks for
    assert outcome.spent.tool_calls == 1
    assert outcome.coverage.sentence() == "Read 1 of 1 page."


def test_results_of_a_search_are_opened(tmp_path: Path, site: Site) -> None:
    toml = f'[sources.web]\nuri = "search:{site.url}"\negress = "question"\nloopback = true\n'
    folder = job(tmp_path, toml)
    quotes = {one.quote: one for one in folder.evidence()}
    page = next(one for quote, one in quotes.items() if "12 euro" in quote)
    assert (page.uri, page.title) == (f"{site.url}/fees", "Fees of the harbour")
    assert any("of old" in quote for quote in quotes)  # what the search says of a page that is gone
    assert site.asked[0] == "/search?q=What+is+the+berth+fee%3F&format=json"
    assert sorted(site.pages[1:]) == ["/fees", "/gone"]
    coverage = outcome_of(folder).coverage
    assert [(kind.reason, kind.examples) for kind in coverage.not_read] == [
        ("page that its site does not have", (f"{site.url}/gone",))
    ]


def test_a_search_that_may_see_no_word_is_not_asked(tmp_path: Path, site: Site) -> None:
    folder = job(tmp_path, f'[sources.web]\nuri = "search:{site.url}"\nloopback = true\n')
    assert site.asked == []
    assert "its configuration keeps from being asked" in outcome_of(folder).coverage.sentence()


def test_words_of_private_documents_are_not_sent_when_a_job_is_repeated(
    tmp_path: Path, site: Site
) -> None:
    """A refresh looks for each quote that it misses by its own words."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "fee.md").write_text("# Fee\n\nThe berth fee of Kovalenko is a secret bargain.\n")
    private = SourceRef(name="notes", uri=notes.as_uri())
    web = SourceRef(name="web", uri=f"search:{site.url}")
    toml = f'[sources.web]\nuri = "{web.uri}"\negress = "question"\nloopback = true\n'
    base = job(tmp_path, toml, sources=(private, web), job_id="20260301-aaaaaaaaaaaaa")
    assert any("Kovalenko" in one.quote for one in base.evidence())
    (notes / "fee.md").write_text("# Fee\n\nNothing is said here.\n")
    again = make_folder(
        tmp_path / "jobs" / "again",
        job_id="20260302-aaaaaaaaaaaaa",
        question=QUESTION,
        sources=(private, web),
        refresh_of="20260301-aaaaaaaaaaaaa",
        earlier="../job",
    )
    assert run_configured(again, tmp_path / "research.toml").returncode == ExitCode.DONE
    assert any("Kovalenko" in one.quote for one in again.evidence())  # as one that is gone
    searched = [one for one in site.asked if one.startswith("/search")]
    assert searched
    assert not any("Kovalenko" in one for one in site.asked)

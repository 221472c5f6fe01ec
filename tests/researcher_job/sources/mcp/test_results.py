"""Answers of tools as pages: the forms that known servers use, and odd ones."""

from __future__ import annotations

import json

import pytest
from mcp.types import (
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from researcher_job.sources.mcp.results import result_pages
from researcher_job.sources.services.base import Page

FEES = "https://port.example/fees"
ENTRY = {"title": "Fees", "url": FEES, "content": "The fee is 12 euro."}


def said(*texts: str, structured: object = None) -> CallToolResult:
    content = [TextContent(type="text", text=text) for text in texts]
    return CallToolResult(content=list(content), structured_content=structured)


def pages(result: CallToolResult, *, whole: bool = False) -> list[Page]:
    return result_pages(result, address="mcp+https://a.example", title="a: search", whole=whole)


LISTS = {
    "JSON": json.dumps({"results": [ENTRY]}),
    "JSON below other keys": json.dumps({"data": {"web": {"results": [ENTRY]}, "took": 3}}),
    "a list": json.dumps([ENTRY]),
    "other names": json.dumps([{"name": "Fees", "link": FEES, "snippet": "The fee is 12 euro."}]),
    "highlights": json.dumps(
        [{"title": "Fees", "url": FEES, "highlights": ["The fee is 12 euro."]}]
    ),
    "lines": f"Found 1\n\nTitle: Fees\nURL: {FEES}\nContent: The fee is 12 euro.\n",
    "lines with the address last": f"Title: Fees\nDescription: The fee is 12 euro.\nURL: {FEES}\n",
    "bold lines": f"**Title:** Fees\n**URL:** {FEES}\n**Text:** The fee is 12 euro.",
    "numbers": f"Found 1 results:\n\n1. Fees\n   URL: {FEES}\n   Summary: The fee is 12 euro.",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_entries_become_pages(text: str) -> None:
    assert pages(said(text)) == [
        Page(address=FEES, title="Fees", text="The fee is 12 euro.", whole=False)
    ]


def test_structured_content_is_preferred() -> None:
    found = pages(said("see the data", structured={"results": [ENTRY]}))
    assert [one.address for one in found] == [FEES]


def test_a_text_without_entries_is_one_page_of_the_server() -> None:
    (page,) = pages(said("# Fees\n\nThe fee is 12 euro."))
    assert (page.address, page.title) == ("mcp+https://a.example", "a: search")
    assert page.text == "# Fees\n\nThe fee is 12 euro."


def test_rows_of_data_are_read_as_data() -> None:
    (page,) = pages(said(json.dumps({"rows": [{"berth": "B4", "fee": 12}]})))
    assert page.media == "application/json"
    assert "B4" in page.text


@pytest.mark.parametrize("text", ["", "[]", '{"results": []}', "{}"])
def test_an_empty_answer_has_no_page(text: str) -> None:
    assert pages(said(text)) == []


def test_an_opened_page_is_one_page_at_its_address() -> None:
    (page,) = pages(said(json.dumps({"results": [ENTRY, ENTRY]})), whole=True)
    assert (page.address, page.whole) == ("mcp+https://a.example", True)
    assert page.text == "The fee is 12 euro.\n\nThe fee is 12 euro."
    (plain,) = pages(said(f"Title: Fees\nURL: {FEES}\n\nThe fee is 12 euro."), whole=True)
    assert "12 euro" in plain.text


def test_resources_are_pages_and_links_to_pages() -> None:
    resource = TextResourceContents(uri="file:///a", text="The fee is 12 euro.")
    link = ResourceLink(type="resource_link", name="Fees", uri=FEES)
    result = CallToolResult(content=[EmbeddedResource(type="resource", resource=resource), link])
    assert [(one.address, one.text) for one in pages(result)] == [
        ("mcp+https://a.example", "The fee is 12 euro."),
        (FEES, ""),
    ]


def test_no_more_than_twenty_results_are_kept() -> None:
    entries = [{**ENTRY, "url": f"{FEES}/{number}"} for number in range(100)]
    assert len(pages(said(json.dumps(entries)))) == 20


def test_deep_and_broken_json_is_text() -> None:
    assert len(pages(said("[" * 100_000))) == 1
    assert pages(said('{"a":' * 50 + '"b"' + "}" * 50))[0].media == "application/json"

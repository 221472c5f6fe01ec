"""Each kind of hostile text, in each place of a document, on the page of a report in a browser."""

from __future__ import annotations

import re
from pathlib import Path

from research_contract import records
from research_contract.text.safe import visible
from tests.browser.chromium import Chromium
from tests.hostile.texts import CANARY

ELEMENTS = "img, script, iframe, object, embed, form, input, svg, video, base, link, body style"
LINKS = "[...document.querySelectorAll('a')].map(link => link.getAttribute('href'))"
OWN_WORDS = """(() => {
  const page = document.body.cloneNode(true);
  for (const quoted of page.querySelectorAll(
    'blockquote, dl, cite, mark, .snapshot, .context, .place, .open')) quoted.remove();
  return page.textContent;
})()"""
STEERED = "[...document.querySelectorAll('h1, h2, h3')].map(heading => heading.textContent)"


def test_the_page_holds_no_voice_but_ours(folder: Path, chromium: Chromium) -> None:
    report = folder / records.REPORT_HTML
    page = chromium.page()
    page.open(report)
    assert page.evaluate("document.title") == "Wardens"
    assert page.evaluate(f"document.querySelectorAll({ELEMENTS!r}).length") == 0
    for link in page.evaluate(LINKS):
        assert link.startswith(("#", "file:///"))
    shown = page.evaluate("document.body.innerText")
    assert CANARY in shown
    assert visible(shown) == shown
    assert not [heading for heading in page.evaluate(STEERED) if CANARY in heading]
    assert CANARY not in re.sub("“[^“”]*”", "", page.evaluate(OWN_WORDS))
    page.evaluate("document.querySelectorAll('a').forEach(link => link.focus())")
    assert page.requests() == [report.as_uri()]
    assert page.complaints() == []

"""The page of a report in a real Chromium."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

import pypdf
import pytest

from researcher_job.records.job_folder import JobFolder
from tests.browser.chromium import Chromium, Page

ANSWER = (
    "Every employee has 28 days of paid annual leave a year. Leave is granted by the head of the"
    " department, who answers within five working days."
)
SEEN = """(() => {
  const mark = document.querySelector('mark:target');
  if (!mark) return null;
  const r = mark.getClientRects()[0];
  const box = mark.closest('.snapshot').getBoundingClientRect();
  const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return {text: mark.textContent, onTop: top === mark,
    inBox: r.top >= box.top && r.bottom <= box.bottom,
    inWindow: r.top >= 0 && r.bottom <= innerHeight && r.left >= 0 && r.right <= innerWidth,
    colour: getComputedStyle(mark).backgroundColor,
    plain: getComputedStyle(document.body).backgroundColor,
    around: mark.closest('.snapshot').innerText};
})()"""
CONTRAST = """(selector => {
  const rgb = s => s.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { const c = rgb(getComputedStyle(e).backgroundColor);
    return c.length === 4 && c[3] === 0 ? behind(e.parentElement) : c; };
  const e = document.querySelector(selector);
  const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
  return (a + .05) / (b + .05);
})"""


@pytest.fixture
def page(chromium: Chromium, report: Path) -> Page:
    opened = chromium.page()
    opened.without_scripts()
    opened.open(report)
    return opened


def test_a_citation_brings_up_its_quote_in_its_snapshot(page: Page) -> None:
    page.click(".answer .cite")
    seen = page.evaluate(SEEN)
    assert seen["text"] == ANSWER
    assert seen["onTop"]
    assert seen["inBox"]
    assert seen["inWindow"]
    assert seen["colour"] == "rgb(255, 236, 153)"
    assert seen["colour"] != seen["plain"]
    assert "in house number 59." in seen["around"]
    assert "granted by the head of the department" in seen["around"]


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (800, 600), (360, 700)])
def test_each_citation_can_be_followed(
    chromium: Chromium, report: Path, width: int, height: int
) -> None:
    page = chromium.page(width=width, height=height)
    page.open(report)
    evidence = JobFolder(report.parent).evidence()
    links = page.evaluate("[...document.querySelectorAll('.cite')].map(e => e.hash)")
    assert set(links) == {f"#c{item.n}" for item in evidence}
    for item in evidence:
        page.evaluate(f"location.hash = '#c{item.n}'")
        page.screenshot()
        seen = page.evaluate(SEEN)
        assert (seen["inBox"], seen["inWindow"]) == (True, True), item
        assert (
            seen["text"].split()
            == page.evaluate(f"document.querySelector('#c{item.n}').textContent").split()
        )


def test_reading_goes_on_where_it_was(page: Page) -> None:
    page.evaluate("scrollTo(0, 500)")
    page.click("#f1 .cite")
    before = page.evaluate("scrollY")
    assert page.evaluate(SEEN)
    page.click(".citation:has(mark:target) .ways a:last-child")
    assert page.evaluate(SEEN) is None
    assert page.evaluate("scrollY") == before


def test_a_citation_leads_back_into_the_report(page: Page) -> None:
    page.click(".answer .cite")
    page.click(".citation:has(mark:target) .ways a:first-child")
    shown = page.evaluate("document.querySelector('figure:target blockquote').textContent")
    assert shown == ANSWER
    assert page.evaluate("document.querySelector(':target').getBoundingClientRect().top") >= 0


def test_every_link_within_the_page_has_its_place(page: Page) -> None:
    missing = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"
        ".filter(id => id !== 'closed' && !document.getElementById(id))"
    )
    assert missing == []
    twice = page.evaluate(
        "(all => all.filter((id, at) => all.indexOf(id) !== at))"
        "([...document.querySelectorAll('[id]')].map(e => e.id))"
    )
    assert twice == []


def test_nothing_is_asked_for_and_nothing_refused(chromium: Chromium, report: Path) -> None:
    page = chromium.page()
    page.open(report)
    page.click(".answer .cite")
    assert page.requests() == [report.as_uri()]
    assert page.complaints() == []


def test_hostile_text_stays_text(chromium: Chromium, report: Path) -> None:
    page = chromium.page()
    page.open(report)
    assert page.evaluate("document.title") == "Leave, travel and visitors"
    assert page.evaluate("document.querySelectorAll('img, script, body style, iframe').length") == 0
    shown = page.evaluate("document.body.innerText")
    assert "<img src=x onerror=" in shown
    assert "<style>body{display:none}</style> &lt;b&gt;" in shown
    assert "<U+202E>by visitors<U+202C>" in shown
    assert "\u202e" not in shown


def test_what_gets_past_the_escaping_is_still_refused(
    chromium: Chromium, report: Path, tmp_path: Path
) -> None:
    smuggled = (
        "<script>document.title='run'</script><img src='https://example.com/x.png'"
        " onerror=\"document.title='run'\"><iframe src='https://example.com/'></iframe>"
    )
    text = report.read_text(encoding="utf-8").replace("</h1>", f"</h1>{smuggled}", 1)
    broken = tmp_path / "broken.html"
    broken.write_text(text, encoding="utf-8")
    page = chromium.page()
    page.open(broken)
    assert page.evaluate("document.title") == "Leave, travel and visitors"
    asked = [url for url in page.requests() if url.startswith("http")]
    assert asked == page.refused()
    assert len(page.complaints()) >= 3


def test_it_prints_with_all_quotes_and_without_the_surroundings(page: Page, report: Path) -> None:
    page.click(".answer .cite")
    printed = pypdf.PdfReader(io.BytesIO(page.pdf()))
    drawn = " ".join(sheet.extract_text() for sheet in printed.pages)
    text = " ".join(unicodedata.normalize("NFKC", drawn).split())  # some fonts join f and i
    flat = text.replace(" ", "")
    for item in JobFolder(report.parent).evidence():
        if "<" not in item.quote:
            assert "".join(item.quote.split()) in flat
    assert "innumber59" not in flat
    assert "in house number 59" not in text
    assert "In the report" not in text
    assert len(printed.pages) <= 6


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", None)])
def test_all_can_be_read_in_light_and_dark(page: Page, scheme: str, paper: str | None) -> None:
    page.colours(scheme)
    page.click(".answer .cite")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (paper is not None)
    for part in (".answer p", ".verdict", ".asked", ".cite", ".state.evidence", ".contents a",
                 ".state.not_found", "figcaption", "cite", "dt", ".differ > p", ".coverage p",
                 ".far", "mark:target", ".open a"):  # fmt: skip
        assert page.evaluate(f"{CONTRAST}({json.dumps(part)})") >= 4.5, part


@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_sticks_out_of_a_narrow_window(page: Page, width: int) -> None:
    page.size(width=width, height=700)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click(".answer .cite")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

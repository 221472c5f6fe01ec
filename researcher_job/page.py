"""The report as one self-contained page: no script, nothing fetched from anywhere."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from researcher_job.contract import Evidence
from researcher_job.inert import one_line, visible
from researcher_job.page_style import STYLE
from researcher_job.report import Document, Report, Section
from researcher_job.writer import HEADLINES, STATES

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_LINKED = frozenset({"http", "https", "file"})


def html_page(report: Report) -> str:
    """Return the page. Every text is escaped; only ``http``, ``https`` and ``file`` are linked."""
    title = _text(report.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{title}</h1>
{_asked(report)}
</header>
{_answer(report)}
{_coverage(report)}
{"".join(_section(section) for section in report.sections)}
{_list("What was not established", report.open_points, empty="Nothing was left open.")}
<section><h2>Sources</h2>
{_items([_document(item) for item in report.documents])}</section>
<section><h2>Citations</h2>
{"".join(_citation(item) for item in report.cited) or "<p>There are none.</p>"}</section>
{_list("How this report was made", report.made)}
</main>
</body>
</html>
"""


def _text(text: str) -> str:
    return escape(one_line(text))


def _asked(report: Report) -> str:
    if one_line(report.question) == report.title:
        return ""
    return f'<p class="asked">{_text(report.question)}</p>'


def _answer(report: Report) -> str:
    head = " ".join(part for part in (HEADLINES[report.outcome], report.reason) if part)
    said = " ".join(f"{_text(item.quote)}{_cite(item)}" for item in report.answer)
    blocks = [
        f'<p class="verdict">{_text(head)}</p>' if head else "",
        f"<p>{said}</p>" if said else "",
    ]
    return f'<section class="answer" aria-label="Answer">{"".join(blocks)}</section>'


def _coverage(report: Report) -> str:
    coverage = report.coverage
    rows = "".join(
        f"<li>{kind.count} {_text(kind.reason)}: {_text(', '.join(kind.examples))}</li>"
        for kind in coverage.not_read
    )
    share = f'<progress max="{max(coverage.found, 1)}" value="{coverage.read}"></progress>'
    said = _text(coverage.sentence())
    names = f"<details><summary>Not read</summary><ul>{rows}</ul></details>" if rows else ""
    return f'<aside class="coverage">{share}<p>{said}</p>{names}</aside>'


def _section(section: Section) -> str:
    found = "".join(
        f"<figure><blockquote>{escape(visible(item.quote))}</blockquote>"
        f"<figcaption>{_cite(item)} {_place(item)}</figcaption></figure>"
        for item in section.evidence
    )
    more = f"<p>{section.left_out} more in evidence.jsonl.</p>" if section.left_out else ""
    return (
        f"<section><h2>{section.number}. {_text(section.question)}</h2>"
        f'<p class="state {section.state}">{STATES[section.state]} {_text(section.note)}</p>'
        f"{found}{more}</section>"
    )


def _cite(item: Evidence) -> str:
    return f'<a class="cite" href="#c{item.n}">[{item.n}]</a>'


def _place(item: Evidence) -> str:
    said = [f"<cite>{_text(item.title)}</cite>", _text(item.locator)]
    return ", ".join(text for text in said if text)


def _citation(item: Evidence) -> str:
    return (
        f'<article class="citation" id="c{item.n}"><p class="number">{item.n}</p><div>'
        f"<p>{_marked(item)}</p>"
        f'<p class="place">{_place(item)}, {_text(item.source)}<br>{_link(item.uri)}</p>'
        f"</div></article>"
    )


def _marked(item: Evidence) -> str:
    """Show the quote highlighted in its paragraph, or alone where that was cut."""
    before, quote, after = item.paragraph.partition(item.quote)
    if not quote:
        before, quote, after = "", item.quote, ""
    pieces = [escape(visible(text)) for text in (before, quote, after)]
    return f"{pieces[0]}<mark>{pieces[1]}</mark>{pieces[2]}"


def _document(document: Document) -> str:
    cites = " ".join(f'<a class="cite" href="#c{n}">[{n}]</a>' for n in document.numbers)
    where = _text("; ".join(document.locators))
    return (
        f"<cite>{_text(document.title)}</cite> ({_text(document.source)}) {cites}"
        f'<br><span class="place">{where}<br>{_link(document.uri)}</span>'
    )


def _link(uri: str) -> str:
    try:
        scheme = urlsplit(uri).scheme
    except ValueError:
        scheme = ""
    if scheme not in _LINKED or visible(uri) != uri:
        return _text(uri)
    return f'<a href="{escape(uri)}" rel="noopener noreferrer">{_text(uri)}</a>'


def _list(heading: str, lines: tuple[str, ...], *, empty: str = "There are none.") -> str:
    body = _items([_text(line) for line in lines], empty=empty)
    return f"<section><h2>{heading}</h2>{body}</section>"


def _items(items: list[str], *, empty: str = "There are none.") -> str:
    if not items:
        return f"<p>{empty}</p>"
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"

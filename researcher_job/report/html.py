"""The report as one self-contained page: no script, nothing fetched from anywhere.

A citation is a link to its quote, which is marked in an excerpt of its snapshot. The style lets
the excerpt come up beside the text; without that it stands in the list of citations.
"""

from __future__ import annotations

from html import escape

from research_contract.records import SAID_NAMES, Evidence
from research_contract.text.safe import one_line, visible
from researcher_job.evidence.contradictions import Contradiction
from researcher_job.report.html_citations import citation, cite, link, place, text
from researcher_job.report.html_style import STYLE
from researcher_job.report.markdown import CHANGE_KINDS, HEADLINES, STATES, differs_in, pointers
from researcher_job.report.report import (
    Comparison,
    Document,
    QuoteChange,
    Report,
    Section,
    answer_sentence,
)
from researcher_job.report.tables import Table

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html_page(report: Report) -> str:
    """Return the page. Every text is escaped; only ``http``, ``https`` and ``file`` are linked."""
    title = text(report.title)
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
{_since(report.since) if report.since else ""}
{_answer(report)}
{_coverage(report)}
{_contents(report)}
{_changes(report.since, _shown(report)) if report.since else ""}
{"".join(_section(section) for section in report.sections)}
{_list("What was not established", report.open_points) if report.open_points else ""}
<section><h2>Sources</h2>
{_items([_document(item, report) for item in report.documents])}</section>
<section class="citations"><h2>Citations</h2>
{_citations(report) or "<p>There are none.</p>"}</section>
{_list("How this report was made", report.made)}
</main>
</body>
</html>
"""


def _asked(report: Report) -> str:
    if one_line(report.question) == report.title:
        return ""
    return f'<p class="asked">{text(report.question)}</p>'


def _since(since: Comparison) -> str:
    return f'<p class="since">{text(since.sentence)}</p>'


def _answer(report: Report) -> str:
    head = " ".join(said for said in (HEADLINES[report.outcome], report.reason) if said)
    sentences = [f"{text(answer_sentence(item))}{cite(item)}" for item in report.answer]
    said = " ".join([*sentences, *map(text, pointers(report))])
    blocks = [
        f'<p class="verdict">{text(head)}</p>' if head else "",
        f"<p>{said}</p>" if said else "",
    ]
    return f'<section class="answer" aria-label="Answer">{"".join(blocks)}</section>'


def _coverage(report: Report) -> str:
    coverage = report.coverage
    rows = "".join(
        f"<li>{kind.count} {text(kind.reason)}: {text(', '.join(kind.examples))}</li>"
        for kind in coverage.not_read
        if len(kind.examples) > SAID_NAMES
    )
    share = f'<progress max="{max(coverage.found, 1)}" value="{coverage.read}"></progress>'
    said = text(coverage.sentence())
    names = f"<details><summary>More names</summary><ul>{rows}</ul></details>" if rows else ""
    return f'<aside class="coverage">{share}<p>{said}</p>{names}</aside>'


def _contents(report: Report) -> str:
    if len(report.sections) < 2:
        return ""
    rows = "".join(
        f'<li><a href="#q{one.number}">{text(one.question)}</a> {_state(one)}</li>'
        for one in report.sections
    )
    return f'<nav class="contents" aria-label="Questions"><ol>{rows}</ol></nav>'


def _state(section: Section) -> str:
    return f'<span class="state {section.state}">{STATES[section.state].rstrip(".")}</span>'


def _changes(since: Comparison, shown: frozenset[int]) -> str:
    blocks = [
        f'<h3 class="{kind}">{heading}</h3>' + "".join(_change(one, shown) for one in found)
        for kind, heading in CHANGE_KINDS.items()
        if (found := since.of(kind))
    ]
    return f"<section><h2>What changed</h2>{''.join(blocks) or '<p>Nothing.</p>'}</section>"


def _change(change: QuoteChange, shown: frozenset[int]) -> str:
    if change.before and change.after:
        before = _figure(change.before, label="Before")
        now = _figure(change.after, anchor=change.after.n not in shown, label="Now")
        return f'<div class="beside">{before}{now}</div>'
    item = change.before or change.after
    return _figure(item, anchor=item.n not in shown) if item else ""


def _shown(report: Report) -> frozenset[int]:
    return frozenset(item.n for section in report.sections for item in section.evidence)


def _section(section: Section) -> str:
    differing = "".join(
        f'<div class="differ"><p>{text(differs_in(pair))}</p>{_pair(pair)}</div>'
        for pair in section.differing
    )
    found = "".join(_figure(item) for item in section.quotes)
    rows = "".join(_table(table) for table in section.tables)
    more = f"<p>{section.left_out} more in evidence.jsonl.</p>" if section.left_out else ""
    return (
        f'<section id="q{section.number}"><h2>{section.number}. {text(section.question)}</h2>'
        f'<p class="said">{_state(section)} {text(section.note)}</p>'
        f"{differing}{found}{rows}{more}</section>"
    )


def _figure(item: Evidence, *, anchor: bool = True, label: str = "") -> str:
    name = f' id="f{item.n}"' if anchor else ""
    said = f"<b>{label}</b> " if label else ""
    return (
        f"<figure{name}><figcaption>{said}{place(item)} {cite(item)}</figcaption>"
        f'<blockquote dir="auto">{escape(visible(item.quote), quote=False)}</blockquote></figure>'
    )


def _pair(pair: Contradiction) -> str:
    figures = f"{_figure(pair.one)}{_figure(pair.other)}"
    return f'<div class="beside">{figures}</div>'


def _table(table: Table) -> str:
    heads = "".join(f"<th>{text(head)}</th>" for head in table.heads)
    rows = "".join(
        f'<tr id="f{row.evidence.n}">'
        + "".join(f'<td dir="auto">{text(cell)}</td>' for cell in row.cells)
        + f"<td>{cite(row.evidence)}</td></tr>"
        for row in table.rows
    )
    caption = f"<figcaption>{place(table.rows[0].evidence)}</figcaption>"
    body = f"<table><thead><tr>{heads}<th></th></tr></thead><tbody>{rows}</tbody></table>"
    return f'<figure>{caption}<div class="wide">{body}</div></figure>'


def _citations(report: Report) -> str:
    cited = report.cited
    return "".join(citation(item, report.excerpts.get(item.n), of=len(cited)) for item in cited)


def _document(document: Document, report: Report) -> str:
    by_number = {item.n: item for item in report.cited}
    cites = " ".join(cite(by_number[n]) for n in document.numbers)
    where = text("; ".join(document.locators))
    return (
        f"<cite>{text(document.title)}</cite> ({text(document.source)}) {cites}"
        f'<br><span class="place">{where}<br>{link(document.uri)}</span>'
    )


def _list(heading: str, lines: tuple[str, ...]) -> str:
    return f"<section><h2>{heading}</h2>{_items([text(line) for line in lines])}</section>"


def _items(items: list[str]) -> str:
    if not items:
        return "<p>There are none.</p>"
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"

"""The report as one self-contained HTML page: no scripts and no external resources.

A citation is a link to its quote, which is marked in an excerpt of its snapshot. The style shows
the excerpt beside the text; without that style the excerpt is in the list of citations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from research_contract.records import SAID_NAMES, Coverage, Evidence
from research_contract.text.safe import in_quotes, named, one_line
from research_contract.written_report import ReportClaim
from researcher_job.report.html_citations import citation, cite, link, place, quote_body, text
from researcher_job.report.html_style import STYLE
from researcher_job.report.markdown import (
    CHANGE_KINDS,
    HEADLINES,
    NEAREST,
    STATES,
    answer_notes,
    difference,
)
from researcher_job.report.report import (
    Comparison,
    Document,
    Report,
    Section,
    answer_parts,
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html_page(report: Report) -> str:
    """Return the page. All texts are escaped; only ``http``, ``https`` and ``file`` are linked."""
    title = text(report.title)
    repeated = one_line(report.question) == report.title
    question = "" if repeated else f'<p class="asked">{text(report.question)}</p>'
    comparison, changes = "", ""
    if report.comparison:
        shown = frozenset(item.n for section in report.sections for item in section.evidence)
        comparison = f'<p class="since">{text(report.comparison.sentence)}</p>'
        changes = _changes(report.comparison, shown)
    cited = report.cited
    citations = [citation(item, report.excerpts.get(item.n), total=len(cited)) for item in cited]
    open_points = [text(point) for point in report.open_points]
    by_number = {item.n: item for item in cited}
    documents = [_document(item, by_number) for item in report.documents]
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
{question}
</header>
{comparison}
{_answer(report)}
{_coverage(report.coverage)}
{_contents(report.sections)}
{changes}
{"".join(_section(section) for section in report.sections)}
{_list("What was not established", open_points) if open_points else ""}
{_list("Sources", documents)}
<section class="citations"><h2>Citations</h2>
{"".join(citations) or "<p>There are none.</p>"}</section>
{_list("How this report was made", [text(line) for line in report.methods])}
</main>
</body>
</html>
"""


def _answer(report: Report) -> str:
    verdict = " ".join(part for part in (HEADLINES[report.outcome], report.reason) if part)
    by_number = {item.n: item for item in report.cited}
    sentences = [_claim(one, by_number) for one in report.summary] or [
        f"{_answer_quote(item)} {cite(item)}" for item in report.answer
    ]
    answer = " ".join([*sentences, *map(text, answer_notes(report))])
    blocks = [
        f'<p class="verdict">{text(verdict)}</p>' if verdict else "",
        f"<p>{answer}</p>" if answer else "",
    ]
    return f'<section class="answer" aria-label="Answer">{"".join(blocks)}</section>'


def _answer_quote(item: Evidence) -> str:
    context, words = answer_parts(item)
    before = f"({text(in_quotes(context))}) " if context else ""
    return f"{before}{text(in_quotes(words))}"


def _claim(claim: ReportClaim, by_number: Mapping[int, Evidence]) -> str:
    """Return a sentence of a model with its arithmetic, if any, and its citations."""
    computed = f" (computed: {text(claim.expression)})" if claim.expression else ""
    cites = "".join(f" {cite(by_number[n])}" for n in claim.evidence if n in by_number)
    return f"{text(claim.text)}{computed}{cites}"


def _coverage(coverage: Coverage) -> str:
    rows = "".join(
        f"<li>{kind.count} {text(kind.reason)}: {text(', '.join(map(named, kind.examples)))}</li>"
        for kind in (*coverage.not_read, coverage.in_part)
        if kind and len(kind.examples) > SAID_NAMES
    )
    share = f'<progress max="{max(coverage.found, 1)}" value="{coverage.read}"></progress>'
    sentence = text(coverage.sentence())
    names = f"<details><summary>More names</summary><ul>{rows}</ul></details>" if rows else ""
    return f'<aside class="coverage">{share}<p>{sentence}</p>{names}</aside>'


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < 2:
        return ""
    rows = "".join(
        f'<li><a href="#q{section.number}">{text(section.question)}</a> {_state(section)}</li>'
        for section in sections
    )
    return f'<nav class="contents" aria-label="Questions"><ol>{rows}</ol></nav>'


def _state(section: Section) -> str:
    return f'<span class="state {section.state}">{STATES[section.state].rstrip(".")}</span>'


def _changes(comparison: Comparison, shown: frozenset[int]) -> str:
    """Return the changes; evidence that a section shows has its anchor there."""
    blocks = []
    for kind, heading in CHANGE_KINDS.items():
        figures = []
        for change in comparison.changes:
            if change.kind != kind:
                continue
            if change.before and change.after:
                before = _figure(change.before, label="Before")
                now = _figure(change.after, anchor=change.after.n not in shown, label="Now")
                figures.append(f'<div class="beside">{before}{now}</div>')
            elif item := change.before or change.after:
                figures.append(_figure(item, anchor=item.n not in shown))
        if figures:
            blocks.append(f'<h3 class="{kind}">{heading}</h3>{"".join(figures)}')
    return f"<section><h2>What changed</h2>{''.join(blocks) or '<p>Nothing.</p>'}</section>"


def _section(section: Section) -> str:
    by_number = {item.n: item for item in section.evidence}
    said = "".join(f"<li>{_claim(one, by_number)}</li>" for one in section.claims)
    claims = f'<ul class="claims">{said}</ul>' if said else ""
    contradictions = "".join(
        f'<div class="differ"><p>{text(difference(pair))}</p>'
        f'<div class="beside">{_figure(pair.one)}{_figure(pair.other)}</div></div>'
        for pair in section.contradictions
    )
    quotes = "".join(_figure(item) for item in section.quotes)
    more = f"<p>{section.left_out} more in evidence.jsonl.</p>" if section.left_out else ""
    nearest = _nearest(section)
    return (
        f'<section id="q{section.number}"><h2>{section.number}. {text(section.question)}</h2>'
        f'<p class="said">{_state(section)} {text(section.note)}</p>'
        f"{claims}"
        f"{contradictions}{quotes}{more}{nearest}</section>"
    )


def _figure(item: Evidence, *, anchor: bool = True, label: str = "") -> str:
    name = f' id="f{item.n}"' if anchor else ""
    prefix = f"<b>{label}</b> " if label else ""
    return (
        f"<figure{name}><figcaption>{prefix}{place(item)} {cite(item)}</figcaption>"
        f"{quote_body(item)}</figure>"
    )


def _nearest(section: Section) -> str:
    """Return the nearest passages, folded away below a question that has evidence."""
    if not section.nearest:
        return ""
    figures = "".join(map(_nearest_figure, section.nearest))
    opened = "" if section.evidence else " open"
    return f'<details class="nearest"{opened}><summary>{NEAREST}</summary>{figures}</details>'


def _nearest_figure(item: Evidence) -> str:
    caption = f"<figcaption>{place(item)}, number {item.n}</figcaption>"
    return f'<figure class="near">{caption}{quote_body(item)}</figure>'


def _document(document: Document, by_number: dict[int, Evidence]) -> str:
    cites = " ".join(cite(by_number[n]) for n in document.numbers)
    locators = text("; ".join(document.locators))
    return (
        f"<cite>{text(document.title)}</cite> ({text(document.source)}) {cites}"
        f'<br><span class="place">{locators}<br>{link(document.uri)}</span>'
    )


def _list(heading: str, items: Sequence[str]) -> str:
    """Return a section with a list of escaped items."""
    rows = "".join(f"<li>{item}</li>" for item in items)
    content = f"<ul>{rows}</ul>" if rows else "<p>There are none.</p>"
    return f"<section><h2>{heading}</h2>{content}</section>"

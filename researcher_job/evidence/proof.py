"""Whether the quotes that a claim of a report cites prove it, decided by code alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from research_contract.claims.claims import Claim, claims, without_markup
from research_contract.claims.quotes import Quoted, Quotes
from research_contract.claims.verdicts import judge
from research_contract.context import labelled_row
from research_contract.records import Coverage, Evidence
from research_contract.text.quantities import Quantity, quantities
from research_contract.text.tokens import terms
from research_contract.written_report import ReportClaim
from researcher_job.evidence.arithmetic import NotComputable, compute

COVERED = 0.5
"""Share of the words of a computed claim that its quotes must hold: its figure is new."""


def unproven(claim: ReportClaim, evidence: Mapping[int, Evidence], coverage: Coverage) -> str:
    """Return why the quotes of ``claim`` do not prove it, in words; "" if they do.

    Every sentence of the claim must restate quotes that it cites (``research_contract.claims``).
    Figures that are computed must be the value of the expression, over figures of the quotes.
    An absence is proven where the sources were read in full; its text is that of ``absence_text``.
    """
    if claim.kind == "absence":
        whole = coverage.read and not coverage.not_read and not coverage.in_part
        return "" if whole else "not all sources were read, so nothing is known to be absent"
    cited = [evidence[n] for n in claim.evidence if n in evidence]
    if not cited or len(cited) < len(claim.evidence) or any(one.nearest for one in cited):
        return "it cites no evidence" if not claim.evidence else "it cites evidence that is none"
    if claim.kind == "computed":
        return _miscomputed(claim, cited)
    return _unsupported(claim, cited)


def _unsupported(claim: ReportClaim, cited: Sequence[Evidence]) -> str:
    quotes = Quotes(
        Quoted(one.n, _with_context(one), f"{one.title}. {one.locator}", "") for one in cited
    )
    if any(without_markup(one.quote) == without_markup(claim.text) for one in cited):
        return ""
    sentences = claims(claim.text) or [Claim(claim.text, (), terms(claim.text))]
    for sentence in sentences:
        judged = judge(sentence, quotes, claim.evidence)
        if judged.verdict == "supported":
            continue
        lacking = ", ".join(term.text for term in judged.missing[:5])
        differing = "; ".join(
            f"“{one.claimed}” against “{one.quoted}”" for one in judged.differs[:3]
        )
        details = f": {differing or lacking}" if differing or lacking else ""
        return {
            "contradicted": f"its quotes say otherwise{details}",
            "partly": f"its quotes say it only partly{details}",
            "not found": f"its quotes do not say it{details}",
        }[judged.verdict]
    return ""


def _with_context(item: Evidence) -> str:
    """Return a quote, and the labelled cells of a row."""
    return "\n".join([item.quote, *(cell.text for cell in labelled_row(item))])


def _miscomputed(claim: ReportClaim, cited: Sequence[Evidence]) -> str:
    """Return what is wrong with a computed claim; "" if its figure follows from its quotes."""
    try:
        value, operands = compute(claim.expression)
    except NotComputable as error:
        return f"its arithmetic cannot be followed: {error}"
    text = " ".join(_with_context(one) for one in cited)
    found = quantities(text)
    quoted = {figure for number in found for figure in _figures(number)}
    dates = {number.key for number in found}
    if unknown := [one for one in operands if Decimal(one) not in quoted]:
        return f"its quotes do not have the figure {unknown[0]}"
    said = quantities(claim.text)
    results = [one for one in said if any(_rounds(value, shown) for shown in _figures(one))]
    others = [
        one
        for one in said
        if one not in results and one.key not in dates and not _figures(one) & quoted
    ]
    if not results:
        return f"it does not say the result of its arithmetic, {value.normalize():f}"
    if others:
        return f"its quotes do not have the figure {others[0].text}"
    wanted = {term.key for term in terms(claim.text) if term.matters and not term.quantity}
    around = " ".join((text, *(f"{one.title} {one.locator}" for one in cited)))
    known = {term.key for term in terms(around)}
    names = {term.key for term in terms(claim.text) if term.kind == "name"}
    if names - known or len(wanted & known) < COVERED * len(wanted):
        return f"its quotes do not mention {', '.join(sorted(wanted - known)[:5])}"
    return ""


def _figures(number: Quantity) -> set[Decimal]:
    """Return the values of a number as it is written and in its base unit; none of a date."""
    return set() if number.sort == "date" else {Decimal(v) for v in number.values | number.bare}


def _rounds(value: Decimal, shown: Decimal) -> bool:
    """Return whether ``shown`` is ``value`` rounded to as many places as it has."""
    places = shown.as_tuple().exponent
    return isinstance(places, int) and value.quantize(Decimal(1).scaleb(min(places, 0))) == shown


def absence_text(question: str, coverage: Coverage) -> str:
    """Return the sentence of an absence; its words are those of the code, not of a model."""
    documents = "document" if coverage.read == 1 else "documents"
    return f"Nothing was found in the {coverage.read} {documents} about: {question}"

"""What ``check_citations`` answers: the claims of a draft beside the quotes of a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import anyio

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.citations import wording as check_wording
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import wording
from mcp_jobs_server.messages.arguments import CheckCitations
from mcp_jobs_server.messages.results import (
    CheckResult,
    ClaimShown,
    DifferenceShown,
    UncitedShown,
    VerdictWord,
)
from mcp_jobs_server.reports import findings
from research_contract.claims.claims import Claim, claims
from research_contract.claims.quotes import Quoted, Quotes
from research_contract.claims.verdicts import Judgement, judge, supported_by_other
from research_contract.records import Evidence

MOST_SHOWN = 60
"""Claims shown of each kind, cited and uncited; the worst ones first where there are more."""

MOST_WORDS = 8
_LONGEST_CLAIM = 300
_LONGEST_QUOTE = 400

_WORST: Sequence[VerdictWord] = ("contradicted", "not found", "partly", "supported")


async def check(folders: Folders, job: Job, asked: CheckCitations) -> CheckResult:
    """Return what the quotes of ``job`` say of each claim of a draft."""
    known = await findings.read(folders, job)
    return await anyio.to_thread.run_sync(checked, job.id, asked.text, known.quotes)


def checked(job_id: str, draft: str, evidence: Sequence[Evidence]) -> CheckResult:
    """Compare ``draft`` with ``evidence``; takes milliseconds a sentence."""
    quotes = Quotes(_quoted(quote) for quote in evidence)
    stated = claims(draft)
    cited = [_shown(claim, quotes) for claim in stated if claim.cites]
    uncited = [_uncited(claim, quotes) for claim in stated if not claim.cites]
    unknown = sorted({n for claim in stated for n in claim.cites if n not in quotes})
    found = Counter(one.verdict for one in cited)
    counts = {verdict: found[verdict] for verdict in reversed(_WORST) if found[verdict]}
    shown, listed = _worst(cited), uncited[:MOST_SHOWN]
    faultless = not uncited and not unknown and set(counts) <= {"supported"}
    return CheckResult(
        job_id=job_id,
        summary=check_wording.summary(counts, uncited=len(uncited), unknown=unknown),
        counts=counts,
        claims=shown,
        uncited=tuple(listed),
        unknown_numbers=tuple(unknown),
        not_shown=len(stated) - len(shown) - len(listed),
        next=check_wording.after(job_id, faultless=faultless),
    )


def _quoted(quote: Evidence) -> Quoted:
    return Quoted(quote.n, quote.quote, f"{quote.title}. {quote.locator}", quote.paragraph)


def _worst(cited: Sequence[ClaimShown]) -> tuple[ClaimShown, ...]:
    """Return the claims in the draft's order, or the worst of them where they are many."""
    if len(cited) <= MOST_SHOWN:
        return tuple(cited)
    return tuple(sorted(cited, key=lambda one: _WORST.index(one.verdict))[:MOST_SHOWN])


def _shown(claim: Claim, quotes: Quotes) -> ClaimShown:
    known = [n for n in claim.cites if n in quotes]
    judged = judge(claim, quotes, known)
    fine = judged.verdict == "supported"
    best = None if judged.best is None else quotes[judged.best]
    return ClaimShown(
        claim=wording.short(claim.text, _LONGEST_CLAIM),
        cites=claim.cites,
        verdict=judged.verdict,
        score=round(judged.score, 2),
        missing=() if fine or not known else _words(judged),
        differs=_differs(judged),
        quote=wording.short(best.text, _LONGEST_QUOTE) if best and not fine else None,
        quote_number=best.n if best else None,
        rather=None if fine else supported_by_other(claim, quotes, known),
    )


def _uncited(claim: Claim, quotes: Quotes) -> UncitedShown:
    text = wording.short(claim.text, _LONGEST_CLAIM)
    return UncitedShown(claim=text, rather=supported_by_other(claim, quotes, ()))


def _words(judged: Judgement) -> tuple[str, ...]:
    """Return the missing words that say most: numbers and names, then words."""
    order = {"number": 0, "name": 1, "word": 2, "common": 3}
    said = {one.claimed for one in judged.differs}
    missing = [term for term in judged.missing if term.text not in said]
    telling = [term for term in missing if term.kind != "common"] or missing
    ranked = sorted(telling, key=lambda term: order.get(term.kind, 4))
    return tuple(term.text for term in ranked[:MOST_WORDS])


def _differs(judged: Judgement) -> tuple[DifferenceShown, ...]:
    return tuple(DifferenceShown(claim=one.claimed, quote=one.quoted) for one in judged.differs)

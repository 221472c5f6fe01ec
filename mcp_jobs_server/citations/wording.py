"""The text of a check: its summary, each claim with what is wrong, and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mcp_jobs_server.messages.next_steps import check_draft, tell_user
from mcp_jobs_server.messages.results import CheckResult, ClaimShown, Next, VerdictWord
from mcp_jobs_server.messages.texts import next_text
from research_contract.text.safe import cited, markdown

_ADVICE: Mapping[VerdictWord, str] = {
    "contradicted": "Correct contradicted claims to match their quotes.",
    "not found": "Remove claims that were not found, or cite a quote that states them.",
    "partly": (
        "For partly supported claims, compare the words that differ: use those of the quote, or"
        " make sure that they mean the same."
    ),
}
_ADVICE_UNCITED = "Cite a quote for each claim, or mark it as your own view."


def after_check(job_id: str, *, faultless: bool) -> Next:
    """Return the step after a check: answer the user, or correct the draft and check it again."""
    if faultless:
        return tell_user("The answer as it was checked; keep its [n] citations.")
    return check_draft(job_id)


def summary(counts: Mapping[VerdictWord, int], *, uncited: int, unknown: Sequence[int]) -> str:
    """Return in a line or two what a check found, and what to do about it."""
    if not counts and not uncited:
        return "The text states nothing that could be checked."
    found = [f"{number} {verdict}" for verdict, number in counts.items() if number]
    found += [f"{uncited} without citation"] if uncited else []
    parts = [f"Claims: {', '.join(found)}."]
    if unknown:
        parts.append(f"Not among the quotes of this job: {numbers(unknown)}.")
    parts += [advice for verdict, advice in _ADVICE.items() if counts.get(verdict)]
    parts += [_ADVICE_UNCITED] if uncited else []
    return " ".join(parts)


def numbers(of: Iterable[int]) -> str:
    """Return citation numbers as they are written: ``[1] [3]``."""
    return " ".join(f"[{n}]" for n in of)


def text(answer: CheckResult) -> str:
    """Return the text of ``check_citations``, the next step included."""
    return f"{body(answer)}\n\n{next_text(answer.next)}"


def body(answer: CheckResult) -> str:
    """Return the summary, then each claim with what is wrong with it."""
    lines = [answer.summary, "", *(_claim_text(claim) for claim in answer.claims)]
    if answer.uncited:
        lines += ["", "Without citation:"]
        lines += [f"- {markdown(one.claim)}{_better(one.rather)}" for one in answer.uncited]
    if answer.not_shown:
        lines.append(f"{answer.not_shown} more are counted but not shown.")
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip()


def _claim_text(claim: ClaimShown) -> str:
    """Return one claim: its verdict, what is missing or differs, and the nearest quote."""
    parts = [f"- {claim.verdict}: {markdown(claim.claim)} {numbers(claim.cites)}".rstrip()]
    parts += [f"  Claim: {cited(one.claim)}. Quote: {cited(one.quote)}." for one in claim.differs]
    other = _better(claim.rather)
    if claim.missing:
        parts.append(f"  Not in any cited quote: {', '.join(map(markdown, claim.missing))}.{other}")
    elif other:
        parts.append(f" {other}")
    if claim.verdict == "not found" and not claim.quote and not claim.missing:
        parts.append("  It cites no quote of this job.")
    if claim.quote:
        parts.append(f"  > {cited(claim.quote)} [{claim.quote_number}]")
    return "\n".join(parts)


def _better(n: int | None) -> str:
    return f" Quote [{n}] fits better." if n else ""

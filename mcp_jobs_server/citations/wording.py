"""What is read of a check of a draft: its summary, each claim, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mcp_jobs_server.messages.results import CheckResult, ClaimShown, Next, VerdictWord
from mcp_jobs_server.messages.wording import check_draft, next_text


def after(job_id: str, *, faultless: bool) -> Next:
    """Return the step after a check: correct and check again, or answer."""
    if faultless:
        return Next(action="tell_user", say="The answer as it was checked, with its [n].")
    return check_draft(job_id)


def summary(counts: Mapping[VerdictWord, int], *, uncited: int, unknown: Sequence[int]) -> str:
    """Say in a line or two what a check found, and what to do about it."""
    if not counts and not uncited:
        return "The text states nothing that could be checked."
    said = [f"{number} {verdict}" for verdict, number in counts.items() if number]
    said += [f"{uncited} without citation"] if uncited else []
    parts = [f"Claims: {', '.join(said)}."]
    if unknown:
        parts.append(f"No quotes of this job: {numbers(unknown)}.")
    advice = [advised for verdict, advised in _ADVICE.items() if counts.get(verdict)]
    advice += [_ADVICE_UNCITED] if uncited else []
    return " ".join([*parts, *advice])


_ADVICE: Mapping[VerdictWord, str] = {
    "contradicted": "Correct what is contradicted after its quote.",
    "not found": "Take out what is not found, or cite a quote that says it.",
    "partly": "Of what is partly supported, take out or prove the missing words.",
}
_ADVICE_UNCITED = "Cite a quote for each claim, or mark it as your own view."


def numbers(of: Iterable[int]) -> str:
    """Return citation numbers as they are written: ``[1] [3]``."""
    return " ".join(f"[{n}]" for n in of)


def text(answer: CheckResult) -> str:
    """Return the text of a check, the next step included."""
    return f"{body(answer)}\n\n{next_text(answer.next)}"


def body(answer: CheckResult) -> str:
    """Return what was found: the summary, then each claim with what is wrong with it."""
    lines = [answer.summary, "", *(_claim_text(claim) for claim in answer.claims)]
    if answer.uncited:
        lines += ["", "Without citation:"]
        lines += [f"- {one.claim}{_rather(one.rather)}" for one in answer.uncited]
    if answer.not_shown:
        lines.append(f"{answer.not_shown} more are counted and not shown.")
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip()


def _claim_text(claim: ClaimShown) -> str:
    """Return one claim: its verdict, what is missing or differs, and the nearest quote."""
    parts = [f"- {claim.verdict}: {claim.claim} {numbers(claim.cites)}".rstrip()]
    parts += [f"  Claim: {one.claim}. Quote: {one.quote}." for one in claim.differs]
    if claim.missing:
        parts.append(f"  No cited quote has: {', '.join(claim.missing)}.{_rather(claim.rather)}")
    elif claim.rather:
        parts.append(f" {_rather(claim.rather)}")
    if claim.verdict == "not found" and not claim.quote and not claim.missing:
        parts.append("  No quote that it cites is one of this job.")
    if claim.quote:
        parts.append(f"  > {claim.quote} [{claim.quote_number}]")
    return "\n".join(parts)


def _rather(n: int | None) -> str:
    return f" Quote [{n}] would support this." if n else ""

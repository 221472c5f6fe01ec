"""Writes the report with a model, and keeps of it only what code and a second reading hold to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import anyio

from research_contract.claims.claims import without_markup
from research_contract.records import (
    Coverage,
    Evidence,
    Plan,
    QuestionResult,
)
from research_contract.text.safe import one_line
from research_contract.written_report import ClaimSection, RemovedClaim, ReportClaim, WrittenReport
from researcher_job.core.errors import LimitReached
from researcher_job.evidence.proof import absence_text, unproven
from researcher_job.models.base import Role
from researcher_job.models.structured import Asked, NoAnswer, ask
from researcher_job.strategies.agent.fences import fenced, keyed_quotes
from researcher_job.strategies.agent.prompts import prompt
from researcher_job.strategies.agent.schemas import Check, Corrections, Draft, DraftClaim

QUOTES_SHOWN = 12
"""Quotes of one question that the writer is shown, the best first."""

WRITE_TOKENS = 3_000
CHECK_TOKENS = 200
WRITER, CHECKER = "writer", "checker"
"""Names in the step log."""

LONGEST_QUOTE = 400
"""Characters of a quote that stands in place of a sentence about it."""


@dataclass
class _Sentence:
    """A sentence of the draft: ``question`` is its number, 0 in the summary.

    ``claim`` is what may stand, ``fault`` why it may not, ``doubted`` that only the second reading
    says so.
    """

    question: int
    draft: DraftClaim
    claim: ReportClaim
    fault: str = ""
    doubted: bool = False


@dataclass(frozen=True)
class Writer:
    """Writes the report of a job whose questions have ended; ``results`` are theirs.

    A sentence stands if code finds it proven by its quotes (``unproven``) and a second reading, by
    a model that sees sentence and quotes only, agrees. Else the writer is asked once for another
    one. What then fails is taken out and listed with the reason. Where code has proven a sentence
    and only the second reading doubts it, its quotes stand in its place, word for word.
    """

    models: Mapping[Role, Asked]
    question: str
    plan: Plan
    coverage: Coverage
    results: Sequence[QuestionResult]
    evidence: Mapping[int, Evidence]

    async def write(self) -> WrittenReport | None:
        """Return what may stand in the report; ``None`` if no model wrote.

        A limit that is reached on the way leaves out second readings, and says so in the claims.
        """
        asked = prompt("write", self._asked(), Draft, WRITE_TOKENS)
        try:
            draft = await ask(self.models["writer"], Draft, asked, worker=WRITER)
        except (NoAnswer, LimitReached):
            return None
        drafted = [(0, one) for one in draft.summary]
        for section in draft.sections:
            if 0 < section.question <= len(self.results):
                drafted += [(section.question, one) for one in section.claims]
        sentences = [self._sentence(number, one) for number, one in drafted]
        await self._check(sentences)
        if faulty := [one for one in sentences if one.fault]:
            await self._correct(faulty)
        return self._report(sentences)

    def _asked(self) -> str:
        plan = self.plan
        form = [
            f"Form: {plan.deliverable}" if plan.deliverable else "",
            f"Audience: {plan.audience}" if plan.audience else "",
            f"Language: {plan.language}" if plan.language else "",
            f"Length: about {plan.report_words} words" if plan.report_words else "",
        ]
        questions = [
            f"Question {number}:\n{fenced(result.question)}\n"
            f"Found: {_FOUND[result.state]}\n{keyed_quotes(self._keyed(number)) or 'no quotes'}"
            for number, result in enumerate(self.results, 1)
        ]
        asked = [f"The user asks:\n{fenced(self.question)}", *form, *questions]
        return "\n\n".join(part for part in asked if part)

    def _keyed(self, number: int) -> list[tuple[str, Evidence]]:
        """Return the best quotes of a question with their keys, which later runs repeat."""
        numbers = self.results[number - 1].evidence[:QUOTES_SHOWN]
        known = [self.evidence[n] for n in numbers if n in self.evidence]
        return [(f"E{number}.{place}", item) for place, item in enumerate(known, 1)]

    @cached_property
    def _by_key(self) -> dict[str, Evidence]:
        return {
            key: item
            for number in range(1, len(self.results) + 1)
            for key, item in self._keyed(number)
        }

    def _sentence(self, question: int, draft: DraftClaim) -> _Sentence:
        """Return the sentence as a claim, judged by code."""
        cited = [self._by_key.get(key.strip("[] ")) for key in draft.evidence]
        text = one_line(without_markup(draft.text))
        numbers = tuple(dict.fromkeys(item.n for item in cited if item))
        if draft.kind == "absence":
            about = self.results[question - 1].question if question else self.question
            text, numbers = absence_text(one_line(about), self.coverage), ()
        claim = ReportClaim(
            kind=draft.kind, text=text, evidence=numbers, expression=draft.expression
        )
        fault = unproven(claim, self.evidence, self.coverage)
        found = (
            self.results[question - 1].evidence
            if question
            else any(result.evidence for result in self.results)
        )
        if draft.kind == "absence" and found:
            fault = "something was found"
        if None in cited:
            fault = "it cites a key that does not exist"
        return _Sentence(question, draft, claim, fault)

    async def _check(self, sentences: Sequence[_Sentence]) -> None:
        """Have each proven sentence read a second time, but for those that are a quote."""

        async def check(sentence: _Sentence) -> None:
            claim = sentence.claim
            quotes = [self.evidence[n] for n in claim.evidence]
            if any(claim.text in one_line(quote.quote) for quote in quotes):
                return
            keyed = keyed_quotes((f"Quote {place}", one) for place, one in enumerate(quotes, 1))
            computed = f"\n\nComputed: {claim.expression}" if claim.expression else ""
            asked = f"Sentence:\n{fenced(claim.text)}{computed}\n\n{keyed}"
            shown = prompt("check", asked, Check, CHECK_TOKENS)
            try:
                found = await ask(self.models["checker"], Check, shown, worker=CHECKER)
            except (NoAnswer, LimitReached):
                return
            if found.supported:
                sentence.claim = claim.model_copy(update={"check": "supported"})
            else:
                sentence.fault = f"a second reading says: {found.why or 'not supported'}"
                sentence.doubted = True

        async with anyio.create_task_group() as group:
            for sentence in sentences:
                if not sentence.fault and sentence.claim.kind != "absence":
                    group.start_soon(check, sentence)

    async def _correct(self, faulty: Sequence[_Sentence]) -> None:
        """Ask the writer once for other sentences, and put those that hold in place."""
        wrong = "\n\n".join(
            f"Sentence {number}:\n{fenced(one.draft.text)}\n"
            f"Cites: {', '.join(one.draft.evidence) or 'nothing'}\nReason: {fenced(one.fault)}"
            for number, one in enumerate(faulty, 1)
        )
        asked = f"{self._asked()}\n\nSentences that cannot stand:\n\n{wrong}"
        shown = prompt("rewrite", asked, Corrections, WRITE_TOKENS)
        try:
            corrected = await ask(self.models["writer"], Corrections, shown, worker=WRITER)
        except (NoAnswer, LimitReached):
            corrected = Corrections()
        again = {
            one.replaces: self._sentence(faulty[one.replaces - 1].question, one)
            for one in corrected.claims
            if 0 < one.replaces <= len(faulty)
        }
        await self._check(list(again.values()))
        for number, sentence in enumerate(faulty, 1):
            other = again.get(number)
            if other and (not other.fault or (other.doubted and not sentence.doubted)):
                sentence.claim, sentence.fault = other.claim, other.fault
                sentence.doubted = other.doubted

    def _report(self, sentences: Sequence[_Sentence]) -> WrittenReport:
        removed: list[RemovedClaim] = []
        kept: dict[int, dict[str, ReportClaim]] = {}
        for one in sentences:
            claims = [one.claim] if not one.fault else []
            if one.fault:
                text = one_line(without_markup(one.draft.text))
                numbers = one.claim.evidence
                removed.append(RemovedClaim(text=text, evidence=numbers, reason=one.fault))
                claims = self._quoted(one.claim) if one.doubted else []
            for claim in claims:
                kept.setdefault(one.question, {}).setdefault(claim.text, claim)
        return WrittenReport(
            summary=tuple(kept.get(0, {}).values()),
            sections=tuple(
                ClaimSection(question=number, claims=tuple(kept[number].values()))
                for number in sorted(kept)
                if number
            ),
            removed=tuple(dict.fromkeys(removed)),
        )

    def _quoted(self, claim: ReportClaim) -> list[ReportClaim]:
        """Return the quotes of a claim that was doubted, as claims of their own."""
        quotes = [self.evidence[n] for n in claim.evidence]
        return [
            ReportClaim(kind="quote", text=one_line(one.quote), evidence=(one.n,))
            for one in quotes
            if len(one.quote) <= LONGEST_QUOTE
        ]


_FOUND = {
    "answered": "quotes that answer it",
    "partial": "quotes that answer a part of it",
    "evidence": "quotes that nobody judged",
    "not_found": "nothing",
}

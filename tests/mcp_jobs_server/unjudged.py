"""What a search without a model leaves: evidence with context, and nearest passages."""

from __future__ import annotations

from hashlib import sha256

from research_contract import records
from research_contract.files import join_lines
from research_contract.records import (
    ContextSpan,
    Coverage,
    Evidence,
    Outcome,
    QuestionResult,
)
from tests.mcp_jobs_server.stage import Stage

TEXT = (
    "Pumps\n\nDelivery\n\nWith each pump comes:\n\n- a filter\n\n"
    "Pump | Litres a minute\nPump 7 | 21\n\nThe yard is swept on Fridays."
)
DIGEST = sha256(TEXT.encode()).hexdigest()
ROW, ITEM, YARD = "Pump 7 | 21", "a filter", "The yard is swept on Fridays."
QUESTIONS = ("How much water does pump 7 move?", "What comes with a pump?", "Who sells pump 7?")


def span(kind: str, text: str, cell: str = "") -> ContextSpan:
    start = TEXT.index(text)
    place = TEXT.index(cell) if cell else -1
    return ContextSpan(text=text, start=start, end=start + len(text), kind=kind, cell=place)


def quoted(quote: str, *context: ContextSpan, kind: str, score: float) -> Evidence:
    start = TEXT.index(quote)
    return Evidence(
        n=0,
        question=0,
        quote=quote,
        source="handbook",
        uri="file:///handbook/pumps.docx",
        title="Pumps",
        locator="paragraph 3",
        snapshot=DIGEST,
        start=start,
        end=start + len(quote),
        kind=kind,
        context=context,
        score=score,
    )


BELOW = (span("heading", "Pumps"), span("heading", "Delivery"))
NEAREST = quoted(YARD, *BELOW, kind="paragraph", score=0.1)
FIRST_NEAREST, YARD_NEAREST, ROW_NEAREST = 4, 5, 6
"""Numbers of the nearest passages: one of the first question, two of the last one."""


def evidence() -> list[Evidence]:
    """Return a row whose score is the lower one, and an item of a list."""
    heads = (span("column_head", "Pump", "Pump 7"), span("column_head", "Litres a minute", "21"))
    row = quoted(ROW, *heads, kind="row", score=0.4)
    item = quoted(ITEM, *BELOW, span("lead_in", "With each pump comes:"), kind="item", score=0.9)
    return [
        row.model_copy(update={"n": 1, "paragraph": TEXT[-60:]}),
        item.model_copy(update={"n": 2, "paragraph": ITEM}),
        item.model_copy(update={"n": 3, "question": 1, "paragraph": ITEM}),
    ]


def nearest(question: int, *numbers: int) -> list[Evidence]:
    """Return nearest passages of a question, the second one a row without its heads."""
    passages = (NEAREST, quoted(ROW, kind="row", score=0.1))
    return [
        one.model_copy(update={"n": n, "question": question, "nearest": True})
        for n, one in zip(numbers, passages, strict=False)
    ]


def find(stage: Stage, job_id: str) -> None:
    """Write the evidence and its snapshot, and end the job with what a search says of it."""
    stage.runner.write(job_id, records.snapshot_name(DIGEST), TEXT.encode())
    name = records.segment_name(records.EVIDENCE_SEGMENTS, 1)
    passages = [*nearest(0, FIRST_NEAREST), *nearest(2, YARD_NEAREST, ROW_NEAREST)]
    stage.runner.write(job_id, name, join_lines([*evidence(), *passages]))
    results = (
        QuestionResult(
            question=QUESTIONS[0], state="evidence", evidence=(1, 2), nearest=(FIRST_NEAREST,)
        ),
        QuestionResult(question=QUESTIONS[1], state="evidence", evidence=(3,)),
        _missing(QUESTIONS[2], YARD_NEAREST, ROW_NEAREST),
    )
    _complete(stage, job_id, results, "Evidence was found for 2 of 3 questions.")


def find_nothing(stage: Stage, job_id: str, question: str) -> None:
    """End the job without evidence, with two nearest passages."""
    stage.runner.write(job_id, records.snapshot_name(DIGEST), TEXT.encode())
    name = records.segment_name(records.EVIDENCE_SEGMENTS, 1)
    stage.runner.write(job_id, name, join_lines(nearest(0, 1, 2)))
    _complete(stage, job_id, (_missing(question, 1, 2),), "Not found in the sources.")


def _missing(question: str, *numbers: int) -> QuestionResult:
    return QuestionResult(
        question=question,
        state="not_found",
        nearest=numbers,
        note="The sources nowhere mention “sells”.",
    )


def _complete(stage: Stage, job_id: str, results: tuple[QuestionResult, ...], reason: str) -> None:
    found = any(result.evidence for result in results)
    answer = "“Pump: Pump 7; Litres a minute: 21” [1] (“With each pump comes:”) “a filter” [3]"
    outcome = Outcome(
        outcome="evidence" if found else "insufficient_evidence",
        reason=reason,
        answer=answer if found else "",
        questions=results,
        coverage=Coverage(found=4, read=4),
        ended_at=stage.clock(),
    )
    stage.runner.write(job_id, records.REPORT, b"# Pumps\n\n## 1. How much?\n\nSee [1].\n")
    stage.runner.complete(job_id, outcome)

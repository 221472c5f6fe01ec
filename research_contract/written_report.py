"""The sentences of a report that a model wrote: ``work/claims.json``."""

from __future__ import annotations

from typing import Literal

from research_contract.records import FORMAT_VERSION, Record

ClaimKind = Literal["quote", "join", "computed", "absence"]


class ReportClaim(Record):
    """A sentence of a report that a model wrote, and the numbers of the quotes that prove it.

    ``quote``: one quote says it; ``join``: several together; ``computed``: ``expression`` gives its
    figure from quoted ones; ``absence``: nothing was found, in sources that were read in full.
    ``check`` is what a second reading by a model said: ``supported``, or "" where none was made.
    """

    kind: ClaimKind
    text: str
    evidence: tuple[int, ...] = ()
    expression: str = ""
    check: str = ""


class RemovedClaim(Record):
    """A sentence that a model wrote and its quotes do not say; ``reason`` says what they lack."""

    text: str
    evidence: tuple[int, ...] = ()
    reason: str


class ClaimSection(Record):
    """The claims that answer the question with this number, from 1."""

    question: int
    claims: tuple[ReportClaim, ...] = ()


class WrittenReport(Record):
    """``work/claims.json``: what a model wrote and code held to its quotes."""

    format_version: int = FORMAT_VERSION
    summary: tuple[ReportClaim, ...] = ()
    sections: tuple[ClaimSection, ...] = ()
    removed: tuple[RemovedClaim, ...] = ()

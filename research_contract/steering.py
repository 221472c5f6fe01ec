"""What the caller asks of a running job, and the receipts by which the job answers."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from research_contract.records import FORMAT_VERSION, STEER, QuestionResult, Record
from research_contract.text.safe import in_quotes

MAX_STEERING = 1_000
"""Characters of one instruction, as of a question of the plan."""

SteeringKind = Literal["add", "drop", "instruction"]


class Steering(Record):
    """``control/steer/<number>.json``: one instruction; numbers go up from 1 without a gap.

    ``text`` is the question to add, the number or the words of the question to drop, or words for
    the model that leads.
    """

    kind: SteeringKind
    text: str
    at: AwareDatetime


class Receipt(Record):
    """What became of one instruction.

    ``taken`` are words that wait for the next plan or review of the model that leads. ``question``
    is the index of the question that was added or dropped, else -1. ``shown`` says, for each
    question by its index, from which call of its lead on the words are shown.
    """

    kind: SteeringKind
    text: str
    state: Literal["taken", "obeyed", "refused"]
    question: int = -1
    reason: str = ""
    shown: dict[int, int] = Field(default_factory=dict)

    def sentence(self) -> str:
        """Return what became of it, as the step log and the report say it."""
        if self.state == "refused":
            asked = {"add": "adding ", "drop": "dropping ", "instruction": ""}[self.kind]
            return f"{asked}{in_quotes(self.text)}: refused, because {self.reason}."
        if self.kind == "add":
            return f"added question {self.question + 1}, {in_quotes(self.text)}: obeyed."
        if self.kind == "drop":
            return f"dropped question {self.question + 1}: obeyed."
        if self.state == "taken":
            return f"{in_quotes(self.text)}: the model sees it at its next plan or review."
        return f"{in_quotes(self.text)}: obeyed, the model that leads was told."


class Receipts(Record):
    """``work/steering.json``: one receipt for each instruction that the job has read, by number.

    ``asked`` counts, for each question by its index, the calls of its lead that were prepared.
    """

    format_version: int = FORMAT_VERSION
    receipts: tuple[Receipt, ...] = ()
    asked: dict[int, int] = Field(default_factory=dict)

    @property
    def added(self) -> tuple[str, ...]:
        """The questions that were added, by index: they follow those of the request."""
        return tuple(one.text for one in self._obeyed("add"))

    @property
    def dropped(self) -> frozenset[int]:
        """The indexes of the questions that were dropped."""
        return frozenset(one.question for one in self._obeyed("drop"))

    def _obeyed(self, kind: SteeringKind) -> list[Receipt]:
        return [one for one in self.receipts if (one.kind, one.state) == (kind, "obeyed")]


def dropped_result(question: str) -> QuestionResult:
    """Return the result of a question that was dropped."""
    note = "Dropped on request."
    return QuestionResult(question=question, state="not_found", note=note, dropped=True)


NOT_STEERED = Receipts()


def steering_name(number: int) -> str:
    """Return the file name of the instruction with this number."""
    return f"{STEER}/{number:08d}.json"

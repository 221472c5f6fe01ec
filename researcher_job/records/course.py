"""The course of a job: its questions, and how the caller steers them while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from research_contract import records
from research_contract.files import encode
from research_contract.questions import MAX_QUESTIONS
from research_contract.records import Request, Step
from research_contract.steering import Receipt, Receipts, Steering
from researcher_job.records.control import Control
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.segments import read_segments

_NUMBER = re.compile(r"(?:question\s)?\s?#?(\d{1,3})\.?", re.ASCII | re.IGNORECASE)


class Course:
    """The questions of a job by index, and the receipts of what its caller asked meanwhile.

    ``questions`` is one list: an added question stands at its end, a dropped one keeps its place.
    Receipts are written before anything is obeyed, so that the next attempt neither loses nor
    repeats an instruction. ``on_change`` is called when questions were added or dropped.
    ``with_model``: a model leads that can be told something.
    """

    def __init__(
        self, folder: JobFolder, request: Request, control: Control, *, with_model: bool = False
    ) -> None:
        self._folder = folder
        self._control = control
        self._with_model = with_model
        self._is_refresh = bool(request.refresh_of)
        steered = folder.steered()
        self._receipts = list(steered.receipts)
        self._asked = dict(steered.asked)
        self.questions = list(folder.questions(request))
        self.on_change: Callable[[], None] = lambda: None
        steps = read_segments(folder.path, records.STEPS, Step).records if self._receipts else ()
        self._logged = {str(step.payload.get("steering")) for step in steps if step}

    @property
    def dropped(self) -> frozenset[int]:
        """The indexes of the questions that were dropped."""
        return self._known().dropped

    async def take(self, journal: Journal) -> None:
        """Obey or refuse what was asked since the last time; each is a step in the log."""
        after = len(self._receipts)
        read = partial(self._control.steered, after)
        found = await self._folder.storage.run_blocking(read)
        self._receive(found[len(self._receipts) - after :], journal)

    async def told(self, index: int, call: int, journal: Journal) -> Sequence[str]:
        """Return the words of the caller for a call of the lead of a question; ``call`` is from 0.

        A call that an earlier attempt has prepared gets the same words again, so that its kept
        answer is found.
        """
        await self.take(journal)
        said = []
        before = self._known()
        for at, one in enumerate(self._receipts):
            if one.kind != "instruction" or one.state == "refused":
                continue
            if index not in one.shown and call >= self._asked.get(index, 0):
                shown = {**one.shown, index: call}
                self._receipts[at] = one.model_copy(update={"shown": shown, "state": "obeyed"})
            if self._receipts[at].shown.get(index, call + 1) <= call:
                said.append(one.text)
        self._asked[index] = max(call + 1, self._asked.get(index, 0))
        self._keep(before, journal)
        return said

    def close(self, journal: Journal) -> None:
        """Refuse what was not obeyed before the report is written."""
        before = self._known()
        for at, one in enumerate(self._receipts):
            if one.state == "taken":
                reason = "no plan or review of the model followed"
                self._receipts[at] = one.model_copy(update={"state": "refused", "reason": reason})
        self._keep(before, journal)
        self._receive(self._control.steered(len(self._receipts)), journal, closed=True)

    def _receive(
        self, found: Sequence[Steering | None], journal: Journal, *, closed: bool = False
    ) -> None:
        before = self._known()
        for one in found:
            reason, index = "its file is damaged", -1
            if one:
                reason, index = ("the research was over", -1) if closed else self._decided(one)
            if one and one.kind == "add" and not reason:
                self.questions.append(one.text)
            waits = one and one.kind == "instruction" and not reason
            self._receipts.append(
                Receipt(
                    kind=one.kind if one else "instruction",
                    text=one.text if one else "",
                    state="refused" if reason else "taken" if waits else "obeyed",
                    question=index,
                    reason=reason,
                )
            )
        self._keep(before, journal)
        if self._known().added != before.added or self._known().dropped != before.dropped:
            self.on_change()

    def _decided(self, one: Steering) -> tuple[str, int]:
        """Return why an instruction is refused, maybe "", and the index of its question."""
        if one.kind == "instruction":
            return ("" if self._with_model else NO_MODEL), -1
        if self._is_refresh:
            return "a refresh repeats the questions of the earlier job", -1
        texts = [_comparable(question) for question in self.questions]
        open_ones = [at for at in range(len(texts)) if at not in self.dropped]
        same = [at for at in open_ones if texts[at] == _comparable(one.text)]
        if one.kind == "add":
            if same:
                return f"it is question {same[0] + 1} already", -1
            most = len(texts) >= MAX_QUESTIONS
            return (f"a job has at most {MAX_QUESTIONS} questions" if most else ""), len(texts)
        number = _NUMBER.fullmatch(one.text)
        index = int(number[1]) - 1 if number else same[0] if same else -1
        if not 0 <= index < len(texts):
            return f"there is no such question; they have the numbers 1 to {len(texts)}", -1
        if index in self.dropped:
            return f"question {index + 1} was dropped before", -1
        task = self._folder.task(index)
        if task and task.state == "done" and task.question == self.questions[index]:
            return f"the search for question {index + 1} was done before", -1
        return "", index

    def _known(self) -> Receipts:
        return Receipts(receipts=tuple(self._receipts), asked=dict(self._asked))

    def _keep(self, before: Receipts, journal: Journal) -> None:
        """Write the receipts, then a step for each that has none in its state."""
        if self._known() != before:
            self._folder.write(records.STEERING, encode(self._known()))
        for number, one in enumerate(self._receipts, 1):
            name = f"{number} {one.state}"
            if name not in self._logged:
                self._logged.add(name)
                said = f"Steered: {one.sentence()}"
                journal.step("status", said, payload={"steering": name})


NO_MODEL = "no language model takes part: questions can be added or dropped"


def _comparable(question: str) -> str:
    return " ".join(question.split()).casefold().rstrip("?？. ")

"""The strategy that pursues a question with a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from research_contract.records import Depth
from researcher_job.core.errors import LimitReached
from researcher_job.core.plural import counted
from researcher_job.models.base import Role
from researcher_job.models.structured import Asked, NoAnswer, ask
from researcher_job.records.tasks import SubTask, SubTaskState
from researcher_job.sources.base import Passage, Quote, Source
from researcher_job.strategies.agent.fences import fenced
from researcher_job.strategies.agent.prompts import prompt
from researcher_job.strategies.agent.schemas import Division, Review, TaskAsked
from researcher_job.strategies.agent.worker import TaskResult, TaskWorker
from researcher_job.strategies.base import Finding, Progress, State, Strategy

MOST_TASKS: dict[Depth, int] = {"quick": 1, "standard": 4, "deep": 10}
"""Tasks of one question, further ones included."""

REVIEWS: dict[Depth, int] = {"quick": 0, "standard": 1, "deep": 3}
"""How often the lead looks at what was found and may add tasks."""

LeadAnswer = TypeVar("LeadAnswer", Division, Review)

NEAREST = 8
LEAD_TOKENS = 900
_QUOTE_SHOWN = 600
_QUOTES_SHOWN = 24


@dataclass
class _Pursuit:
    """A question while it is pursued: its tasks, what they found, and their states."""

    question: str
    source: Source
    terms: Sequence[str]
    depth: Depth
    tasks: list[TaskAsked] = field(default_factory=list)
    states: list[tuple[SubTaskState, str]] = field(default_factory=list)
    results: dict[int, TaskResult] = field(default_factory=dict)
    fallbacks: list[str] = field(default_factory=list)
    assumption: str = ""

    @property
    def quotes(self) -> list[Quote]:
        """The quotes of all tasks in their order, none twice."""
        ordered = [quote for at in sorted(self.results) for quote in self.results[at].quotes]
        places = {one.place: one for one in reversed(ordered)}
        return list(reversed(places.values()))

    @property
    def limit(self) -> str:
        """Which limit ended a task; "" for none."""
        return next((one.limit for one in self.results.values() if one.limit), "")


@dataclass(frozen=True)
class Agent:
    """The ``Strategy`` of one question with a language model: a lead, workers and their readers.

    ``depth`` decides how many tasks a question may have (1, 4 or 10), how often a task plans
    searches, and how many passages are read. ``without_model`` does a task for which no model
    gives a usable answer; ``ranked`` puts the passages of a source in its order, for a model to
    read. ``limits`` gets which limit ended the question early. The state is
    what the model judged: ``answered``, ``partial`` or ``not_found``; ``evidence`` for quotes that
    no model read.
    """

    models: Mapping[Role, Asked]
    without_model: Strategy
    ranked: Callable[[Source, Depth], Source]
    read_characters: int
    limits: list[str]
    progress: Progress

    async def find(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Finding:
        pursuit = _Pursuit(question, source, terms, depth)
        missing, enough = "", False
        try:
            await self._divide(pursuit)
            for number in range(REVIEWS[depth] + 1):
                await self._work(pursuit)
                if pursuit.limit or number == REVIEWS[depth]:
                    break
                review = await self._review(pursuit, number)
                missing, enough = review.missing, review.enough
                room = MOST_TASKS[depth] - len(pursuit.tasks)
                if enough or not review.tasks or room < 1:
                    break
                self._add(pursuit, review.tasks[:room])
        except NoAnswer as error:
            self.progress.log(
                "error", f"The lead gives no usable answer: {error}. Its part is left out."
            )
        except LimitReached as limit:
            pursuit.results.setdefault(len(pursuit.tasks), TaskResult(limit=str(limit)))
        if pursuit.limit:
            self.limits.append(pursuit.limit)
        return _concluded(pursuit, missing, enough=enough)

    async def _divide(self, pursuit: _Pursuit) -> None:
        """Add the tasks of the question: itself for a quick job, or where the lead gives none."""
        division = Division(tasks=(TaskAsked(ask=pursuit.question[:400]),))
        if pursuit.depth != "quick":
            try:
                asked = f"Question:\n{fenced(pursuit.question)}"
                division = await self._lead("divide", asked, Division, call=0)
            except NoAnswer as error:
                message = f"The question is one task, because the lead gave none: {error}."
                self.progress.log("error", message)
        if division.assumption:
            pursuit.assumption = division.assumption
            self.progress.log("plan", f"Assumption of the model: {division.assumption}")
        self._add(pursuit, division.tasks[: MOST_TASKS[pursuit.depth]])

    def _add(self, pursuit: _Pursuit, tasks: Sequence[TaskAsked]) -> None:
        for task in tasks:
            pursuit.tasks.append(task)
            pursuit.states.append(("pending", ""))
            self.progress.log("plan", f"Task: {task.ask}", task=f"{len(pursuit.tasks)}")
        self._tell(pursuit)

    async def _work(self, pursuit: _Pursuit) -> None:
        """Work on all pending tasks side by side, each when those that it needs have ended."""
        ended = {at: anyio.Event() for at in range(len(pursuit.tasks))}
        todo = [at for at, (state, _) in enumerate(pursuit.states) if state == "pending"]
        for at, event in ended.items():
            if at not in todo:
                event.set()
        # The lead saw the quotes of earlier rounds, so its words may be theirs.
        seen = frozenset(
            quote.passage.source
            for at, result in pursuit.results.items()
            if at not in todo
            for quote in result.quotes
        )

        async def work(at: int) -> None:
            task = pursuit.tasks[at]
            needed = [number - 1 for number in task.needs if 0 < number <= at]
            for other in needed:
                await ended[other].wait()
            try:
                known = [quote for other in needed for quote in pursuit.results[other].quotes]
                await self._task(at, pursuit, known, seen)
            finally:
                ended[at].set()

        async with anyio.create_task_group() as group:
            for at in todo:
                group.start_soon(work, at)

    async def _task(
        self, at: int, pursuit: _Pursuit, known: Sequence[Quote], seen: frozenset[str]
    ) -> None:
        """Work on one task, without a model if none gives a usable answer; record its quotes."""
        task, number = pursuit.tasks[at], f"{at + 1}"
        pursuit.states[at] = ("in_progress", "")
        self._tell(pursuit)
        worker = TaskWorker(
            models=self.models["worker"],
            source=self.ranked(pursuit.source, pursuit.depth),
            progress=self.progress,
            name=f"{self.progress.worker}, task {number}",
            task=task,
            number=number,
            depth=pursuit.depth,
            terms=pursuit.terms,
            read_characters=self.read_characters,
            words_from=seen,
        )
        try:
            result = await worker.work(known)
        except NoAnswer as error:
            # Words that may be of a source are sent nowhere: the question is asked instead.
            asked = pursuit.question if seen or len(pursuit.tasks) == 1 else task.ask
            result = await self._search_without_model(asked, number, pursuit, f"{error}")
        state: SubTaskState = "complete"
        if result.limit:
            state = "failed"
        elif not result.searched and not result.quotes:
            state = "skipped"
        await self.progress.found(number, result.quotes)
        pursuit.results[at] = result
        pursuit.states[at] = (state, result.limit or result.reason)
        quotes = counted(len(result.quotes), "quote")
        reason = pursuit.states[at][1]
        self.progress.log("task", f"{_STATES[state]} {quotes}. {reason}".rstrip(), task=number)
        self._tell(pursuit)

    async def _search_without_model(
        self, asked: str, number: str, pursuit: _Pursuit, failure: str
    ) -> TaskResult:
        message = f"No model gives a usable answer ({failure}); searched without one."
        self.progress.log("error", message, task=number)
        pursuit.fallbacks.append(failure)
        result = TaskResult(answers="evidence", reason=message)
        try:
            found = await self.without_model.find(
                asked, pursuit.source, terms=pursuit.terms, depth=pursuit.depth
            )
            result.quotes += found.quotes
            result.read += [quote.passage for quote in found.nearest]
        except LimitReached as limit:
            result.limit = str(limit)
        return result

    async def _review(self, pursuit: _Pursuit, number: int) -> Review:
        """Return the lead's view of what was found; ``number`` counts the reviews from 0."""
        tasks = "\n".join(
            f"{at + 1}. {task.ask} (searched: {_words(pursuit, at)})"
            for at, task in enumerate(pursuit.tasks)
        )
        quotes = "\n\n".join(
            fenced(one.text[:_QUOTE_SHOWN]) for one in pursuit.quotes[:_QUOTES_SHOWN]
        )
        question = fenced(pursuit.question)
        asked = f"Question:\n{question}\n\nTasks:\n{tasks}\n\nQuotes:\n{quotes or 'none'}"
        return await self._lead("review", asked, Review, call=number + 1)

    async def _lead(
        self, kind: str, asked: str, answer: type[LeadAnswer], *, call: int
    ) -> LeadAnswer:
        """Ask the lead, and show it what the user says meanwhile: words to follow, not sources."""
        if told := await self.progress.told(call):
            lines = "\n".join(f"- {words}" for words in told)
            asked += f"\n\nThe user of this job says while it runs (follow it):\n{lines}"
        said = prompt(kind, asked, answer, LEAD_TOKENS)
        return await ask(self.models["lead"], answer, said, worker=self.progress.worker)

    def _tell(self, pursuit: _Pursuit) -> None:
        tasks = zip(pursuit.tasks, pursuit.states, strict=True)
        self.progress.planned(
            [SubTask(ask=task.ask, state=state, reason=why) for task, (state, why) in tasks]
        )


def _words(pursuit: _Pursuit, at: int) -> str:
    found = pursuit.results.get(at, TaskResult())
    return "; ".join(words for words, _ in found.searched) or "nothing"


_STATES = {"complete": "Found", "failed": "Ended early with", "skipped": "Skipped with"}


def _concluded(pursuit: _Pursuit, missing: str, *, enough: bool) -> Finding:
    """Return the finding; what the models read and did not quote is nearest."""
    quotes = pursuit.quotes
    answers = {one.answers for one in pursuit.results.values() if one.quotes}
    state: State = "not_found"
    if quotes:
        state = "partial"
        if answers == {"evidence"}:
            state = "evidence"
        elif not pursuit.limit and (enough or (not missing and answers == {"yes"})):
            state = "answered"
    notes = [pursuit.limit, missing if state != "answered" else ""]
    if pursuit.fallbacks:
        notes.append(f"Searched without a model: {pursuit.fallbacks[0]}.")
    if pursuit.assumption:
        notes.append(f"Assumed: {pursuit.assumption}")
    quoted = {(one.passage.snapshot, one.passage.start) for one in quotes}
    read: dict[tuple[str, int], Passage] = {}
    for at in sorted(pursuit.results):
        for passage in pursuit.results[at].read:
            read.setdefault((passage.snapshot, passage.start), passage)
    nearest = [one for place, one in read.items() if place not in quoted][:NEAREST]
    return Finding(
        tuple(quotes),
        state,
        " ".join(note for note in notes if note),
        nearest=tuple(Quote(one, one.start, one.end, one.text, 0.0) for one in nearest),
    )

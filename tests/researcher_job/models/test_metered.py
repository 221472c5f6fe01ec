"""Model calls are charged before they are made, kept, and never made twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anyio
import pytest

from research_contract.records import Cost, Limits, Spent, Status
from researcher_job.core.clock import Clock
from researcher_job.core.errors import LimitReached
from researcher_job.limits.budget import Budget
from researcher_job.models.base import FailureKind, Message, ModelFailure, Prompt, Reply
from researcher_job.models.metered import Meter, MeteredModels
from researcher_job.models.prices import Prices
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Ledger, total_paid
from researcher_job.records.status import StatusWriter
from researcher_job.testing import Answer, ScriptedModel
from researcher_job.tracing.base import NoTracing
from tests.researcher_job.jobs import NOW, make_folder

MakeAttempt = Callable[..., "Attempt"]


def prompt(text: str) -> Prompt:
    return Prompt("read@1", "Read.", (Message("user", text),), {}, 50)


class Attempt:
    """One attempt at the folder ``root``, whose models answer as ``says``."""

    def __init__(self, root: Path, says: Sequence[Answer], limits: Limits | None = None) -> None:
        if not root.exists():
            make_folder(root)
        self.model = ScriptedModel({"read": says})
        self.budget = Budget(limits or Limits(), Spent(**dict(total_paid(root))), lambda: 0.0)
        clock = Clock()
        status = StatusWriter(root, Status(updated_at=NOW), clock=clock, spent=self.budget.tick)
        self.journal = Journal(root, status, clock=clock, segment_records=100)
        ledger = Ledger(root, self.budget)
        limiter = anyio.CapacityLimiter(4)
        meter = Meter(ledger, self.journal, NoTracing(), limiter, wait_seconds=0.0)
        models = self.model.models(prices=Prices(10.0, 100.0)).by_role["worker"]
        self.models = MeteredModels(models, meter)

    def ask(self, *texts: str) -> list[Reply | str]:
        """Ask all at once; return the answers and why there are none."""
        found: dict[int, Reply | str] = {}

        async def one(at: int, text: str) -> None:
            try:
                found[at] = await self.models.reply(prompt(text), worker="w")
            except (ModelFailure, LimitReached) as error:
                found[at] = f"{type(error).__name__}: {error}"

        async def everything() -> None:
            async with anyio.create_task_group() as group:
                for at, text in enumerate(texts):
                    group.start_soon(one, at, text)

        anyio.run(everything)
        return [found[at] for at in sorted(found)]


@pytest.fixture
def attempts(tmp_path: Path) -> Iterator[MakeAttempt]:
    """Make attempts at one folder; end them with the test."""
    made: list[Attempt] = []

    def make(says: Sequence[Answer], limits: Limits | None = None) -> Attempt:
        made.append(Attempt(tmp_path / "job", says, limits))
        return made[-1]

    yield make
    for attempt in made:
        attempt.journal.close()


def test_a_later_attempt_gets_the_kept_answer_without_a_call(attempts: MakeAttempt) -> None:
    first = attempts([{"a": 1}])
    [said] = first.ask("one")
    later = attempts([{"a": 2}])
    assert later.ask("one") == [said] and later.model.prompts == []
    assert later.ask("other")[0] != said


def test_the_same_question_asked_twice_at_once_is_one_call(attempts: MakeAttempt) -> None:
    attempt = attempts([{"a": 1}, {"a": 2}])
    assert len({repr(one) for one in attempt.ask("same", "same", "same")}) == 1
    assert len(attempt.model.prompts) == 1


def test_the_cost_is_corrected_to_what_the_server_reports(
    tmp_path: Path, attempts: MakeAttempt
) -> None:
    attempt = attempts([{"a": 1}])
    attempt.ask("one")
    # 100 tokens at 10 dollars and 20 at 100 dollars for a million
    assert total_paid(tmp_path / "job") == Cost(tokens=120, cost_usd=0.003)
    assert attempt.budget.spent.tokens == 120


def test_a_server_that_reports_nothing_costs_the_most(
    tmp_path: Path, attempts: MakeAttempt
) -> None:
    attempt = attempts([{"a": 1}])
    attempt.model.tokens = None
    attempt.ask("one")
    assert total_paid(tmp_path / "job").tokens > prompt("one").output_tokens


@pytest.mark.parametrize("limits", [Limits(tokens=100), Limits(cost_usd=0.001)])
def test_no_call_begins_that_may_pass_a_limit(
    tmp_path: Path, attempts: MakeAttempt, limits: Limits
) -> None:
    attempt = attempts([{"a": 1}], limits)
    [said] = attempt.ask("one")
    assert str(said).startswith("LimitReached") and attempt.model.prompts == []
    assert total_paid(tmp_path / "job") == Cost()


def test_what_may_pass_is_asked_again_and_each_time_is_charged(
    tmp_path: Path, attempts: MakeAttempt
) -> None:
    lost = ModelFailure("timeout", "no answer in time")
    busy = ModelFailure("rate_limited", "busy", paid=False)
    attempt = attempts([lost, busy, {"a": 1}])
    [said] = attempt.ask("one")
    assert isinstance(said, Reply) and len(attempt.model.prompts) == 3
    most = prompt("one").size + 200 + 50
    assert total_paid(tmp_path / "job").tokens == most + 120


@pytest.mark.parametrize("kind", ["unavailable", "rejected"])
def test_a_call_that_failed_is_kept_as_failed(
    tmp_path: Path, attempts: MakeAttempt, kind: FailureKind
) -> None:
    failing = ModelFailure(kind, "gone", paid=False)
    first = attempts([failing])
    later = attempts([{"a": 1}])
    assert first.ask("one") == later.ask("one") == ["ModelFailure: gone"]
    assert len(first.model.prompts) == (3 if kind == "unavailable" else 1)
    assert later.model.prompts == [] and total_paid(tmp_path / "job") == Cost()


def test_a_killed_call_counts_as_paid_and_is_made_again(
    tmp_path: Path, attempts: MakeAttempt
) -> None:
    first = attempts([{"a": 1}])

    class Killed(BaseException):
        """The process died."""

    def die(_: Prompt) -> Answer:
        raise Killed

    first.model.script = {"read": die}
    with pytest.raises(BaseException) as raised:
        first.ask("one")
    assert isinstance(raised.value, BaseExceptionGroup)
    most = total_paid(tmp_path / "job").tokens
    assert most == prompt("one").size + 200 + 50
    later = attempts([{"a": 1}])
    later.ask("one")
    assert total_paid(tmp_path / "job").tokens == most + 120


def test_a_server_that_reports_more_than_it_could_use_ends_the_spending(
    attempts: MakeAttempt,
) -> None:
    attempt = attempts([{"a": 1}], Limits(tokens=1_000_000))
    attempt.model.tokens = (900_000, 5)
    first, second = itertools.chain(attempt.ask("one"), attempt.ask("two"))
    assert isinstance(first, Reply)
    assert "reported 900005 tokens" in str(second) and len(attempt.model.prompts) == 1
    assert attempt.budget.spent.tokens == 900_005

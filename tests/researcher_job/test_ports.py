"""A job calls each port as its contract says; the published fakes record the calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from research_contract.records import Step
from researcher_job.core.errors import ExitCode
from researcher_job.core.settings import JobSettings, StrategyName
from researcher_job.research.purse import Purse
from researcher_job.strategies.configured import configured_strategy
from researcher_job.strategies.extractive.strategy import Extractive
from researcher_job.testing import FakeSink, FakeSource, FakeStrategy, FakeTracer
from tests.researcher_job.jobs import (
    QUESTIONS,
    TEXTS,
    make_folder,
    make_job,
    outcome_of,
    steps_of,
)


def test_the_strategy_researches_each_question_in_the_source(tmp_path: Path) -> None:
    source, strategy = FakeSource(TEXTS), FakeStrategy()
    job = replace(make_job(make_folder(tmp_path), source), strategy=strategy)
    assert anyio.run(job.run) == ExitCode.DONE
    assert sorted(strategy.asked) == sorted(QUESTIONS)
    assert sorted(source.searched) == sorted(QUESTIONS)
    assert [ref.name for ref in source.opened[0][0]] == ["texts"]


def test_a_sink_receives_each_step_of_the_log_once_and_is_closed(tmp_path: Path) -> None:
    folder, sink = make_folder(tmp_path), FakeSink()
    anyio.run(replace(make_job(folder), sinks=(sink,)).run)
    assert sink.steps == steps_of(folder)
    assert sink.closed


class Failing(FakeSink):
    """Accepts two steps, then raises."""

    def write(self, step: Step) -> None:
        if len(self.steps) == 2:
            raise ConnectionError("secret host refused")
        super().write(step)

    def close(self) -> None:
        raise ConnectionError("secret host refused")


def test_a_failing_sink_is_dropped_and_the_job_continues(tmp_path: Path) -> None:
    folder, failing, other = make_folder(tmp_path), Failing("the table"), FakeSink()
    anyio.run(replace(make_job(folder), sinks=(failing, other)).run)
    assert outcome_of(folder).outcome == "answered"
    said = [step.message for step in steps_of(folder) if step.kind == "error"]
    assert said == ["Steps no longer go to the table: ConnectionError."]
    assert len(failing.steps) == 2
    assert other.steps == steps_of(folder)


def test_a_tracer_sees_job_questions_searches_and_report(tmp_path: Path) -> None:
    folder, tracer = make_folder(tmp_path), FakeTracer()
    anyio.run(replace(make_job(folder), tracer=tracer).run)
    names = [name for name, _ in tracer.opened]
    assert names[0] == "research_job"
    assert names[-1] == "report"
    assert (names.count("question"), names.count("search")) == (2, 2)
    assert sorted(tracer.ended) == sorted(names)
    assert tracer.opened[0][1] == {"job_id": folder.request().job_id, "attempt": 1}
    texts = " ".join(str(attributes) for _, attributes in tracer.opened)
    assert not any(question in texts for question in QUESTIONS)


@pytest.mark.parametrize(("name", "kind"), [("extractive", Extractive)])
def test_the_settings_select_the_strategy(name: StrategyName, kind: type) -> None:
    settings = JobSettings(cache_dir=Path(), strategy=name, embeddings=())
    assert isinstance(configured_strategy(settings, Purse()), kind)

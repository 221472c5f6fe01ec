"""The step log, the status, and the secrets that they hide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import anyio
import pytest

from research_contract import records as contract
from research_contract.files import create_once, decode, read_whole
from research_contract.records import Cost, Limits, Spent, Status, Step
from researcher_job.core.clock import Clock
from researcher_job.core.errors import LimitReached
from researcher_job.limits.budget import Budget
from researcher_job.records.journal import Journal
from researcher_job.records.redaction import HIDDEN, MAX_MESSAGE, MAX_PAYLOAD, redact
from researcher_job.records.segments import SegmentWriter, read_segments
from researcher_job.records.status import StatusWriter
from tests.researcher_job.jobs import NOW, WAIT

CLOCK = Clock(now=lambda: NOW)


def status_writer(root: Path) -> StatusWriter:
    return StatusWriter(root, Status(updated_at=NOW), clock=CLOCK, spent=Spent)


@contextmanager
def journal_of(root: Path, *, segment_records: int = 1_000) -> Iterator[Journal]:
    with closing(
        Journal(root, status_writer(root), clock=CLOCK, segment_records=segment_records)
    ) as journal:
        yield journal


def numbers(root: Path) -> list[int]:
    records = read_segments(root, contract.STEPS, Step).records
    return [step.step for step in records if step]


def segments(root: Path) -> list[str]:
    return sorted(path.name for path in (root / contract.STEPS).iterdir())


def test_each_attempt_starts_a_segment(tmp_path: Path) -> None:
    for _ in range(2):
        with journal_of(tmp_path) as journal:
            journal.step("status", "one")
            journal.step("status", "two")
    assert segments(tmp_path) == ["00000001.jsonl", "00000003.jsonl"]
    assert numbers(tmp_path) == [1, 2, 3, 4]


def test_a_segment_has_a_maximum_number_of_records(tmp_path: Path) -> None:
    with journal_of(tmp_path, segment_records=2) as journal:
        for _ in range(5):
            journal.step("status", "said")
    assert segments(tmp_path) == ["00000001.jsonl", "00000003.jsonl", "00000005.jsonl"]
    assert (journal.status.current.last_step, journal.status.current.step_part) == (5, 5)


def test_a_step_can_be_read_immediately(tmp_path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.step("status", "said")
        assert numbers(tmp_path) == [1]


def test_numbers_continue_after_the_last_complete_line(tmp_path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.step("status", "one")
        journal.step("status", "two")
    segment = tmp_path / contract.segment_name(contract.STEPS, 1)
    segment.write_bytes(segment.read_bytes()[:-5])
    with journal_of(tmp_path) as journal:
        journal.step("status", "two again")
    assert segments(tmp_path) == ["00000001.jsonl", "00000002.jsonl"]
    assert numbers(tmp_path) == [1, 2]


@pytest.mark.parametrize("left", [b"", b'{"step": 1, "at"'])
def test_a_segment_without_a_complete_line_is_replaced(tmp_path: Path, left: bytes) -> None:
    create_once(tmp_path / contract.segment_name(contract.STEPS, 1), left)
    with journal_of(tmp_path) as journal:
        journal.step("status", "one")
    assert numbers(tmp_path) == [1]


def test_after_a_failed_write_the_next_line_starts_a_segment(tmp_path: Path) -> None:
    steps: SegmentWriter[Step] = SegmentWriter(tmp_path, contract.STEPS, Step, limit=10)
    steps.append(lambda n: Step(step=n, at=NOW, kind="status", message="one"))
    steps.close()
    (tmp_path / contract.STEPS / "00000002.jsonl").mkdir()
    with pytest.raises(OSError, match="00000002"):
        steps.append(lambda n: Step(step=n, at=NOW, kind="status", message="two"))
    (tmp_path / contract.STEPS / "00000002.jsonl").rmdir()
    steps.append(lambda n: Step(step=n, at=NOW, kind="status", message="two"))
    steps.close()
    assert numbers(tmp_path) == [1, 2]


def test_messages_are_one_visible_line_without_secrets(tmp_path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.step("error", "two\nlines \x1b[31m with Bearer abcdefghijkl and " + "x" * 500)
    step = read_segments(tmp_path, contract.STEPS, Step).records[0]
    assert step
    assert step.message.startswith(f"two lines <U+001B>[31m with {HIDDEN} and xxx")
    assert len(step.message) == MAX_MESSAGE


@pytest.mark.parametrize(
    "secret",
    [
        {"access_token": "x"},
        {"Authorization": "anything"},
        {"nested": [{"dbPassword": "x"}]},
        {"header": "Bearer abcdefghijklmnop"},
        {"text": "key sk-abcdefghijklmnopqrstuvwx!"},
        {"text": "dapi0123456789abcdef0123456789abcdef"},
        {"url": "https://me:hunter22@example.org/"},
    ],
)
def test_payloads_hide_secrets(secret: dict[str, object]) -> None:
    redacted = json.dumps(redact(secret))
    assert HIDDEN in redacted
    for word in ("hunter22", "abcdefgh", "0123456789", '"x"', "anything"):
        assert word not in redacted


def test_payloads_keep_other_values() -> None:
    payload = {"tokens": 12, "found": 3, "best": ["a, line 1"], "none": None, "share": 0.5}
    assert redact(payload) == payload


@pytest.mark.parametrize(
    "payload", [{"text": "ü" * 9_000}, {"texts": ["x" * 150] * 200}, {"x" * 5_000: 1}]
)
def test_payloads_are_limited_in_size(payload: dict[str, object]) -> None:
    cut = redact(payload)
    assert len(json.dumps(cut, ensure_ascii=False).encode()) <= MAX_PAYLOAD
    assert cut["cut"] is True


def test_the_status_is_written_on_change_and_as_a_heartbeat(tmp_path: Path) -> None:
    written: list[str] = []
    twice = anyio.Event()

    def now() -> datetime:
        written.append(writer.current.summary)
        if len(written) == 3:
            twice.set()
        return NOW

    writer = StatusWriter(tmp_path, Status(updated_at=NOW), clock=Clock(now=now), spent=Spent)

    async def keep() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(writer.write_periodically, least=0.001, most=0.005))
            writer.update(summary="changed")
            with anyio.fail_after(WAIT):
                await twice.wait()
            group.cancel_scope.cancel()

    anyio.run(keep)
    assert set(written) == {"changed"}
    status = decode(Status, read_whole(tmp_path / contract.STATUS))
    assert status
    assert status.summary == "changed"


def test_sleep_costs_at_most_five_seconds_a_tick() -> None:
    times = iter([0.0, 2.0, 3_600.0])
    budget = Budget(Limits(minutes=1), Spent(active_seconds=10), lambda: next(times))
    assert budget.tick().active_seconds == 12
    assert budget.tick().active_seconds == 17


def test_a_clock_that_goes_backwards_costs_nothing() -> None:
    times = iter([10.0, 5.0])
    assert Budget(Limits(), Spent(), lambda: next(times)).tick().active_seconds == 0


def test_time_and_calls_of_earlier_attempts_count() -> None:
    spent = Spent(active_seconds=60, tool_calls=3)
    budget = Budget(Limits(minutes=1, tool_calls=3), spent, lambda: 0.0)
    with pytest.raises(LimitReached, match="1 active minute"):
        budget.check_time()
    with pytest.raises(LimitReached, match="3 tool calls"):
        budget.charge(Cost(tool_calls=1))
    assert budget.spent.tool_calls == 3

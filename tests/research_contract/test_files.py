"""The readers and writers of a job folder: what is torn is not there, hostile ids are refused."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_contract import records as contract
from research_contract.files import (
    NewerFormat,
    create_once,
    decode,
    decode_lines,
    encode,
    join_lines,
    read_whole,
    write_whole,
)
from research_contract.questions import MAX_QUESTIONS, questions_of
from research_contract.records import (
    JOB_ID,
    Coverage,
    Evidence,
    NotRead,
    Outcome,
    Plan,
    Request,
    Status,
    Step,
)
from researcher_job.records.segments import SegmentWriter, read_segments

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

moments = st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
messages = st.lists(texts, max_size=12)


def steps(said: list[str]) -> list[Step]:
    return [
        Step(step=number, at=NOW, kind="status", message=text)
        for number, text in enumerate(said, start=1)
    ]


# Names


@given(moments)
def test_a_new_id_is_an_id_and_names_its_month(now: datetime) -> None:
    job_id = contract.new_job_id(now)
    assert JOB_ID.fullmatch(job_id)
    assert contract.month_of(job_id) == f"{now:%Y-%m}"


def test_an_id_carries_the_date_in_utc() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert contract.new_job_id(late).startswith("20260302-")


def test_ids_do_not_repeat() -> None:
    assert len({contract.new_job_id(NOW) for _ in range(1_000)}) == 1_000


@given(texts)
def test_only_ids_match(text: str) -> None:
    if JOB_ID.fullmatch(text):
        assert set(text) <= set("0123456789-abcdefghijklmnopqrstuvwxyz234567")
        assert len(text) == 22


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "../20260301-aaaaaaaaaaaaa",
        "20260301-aaaaaaaaaaaaa\n",
        "20260301-aaaaaaaaaaaaa\0",
        "20260301-aaaaaaaaaaaa/",
        "20260301-AAAAAAAAAAAAA",
        "20260301-аaaaaaaaaaaaa",  # noqa: RUF001 - a Cyrillic letter
        "２0260301-aaaaaaaaaaaaa",  # noqa: RUF001 - a full-width digit
        "20260301-" + "a" * 10_000,
    ],
)
def test_hostile_ids_do_not_match(hostile: str) -> None:
    assert JOB_ID.fullmatch(hostile) is None


@given(st.lists(st.integers(1, 99_999_999), min_size=2, unique=True))
def test_part_names_sort_like_their_numbers(numbers: list[int]) -> None:
    names = [contract.segment_name(contract.STEPS, number) for number in sorted(numbers)]
    assert names == sorted(names)
    assert len(set(names)) == len(names)


# Records


@given(texts, st.integers(1, 10**9), st.dictionaries(texts, texts, max_size=3))
def test_a_record_survives_writing_and_reading(text: str, n: int, payload: dict[str, Any]) -> None:
    step = Step(step=n, at=NOW, kind="finding", message=text, payload=payload)
    line = encode(step)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(Step, line) == step


@given(texts, st.data())
def test_a_torn_record_is_not_there(text: str, data: st.DataObject) -> None:
    line = encode(Step(step=1, at=NOW, kind="status", message=text)).rstrip(b"\n")
    cut = data.draw(st.integers(0, len(line) - 1))
    assert decode(Step, line[:cut]) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_not_there(data: bytes) -> None:
    for kind in (Request, Status, Outcome, Evidence):
        try:
            assert decode(kind, data) is None
        except NewerFormat:
            assert b"format_version" in data


@pytest.mark.parametrize("data", [None, b"", b"[]", b"3", b"null", b'"x"', b"[" * 100_000, b"\xff"])
def test_what_is_no_record_is_not_there(data: bytes | None) -> None:
    assert decode(Status, data) is None


def test_a_newer_format_is_refused_in_words() -> None:
    with pytest.raises(NewerFormat, match="format version 3; this program reads up to 2"):
        decode(Request, b'{"format_version": 3}')


def test_unknown_fields_of_a_newer_minor_are_ignored() -> None:
    data = encode(Status(updated_at=NOW)).replace(b"{", b'{"mood": "good", ', 1)
    assert decode(Status, data) == Status(updated_at=NOW)


# Journals


@given(messages, st.data())
def test_a_torn_part_gives_the_lines_that_are_complete(
    said: list[str], data: st.DataObject
) -> None:
    whole = join_lines(steps(said))
    cut = data.draw(st.integers(0, len(whole)))
    complete = whole[:cut].count(b"\n")
    found = decode_lines(Step, whole[:cut])
    assert [step for step, _ in found] == steps(said)[:complete]
    assert [offset for _, offset in found] == [
        len(join_lines(steps(said)[:n])) for n in range(1, complete + 1)
    ]


@given(messages, st.data())
def test_reading_on_from_any_offset_misses_and_repeats_nothing(
    said: list[str], data: st.DataObject
) -> None:
    whole = join_lines(steps(said))
    first = decode_lines(Step, whole[: data.draw(st.integers(0, len(whole)))])
    start = first[-1][1] if first else 0
    rest = decode_lines(Step, whole[start:])
    assert [step for step, _ in [*first, *rest]] == steps(said)


def test_a_line_edited_by_hand_keeps_its_place() -> None:
    lines = join_lines(steps(["one", "two", "three"])).split(b"\n")
    lines[1] = b"rubbish"
    found = [step for step, _ in decode_lines(Step, b"\n".join(lines))]
    assert [step and step.step for step in found] == [1, None, 3]


@given(st.lists(st.tuples(messages, st.integers(0, 30)), max_size=5), st.integers(1, 4))
def test_attempts_that_die_anywhere_leave_contiguous_steps(
    attempts: list[tuple[list[str], int]], limit: int
) -> None:
    """Each attempt writes its messages, then loses some of the bytes it wrote last."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for said, lost in attempts:
            before = read_segments(root, contract.STEPS, Step).records
            parts = SegmentWriter(root, contract.STEPS, Step, limit=limit)
            for text in said:
                parts.append(_status(text))
            parts.close()
            if said:
                part = root / contract.segment_name(contract.STEPS, parts.segment)
                part.write_bytes(part.read_bytes()[: -lost or None])
            read = read_segments(root, contract.STEPS, Step)
            assert read.records[: len(before)] == before
            assert [step and step.step for step in read.records] == list(
                range(1, len(read.records) + 1)
            )


def _status(text: str) -> Callable[[int], Step]:
    return lambda n: Step(step=n, at=NOW, kind="status", message=text)


# Files


def test_a_whole_file_is_replaced_and_leaves_nothing_else(tmp_path: Path) -> None:
    for data in (b"one", b"two"):
        write_whole(tmp_path / "work" / "file", data)
    assert read_whole(tmp_path / "work" / "file") == b"two"
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["file"]


def test_a_file_is_created_once(tmp_path: Path) -> None:
    assert create_once(tmp_path / "control" / "stop", b"first")
    assert not create_once(tmp_path / "control" / "stop", b"second")
    assert read_whole(tmp_path / "control" / "stop") == b"first"


@pytest.mark.parametrize("name", ["missing", "folder", "file/below"])
def test_what_is_no_file_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    assert read_whole(tmp_path / name) is None


# Questions and coverage


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("How long are logs kept?", ("How long are logs kept?",)),
        (
            "How long are logs kept? Who may read them?",
            ("How long are logs kept?", "Who may read them?"),
        ),
        ("- First thing asked\n2) Second thing asked", ("First thing asked", "Second thing asked")),
        ("What are the limits; and why?", ("What are the limits and why?",)),
        ("   spaces   ", ("spaces",)),
    ],
)
def test_a_question_is_taken_apart(question: str, parts: tuple[str, ...]) -> None:
    assert questions_of(question, Plan()) == parts


@given(st.text(max_size=400))
def test_there_is_always_something_to_pursue(question: str) -> None:
    found = questions_of(question, Plan())
    assert 1 <= len(found) <= MAX_QUESTIONS


def test_the_questions_of_the_plan_are_taken_as_they_are() -> None:
    plan = Plan(questions=("One? Two?", "Three"))
    assert questions_of("ignored", plan) == ("One? Two?", "Three")


def test_coverage_says_what_was_not_read() -> None:
    coverage = Coverage(
        found=4,
        read=1,
        not_read=(NotRead(reason="scanned PDF", count=3, examples=("a", "b", "c")),),
    )
    assert coverage.sentence() == "Read 1 of 4 files; not read: 3 scanned PDF (a, b …)."


def test_a_pipe_in_a_folder_holds_no_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "status.json")
    assert read_whole(tmp_path / "status.json") is None

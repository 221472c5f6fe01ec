"""The step log tells of reading now and then, however many files there are and however slow."""

from __future__ import annotations

from researcher_job.research.reading_steps import ReadingLog


class Hours:
    """A clock that is set by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def told(files: int, seconds: float) -> list[int]:
    """Return after which files a step is told, where ``files`` take ``seconds`` together."""
    clock = Hours()
    log = ReadingLog(clock)
    steps = []
    for done in range(1, files + 1):
        clock.seconds = seconds * done / files
        if log.should_log(done, total=files):
            steps.append(done)
    return steps


def test_the_first_and_the_last_file_are_told() -> None:
    assert told(1_000, 0.5) == [1, 1_000]


def test_steps_come_a_second_apart_at_least() -> None:
    assert len(told(100_000, 8.0)) <= 10


def test_long_readings_are_told_ever_less_often() -> None:
    assert 20 < len(told(100_000, 3_600.0)) < 100


def test_nothing_new_is_not_told() -> None:
    log = ReadingLog()
    assert log.should_log(3, total=3)
    assert not log.should_log(3, total=3)

"""Reading adds few steps to the log for any number of files and any duration."""

from __future__ import annotations

from researcher_job.research.reading_steps import ReadingLog


class SetClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def logged(files: int, seconds: float) -> list[int]:
    """Return after which files a step is logged if ``files`` take ``seconds`` in total."""
    clock = SetClock()
    log = ReadingLog(clock)
    steps = []
    for done in range(1, files + 1):
        clock.seconds = seconds * done / files
        if log.should_log(done, total=files):
            steps.append(done)
    return steps


def test_the_first_and_the_last_file_are_logged() -> None:
    assert logged(1_000, 0.5) == [1, 1_000]


def test_steps_are_at_least_a_second_apart() -> None:
    assert len(logged(100_000, 8.0)) <= 10


def test_a_long_reading_is_logged_less_and_less_often() -> None:
    assert 20 < len(logged(100_000, 3_600.0)) < 100


def test_an_unchanged_count_is_not_logged() -> None:
    log = ReadingLog()
    assert log.should_log(3, total=3)
    assert not log.should_log(3, total=3)

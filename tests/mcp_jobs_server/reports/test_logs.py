"""A reader of the step log sees each step once, in order, whatever happens to the writer."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.reports.logs import CHUNK, STEPS, Cursor
from research_contract.files import encode
from research_contract.records import STEPS as STEPS_FOLDER
from research_contract.records import Step, segment_name

JOB = "20261121-abcdefghijklm"
FOLDER = f"owner-0/2026-11/{JOB}"
NOW = datetime(2026, 11, 21, tzinfo=UTC)

pytestmark = pytest.mark.anyio


def line(number: int, message: str = "") -> bytes:
    return encode(Step(step=number, at=NOW, kind="status", message=message or f"step {number}"))


class Log:
    """A step log on disk, grown the way jobs grow it: appended, or in a new part after a death."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = DirectoryFolders(root)
        self.written = 0
        self._part = 1

    def append(self, count: int, message: str = "") -> None:
        for _ in range(count):
            self.written += 1
            self._add(line(self.written, message))

    def die_in_a_line(self) -> None:
        """Leave half a line behind and go on in a part of its own, as a resumed job does.

        A part without a complete line has nothing that anyone read: it is begun anew.
        """
        self._add(line(self.written + 1)[:20])
        if self._part == self.written + 1:
            (self.root / FOLDER / segment_name(STEPS_FOLDER, self._part)).unlink()
        self._part = self.written + 1

    def _add(self, data: bytes) -> None:
        path = self.root / FOLDER / segment_name(STEPS_FOLDER, self._part)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)

    async def read(self, cursor: str, limit: int) -> tuple[list[int], str, bool]:
        page = await STEPS.page(self.folders, FOLDER, Cursor.parse(cursor, JOB), limit)
        return [step.step for step in page.records], page.cursor.text(JOB), page.more


events = st.lists(st.sampled_from(["append", "append", "die", "read"]), max_size=25)


@given(events=events, limit=st.integers(1, 7))
def test_each_step_is_read_once_and_in_order(events: list[str], limit: int) -> None:
    async def play(log: Log) -> list[int]:
        seen: list[int] = []
        cursor = ""
        for event in [*events, "read"]:
            if event == "append":
                log.append(3)
            elif event == "die":
                log.die_in_a_line()
            else:
                more = True
                while more:
                    numbers, cursor, more = await log.read(cursor, limit)
                    seen += numbers
        return seen

    with TemporaryDirectory() as directory:
        log = Log(Path(directory))
        assert anyio.run(play, log) == list(range(1, log.written + 1))


async def test_more_is_said_only_when_there_is_more(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(10)
    assert (await log.read("", 10))[2] is False
    assert (await log.read("", 9))[2] is True


async def test_a_log_larger_than_one_read_is_read_on(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(200, "x" * 1000)
    assert CHUNK < 200 * 1000
    assert (await log.read("", 500))[0] == list(range(1, 201))


async def test_the_tail_is_the_newest_steps_and_the_end(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(1000)
    page = await STEPS.tail(log.folders, FOLDER, 1)
    assert [step.step for step in page.records][-1] == 1000
    assert len(page.records) < 100
    log.append(1)
    assert (await log.read(page.cursor.text(JOB), 5))[0] == [1001]


async def test_a_log_not_begun_has_no_steps_yet(tmp_path: Path) -> None:
    log = Log(tmp_path)
    numbers, cursor, more = await log.read("", 5)
    assert (numbers, more) == ([], False)
    log.append(2)
    assert (await log.read(cursor, 5))[0] == [1, 2]


async def test_a_line_broken_by_hand_costs_that_line_only(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(3)
    path = tmp_path / FOLDER / segment_name(STEPS_FOLDER, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{broken\n" + lines[2])
    assert (await log.read("", 5))[0] == [1, 3]


@given(st.text(max_size=60) | st.from_regex(r"hijklm\.\d{1,12}\.\d{1,12}\.\d{1,12}"))
def test_a_cursor_never_issued_is_refused_or_reads_true_steps(text: str) -> None:
    async def look(log: Log) -> list[int]:
        return (await log.read(text, 5))[0]

    with TemporaryDirectory() as directory:
        log = Log(Path(directory))
        log.append(5)
        try:
            numbers = anyio.run(look, log)
        except InvalidArgument:
            return
        assert set(numbers) <= {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    "cursor",
    [
        "hijklm.1.7.2",
        "hijklm.7.0.7",
        "hijklm.0.0.0",
        "hijklm.9.1.9",
        "hijklm.1.99999.2",
        "aaaaaa.1.0.1",
        "../../x",
    ],
)
async def test_a_made_up_cursor_is_refused(tmp_path: Path, cursor: str) -> None:
    log = Log(tmp_path)
    log.append(5)
    with pytest.raises(InvalidArgument, match="not issued"):
        await log.read(cursor, 5)


async def test_a_cursor_at_the_end_with_a_made_up_number_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(5)
    _, end, _ = await log.read("", 9)
    assert (await log.read(end, 9))[0] == []
    with pytest.raises(InvalidArgument, match="not issued"):
        await log.read(end.removesuffix(".6") + ".999", 9)

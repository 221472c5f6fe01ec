"""Within one call each answer is asked for once, however old it may be otherwise."""

import anyio
import anyio.lowlevel
import pytest

from mcp_jobs_server.core.single_flight import SingleFlightCache, one_call

pytestmark = pytest.mark.anyio


class Counter:
    """Answers with the number of the request; nothing is fresh of itself."""

    def __init__(self) -> None:
        self.asked = 0
        self.cache: SingleFlightCache[str, int] = SingleFlightCache(most=9)

    async def get(self) -> int:
        return await self.cache.get("", -1, self._answer)

    async def _answer(self) -> int:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        return self.asked


async def test_a_call_sees_one_answer_and_the_next_call_a_new_one() -> None:
    counter = Counter()
    assert [await counter.get(), await counter.get()] == [1, 2]
    for expected in (3, 4):
        with one_call():
            seen = [await counter.get(), await counter.get()]
            with one_call():  # belongs to the call around it
                seen.append(await counter.get())
        assert seen == [expected] * 3
    assert await counter.get() == 5


async def test_a_new_look_within_a_call_and_one_after_a_change_see_it() -> None:
    counter = Counter()
    with one_call():
        assert await counter.get() == 1
        with one_call(new=True):
            assert await counter.get() == 2
        counter.cache.drop("")
        assert await counter.get() == 3


async def test_tasks_of_a_call_belong_to_it() -> None:
    counter = Counter()
    with one_call():
        await counter.get()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(counter.get)
            tasks.start_soon(counter.get)
    assert counter.asked == 1

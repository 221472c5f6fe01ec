"""``make conformance``: prints what passed, and fails if a scenario did not."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import anyio

from tests.conformance.suite import SCENARIOS, Judged, run
from tests.mcp_jobs_server.transports.serving import home, served


async def judged() -> list[Judged]:
    """Run all scenarios, two at a time, against a server with a few documents."""
    found: dict[int, Judged] = {}
    limiter = anyio.CapacityLimiter(2)

    async def one(number: int, url: str) -> None:
        found[number] = await anyio.to_thread.run_sync(
            run, f"{url}/mcp", *SCENARIOS[number], limiter=limiter
        )

    with tempfile.TemporaryDirectory() as place, home(Path(place), documents=2) as here:
        async with served(here) as url, anyio.create_task_group() as group:
            for number in range(len(SCENARIOS)):
                group.start_soon(one, number, url)
    return [found[number] for number in sorted(found)]


def main() -> int:
    results = anyio.run(judged)
    for result in results:
        print(result.line())
        for failure in result.failed:
            print(f"      {failure}")
    failed = sum(bool(result.failed) for result in results)
    passed = sum(bool(result.passed and not result.failed) for result in results)
    rest = len(results) - passed - failed
    print(f"{passed} scenarios passed, {failed} failed, {rest} do not apply.")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

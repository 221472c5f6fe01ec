"""Measures FastMCP's background tasks with its own client; prints the figures as JSON.

Runs in the peers' environment. Argument: how many jobs to run.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp_tasks import ToolTask, call_tool_task

ROOT = Path(os.environ["BENCH_ROOT"])
SERVER = str(Path(__file__).with_name("fastmcp_server.py"))
PATIENCE_SECONDS = 20


def connect() -> Client:
    """Return a client that starts a server of its own."""
    transport = StdioTransport(sys.executable, [SERVER], env=dict(os.environ), keep_alive=False)
    return Client(transport)


async def start(client: Client, number: int) -> ToolTask:
    """Start one task and return its handle."""
    asked = {"question": f"How much water does pump {number} move a minute?"}
    return await call_tool_task(client, "research", asked)


async def one_by_one(count: int) -> dict[str, float]:
    """Run tasks one after the other; return median milliseconds."""
    starts, looks, heard = [], [], []
    async with connect() as client:
        for number in range(count):
            began = time.perf_counter()
            task = await start(client, number)
            starts.append(time.perf_counter() - began)
            began = time.perf_counter()
            await task.status()
            looks.append(time.perf_counter() - began)
            result = await task.result()
            heard.append(time.time() - result.data["written"])
    named = {"start": starts, "status": looks, "heard": heard}
    return {name: statistics.median(taken) * 1000 for name, taken in named.items()}


async def survivors(count: int) -> int:
    """Start tasks, kill the server, start another, and count the results it can still give."""
    with suppress(Exception):
        async with connect() as client:
            ids = [(await start(client, number)).task_id for number in range(count)]
            (ROOT / "ids").write_text(json.dumps(ids))
            os.kill(int((ROOT / "pid").read_text()), signal.SIGKILL)
    found = 0
    async with connect() as client:
        for task_id in json.loads((ROOT / "ids").read_text()):
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    found += await fetched(client, task_id)
    return found


async def fetched(client: Client, task_id: str) -> bool:
    """Poll a task of another server's life until it ends; ``False``: it is not known."""
    from fastmcp_tasks.client import _drive_to_terminal

    final = await _drive_to_terminal(client.session, task_id, None)
    return bool(final.status == "completed")


async def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1])
    figures = await one_by_one(count)
    print(json.dumps({**figures, "survived": await survivors(count)}))


if __name__ == "__main__":
    asyncio.run(main())

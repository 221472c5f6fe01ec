"""The same research as a background task of FastMCP, with its in-memory backend.

Runs in an environment of its own. ``BENCH_PYTHON`` is the interpreter that has the researcher,
``BENCH_ROOT`` a directory for job folders, ``BENCH_SOURCE`` the folder to search.
"""

import asyncio
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from fastmcp import FastMCP
from fastmcp_tasks import TasksExtension

ROOT = Path(os.environ["BENCH_ROOT"])
server = FastMCP("peer")
server.add_extension(TasksExtension())


async def research(question: str) -> dict[str, float]:
    """Research a question and return when its report was written (seconds since 1970)."""
    folder = ROOT / uuid.uuid4().hex
    folder.mkdir(parents=True)
    request = {
        "job_id": "20260101-abcdefghijklm",
        "question": question,
        "sources": [{"name": "pumps", "uri": Path(os.environ["BENCH_SOURCE"]).as_uri()}],
        "created_at": datetime.now(UTC).isoformat(),
    }
    (folder / "request.json").write_text(json.dumps(request))
    command = (os.environ["BENCH_PYTHON"], "-m", "researcher_job", "--folder", str(folder))
    cache = ("--cache", str(ROOT / "index"))
    process = await asyncio.create_subprocess_exec(*command, *cache)
    await process.wait()
    return {"written": (folder / "outcome.json").stat().st_mtime}


server.tool(research, task=True)

if __name__ == "__main__":
    (ROOT / "pid").write_text(str(os.getpid()))
    server.run(show_banner=False)

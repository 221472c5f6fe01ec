"""``python -m tests.benchmarks.peers PYTHON``: the same work here and in FastMCP's tasks.

``PYTHON`` is the interpreter of an environment that has FastMCP with its task extension
(``make bench-peers`` makes one). Both run the same researcher over the same documents.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from tests.benchmarks.measures import OURS, documents
from tests.benchmarks.peers import ours

JOBS = 10
ROWS = {
    "start": "a start returns",
    "status": "a status call",
    "heard": "from the written report to the client's knowing",
}


def main() -> int:
    """Measure both and print the table."""
    [peer] = sys.argv[1:]
    with TemporaryDirectory() as directory:
        root = Path(directory)
        source = documents(root)
        theirs = _theirs(peer, root / "peer", source)
        own = _ours(root / "ours", source)
    print(_table(own, theirs))
    return 0


def _theirs(python: str, root: Path, source: Path) -> Mapping[str, float]:
    root.mkdir()
    env = {
        **os.environ,
        "BENCH_PYTHON": sys.executable,
        "BENCH_ROOT": str(root),
        "BENCH_SOURCE": str(source),
    }
    script = Path(__file__).with_name("fastmcp_client.py")
    command = [python, str(script), str(JOBS)]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _ours(root: Path, source: Path) -> Mapping[str, float]:
    env = {**os.environ, "MCP_JOBS_DATA_DIR": str(root)}
    try:
        figures = anyio.run(partial(ours.one_by_one, source, env, JOBS))
        return {**figures, "survived": anyio.run(partial(ours.survivors, source, env, JOBS))}
    finally:
        subprocess.run([*OURS[:-1], "stop"], env=env, check=True, stdout=subprocess.DEVNULL)


def _table(own: Mapping[str, float], theirs: Mapping[str, float]) -> str:
    lines = ["| measure | this server | FastMCP tasks, in memory |", "|---|---|---|"]
    lines += [
        f"| {text} (median of {JOBS}) | {own[name]:.1f} ms | {theirs[name]:.1f} ms |"
        for name, text in ROWS.items()
    ]
    survived = f"| jobs that survive a kill of the server, of {JOBS} |"
    return "\n".join([*lines, f"{survived} {own['survived']:.0f} | {theirs['survived']:.0f} |"])


if __name__ == "__main__":
    sys.exit(main())

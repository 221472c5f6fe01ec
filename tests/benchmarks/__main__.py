"""``python -m tests.benchmarks``: measure, print the tables, write them where ``--write`` says."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from tests.benchmarks.flat import flat
from tests.benchmarks.lakeflow import lakeflow
from tests.benchmarks.measures import Row
from tests.benchmarks.reading import reading
from tests.benchmarks.server import beside_bare


@dataclass(frozen=True)
class Table:
    """One table of the page: what stands in its two columns, and how its rows are measured."""

    about: str
    columns: tuple[str, str]
    measure: Callable[[Path], list[Row]]


TABLES: Mapping[str, Table] = {
    "server": Table(
        "## Beside a bare server\n\nThe same calls to this server and to an SDK server with one"
        " tool that returns its argument, in turn.",
        ("this server", "bare SDK server"),
        beside_bare,
    ),
    "flat": Table(
        "## Flat cost\n\n10,000 jobs and a log of 100,000 steps beside 30 jobs and 10 steps; 500"
        " waiting calls beside one. The service in one process, real SQLite and job folders.",
        ("large", "small"),
        lambda root: anyio.run(flat, root),
    ),
    "lakeflow": Table(
        "## On Databricks\n\nThe service over the real SDK against the fake workspace: requests"
        " that a call makes, with one, 50 and 500 callers waiting for one job, those that it makes"
        " one after another, and time where each request takes 150 ms. 120 ended jobs.",
        ("measured", "beside"),
        lambda root: anyio.run(lakeflow, root),
    ),
    "reading": Table(
        "## Reading\n\nA second job on an unchanged folder of 10,000 files beside a bare walk, a"
        " first one beside raw FTS5 inserts of the same passages, memory with ten times the files,"
        " a search for the ten best passages beside the same words asked of a bare FTS5 table.",
        ("the job", "the least"),
        reading,
    ),
}


def main() -> int:
    """Measure the chosen tables (default: all) and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="*", metavar="TABLE", help="default: all")
    parser.add_argument("--write", type=Path, help="Markdown file to write the tables to")
    chosen = parser.parse_args()
    parts = [_measured(TABLES[name]) for name in chosen.table or TABLES]
    if chosen.write:
        chosen.write.write_text("\n\n".join([_head(), *parts]) + "\n", encoding="utf-8")
    return 0


def _measured(table: Table) -> str:
    with TemporaryDirectory() as directory:
        rows = table.measure(Path(directory))
    first, second = table.columns
    lines = [f"| measure | {first} | {second} | ratio | aim |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.ours:.1f} {row.unit} | {row.bare:.1f} {row.unit}"
        f" | {row.ratio:.2f}× | {row.aim} |"
        for row in rows
    ]
    text = "\n".join([table.about, "", *lines])
    print(text, flush=True)
    return text


def _head() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        "# Benchmarks\n\nWritten by `make bench`. Both columns of a table are measured in the same"
        f" run: Python {version}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}."
    )


if __name__ == "__main__":
    sys.exit(main())

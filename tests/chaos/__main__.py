"""``python -m tests.chaos``: kill, then check; exit code 1 and the seed where anything is wrong."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

import anyio

from tests.chaos.accidents import half_removed
from tests.chaos.checks import CHECKS, Remains
from tests.chaos.run import Pace, Run
from tests.chaos.workspace import ROUNDS, on_workspace


def main(arguments: Sequence[str]) -> int:
    """Run once and print what was killed and what was checked."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of each kind (default: 200)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    parser.add_argument("--minutes", type=float, default=11.0, help="of killing, at most")
    parser.add_argument("--dir", type=Path, help="new directory to work in and to leave")
    told = parser.parse_args(arguments)
    root = told.dir or Path(mkdtemp(prefix="chaos-"))
    print(f"seed {told.seed}, in {root}", flush=True)
    pace = Pace(kills=told.kills, most_seconds=told.minutes * 60)
    return report(Run(root.absolute(), pace, told.seed))


def report(run: Run) -> int:
    """Run, print the tables, return the exit code."""
    began = time.monotonic()
    run.kill_all()
    print(f"\nkilled in {time.monotonic() - began:.0f} s, {run.victims.processes} processes:")
    for kind, kills in run.victims.kills.items():
        print(f"  {kind:<10}{kills:>5}")
    print(f"  {'moves':<10}{run.moves:>5}\n  {'columns':<10}{run.rows.done:>5}")
    remains = Remains(run.stage)
    print(f"\n{len(remains.rows)} jobs:")
    for state, jobs in Counter(row.state for row in remains.rows).items():
        print(f"  {state:<10}{jobs:>5}")
    attempts = sum(row.attempt for row in remains.rows)
    print(f"  {'attempts':<10}{attempts:>5}\n\nchecked:")
    faults = list(run.faults)
    for name, check in CHECKS.items():
        found = list(check(remains))
        faults += found
        print(f"  {name:<38}{f'{len(found)} faults' if found else 'holds'}")
    for name, accidents in after(run).items():
        print(f"  {name:<38}{f'{len(accidents)} faults' if accidents else 'holds'}")
        faults += accidents
    for fault in faults:
        print(f"  ! {fault}")
    print(f"\n{'broken' if faults else 'all holds'}, after {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def after(run: Run, rounds: int = ROUNDS) -> Mapping[str, list[str]]:
    """Return what is wrong after the accidents that follow the kills, by what must hold."""
    chance = random.Random(run.seed)  # noqa: S311 - no secret
    return {
        "half removed bases are told": anyio.run(half_removed, run.stage, chance, rounds),
        "on Databricks each job ends truthfully": anyio.run(
            on_workspace, run.stage.root, chance, rounds
        ),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

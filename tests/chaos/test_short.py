"""A short chaos run: whatever is killed, each job ends once and truthfully."""

from __future__ import annotations

import random

import pytest

from tests.chaos.__main__ import after
from tests.chaos.checks import CHECKS, Remains
from tests.chaos.run import Pace, Run
from tests.chaos.victims import KINDS

SEED = random.randrange(2**32)  # noqa: S311 - no secret; another one each time


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(
        tmp_path_factory.mktemp("chaos") / "run", Pace(kills=5, moves=3, columns=6, servers=2), SEED
    )
    run.kill_all()
    return run


def test_enough_of_each_kind_was_killed_and_all_came_to_an_end(run: Run) -> None:
    assert run.faults == []
    assert min(run.victims.kills[kind] for kind in KINDS) >= 5
    assert run.moves == 3
    assert run.rows.done == 6


@pytest.mark.parametrize("name", CHECKS)
def test_after_the_kills(run: Run, name: str) -> None:
    remains = Remains(run.stage)
    assert remains.rows != []
    assert list(CHECKS[name](remains)) == []


def test_accidents_after_the_kills_end_well(run: Run) -> None:
    assert {name: faults for name, faults in after(run, rounds=1).items() if faults} == {}

"""The page about jobs on Databricks says the numbers and names that are in force."""

from __future__ import annotations

from datetime import UTC, datetime

from mcp_jobs_server.backends.lakeflow import index, polling, runs, settle, start
from mcp_jobs_server.backends.lakeflow.index import read_names
from mcp_jobs_server.databricks.workspace import Timeouts
from tests.repository import ROOT

MONTHS = {12: "twelve"}


def page() -> str:
    return " ".join((ROOT / "docs/lakeflow-backend.md").read_text(encoding="utf-8").split())


def test_the_numbers_are_those_in_force() -> None:
    for said in (
        f"without a run for {settle.ORPHAN_SECONDS:g} s submits",
        f"without an outcome, up to {settle.LATE_SECONDS:g} s ago",
        f"down to every {polling.SLOWEST_SECONDS:g} s while",
        f"the run at most every {runs.RUN_SECONDS:g} s",
        f"the index (cached for {index.FRESH_SECONDS:g} s)",
        f"for all owners (cached for {runs.ACTIVE_SECONDS:g} s)",
        f"its deadline of {Timeouts().call:g} s, a whole start at {start.START_SECONDS:g} s",
        f"Lists go back {MONTHS[index.MAX_MONTHS]} months",
    ):
        assert said in page()
    assert polling.POLL_SECONDS == 1


def test_no_thread_works_on_for_a_call_that_was_given_up() -> None:
    assert Timeouts().http + Timeouts().retry < Timeouts().call


def test_the_names_of_entries_are_those_that_are_read() -> None:
    job, at = "20261127-abcdefghijklm", int(datetime.now(UTC).timestamp() * 1000)
    filled = {
        "<job>.made.<ms>": f"{job}.made.{at}",
        "<job>.ended.<ms>.<state>.<outcome>.<kind>.<active ms>.<cents>": (
            f"{job}.ended.{at}.failed.-.0123abcd.1500.42"
        ),
        "<job>.fetched.<ms>": f"{job}.fetched.{at}",
    }
    assert all(f"`{pattern}`" in page() for pattern in filled)
    entry = read_names(filled.values())[job]
    assert (entry.created_at, entry.fetched_at) == (at, at)
    assert entry.ended is not None
    assert (entry.ended.state, entry.ended.outcome) == ("failed", None)
    assert (entry.ended.active_seconds, entry.ended.cost_usd) == (1.5, 0.42)

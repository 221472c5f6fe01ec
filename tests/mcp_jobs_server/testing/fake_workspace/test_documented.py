"""Holds the page about the fake workspace to what there is."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from mcp_jobs_server.testing.fake_workspace.faults import Fault, Kind
from mcp_jobs_server.testing.fake_workspace.job_settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.docs.documents import spans, tables

PAGE = "docs/fake-workspace.md"


def test_every_kind_of_fault_stands_in_the_table() -> None:
    [kinds] = [table for table in tables(PAGE) if table.heading == "What can go wrong"]
    assert kinds.column(0) == list(get_args(Kind))


def test_what_the_page_names_exists(workspace: FakeWorkspace) -> None:
    known = {
        *vars(workspace.files),
        *(one.name for one in fields(Fault)),
        *(one.name for one in fields(JobSettings)),
        *dir(FakeWorkspace),
    }
    last = {span.rpartition(".")[2] for span in spans(PAGE)}
    named = {name for name in last if name.endswith("_seconds") or name.startswith("max_")}
    assert named
    assert named - known == set()

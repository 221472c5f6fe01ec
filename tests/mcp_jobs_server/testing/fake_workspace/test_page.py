"""Compares docs/fake-workspace.md with the code."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from mcp_jobs_server.testing.fake_workspace.faults import Fault, Kind
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.docs.documents import spans, tables

PAGE = "docs/fake-workspace.md"


def test_the_table_of_faults_lists_every_kind() -> None:
    [kinds] = [table for table in tables(PAGE) if table.heading == "Faults"]
    assert kinds.column(0) == list(get_args(Kind))


def test_the_settings_on_the_page_exist(workspace: FakeWorkspace) -> None:
    known = {
        *dir(workspace.files),
        *(field.name for field in fields(Fault)),
        *(field.name for field in fields(JobSettings)),
        *dir(FakeWorkspace),
    }
    last_parts = {span.rpartition(".")[2] for span in spans(PAGE)}
    named = {n for n in last_parts if n.endswith("_seconds") or n.startswith("max_")}
    assert named
    assert named - known == set()

"""The job as a run of a workspace: started over HTTP, run by its wheel's entry point."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient

from mcp_jobs_server.testing.fake_workspace.jobs.runs import Run
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract import records
from research_contract.files import create_once, decode, read_whole
from research_contract.probes import Probed
from researcher_job.records.job_folder import JobFolder
from researcher_job.verification.verify import verify
from tests.researcher_job.command.test_job_command import HANDBOOK
from tests.researcher_job.jobs import WAIT, make_folder, outcome_of, steps_of

JOB = "20260301-aaaaaaaaaaaaa"
OWNER = "ada-1234/2026-03"
PASSWORD = "correct horse battery staple"
CONFIG = """
[researcher]
model = "small-model"

[sources.handbook]
uri = "volume:/main/documents/handbook/rules"
audience = "users"
token = "secret:research/handbook"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as workspace:
        workspace.add_volume("main.research.jobs")
        rules = workspace.add_volume("main.documents.handbook") / "rules"
        rules.mkdir()
        for name, text in HANDBOOK.items():
            (rules / name).write_text(text, encoding="utf-8")
        yield workspace


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "research.toml"
    path.write_text(CONFIG)
    return path


def start(workspace: FakeWorkspace, config: Path, place: str, *, retries: int = 0) -> Run:
    """Start a run of the deployed job and return it."""
    job = workspace.add_job(f"--config={config}", max_retries=retries)
    client = WorkspaceClient(host=workspace.url, token=workspace.app.token, auth_type="pat")
    folder = f"/Volumes/main/research/jobs/{place}"
    parameters = {"job_folder": folder, "job_id": place.rpartition("/")[2]}
    client.jobs.run_now(job.job_id, job_parameters=parameters)
    return workspace.runs()[-1]


def ended(run: Run) -> Run:
    until = time.monotonic() + WAIT
    while run.active and time.monotonic() < until:
        time.sleep(0.05)
    assert not run.active
    return run


def make(workspace: FakeWorkspace, **fields: object) -> JobFolder:
    source = {"name": "handbook", "uri": "volume:/main/documents/handbook/rules"}
    place = workspace.volumes / "main/research/jobs" / OWNER / JOB
    return make_folder(place, **{"sources": (source,), **fields})


def test_a_run_reads_a_volume_and_writes_its_folder(workspace: FakeWorkspace, config: Path) -> None:
    folder = make(workspace)
    run = ended(start(workspace, config, f"{OWNER}/{JOB}"))
    assert run.attempts[-1].log.splitlines()[-1].endswith(": done"), run.attempts[-1].log
    assert run.termination
    assert run.termination.code == "SUCCESS"
    assert "thirty days" in outcome_of(folder).answer
    assert outcome_of(folder).coverage.read == 3
    assert folder.evidence()[0].uri.startswith("file:///Volumes/main/documents/handbook/rules/")
    assert verify(folder.path).faults == ()


def test_a_killed_run_is_retried_and_continues(workspace: FakeWorkspace, config: Path) -> None:
    folder = make(workspace)
    rules = workspace.volumes / "main/documents/handbook/rules"
    for number in range(2_000):
        (rules / f"{number}.md").write_text(f"# Page {number}\n\nThe approval of page {number}.\n")
    run = start(workspace, config, f"{OWNER}/{JOB}", retries=2)
    until = time.monotonic() + WAIT
    while folder.status() is None and time.monotonic() < until:
        time.sleep(0.02)
    before = steps_of(folder)
    assert run.process
    run.process.kill()
    assert ended(run).termination
    assert len(run.attempts) == 2
    assert outcome_of(folder).attempts == 2
    assert steps_of(folder)[: len(before)] == before
    assert verify(folder.path).faults == ()


def test_a_refused_request_fails_with_a_message_for_the_server(
    workspace: FakeWorkspace, config: Path
) -> None:
    make(workspace, sources=({"name": "law", "uri": "volume:/main/documents/law"},))
    run = ended(start(workspace, config, f"{OWNER}/{JOB}"))
    assert "The source 'law' is not one that this job may read." in run.attempts[-1].error


def test_a_requested_probe_is_run(workspace: FakeWorkspace, config: Path) -> None:
    workspace.platform.secrets["research/handbook"] = PASSWORD
    workspace.rights.grant("secret-scope research", workspace.runner.name, "READ")
    workspace.platform.endpoints["small-model"] = {}
    workspace.rights.grant("serving-endpoint small-model", workspace.runner.name, "CAN_QUERY")
    folder = workspace.volumes / "main/research/jobs/probe" / JOB
    folder.mkdir(parents=True)
    create_once(folder / records.PROBE, b"")
    run = ended(start(workspace, config, f"probe/{JOB}"))
    result = decode(Probed, read_whole(folder / records.PROBED))
    assert result, run.attempts[-1].log
    said = {check.name: (check.ok, check.said) for check in result.checks}
    assert said == {
        "volume": (True, "written, listed, read and deleted"),
        "model small-model": (True, "answers"),
        "source handbook": (True, "3 files found"),
        "secret of handbook": (True, "secret:research/handbook can be read"),
    }
    assert result.run_id == str(run.run_id)
    assert result.started_seconds > 0
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in data for data in [*kept, run.attempts[-1].log.encode()])


def test_a_probe_reports_missing_permissions(workspace: FakeWorkspace, config: Path) -> None:
    workspace.platform.secrets["research/handbook"] = PASSWORD
    folder = workspace.volumes / "main/research/jobs/probe" / JOB
    folder.mkdir(parents=True)
    create_once(folder / records.PROBE, b"")
    run = ended(start(workspace, config, f"probe/{JOB}"))
    result = decode(Probed, read_whole(folder / records.PROBED))
    assert result, run.attempts[-1].log
    said = {check.name: check.said for check in result.checks if not check.ok}
    assert set(said) == {"model small-model", "secret of handbook"}
    assert "PermissionDenied" in said["model small-model"]
    assert "PermissionDenied" in said["secret of handbook"]
    assert not any(workspace.url in words or PASSWORD in words for words in said.values())

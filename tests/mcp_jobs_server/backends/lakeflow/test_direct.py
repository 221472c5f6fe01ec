"""A server that uses a workspace directly: owners of jobs, and readiness."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.auth.local import local_authenticator
from mcp_jobs_server.client import Research, connect
from mcp_jobs_server.core.errors import NotFound
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from research_contract.records import SourceRef
from tests.mcp_jobs_server.backends.lakeflow.backend import VOLUME, Scene, scene

pytestmark = pytest.mark.anyio

WORKSPACE = "900800700600"


@pytest.fixture
def settings(stage: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings of a server that Ada runs with her own rights on job and volume."""
    workspace = stage.workspace
    monkeypatch.setenv("DATABRICKS_HOST", workspace.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.ada.token)
    workspace.rights.grant(f"job {stage.job.job_id}", workspace.ada.name, "CAN_MANAGE_RUN")
    workspace.rights.grant(
        "volume main.research.jobs", workspace.ada.name, "READ_VOLUME", "WRITE_VOLUME"
    )
    handbook = SourceRef(name="handbook", uri=(tmp_path / "Volumes").as_uri())
    return Settings(
        data_dir=tmp_path / "data",
        backend="lakeflow",
        volume=VOLUME,
        job_id=stage.job.job_id,
        sources=(handbook,),
    )


@pytest.fixture
async def research(settings: Settings) -> AsyncIterator[Research]:
    async with connect(settings) as research:
        yield research


async def test_jobs_belong_to_the_signed_in_user(
    stage: Scene, settings: Settings, research: Research
) -> None:
    owner = Owner(issuer=WORKSPACE, subject=stage.workspace.ada.id)
    assert (await local_authenticator(settings).caller()).owner == owner
    job = await research.start("answer")
    assert (stage.volume / owner.folder / f"{datetime.now(UTC):%Y-%m}" / job.job_id).is_dir()
    assert (await research.wait(job.job_id)).state == "completed"


async def test_the_expected_time_of_a_first_job_includes_the_startup(research: Research) -> None:
    job = await research.start("answer")
    assert job.expected_seconds == 20 + 40


async def test_a_job_too_old_to_be_kept_has_expired(settings: Settings) -> None:
    old = f"{datetime.now(UTC) - timedelta(days=40):%Y%m%d}-abcdefghijklm"
    young = f"{datetime.now(UTC) - timedelta(days=20):%Y%m%d}-abcdefghijklm"
    async with connect(replace(settings, retention_days=30)) as research:
        with pytest.raises(NotFound, match="has expired: jobs are kept for 30 days"):
            await research.status(old)
        with pytest.raises(NotFound, match="no research job"):
            await research.status(young)
    async with connect(settings) as research:
        with pytest.raises(NotFound, match="no research job"):
            await research.status(old)


async def test_a_server_knows_whether_it_is_ready(settings: Settings) -> None:
    async with open_jobs(settings) as jobs:
        assert set((await jobs.readiness.check()).items()) == {
            ("workspace", ""),
            ("job", ""),
            ("volume", ""),
        }
    wrong = replace(settings, job_id=1, volume="/Volumes/main/research/other")
    async with open_jobs(wrong) as jobs:
        parts = await jobs.readiness.check()
        assert parts["workspace"] == ""
        assert "not there" in parts["job"]
        assert parts["volume"]


async def test_a_shared_server_signs_in_before_the_first_call(tmp_path: Path) -> None:
    with scene(tmp_path) as stage, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABRICKS_HOST", stage.workspace.url)
        patch.setenv("DATABRICKS_CLIENT_ID", stage.workspace.app.client_id)
        patch.setenv("DATABRICKS_CLIENT_SECRET", stage.workspace.app.client_secret)
        settings = Settings(
            data_dir=tmp_path, backend="lakeflow", volume=VOLUME, job_id=stage.job.job_id
        )
        async with open_jobs(settings, same_computer=False) as jobs:
            await jobs.readiness.check()
            assert stage.count("GET", "volumes/main.research.jobs") >= 1

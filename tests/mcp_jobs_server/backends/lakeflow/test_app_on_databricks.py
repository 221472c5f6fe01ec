"""The server as an app whose jobs run in the workspace: two users, and readiness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import MCPError
from mcp.types import ResourceTemplateReference

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from tests.mcp_jobs_server.backends.lakeflow.backend import VOLUME, Scene, scene
from tests.mcp_jobs_server.transports.apart import connected
from tests.mcp_jobs_server.transports.serving import (
    Home,
    error_of,
    fields,
    home,
    served,
    start,
    text,
)

pytestmark = pytest.mark.anyio

RULES = """
[sources.papers]
uri = "volume:/main/law/papers"
audience = "law"

[sources.wiki]
uri = "volume:/main/law/wiki"
audience = "users"
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        (tmp_path / "research.toml").write_text(RULES)
        yield found


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path / "workspace", max_concurrent_runs=9) as found:
        found.workspace.add_volume("main.law.papers", readers=(found.workspace.ada,))
        both = (found.workspace.ada, found.workspace.eve)
        found.workspace.add_volume("main.law.wiki", readers=both)
        yield found


def env(here: Home, deployed: Scene) -> dict[str, str]:
    return {
        "MCP_JOBS_CONFIG": str(here.root / "research.toml"),
        "MCP_JOBS_BACKEND": "lakeflow",
        "MCP_JOBS_VOLUME": VOLUME,
        "MCP_JOBS_JOB_ID": str(deployed.job.job_id),
        "DATABRICKS_APP_NAME": "mcp-research",
        "DATABRICKS_HOST": deployed.workspace.url,
        "DATABRICKS_CLIENT_ID": deployed.workspace.app.client_id,
        "DATABRICKS_CLIENT_SECRET": deployed.workspace.app.client_secret,
    }


def as_person(who: Identity) -> dict[str, str]:
    return {"X-Forwarded-Access-Token": who.token}


async def test_a_job_and_a_source_of_one_person_do_not_exist_for_another(
    here: Home, deployed: Scene, tmp_path: Path
) -> None:
    workspace = deployed.workspace
    log = tmp_path / "log.txt"
    async with (
        served(here, log=log, sources=False, env=env(here, deployed)) as url,
        connected(url, as_person(workspace.ada)) as ada,
        connected(url, as_person(workspace.eve)) as eve,
    ):
        job_id = await start(ada, sources=["papers"], idempotency_key="k")
        assert fields(await ada.call_tool("get_status", {"job_id": job_id}))["job_id"] == job_id
        for named in (job_id, job_id[:12], job_id[9:15]):
            for tool, asked in (
                ("get_status", {"job_id": named}),
                ("fetch_report", {"job_id": named}),
                ("cancel", {"job_id": named}),
                ("check_citations", {"job_id": named, "text": "Pumps pump. [1]"}),
                ("start_research", {"question": "And?", "follow_up_of": named}),
                ("start_research", {"question": "And?", "refresh_of": named}),
            ):
                answer = await eve.call_tool(tool, asked)
                assert answer.is_error
                assert error_of(answer)["kind"] == "not_found", text(answer)
        assert fields(await eve.call_tool("list_active_jobs", {}))["jobs"] == []
        answer = await eve.call_tool("start_research", {"question": "What?", "sources": ["papers"]})
        assert text(answer).startswith("There is no source 'papers'")
        other = await start(eve, idempotency_key="k")
        assert other != job_id
        listed = fields(await ada.call_tool("list_active_jobs", {}))["jobs"]
        assert [job["job_id"] for job in listed] == [job_id]
    said = log.read_text()
    for secret in (workspace.ada.token, workspace.app.client_secret, "@example", "water"):
        assert secret not in said


async def test_cursors_resources_and_headers_give_no_access_to_jobs_of_others(
    here: Home, deployed: Scene
) -> None:
    workspace = deployed.workspace
    forged = as_person(workspace.eve) | {
        "X-Forwarded-Email": workspace.ada.name,
        "X-Forwarded-User": workspace.ada.id,
        "X-Forwarded-Preferred-Username": workspace.ada.display,
    }
    async with (
        served(here, sources=False, env=env(here, deployed)) as url,
        connected(url, as_person(workspace.ada)) as ada,
        connected(url, forged) as eve,
    ):
        job_id = await start(ada)
        status = fields(await ada.call_tool("get_status", {"job_id": job_id, "wait_seconds": 20}))
        assert (await eve.call_tool("get_status", {"job_id": job_id})).is_error
        own = await start(eve)
        for tool in ("get_status", "fetch_report"):
            asked = {"job_id": own, "cursor": status["cursor"]}
            assert (await eve.call_tool(tool, asked)).is_error
        for name in ("report.md", "report.html", "evidence.jsonl"):
            with pytest.raises(MCPError, match="no research job"):
                await eve.read_resource(f"research://{job_id}/{name}")


async def test_the_log_is_json_without_host_names(
    here: Home, deployed: Scene, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace, log = deployed.workspace, tmp_path / "log.txt"
    workspace.fail("GET", "well-known/databricks-config", "truncated")
    told = {**env(here, deployed), "MCP_JOBS_LOG_LEVEL": "INFO"}
    async with (
        served(here, log=log, sources=False, env=told) as url,
        connected(url, as_person(workspace.ada)) as ada,
        httpx2.AsyncClient() as client,
    ):
        await client.get(f"{url}/ready")  # when it is answered, the fault has been met
        await start(ada, idempotency_key="k")
        await client.get(f"{url}/elsewhere?question=water")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"request", "serving"} <= {line["message"] for line in lines}
    said = log.read_text() + "".join(capfd.readouterr())
    for private in (urlsplit(workspace.url).netloc, "water", "elsewhere", "papers"):
        assert private not in said


async def test_a_workspace_that_hangs_from_the_start_is_reported_in_time(
    here: Home, deployed: Scene
) -> None:
    deployed.workspace.fail("*", "", "hang", times=999, seconds=300)
    async with (
        served(here, sources=False, env=env(here, deployed)) as url,
        httpx2.AsyncClient(timeout=30) as client,
    ):
        answer = await client.get(f"{url}/ready")
        silent = "the Databricks workspace did not answer in time"
        assert answer.json()["parts"] == dict.fromkeys(("workspace", "job", "volume"), silent)


async def test_resources_and_completions_report_a_faulty_workspace(
    here: Home, deployed: Scene, tmp_path: Path
) -> None:
    report = "research://{job_id}/report.md"
    template = ResourceTemplateReference(type="ref/resource", uri=report)
    asked = {"name": "job_id", "value": ""}
    log = tmp_path / "log.txt"
    async with (
        served(here, log=log, sources=False, env=env(here, deployed)) as url,
        connected(url, as_person(deployed.workspace.ada)) as ada,
    ):
        deployed.workspace.fail("GET", "fs/", "500", times=99)
        assert (await ada.complete(template, asked)).completion.values == []
        deployed.workspace.faults.clear()
        job_id = await start(ada)
        [request] = deployed.volume.rglob(f"{job_id}/request.json")
        status = request.with_name("status.json")
        deployed.workspace.fail("GET", "fs/", "500", times=99)
        with pytest.raises(MCPError, match="try again in a minute"):
            await ada.read_resource(report.format(job_id=job_id))
        deployed.workspace.faults.clear()
        status.write_text('{"format_version": 99}\n')
        with pytest.raises(MCPError, match="Upgrade"):
            await ada.read_resource(report.format(job_id=job_id))
    assert "Traceback" not in log.read_text()


async def test_readiness_faults_contain_no_host_names(here: Home, deployed: Scene) -> None:
    gone = {"MCP_JOBS_VOLUME": "/Volumes/main/research/gone", "MCP_JOBS_JOB_ID": "1"}
    async with httpx2.AsyncClient(timeout=60) as client:
        async with served(here, sources=False, env=env(here, deployed)) as url:
            answer = await client.get(f"{url}/ready")
            assert answer.json() == {
                "ready": True,
                "parts": {"workspace": "ready", "job": "ready", "volume": "ready"},
            }
        async with served(here, sources=False, env={**env(here, deployed), **gone}) as url:
            answer = await client.get(f"{url}/ready")
            assert answer.status_code == 503
            parts = answer.json()["parts"]
            assert parts["workspace"] == "ready"
            assert parts["job"] == parts["volume"] == "it is not there"
            assert "127.0.0.1" not in answer.text
            assert (await client.get(f"{url}/health")).status_code == 200

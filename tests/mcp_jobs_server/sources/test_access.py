"""Which sources a caller may use, by groups and by checks in the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_jobs_server.auth.databricks_user import CallerSourceCheck, current_user
from mcp_jobs_server.core.errors import (
    JobsError,
    NotFound,
    NotGranted,
    NothingToSearch,
    Unavailable,
)
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import StartResearch
from mcp_jobs_server.messages.results import StartResult
from mcp_jobs_server.sources.access import AudienceAccess
from mcp_jobs_server.sources.registry import Sources
from mcp_jobs_server.testing.fake_workspace.genie import Space
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract.records import SourceRef
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio

SOURCES = (
    SourceRef(name="plant", uri="genie:01f"),
    SourceRef(name="papers", uri="volume:/main/law/papers/cases"),
    SourceRef(name="wiki", uri="mcp+https://wiki.example.com/mcp"),
    SourceRef(name="secret", uri="volume:/main/law/papers/secret"),
    SourceRef(name="nobodys", uri="volume:/main/law/papers/cases"),
)
AUDIENCES = {"plant": "users", "papers": "law", "wiki": "*", "secret": "board", "nobodys": ""}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as found:
        place = found.add_volume("main.law.papers", readers=(found.ada,))
        (place / "cases").mkdir()
        found.add_space(Space("01f", "Plant"), found.ada)
        yield found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    found = Stage(tmp_path)
    settings = replace(
        found.settings, backend="lakeflow", sources=SOURCES, audiences=dict(AUDIENCES)
    )
    found.jobs = Jobs(
        runner=found.runner,
        folders=found.folders,
        sources=Sources(settings),
        settings=settings,
        same_computer=False,
        clock=found.clock,
    )
    return found


async def access_of(workspace: FakeWorkspace, who: Identity) -> AudienceAccess:
    """Return the access that the app creates for a caller's token."""
    seen = Workspace.from_token(who.token, host=workspace.url)
    person = await current_user(seen)
    remembered: TtlCache[bool] = TtlCache(seconds=60, most=9)
    door = CallerSourceCheck(seen, who.id, remembered)
    return AudienceAccess(person.groups, configured=SOURCES, audiences=AUDIENCES, check=door)


async def start(stage: Stage, access: AudienceAccess, **said: object) -> StartResult:
    asked = StartResearch.model_validate({"question": "How much water?", **said})
    return await stage.jobs.start(ME, asked, access=access)


async def test_all_sources_means_those_of_own_groups_that_open(
    stage: Stage, workspace: FakeWorkspace
) -> None:
    ada = await start(stage, await access_of(workspace, workspace.ada))
    assert ada.sources == ("plant", "papers", "wiki")
    eve = await start(stage, await access_of(workspace, workspace.eve))
    assert eve.sources == ("wiki",)
    assert "plant" in (eve.note or "")
    assert "papers" not in (eve.note or "")


async def test_sources_of_other_groups_look_unknown(stage: Stage, workspace: FakeWorkspace) -> None:
    eve = await access_of(workspace, workspace.eve)
    said = []
    for name in ("papers", "secret", "nobodys", "unknown"):
        with pytest.raises(NotFound) as caught:
            await start(stage, eve, sources=[name])
        said.append(str(caught.value).replace(name, "it"))
    assert len(set(said)) == 1
    assert "The sources here: plant, wiki." in said[0]


async def test_a_source_that_does_not_open_with_the_callers_token_is_refused(
    stage: Stage, workspace: FakeWorkspace
) -> None:
    eve = await access_of(workspace, workspace.eve)
    with pytest.raises(NotGranted, match=r"may not open the source 'plant'"):
        await start(stage, eve, sources=["plant"])
    workspace.rights.grant("genie 01f", workspace.eve.name, "CAN_RUN")
    again = await access_of(workspace, workspace.eve)
    assert (await start(stage, again, sources=["plant"])).sources == ("plant",)


async def test_an_unavailable_workspace_is_not_a_refusal(
    stage: Stage, workspace: FakeWorkspace
) -> None:
    ada = await access_of(workspace, workspace.ada)
    workspace.fail("GET", "/api/2.0/genie/spaces/01f", "500")
    with pytest.raises(JobsError) as caught:
        await start(stage, ada, sources=["plant"])
    assert caught.value.retryable


async def test_access_checks_are_cached(stage: Stage, workspace: FakeWorkspace) -> None:
    ada = await access_of(workspace, workspace.ada)
    for question in ("One?", "Two?", "Three?"):
        await start(stage, ada, question=question, sources=["plant"])
    asked = [seen.path for seen in workspace.requests if "genie" in seen.path]
    assert len(asked) == 1


async def test_a_caller_without_sources_gets_advice(stage: Stage) -> None:
    nobody = AudienceAccess((), configured=SOURCES, audiences={})
    with pytest.raises(NothingToSearch, match="No source is open to you here"):
        await start(stage, nobody)


async def test_paths_are_rejected(stage: Stage, workspace: FakeWorkspace) -> None:
    ada = await access_of(workspace, workspace.ada)
    for path in ("/etc/hosts", "~/Documents", "/Volumes/main/law/papers/secret"):
        with pytest.raises(NotGranted, match="cannot see your computer"):
            await start(stage, ada, sources=[path])


@pytest.mark.parametrize("how", ["follow_up_of", "refresh_of"])
async def test_evidence_of_a_revoked_source_is_withheld(
    stage: Stage, workspace: FakeWorkspace, how: str
) -> None:
    ada = await access_of(workspace, workspace.ada)
    earlier = await start(stage, ada, sources=["plant", "papers"])
    workspace.rights.revoke("genie 01f", workspace.ada.name, "CAN_RUN")
    later = await start(stage, await access_of(workspace, workspace.ada), **{how: earlier.job_id})
    assert later.sources == ("papers",)
    assert later.note == "Not available now, so not searched: plant."
    job = await stage.runner.job(ME, later.job_id)
    assert job is not None
    assert job.request.withheld == ("nobodys", "plant", "secret")


@pytest.mark.parametrize("how", ["follow_up_of", "refresh_of"])
@pytest.mark.parametrize("sources", [{}, {"sources": ["wiki"]}])
async def test_an_unavailable_workspace_withholds_nothing(
    stage: Stage, workspace: FakeWorkspace, how: str, sources: dict[str, object]
) -> None:
    earlier = await start(
        stage, await access_of(workspace, workspace.ada), sources=["plant", "papers"]
    )
    ada = await access_of(workspace, workspace.ada)
    workspace.fail("GET", "genie/spaces", "500", times=9)
    with pytest.raises(Unavailable):
        await start(stage, ada, **{how: earlier.job_id, **sources})
    workspace.faults.clear()
    later = await start(stage, ada, **{how: earlier.job_id})
    assert later.sources == ("plant", "papers")


async def test_evidence_of_earlier_jobs_is_withheld_too(
    stage: Stage, workspace: FakeWorkspace
) -> None:
    ada = await access_of(workspace, workspace.ada)
    earlier = await start(stage, ada, sources=["papers"])
    stage.runner.begin(earlier.job_id)
    stage.find(earlier.job_id)  # a quote of "handbook", which is configured no more
    later = await start(stage, ada, follow_up_of=earlier.job_id)
    job = await stage.runner.job(ME, later.job_id)
    assert job is not None
    assert "handbook" in job.request.withheld
    assert "papers" not in job.request.withheld


async def test_a_follow_up_with_no_source_left_is_refused(
    stage: Stage, workspace: FakeWorkspace
) -> None:
    earlier = await start(stage, await access_of(workspace, workspace.ada), sources=["papers"])
    with pytest.raises(NotGranted, match="open to you any more"):
        eve = await access_of(workspace, workspace.eve)
        await start(stage, eve, follow_up_of=earlier.job_id)


async def test_a_source_with_another_uri_is_a_different_source() -> None:
    moved = SourceRef(name="wiki", uri="mcp+https://other.example.com/mcp")
    access = AudienceAccess((), configured=SOURCES, audiences=AUDIENCES)
    assert [source.name for source in access.offered([*SOURCES, moved])] == ["wiki"]


async def test_the_local_user_has_full_access(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    asked = StartResearch(question="How much water?")
    assert (await stage.jobs.start(Owner.local(), asked)).sources == ("handbook",)

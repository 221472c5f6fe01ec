"""Sources that a follow-up or refresh takes from its base job are granted anew, or left out."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from mcp_jobs_server.auth.caller import Caller
from mcp_jobs_server.core.errors import NotGranted
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import GetStatus, ListActiveJobs, StartResearch
from mcp_jobs_server.messages.results import StartResult
from mcp_jobs_server.protocol.server import ResearchServer
from mcp_jobs_server.sources.access import AudienceAccess
from research_contract.files import decode
from research_contract.records import LEFT_OUT, LeftOut, Request, SourceRef
from tests.mcp_jobs_server.jobs.asking import start
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio
anew = pytest.mark.parametrize("how", ["follow_up_of", "refresh_of"])


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    found = Stage(tmp_path)
    (found.root / "archive").mkdir()
    (found.root / "archive" / "a.md").write_text("One.")
    found.use_sources()
    for name in ("handbook", "archive"):
        found.jobs.sources.add(name, found.root / name)
    return found


async def start_typed(stage: Stage, *names: str, **said: object) -> StartResult:
    typed = [SourceRef(name=name, uri=(stage.root / name).as_uri()) for name in names]
    asked = StartResearch.model_validate({"question": "How much water?", **said})
    return await stage.jobs.start(ME, asked, typed=typed)


async def request_of(stage: Stage, job_id: str) -> Request:
    job = await stage.runner.job(ME, job_id)
    assert job
    return job.request


@anew
async def test_a_source_that_was_removed_is_left_out_in_words(stage: Stage, how: str) -> None:
    first = await start(stage)
    assert first.sources == ("handbook", "archive")
    stage.jobs.sources.remove("archive")
    later = await start(stage, "And the price?", **{how: first.job_id})
    assert later.sources == ("handbook",)
    assert later.note is not None
    assert later.note.startswith("Not granted any more, so not searched: archive.")
    assert (await request_of(stage, later.job_id)).withheld == ("archive",)


@anew
async def test_without_a_granted_source_it_is_refused(stage: Stage, how: str) -> None:
    first = await start(stage, sources=["archive"])
    stage.jobs.sources.remove("archive")
    with pytest.raises(NotGranted, match=f"No source of the job {first.job_id} is open to you"):
        await start(stage, "And the price?", **{how: first.job_id})


@anew
async def test_a_folder_that_was_typed_must_be_typed_again(stage: Stage, how: str) -> None:
    (stage.root / "minutes").mkdir()
    (stage.root / "minutes" / "m.md").write_text("One.")
    first = await start_typed(stage, "minutes")
    with pytest.raises(NotGranted, match="must be named again"):
        await start(stage, "And the price?", **{how: first.job_id})
    later = await start_typed(stage, "minutes", **{how: first.job_id})
    assert later.sources == ("minutes",)


@anew
async def test_a_path_inside_a_removed_source_is_left_out(stage: Stage, how: str) -> None:
    inner = stage.root / "archive" / "inner"
    inner.mkdir()
    (inner / "i.md").write_text("One.")
    first = await start(stage, sources=[str(inner), "handbook"])
    assert first.sources == ("archive/inner", "handbook")
    again = await start(stage, "And the price?", **{how: first.job_id})
    assert again.sources == first.sources
    stage.jobs.sources.remove("archive")
    later = await start(stage, "And the colour?", **{how: first.job_id})
    assert later.sources == ("handbook",)


@anew
async def test_a_folder_that_became_a_link_is_left_out(stage: Stage, how: str) -> None:
    first = await start(stage)
    archive = stage.root / "archive"
    archive.rename(stage.root / "secret")
    archive.symlink_to(stage.root / "secret")
    later = await start(stage, "And the price?", **{how: first.job_id})
    assert later.sources == ("handbook",)
    assert "archive" in (later.note or "")


@anew
async def test_a_source_named_at_the_start_of_the_server_is_not_known_without_it(
    stage: Stage, how: str
) -> None:
    extra = SourceRef(name="minutes", uri=(stage.root / "archive").as_uri())
    stage.jobs.sources.remove("archive")
    stage.use_sources(extra)
    first = await start(stage, sources=["minutes", "handbook"])
    assert (await request_of(stage, first.job_id)).granted_once == ("minutes",)
    stage.use_sources()
    later = await start(stage, "And the price?", **{how: first.job_id})
    assert later.sources == ("handbook",)


async def test_the_request_says_which_folders_were_granted_for_it_alone(stage: Stage) -> None:
    (stage.root / "minutes").mkdir()
    (stage.root / "minutes" / "m.md").write_text("One.")
    typed = await start_typed(stage, "minutes", sources=["handbook"])
    assert (await request_of(stage, typed.job_id)).granted_once == ("minutes",)
    plain = await start(stage)
    assert (await request_of(stage, plain.job_id)).granted_once == ()


async def test_a_granted_folder_that_became_a_link_is_refused_or_left_out(stage: Stage) -> None:
    archive = stage.root / "archive"
    (stage.root / "secret" / "inner").mkdir(parents=True)
    (stage.root / "secret" / "inner" / "s.md").write_text("One.")
    shutil.rmtree(archive)
    archive.symlink_to(stage.root / "secret")
    for named in ("archive", str(archive / "inner")):
        with pytest.raises(NotGranted, match="leads to"):
            await start(stage, sources=[named])
    everything = await start(stage)
    assert everything.sources == ("handbook",)
    assert everything.note == "Not available now, so not searched: archive."


# --- while the job is queued ------------------------------------------------------------------


def audience(stage: Stage, *groups: str) -> AudienceAccess:
    return AudienceAccess(
        groups,
        configured=stage.jobs.sources.all(),
        audiences={"handbook": "*", "archive": "law"},
    )


async def left_out(stage: Stage, job_id: str) -> tuple[str, ...]:
    job = await stage.runner.job(ME, job_id)
    assert job
    found = await stage.folders.read(job.folder, LEFT_OUT)
    data = decode(LeftOut, found.data if found else None)
    return data.sources if data else ()


@pytest.mark.parametrize("call", ["status", "list"])
async def test_the_audience_is_checked_again_while_the_job_is_queued(
    stage: Stage, call: str
) -> None:
    job_id = (await start(stage)).job_id

    async def ask(*groups: str) -> None:
        access = audience(stage, *groups)
        if call == "list":
            await stage.jobs.list(ME, ListActiveJobs(), access=access)
        else:
            await stage.jobs.status(ME, GetStatus(job_id=job_id, wait_seconds=0), access=access)

    await ask("law")
    assert await left_out(stage, job_id) == ()
    await ask()
    assert await left_out(stage, job_id) == ("archive",)


@pytest.mark.parametrize("tool", ["get_status", "list_active_jobs"])
async def test_the_tools_check_with_the_rights_of_their_caller(stage: Stage, tool: str) -> None:
    job_id = (await start(stage)).job_id

    class Authenticated:
        async def caller(self) -> Caller:
            return Caller(ME, audience(stage))

    @asynccontextmanager
    async def opening() -> AsyncIterator[Jobs]:
        yield stage.jobs

    arguments = {"job_id": job_id, "wait_seconds": 0} if tool == "get_status" else {}
    async with Client(ResearchServer(opening, authenticator=Authenticated())) as client:
        assert not (await client.call_tool(tool, arguments)).is_error
    assert await left_out(stage, job_id) == ("archive",)


async def test_the_audience_is_not_checked_again_once_the_job_runs(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    await stage.begin(job_id)
    asked = GetStatus(job_id=job_id, wait_seconds=0)
    await stage.jobs.status(ME, asked, access=audience(stage))
    assert await left_out(stage, job_id) == ()

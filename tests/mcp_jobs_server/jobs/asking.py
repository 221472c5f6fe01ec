"""What an assistant may ask of the jobs on a stage, in one line each."""

from __future__ import annotations

from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.messages.arguments import FetchReport, GetStatus, StartResearch
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import StartResult, StatusResult
from tests.mcp_jobs_server.stage import ME, Stage

SOMEBODY = Owner(issuer="local", subject="somebody else")


async def start(stage: Stage, question: str = "How much water?", **said: object) -> StartResult:
    asked = parse_arguments(StartResearch, {"question": question, **said})
    return await stage.jobs.start(ME, asked)


async def status(stage: Stage, **said: object) -> StatusResult:
    """Return the status at once, unless a wait is asked for."""
    asked = parse_arguments(GetStatus, {"wait_seconds": 0, **said})
    return await stage.jobs.status(ME, asked)


async def fetch(stage: Stage, **said: object) -> str:
    return (await stage.jobs.report(ME, parse_arguments(FetchReport, said))).content


async def running(stage: Stage) -> str:
    job_id = (await start(stage)).job_id
    await stage.begin(job_id)
    return job_id

"""A server's process that starts one job with a key, for tests that kill it meanwhile.

Arguments: host of the workspace, id of the job, key. Prints the id of the job it was given.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import anyio

from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.folders.volume import VolumeFolders
from mcp_jobs_server.models import Owner, StartOptions
from mcp_jobs_server.runners.lakeflow.runner import LakeflowRunner
from researcher_job.contract import Request
from tests.lakeflow.backend import TOKEN, VOLUME
from tests.lakeflow.small_workspace import JOB_ID

OWNER = Owner("test", "ada")


def request(job_id: str) -> Request:
    return Request(job_id=job_id, question="Who grants leave?", created_at=datetime.now(UTC))


async def main(host: str, job_id: str, key: str) -> None:
    workspace = Workspace.of_token(TOKEN, host=host)
    folders = VolumeFolders(workspace, VOLUME)
    async with LakeflowRunner(workspace, folders, JOB_ID) as runner:
        options = StartOptions(key=key, fingerprint="f")
        started = await runner.start(request(job_id), owner=OWNER, options=options)
        print(started.job.id, flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3])

"""A server process that starts one job with a key, for tests that kill it in between.

Arguments: host of the workspace, number of the deployed job, id of the job, key. The token is
read from standard input. Prints the id of the job it was given.
"""

from __future__ import annotations

import sys

import anyio

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.databricks.workspace import Workspace
from tests.mcp_jobs_server.backends.lakeflow.backend import OWNER, VOLUME, request


async def main(host: str, number: str, job_id: str, key: str) -> None:
    workspace = Workspace.from_token(sys.stdin.readline().strip(), host=host)
    folders = VolumeFolders(workspace, VOLUME)
    async with LakeflowRunner(workspace, folders, int(number)) as runner:
        options = StartOptions(key=key, fingerprint="f")
        started = await runner.start(request(job_id=job_id), owner=OWNER, options=options)
        print(started.job.id, flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4])

"""Research by a team on Databricks, on this machine and without an account.

``python -m mcp_jobs_server.demo.lakeflow [QUESTION]``: a fake workspace has the volumes and the
job that ``databricks bundle deploy`` creates. The server runs as an app behind the proxy of
Databricks Apps, and two people call it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio
import httpx2

from mcp_jobs_server.cli.output import print_error, print_line
from mcp_jobs_server.core.errors import JobsError, Unavailable
from mcp_jobs_server.demo.__main__ import DOCUMENTS, QUESTION
from mcp_jobs_server.demo.transcript import call, call_refused, follow, read, say, verify
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

if TYPE_CHECKING:
    from mcp import Client

APP = "mcp-research-jobs-demo"
JOBS = "main.research.jobs"
LIBRARY = "main.documents.harbour"
READY_SECONDS = 60

_CONFIGURATION = """\
[sources.harbour]
uri = "/Volumes/main/documents/harbour"
audience = "law"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return 0 if the research was completed and every quote was verified."""
    parser = argparse.ArgumentParser(
        prog="python -m mcp_jobs_server.demo.lakeflow", description=__doc__
    )
    parser.add_argument("question", nargs="?", default="", metavar="QUESTION")
    question = parser.parse_args(argv).question.strip() or QUESTION
    try:
        with (
            TemporaryDirectory(prefix="lakeflow-") as root,
            FakeWorkspace(Path(root)) as workspace,
            _deployed_app(workspace, Path(root)) as port,
        ):
            url = workspace.add_app(APP, f"http://127.0.0.1:{port}", workspace.ada, workspace.eve)
            return anyio.run(_run, question, workspace, url, port)
    except JobsError as error:
        return print_error(error, as_json=False)


@contextmanager
def _deployed_app(workspace: FakeWorkspace, root: Path) -> Iterator[int]:
    """Deploy job and app as the bundle does; run the app until the block ends.

    Yields the port of the app. The volume of documents is readable for Ada's group.
    """
    configuration = root / "research.toml"
    configuration.write_text(_CONFIGURATION, encoding="utf-8")
    workspace.add_volume(JOBS)
    documents = workspace.add_volume(LIBRARY, readers=(workspace.ada,))
    shutil.copytree(DOCUMENTS, documents, dirs_exist_ok=True)
    job = workspace.add_job(f"--config={configuration}", max_retries=2)
    print_line(f"Workspace {workspace.url}: volumes {JOBS} and {LIBRARY}, job {job.job_id}.")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    environment = {
        "DATABRICKS_HOST": workspace.url,
        "DATABRICKS_CLIENT_ID": workspace.app.client_id,
        "DATABRICKS_CLIENT_SECRET": workspace.app.client_secret,
        "DATABRICKS_APP_NAME": APP,
        "DATABRICKS_APP_PORT": str(port),
        "MCP_JOBS_BACKEND": "lakeflow",
        "MCP_JOBS_VOLUME": f"/Volumes/{JOBS.replace('.', '/')}",
        "MCP_JOBS_JOB_ID": str(job.job_id),
        "MCP_JOBS_CONFIG": str(configuration),
        "HOME": str(root),
        "PATH": os.environ.get("PATH", ""),
    }
    command = [sys.executable, "-m", "mcp_jobs_server", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()
            process.wait()


async def _run(question: str, workspace: FakeWorkspace, url: str, port: int) -> int:
    await _wait_until_ready(port)
    say("you (Ada)", question)
    async with _connected(workspace, workspace.ada, url) as ada:
        say("client", f"connected to the app, protocol {ada.protocol_version}")
        started = await call(ada, "start_research", {"question": question})
        job_id = str(started["job_id"])
        status = await follow(ada, job_id)
        await read(ada, job_id)
    print_line("\nEve, a member of another group, sees neither the job nor its source:\n")
    async with _connected(workspace, workspace.eve, url) as eve:
        await call(eve, "list_active_jobs", {})
        await call_refused(eve, "fetch_report", {"job_id": job_id})
        other = {"question": "Anything?", "sources": ["harbour"]}
        await call_refused(eve, "start_research", other)
    folder = next(workspace.volumes.glob(f"main/research/jobs/*/*/{job_id}"))
    print_line(f"\nThe job folder in the volume: {folder.relative_to(workspace.volumes)}")
    if status["state"] != "completed":
        return 1
    return await verify(folder)


@asynccontextmanager
async def _connected(
    workspace: FakeWorkspace, identity: Identity, url: str
) -> AsyncIterator[Client]:
    """Yield a client that is signed in to the app as a user of the workspace."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    token = workspace.identities.sign_in(identity)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=120) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        yield client


async def _wait_until_ready(port: int) -> None:
    """Wait until the app reports that it can use workspace, job and volume.

    Raises:
        Unavailable: it does not within ``READY_SECONDS``.
    """
    answer = "nothing"
    async with httpx2.AsyncClient() as http:
        with anyio.move_on_after(READY_SECONDS):
            while True:
                try:
                    response = await http.get(f"http://127.0.0.1:{port}/ready")
                except httpx2.HTTPError:
                    await anyio.sleep(0.1)
                    continue
                answer = response.text
                if response.status_code == 200:
                    print_line(f"App {APP}: {answer}")
                    return
                await anyio.sleep(1)
    message = f"The app did not become ready. Its last answer was: {answer}"
    raise Unavailable(message, "Run the demo again.")


if __name__ == "__main__":
    sys.exit(main())

"""The way of a team on Databricks, on a machine without an account.

``python -m mcp_jobs_server.demo.lakeflow [QUESTION]``: a fake workspace holds the volumes and runs
the job, as ``databricks bundle deploy`` would set them up. The server runs as an app behind the
proxy of apps, and two people call it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio
import httpx2

from mcp_jobs_server.cli.output import print_error, print_line
from mcp_jobs_server.core.errors import JobsError, Unavailable
from mcp_jobs_server.demo.__main__ import QUESTION, installed_documents
from mcp_jobs_server.demo.transcript import call, follow, read, refused, say, verify
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

if TYPE_CHECKING:
    from mcp import Client

APP = "mcp-research-jobs-demo"
JOBS = "main.research.jobs"
DOCUMENTS = "main.documents.libraries"
READY_SECONDS = 60

_CONFIGURATION = """\
[sources.libraries]
uri = "/Volumes/main/documents/libraries"
audience = "law"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when the research was completed and every quote verified."""
    parser = argparse.ArgumentParser(
        prog="python -m mcp_jobs_server.demo.lakeflow", description=__doc__
    )
    parser.add_argument("question", nargs="?", default="", metavar="QUESTION")
    question = parser.parse_args(argv).question.strip() or QUESTION
    try:
        with TemporaryDirectory(prefix="lakeflow-") as root:
            return _deployed(question, Path(root))
    except JobsError as error:
        return print_error(error, as_json=False)


def _deployed(question: str, root: Path) -> int:
    with FakeWorkspace(root) as workspace:
        job_id = _deploy(workspace, root)
        port = _free_port()
        with _app(_environment(workspace, root, job_id, port)):
            url = workspace.add_app(APP, f"http://127.0.0.1:{port}", workspace.ada, workspace.eve)
            return anyio.run(_demonstrate, question, workspace, url, port)


def _deploy(workspace: FakeWorkspace, root: Path) -> int:
    """Make what the bundle makes, and a volume of documents that Ada's group may use."""
    configuration = root / "research.toml"
    configuration.write_text(_CONFIGURATION, encoding="utf-8")
    workspace.add_volume(JOBS)
    documents = workspace.add_volume(DOCUMENTS, readers=(workspace.ada,))
    for named in installed_documents():
        name, _, folder = named.partition("=")
        shutil.copy(Path(folder) / "METADATA", documents / f"{name}.md")
    job = workspace.add_job(f"--config={configuration}", max_retries=2)
    print_line(f"Workspace {workspace.url}: volumes {JOBS} and {DOCUMENTS}, job {job.job_id}.")
    return job.job_id


def _environment(workspace: FakeWorkspace, root: Path, job_id: int, port: int) -> Mapping[str, str]:
    """Return what the platform and the bundle tell an app."""
    return {
        "DATABRICKS_HOST": workspace.url,
        "DATABRICKS_CLIENT_ID": workspace.app.client_id,
        "DATABRICKS_CLIENT_SECRET": workspace.app.client_secret,
        "DATABRICKS_APP_NAME": APP,
        "DATABRICKS_APP_PORT": str(port),
        "MCP_JOBS_BACKEND": "lakeflow",
        "MCP_JOBS_VOLUME": f"/Volumes/{JOBS.replace('.', '/')}",
        "MCP_JOBS_JOB_ID": str(job_id),
        "MCP_JOBS_CONFIG": str(root / "research.toml"),
        "HOME": str(root),
        "PATH": os.environ.get("PATH", ""),
    }


@contextmanager
def _app(environment: Mapping[str, str]) -> Iterator[None]:
    """Run the server as the platform runs an app, until the block ends."""
    command = [sys.executable, "-m", "mcp_jobs_server", "serve"]
    with subprocess.Popen(command, env=dict(environment), stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait()


async def _demonstrate(question: str, workspace: FakeWorkspace, url: str, port: int) -> int:
    await _until_ready(port)
    say("you (Ada)", question)
    async with _signed_in(workspace, workspace.ada, url) as ada:
        say("client", f"connected to the app, protocol {ada.protocol_version}")
        started = await call(ada, "start_research", {"question": question})
        job_id = str(started["job_id"])
        ended = await follow(ada, job_id)
        await read(ada, job_id)
        await _as_another_person(workspace, url, job_id)
    folder = next(workspace.volumes.glob(f"main/research/jobs/*/*/{job_id}"))
    print_line(f"\nThe job folder in the volume: {folder.relative_to(workspace.volumes)}")
    if ended["state"] != "completed":
        return 1
    return await verify(folder)


async def _as_another_person(workspace: FakeWorkspace, url: str, job_id: str) -> None:
    """Show that somebody else sees neither the job nor the source."""
    print_line("\nEve, who is of another group, asks the same app:\n")
    async with _signed_in(workspace, workspace.eve, url) as eve:
        await call(eve, "list_active_jobs", {})
        await refused(eve, "fetch_report", {"job_id": job_id})
        await refused(eve, "start_research", {"question": "Anything?", "sources": ["libraries"]})


@asynccontextmanager
async def _signed_in(workspace: FakeWorkspace, who: Identity, url: str) -> AsyncIterator[Client]:
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    token = workspace.identities.sign_in(who)
    bearing = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=bearing, timeout=120) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        yield client


async def _until_ready(port: int) -> None:
    """Wait until the app says that workspace, job and volume are there."""
    answer = "nothing"
    async with httpx2.AsyncClient() as http:
        with anyio.move_on_after(READY_SECONDS):
            while True:
                try:
                    found = await http.get(f"http://127.0.0.1:{port}/ready")
                except httpx2.HTTPError:
                    await anyio.sleep(0.1)
                    continue
                answer = found.text
                if found.status_code == 200:
                    print_line(f"App {APP}: {answer}")
                    return
                await anyio.sleep(1)
    raise Unavailable(f"The app did not become ready; it said {answer}.", "Run the demo again.")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main())

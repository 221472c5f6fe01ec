"""What jobs on Databricks need, each as a check: from outside, and by a run of the job itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.setup.inventory import Found, look
from mcp_jobs_server.operations.setup.probe import Probe
from mcp_jobs_server.operations.setup.target import Wanted
from mcp_jobs_server.operations.setup.validate import validate

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_READY_SECONDS = 15.0


@dataclass(frozen=True)
class Asked:
    """What to look at besides the settings: an app by name, and whether to start a run."""

    app: str = ""
    run: bool = True


async def workspace_checks(settings: Settings, asked: Asked) -> list[Check]:
    """Return all checks of the workspace. A run costs what a short run of the job costs."""
    workspace = Workspace.from_environment()
    catalog, schema, volume = settings.volume.removeprefix("/Volumes/").split("/")
    wanted = Wanted(catalog, schema, volume, job_id=settings.job_id, app=asked.app)
    try:
        found = await look(workspace, wanted)
    except JobsError as error:
        return [Check("signed in", "broken", error.message, error.hint)]
    checks = [*validate(wanted, found), _volume(wanted, found)]
    if found.app_url:
        checks.append(await _ready(workspace, found.app_url))
    if asked.run and found.job and found.volume:
        checks += await Probe(workspace, settings.volume, settings.job_id).checks()
    return checks


def _volume(wanted: Wanted, found: Found) -> Check:
    if found.volume:
        return Check("volume", "ok", wanted.volume_name)
    advice = "Deploy the bundle, or make it: `mcp-jobs-server setup --apply`."
    return Check("volume", "broken", f"{wanted.volume_name} is not there", advice)


async def _ready(workspace: Workspace, url: str) -> Check:
    """Ask the app itself. It takes no personal access token, so none is sent to it."""
    name = "app is ready"
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname != "127.0.0.1":
        return Check(name, "broken", "its address is not https", "Deploy it again.")
    doing = "ask the app whether it is ready"
    try:
        return await workspace.call(doing, lambda client: _asked(client, url, name))
    except JobsError as error:
        return Check(name, "broken", error.message, error.hint)


def _asked(client: WorkspaceClient, url: str, name: str) -> Check:
    import requests

    if client.config.auth_type == "pat":
        advice = "Sign in with `databricks auth login`: an app takes OAuth only."
        return Check(name, "warning", "not asked: this is a personal access token", advice)
    headers = client.config.authenticate()
    answer = requests.get(
        f"{url}/ready", headers=headers, timeout=_READY_SECONDS, allow_redirects=False
    )
    if answer.status_code == requests.codes.ok:
        return Check(name, "ok", "it says so")
    if answer.is_redirect:
        advice = "Ask for CAN USE on the app."
        return Check(name, "broken", "it sends this sign-in to its login page", advice)
    advice = "`databricks apps logs` shows why."
    return Check(name, "broken", f"it answers with {answer.status_code}", advice)

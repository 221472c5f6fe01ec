"""Checks of a deployment on Databricks: from outside, and by a run of the job itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.setup.inventory import take_inventory
from mcp_jobs_server.operations.setup.probe import Probe
from mcp_jobs_server.operations.setup.target import Target
from mcp_jobs_server.operations.setup.validate import validate

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_READY_SECONDS = 15.0


@dataclass(frozen=True)
class DoctorOptions:
    """What to check besides the settings: an app by name, and whether to start a run."""

    app: str = ""
    run: bool = True


async def workspace_checks(settings: Settings, options: DoctorOptions) -> list[Check]:
    """Return all checks of the workspace. A run costs as much as a short research job."""
    workspace = Workspace.from_environment()
    catalog, schema, volume = settings.volume.removeprefix("/Volumes/").split("/")
    target = Target(catalog, schema, volume, job_id=settings.job_id, app=options.app)
    try:
        inventory = await take_inventory(workspace, target)
    except JobsError as error:
        return [Check("signed in", "broken", error.message, error.hint)]
    checks = validate(target, inventory)
    if inventory.volume:
        checks.append(Check("volume", "ok", target.volume_name))
    else:
        advice = "Deploy the bundle, or create it: `mcp-jobs-server setup --apply`."
        checks.append(Check("volume", "broken", f"{target.volume_name} does not exist", advice))
    if inventory.app_url:
        checks.append(await _app_is_ready(workspace, inventory.app_url))
    if options.run and inventory.job and inventory.volume:
        checks += await Probe(workspace, settings.volume, settings.job_id).checks()
    return checks


async def _app_is_ready(workspace: Workspace, url: str) -> Check:
    """Request ``/ready`` of the app. Apps accept no personal access token, so none is sent."""
    name = "app is ready"
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname != "127.0.0.1":
        return Check(name, "broken", "its address is not https", "Deploy it again.")

    def request(client: WorkspaceClient) -> Check:
        import requests

        if client.config.auth_type == "pat":
            advice = "Sign in with `databricks auth login`: an app accepts OAuth only."
            return Check(name, "warning", "not checked with a personal access token", advice)
        response = requests.get(
            f"{url}/ready",
            headers=client.config.authenticate(),
            timeout=_READY_SECONDS,
            allow_redirects=False,
        )
        if response.status_code == requests.codes.ok:
            return Check(name, "ok", "/ready answers 200")
        if response.is_redirect:
            advice = "Ask for CAN USE on the app."
            return Check(name, "broken", "it redirects to its login page", advice)
        advice = "`databricks apps logs` shows why."
        return Check(name, "broken", f"/ready answers {response.status_code}", advice)

    try:
        return await workspace.call("request the readiness of the app", request)
    except JobsError as error:
        return Check(name, "broken", error.message, error.hint)

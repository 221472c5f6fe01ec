"""Checks an inventory: whether the deployment can work, and who could read too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.setup.catalog import ALL_IMPLYING
from mcp_jobs_server.operations.setup.inventory import Inventory
from mcp_jobs_server.operations.setup.registration import mismatch
from mcp_jobs_server.operations.setup.target import Target

PARAMETERS = {"job_folder", "job_id"}
SCOPE = "iam.current-user:read"
_RUNS = {"CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"}


def validate(target: Target, inventory: Inventory) -> list[Check]:
    """Return all checks. A broken one prevents the deployment from working, or from being safe."""
    checks: tuple[Callable[[Target, Inventory], Iterator[Check]], ...] = (
        _access,
        _readers,
        _job,
        _job_viewers,
        _app,
        _registered,
        _model,
    )
    return [check for part in checks for check in part(target, inventory)]


def _access(target: Target, inventory: Inventory) -> Iterator[Check]:
    yield Check("signed in", "ok", f"as {inventory.me[0]}")
    if inventory.catalog:
        yield Check("catalog", "ok", target.catalog)
    else:
        advice = "Name a catalog that exists, or ask its owner for USE CATALOG on it."
        yield Check(
            "catalog", "broken", f"{target.catalog} does not exist or is not visible", advice
        )


def _readers(target: Target, inventory: Inventory) -> Iterator[Check]:
    """Everybody who may read the volume can read all questions and reports."""
    name = "readers of all reports"
    securable = inventory.volume or inventory.schema or inventory.catalog
    if securable is None:
        return
    if not securable.complete:
        owner = securable.owner or "who is not known"
        advice = f"Ask the owner of {securable.name}, {owner}, to run this command."
        yield Check(name, "warning", f"not visible to {inventory.me[0]}", advice)
        return
    others = {}
    for held in securable.privileges:
        reads = held.privilege in {"READ_VOLUME", *ALL_IMPLYING}
        if reads and held.principal not in inventory.principals:
            origin = held.inherited_from or f"{securable.kind} {securable.name}"
            privilege = held.privilege.replace("_", " ")
            others[held.principal] = f"{held.principal} ({privilege}, from the {origin})"
    if not others:
        yield Check(name, "ok", "only app, job and owners")
        return
    advice = (
        f"Each of them can read every report in {target.volume_name}. Revoke READ VOLUME there, or"
        " choose a catalog where nobody holds it."
    )
    yield Check(name, "warning", "; ".join(others.values()), advice)


def _job(target: Target, inventory: Inventory) -> Iterator[Check]:
    if not target.job_id:
        return
    if inventory.job is None:
        advice = "`databricks bundle summary` shows its id."
        yield Check("job", "broken", f"there is no job {target.job_id}", advice)
        return
    settings = inventory.job.get("settings") or {}
    if faults := "; ".join(_job_faults(settings, inventory)):
        advice = "Deploy the bundle again, or see docs/own-job.md."
        yield Check("job", "broken", faults, advice)
    else:
        yield Check("job", "ok", str(settings.get("name") or target.job_id))


def _job_faults(settings: dict[str, object], inventory: Inventory) -> Iterator[str]:
    """Yield settings that prevent the job from being started for a folder, or that are unsafe."""
    parameters = settings.get("parameters")
    names = {item.get("name") for item in parameters} if isinstance(parameters, list) else set()
    if missing := sorted(PARAMETERS - names):
        yield f"it has no parameter {' and '.join(missing)}"
    queue = settings.get("queue")
    if not isinstance(queue, dict) or not queue.get("enabled"):
        yield "its queue is off, so runs beyond its concurrency limit are skipped"
    if not inventory.job_principal:
        yield "its run-as identity is unknown"
    elif inventory.job_principal == inventory.app_principal:
        yield "it runs as the app, which would then read the sources itself"


def _job_viewers(target: Target, inventory: Inventory) -> Iterator[Check]:
    del target
    if inventory.job_access is None:
        return
    may_start, others = False, []
    for entry in inventory.job_access.get("access_control_list") or ():
        permissions = entry.get("all_permissions") or ()
        levels = {str(permission.get("permission_level")) for permission in permissions}
        principal = str(entry.get("service_principal_name") or "")
        may_start |= principal == inventory.app_principal != "" and bool(levels & _RUNS)
        person = str(entry.get("group_name") or entry.get("user_name") or "")
        if person and "IS_OWNER" not in levels and person != "admins":
            others.append(f"{person} ({', '.join(sorted(levels))})")
    if inventory.app and not may_start:
        advice = "Give the app's service principal CAN MANAGE RUN on the job."
        yield Check("starting runs", "broken", "the app is not permitted", advice)
    if others:
        advice = "Each of them can see parameters and errors of all runs."
        yield Check("viewers of runs", "warning", "; ".join(others), advice)
    else:
        yield Check("viewers of runs", "ok", "owner and admins only")


def _app(target: Target, inventory: Inventory) -> Iterator[Check]:
    if not target.app:
        return
    app = inventory.app
    if app is None:
        advice = "Deploy it first: `databricks bundle deploy`."
        yield Check("app", "broken", f"there is no app {target.app}", advice)
        return
    scopes = app.get("effective_user_api_scopes") or app.get("user_api_scopes") or ()
    if SCOPE in scopes:
        yield Check("app", "ok", target.app)
    else:
        advice = "Let a workspace admin allow user authorization, then deploy again."
        reason = "it does not receive the token of its callers, so it rejects everybody"
        yield Check("app", "broken", reason, advice)


def _registered(target: Target, inventory: Inventory) -> Iterator[Check]:
    if not inventory.connection:
        return
    fault = mismatch(inventory.connection.fields, inventory.app_url, shared=target.shared)
    if not fault:
        yield Check("connection", "ok", target.connection_name)
    else:
        advice = f"`databricks connections delete {target.connection_name}`, then run this again."
        yield Check("connection", "broken", fault, advice)


def _model(target: Target, inventory: Inventory) -> Iterator[Check]:
    if not target.model:
        return
    if inventory.model is None:
        advice = "Name a serving endpoint that exists, and give the job's principal CAN QUERY."
        yield Check("model", "broken", f"there is no endpoint {target.model}", advice)
    elif (inventory.model.get("state") or {}).get("ready") != "READY":
        yield Check("model", "warning", f"{target.model} is not ready", "Wait for it, or start it.")
    else:
        yield Check("model", "ok", target.model)

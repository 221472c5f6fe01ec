"""Checks what is there: whether it can work, and who could read what they should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.setup.catalog import EVERYTHING, Securable
from mcp_jobs_server.operations.setup.inventory import Found
from mcp_jobs_server.operations.setup.registration import differs
from mcp_jobs_server.operations.setup.target import Wanted

ENTRY_POINT = "researcher-job"
PARAMETERS = {"job_folder", "job_id"}
SCOPE = "iam.current-user:read"
_RUNS = {"CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"}


def validate(wanted: Wanted, found: Found) -> list[Check]:
    """Return all checks; what is broken keeps the deployment from working, or from being safe."""
    parts: tuple[Callable[[Wanted, Found], Iterator[Check]], ...] = (
        _signed_in,
        _catalog,
        _readers,
        _job,
        _job_viewers,
        _app,
        _registered,
        _model,
    )
    return [check for part in parts for check in part(wanted, found)]


def _signed_in(wanted: Wanted, found: Found) -> Iterator[Check]:
    del wanted
    yield Check("signed in", "ok", f"as {found.me[0]}")


def _catalog(wanted: Wanted, found: Found) -> Iterator[Check]:
    if found.catalog:
        yield Check("catalog", "ok", wanted.catalog)
    else:
        advice = "Name a catalog that exists, or ask its owner for USE CATALOG on it."
        yield Check("catalog", "broken", f"{wanted.catalog} is not there or not to be seen", advice)


def _readers(wanted: Wanted, found: Found) -> Iterator[Check]:
    """Who may read the volume reads everybody's questions and reports."""
    place = found.volume or found.schema or found.catalog
    if place is None:
        return
    if not place.seen:
        advice = f"Ask the owner of {place.name}, {place.owner or 'who is not known'}, to run this."
        said = f"cannot be seen by {found.me[0]}"
        yield Check("readers of all reports", "warning", said, advice)
        return
    others = readers(place, found.principals)
    if not others:
        yield Check("readers of all reports", "ok", "nobody but app and job, and owners")
        return
    advice = (
        f"Each of them can read every report in {wanted.volume_name}. Take READ VOLUME away"
        " there, or choose a catalog where nobody holds it."
    )
    yield Check("readers of all reports", "warning", "; ".join(others), advice)


def readers(place: Securable, principals: tuple[str, ...]) -> list[str]:
    """Return who else could read the volume at or below ``place``, and where that comes from."""
    found = {}
    for held in place.held:
        if held.privilege in {"READ_VOLUME", *EVERYTHING} and held.principal not in principals:
            above = held.above or f"{place.kind} {place.name}"
            said = held.privilege.replace("_", " ")
            found[held.principal] = f"{held.principal} ({said}, from the {above})"
    return list(found.values())


def _job(wanted: Wanted, found: Found) -> Iterator[Check]:
    if not wanted.job_id:
        return
    if found.job is None:
        advice = "`databricks bundle summary` shows its number."
        yield Check("job", "broken", f"there is no job {wanted.job_id}", advice)
        return
    settings = found.job.get("settings") or {}
    if wrong := "; ".join(_wrong(settings, found)):
        advice = "Deploy the bundle again, or see docs/own-job.md."
        yield Check("job", "broken", wrong, advice)
    else:
        yield Check("job", "ok", str(settings.get("name") or wanted.job_id))


def _wrong(settings: dict[str, object], found: Found) -> Iterator[str]:
    """Yield what keeps a job from being started for a folder and doing no more than it should."""
    parameters = settings.get("parameters")
    names = {each.get("name") for each in parameters} if isinstance(parameters, list) else set()
    if missing := sorted(PARAMETERS - names):
        yield f"it has no parameter {' and '.join(missing)}"
    queue = settings.get("queue")
    if not isinstance(queue, dict) or not queue.get("enabled"):
        yield "its queue is off, so runs that find no place are skipped"
    if not found.job_principal:
        yield "it is not known what it runs as"
    elif found.job_principal == found.app_principal:
        yield "it runs as the app, which would then read the sources itself"


def _job_viewers(wanted: Wanted, found: Found) -> Iterator[Check]:
    del wanted
    if found.job_access is None:
        return
    may_start, others = False, []
    for entry in found.job_access.get("access_control_list") or ():
        levels = {str(each.get("permission_level")) for each in entry.get("all_permissions") or ()}
        principal = str(entry.get("service_principal_name") or "")
        may_start |= principal == found.app_principal != "" and bool(levels & _RUNS)
        person = str(entry.get("group_name") or entry.get("user_name") or "")
        if person and "IS_OWNER" not in levels and person != "admins":
            others.append(f"{person} ({', '.join(sorted(levels))})")
    if found.app and not may_start:
        advice = "Give the app's service principal CAN MANAGE RUN on the job."
        yield Check("starting runs", "broken", "the app may not", advice)
    if others:
        advice = "Each of them sees parameters and errors of everybody's runs."
        yield Check("viewers of runs", "warning", "; ".join(others), advice)
    else:
        yield Check("viewers of runs", "ok", "owner and admins only")


def _app(wanted: Wanted, found: Found) -> Iterator[Check]:
    if not wanted.app:
        return
    if found.app is None:
        advice = "Deploy it first: `databricks bundle deploy`."
        yield Check("app", "broken", f"there is no app {wanted.app}", advice)
        return
    scopes = found.app.get("effective_user_api_scopes") or found.app.get("user_api_scopes") or ()
    if SCOPE in scopes:
        yield Check("app", "ok", wanted.app)
    else:
        advice = "An admin of the workspace allows user authorization; then deploy again."
        said = "it is not given the token of who calls, so it refuses everybody"
        yield Check("app", "broken", said, advice)


def _registered(wanted: Wanted, found: Found) -> Iterator[Check]:
    if not found.connection:
        return
    wrong = differs(found.connection.told, found.app_url, shared=wanted.shared)
    if not wrong:
        yield Check("connection", "ok", wanted.connection_name)
    else:
        advice = f"`databricks connections delete {wanted.connection_name}`, then run this again."
        yield Check("connection", "broken", wrong, advice)


def _model(wanted: Wanted, found: Found) -> Iterator[Check]:
    if not wanted.model:
        return
    if found.model is None:
        advice = "Name a serving endpoint that exists, and give the job's principal CAN QUERY."
        yield Check("model", "broken", f"there is no endpoint {wanted.model}", advice)
    elif (found.model.get("state") or {}).get("ready") != "READY":
        yield Check("model", "warning", f"{wanted.model} is not ready", "Wait for it, or start it.")
    else:
        yield Check("model", "ok", wanted.model)

"""What must hold of the bundle beyond its schema. Each rule yields what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from mcp_jobs_server.core.settings import KEYS
from tests.bundle.document import APP_PRINCIPAL, JOB_PRINCIPAL, Bundle, Node

Rule = Callable[[Bundle], Iterator[str]]

PRINCIPALS = {APP_PRINCIPAL, JOB_PRINCIPAL}


def run_as_stands_on_the_jobs(bundle: Bundle) -> Iterator[str]:
    """A bundle with an app is refused where its top level names another than who deploys."""
    if "run_as" in bundle.resolved:
        yield "run_as at the top level"
    for name, job in bundle.resources("jobs").items():
        if job.get("run_as") != {"service_principal_name": JOB_PRINCIPAL}:
            yield f"the job {name} does not run as the principal"


def grants_list_both_principals(bundle: Bundle) -> Iterator[str]:
    """A list takes away what is not in it."""
    for kind, wanted in (("volumes", {"READ_VOLUME", "WRITE_VOLUME"}), ("schemas", {"USE_SCHEMA"})):
        for name, resource in bundle.resources(kind).items():
            granted = {g["principal"]: set(g["privileges"]) for g in resource.get("grants", ())}
            if granted != dict.fromkeys(PRINCIPALS, wanted):
                yield f"the grants of {name} are {granted}"


def jobs_are_open_to_both_principals_only(bundle: Bundle) -> Iterator[str]:
    """Who views a job sees the parameters and errors of everybody's runs."""
    for name, job in bundle.resources("jobs").items():
        for permission in job.get("permissions", ()):
            if permission.get("service_principal_name") not in PRINCIPALS:
                yield f"{permission} on the job {name}"
    said = {p.get("service_principal_name"): p["level"] for p in bundle.job.get("permissions", ())}
    if said != {APP_PRINCIPAL: "CAN_MANAGE_RUN", JOB_PRINCIPAL: "CAN_VIEW"}:
        yield f"the permissions of the researcher are {said}"
    for permission in bundle.resolved.get("permissions", ()):
        if permission["level"] == "CAN_VIEW" and "service_principal_name" not in permission:
            yield f"{permission} of the target reaches the runs"


def jobs_can_read_what_they_run(bundle: Bundle) -> Iterator[str]:
    """Wheel and configuration lie in the bundle's folder, which who deploys owns."""
    wanted = {"service_principal_name": JOB_PRINCIPAL, "level": "CAN_VIEW"}
    if wanted not in bundle.resolved.get("permissions", ()):
        yield "the target does not let the principal read its files"
    if bundle.resolved.get("workspace", {}).get("root_path", "").startswith("/Workspace/Shared"):
        yield "everybody may write what runs as the principal"


def deploys_leave_wheels(bundle: Bundle) -> Iterator[str]:
    if bundle.resolved.get("experimental", {}).get("skip_artifact_cleanup") is not True:
        yield "a deploy deletes the wheels of runs that wait"


def catalog_and_principal_have_no_default(bundle: Bundle) -> Iterator[str]:
    for name in ("catalog", "job_principal"):
        if "default" in bundle.written["variables"][name]:
            yield f"{name} has a default"
        for target, said in bundle.written["targets"].items():
            if name in said.get("variables", {}):
                yield f"{name} has a value in the target {target}"


def there_are_two_targets(bundle: Bundle) -> Iterator[str]:
    modes = {name: said.get("mode") for name, said in bundle.written["targets"].items()}
    if modes != {"dev": "development", "prod": "production"}:
        yield f"the targets are {modes}"
    if [n for n, said in bundle.written["targets"].items() if said.get("default")] != ["dev"]:
        yield "dev is not the default"


def data_outlives_a_wrong_deploy(bundle: Bundle) -> Iterator[str]:
    """In production what is removed from the file is not destroyed."""
    if bundle.target == "prod":
        for kind in ("schemas", "volumes"):
            for name, resource in bundle.resources(kind).items():
                if not resource.get("lifecycle", {}).get("prevent_destroy"):
                    yield f"{name} can be destroyed"


def runs_wait_and_go_on(bundle: Bundle) -> Iterator[str]:
    job = bundle.job
    [task] = job["tasks"]
    if job.get("queue") != {"enabled": True}:
        yield "runs that find no place are skipped"
    if not job.get("timeout_seconds"):
        yield "a run may last for ever"
    if task.get("max_retries") != 2 or task.get("disable_auto_optimization") is not True:
        yield "attempts are not two more"
    if {p["name"]: p["default"] for p in job["parameters"]} != {"job_folder": "", "job_id": ""}:
        yield "the parameters are not those that the server passes"


def environments_have_a_version(bundle: Bundle) -> Iterator[str]:
    for job, task in bundle.tasks():
        there = {e["environment_key"]: e["spec"] for e in job["environments"]}
        spec = there.get(task.get("environment_key"), {})
        if not isinstance(spec.get("environment_version"), str):
            yield f"the environment of {task['task_key']} names no version"
        if "./dist/*.whl" not in spec.get("dependencies", ()):
            yield f"{task['task_key']} does not install the wheel"


def the_schedule_deletes(bundle: Bundle) -> Iterator[str]:
    retention = bundle.resources("jobs")["retention"]
    if not retention.get("schedule", {}).get("quartz_cron_expression"):
        yield "retention has no schedule"
    said = retention["tasks"][0]["python_wheel_task"]["parameters"]
    if f"--root={volume_path(bundle)}" not in said or "--apply" not in said:
        yield f"retention is called with {said}"
    if not {f"--{name}={{{{job.parameters.{name}}}}}" for name in ("days", "owner")} <= set(said):
        yield "days and owner are not passed on"
    days = environment(bundle)["MCP_JOBS_RETENTION_DAYS"]
    if {p["name"]: p["default"] for p in retention["parameters"]} != {"days": days, "owner": ""}:
        yield "app and retention keep jobs for different times"


def the_app_is_named_as_a_server(bundle: Bundle) -> Iterator[str]:
    if not re.fullmatch(r"mcp-[a-z0-9-]{1,26}", bundle.app["name"]):
        yield f"the app is named {bundle.app['name']}"
    if bundle.target not in bundle.app["name"]:
        yield "both targets would deploy one app"
    if bundle.app.get("source_code_path") != ".":
        yield "the app is not started where its package lies"


def the_app_reads_settings_of_ours(bundle: Bundle) -> Iterator[str]:
    given = {resource["name"] for resource in bundle.app["resources"]}
    for variable in bundle.app["config"]["env"]:
        if variable["name"] not in KEYS:
            yield f"{variable['name']} is no setting"
        if "valueFrom" in variable:
            yield "valueFrom is read in app.yaml only"
        if "value_from" in variable and variable["value_from"] not in given:
            yield f"{variable['value_from']} is no resource of the app"
        if "value" not in variable and "value_from" not in variable:
            yield f"{variable['name']} has no value"


def the_app_holds_what_it_needs(bundle: Bundle) -> Iterator[str]:
    job, volume = (_resource(bundle, kind) for kind in ("job", "uc_securable"))
    if job.get("permission") != "CAN_MANAGE_RUN":
        yield "the app may not start runs"
    name = volume_path(bundle).removeprefix("/Volumes/").replace("/", ".")
    if (volume.get("securable_full_name"), volume.get("permission")) != (name, "WRITE_VOLUME"):
        yield "the app may not write to the volume"
    if not {"iam.current-user:read", "files.files"} <= set(bundle.app.get("user_api_scopes", ())):
        yield "the app cannot tell who is calling"


def people_may_use_the_app_only(bundle: Bundle) -> Iterator[str]:
    if bundle.app.get("permissions") != [{"group_name": "users", "level": "CAN_USE"}]:
        yield f"the permissions of the app are {bundle.app.get('permissions')}"


RULES: tuple[Rule, ...] = (
    run_as_stands_on_the_jobs,
    grants_list_both_principals,
    jobs_are_open_to_both_principals_only,
    jobs_can_read_what_they_run,
    deploys_leave_wheels,
    catalog_and_principal_have_no_default,
    there_are_two_targets,
    data_outlives_a_wrong_deploy,
    runs_wait_and_go_on,
    environments_have_a_version,
    the_schedule_deletes,
    the_app_is_named_as_a_server,
    the_app_reads_settings_of_ours,
    the_app_holds_what_it_needs,
    people_may_use_the_app_only,
)


def volume_path(bundle: Bundle) -> str:
    volume = bundle.volume
    return f"/Volumes/{volume['catalog_name']}/{volume['schema_name']}/{volume['name']}"


def environment(bundle: Bundle) -> dict[str, Any]:
    """Return what the app's process is given, resources put in as the platform does."""
    values = {"researcher": bundle_job_id(bundle), "job-folders": volume_path(bundle)}
    return {
        said["name"]: str(said["value"]) if "value" in said else values[said["value_from"]]
        for said in bundle.app["config"]["env"]
    }


def bundle_job_id(bundle: Bundle) -> str:
    return str(_resource(bundle, "job")["id"])


def _resource(bundle: Bundle, kind: str) -> Node:
    found = [resource[kind] for resource in bundle.app["resources"] if kind in resource]
    return found[0] if found else {}

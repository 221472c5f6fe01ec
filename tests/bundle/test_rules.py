"""The bundle keeps each rule, and each rule sees what breaks it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.bundle import rules
from tests.bundle.document import TARGETS, DanglingReference, Node, bundle, written
from tests.bundle.rules import RULES, Rule


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_bundle_keeps_the_rule(rule: Rule, target: str) -> None:
    assert list(rule(bundle(written(), target))) == []


Break = Callable[[Node], object]
Found: TypeAlias = Any


def at(document: Node, path: str) -> Found:
    """Return what stands at ``path``, a chain of keys and numbers."""
    found: Found = document
    for key in path.split("/"):
        found = found[int(key) if key.isdigit() else key]
    return found


def put(path: str, value: object) -> Break:
    def change(document: Node) -> None:
        above, _, key = path.rpartition("/")
        place: Found = at(document, above) if above else document
        place[int(key) if key.isdigit() else key] = value

    return change


def remove(path: str) -> Break:
    def change(document: Node) -> None:
        above, _, key = path.rpartition("/")
        place = at(document, above)
        del place[int(key) if key.isdigit() else key]

    return change


def add(path: str, value: object) -> Break:
    return lambda document: at(document, path).append(value)


JOB, APP, RETENTION = (
    "resources/jobs/researcher",
    "resources/apps/server",
    "resources/jobs/retention",
)
USERS_VIEW = {"group_name": "users", "level": "CAN_VIEW"}
PROD = "targets/prod"

BREAKS: list[tuple[Rule, Break]] = [
    (rules.run_as_stands_on_the_jobs, put("run_as", {"service_principal_name": "x"})),
    (rules.run_as_stands_on_the_jobs, put(f"{PROD}/run_as", {"service_principal_name": "x"})),
    (rules.run_as_stands_on_the_jobs, remove(f"{JOB}/run_as")),
    (rules.run_as_stands_on_the_jobs, remove(f"{RETENTION}/run_as")),
    (rules.grants_list_both_principals, remove("resources/volumes/jobs/grants/0")),
    (rules.grants_list_both_principals, remove("resources/volumes/jobs/grants/1")),
    (rules.grants_list_both_principals, remove("resources/schemas/research/grants/1")),
    (
        rules.grants_list_both_principals,
        add("resources/volumes/jobs/grants", {"principal": "users", "privileges": ["READ_VOLUME"]}),
    ),
    (rules.jobs_are_open_to_both_principals_only, add(f"{JOB}/permissions", USERS_VIEW)),
    (rules.jobs_are_open_to_both_principals_only, add(f"{RETENTION}/permissions", USERS_VIEW)),
    (rules.jobs_are_open_to_both_principals_only, add(f"{PROD}/permissions", USERS_VIEW)),
    (rules.jobs_are_open_to_both_principals_only, remove(f"{JOB}/permissions/0")),
    (rules.jobs_are_open_to_both_principals_only, remove(f"{JOB}/permissions/1")),
    (rules.jobs_can_read_what_they_run, remove(f"{PROD}/permissions/1")),
    (rules.jobs_can_read_what_they_run, put(f"{PROD}/workspace/root_path", "/Workspace/Shared/x")),
    (rules.deploys_leave_wheels, remove("experimental/skip_artifact_cleanup")),
    (rules.deploys_leave_wheels, put("experimental/skip_artifact_cleanup", False)),  # noqa: FBT003
    (rules.catalog_and_principal_have_no_default, put("variables/catalog/default", "main")),
    (rules.catalog_and_principal_have_no_default, put(f"{PROD}/variables", {"catalog": "main"})),
    (rules.there_are_two_targets, put(f"{PROD}/mode", "development")),
    (rules.there_are_two_targets, put("targets/dev/default", False)),  # noqa: FBT003
    (rules.data_outlives_a_wrong_deploy, remove("resources/volumes/jobs/lifecycle")),
    (rules.runs_wait_and_go_on, remove(f"{JOB}/queue")),
    (rules.runs_wait_and_go_on, remove(f"{JOB}/timeout_seconds")),
    (rules.runs_wait_and_go_on, put(f"{JOB}/tasks/0/max_retries", 0)),
    (rules.runs_wait_and_go_on, remove(f"{JOB}/tasks/0/disable_auto_optimization")),
    (rules.runs_wait_and_go_on, remove(f"{JOB}/parameters/0")),
    (
        rules.environments_have_a_version,
        remove(f"{JOB}/environments/0/spec/environment_version"),
    ),
    (rules.environments_have_a_version, put(f"{JOB}/tasks/0/environment_key", "other")),
    (rules.environments_have_a_version, remove("variables/packages/default/0")),
    (rules.the_schedule_deletes, remove(f"{RETENTION}/schedule")),
    (rules.the_schedule_deletes, remove(f"{RETENTION}/tasks/0/python_wheel_task/parameters/4")),
    (rules.the_schedule_deletes, remove(f"{RETENTION}/tasks/0/python_wheel_task/parameters/2")),
    (rules.the_schedule_deletes, remove(f"{RETENTION}/tasks/0/python_wheel_task/parameters/1")),
    (rules.the_schedule_deletes, put(f"{APP}/config/env/4/value", "8")),
    (rules.the_app_is_named_as_a_server, put(f"{APP}/name", "research-${bundle.target}")),
    (rules.the_app_is_named_as_a_server, put(f"{APP}/name", "mcp-research")),
    (rules.the_app_is_named_as_a_server, remove(f"{APP}/source_code_path")),
    (rules.the_app_reads_settings_of_ours, put(f"{APP}/config/env/0/name", "MCP_JOBS_WHERE")),
    (rules.the_app_reads_settings_of_ours, put(f"{APP}/config/env/2/value_from", "volume")),
    (
        rules.the_app_reads_settings_of_ours,
        put(f"{APP}/config/env/2", {"name": "MCP_JOBS_VOLUME", "valueFrom": "job-folders"}),
    ),
    (rules.the_app_holds_what_it_needs, put(f"{APP}/resources/0/job/permission", "CAN_VIEW")),
    (rules.the_app_holds_what_it_needs, remove(f"{APP}/resources/1")),
    (
        rules.the_app_holds_what_it_needs,
        put(f"{APP}/resources/1/uc_securable/permission", "READ_VOLUME"),
    ),
    (rules.the_app_holds_what_it_needs, remove(f"{APP}/user_api_scopes")),
    (rules.people_may_use_the_app_only, put(f"{APP}/permissions/0/level", "CAN_MANAGE")),
]


@pytest.mark.parametrize(
    ("rule", "change"), BREAKS, ids=[f"{n}-{r.__name__}" for n, (r, _) in enumerate(BREAKS)]
)
def test_the_rule_sees_what_breaks_it(rule: Rule, change: Break) -> None:
    document = copy.deepcopy(written())
    change(document)
    assert list(rule(bundle(document, "prod")))


def test_each_rule_is_broken_once() -> None:
    assert {rule for rule, _ in BREAKS} == set(RULES)


@pytest.mark.parametrize(
    "change",
    [
        remove("variables/users"),
        put(f"{APP}/resources/0/job/id", "${resources.jobs.other.id}"),
        put(f"{JOB}/name", "${resources.jobs.researcher.nothing}"),
        put(f"{JOB}/name", "${bundle.environment}"),
    ],
)
def test_a_reference_to_nothing_is_seen(change: Break) -> None:
    document = copy.deepcopy(written())
    change(document)
    with pytest.raises(DanglingReference):
        bundle(document, "prod")


def test_without_a_catalog_nothing_is_deployed() -> None:
    with pytest.raises(DanglingReference, match=r"var\.catalog"):
        bundle(written(), "prod", given={})

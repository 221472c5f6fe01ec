"""Setup plans missing parts, applies the plan once, and names missing privileges."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.apply import StepResult, apply
from mcp_jobs_server.operations.setup.inventory import take_inventory
from mcp_jobs_server.operations.setup.plan import plan
from mcp_jobs_server.operations.setup.target import Client, Target
from mcp_jobs_server.operations.setup.validate import validate
from tests.mcp_jobs_server.operations.setup.catalog_server import (
    APP,
    APP_NAME,
    APP_URL,
    JOB,
    JOB_ID,
    OPERATOR,
    PERSON,
    Catalog,
    serve,
)

pytestmark = pytest.mark.anyio
STORAGE = Target("main", "research", "jobs", job_id=JOB_ID, app="")
ALL = Target(
    "main",
    "research",
    "jobs",
    job_id=JOB_ID,
    app=APP_NAME,
    group="staff",
    client=Client("client", "the-secret"),
)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def host(catalog: Catalog) -> Iterator[str]:
    with serve(catalog) as address:
        yield address


@pytest.fixture
def olga(host: str) -> Workspace:
    return Workspace.from_token("token-of-olga", host=host)


@pytest.fixture
def paul(host: str) -> Workspace:
    return Workspace.from_token("token-of-paul", host=host)


async def said(workspace: Workspace, wanted: Target) -> list[str]:
    return [step.description for step in plan(wanted, await take_inventory(workspace, wanted))]


async def do(workspace: Workspace, wanted: Target) -> list[StepResult]:
    return await apply(workspace, plan(wanted, await take_inventory(workspace, wanted)))


async def states(workspace: Workspace, wanted: Target) -> dict[str, tuple[str, str]]:
    found = await take_inventory(workspace, wanted)
    return {check.name: (check.state, check.found) for check in validate(wanted, found)}


async def test_the_plan_names_each_change(olga: Workspace, catalog: Catalog) -> None:
    assert await said(olga, ALL) == [
        "create the schema main.research",
        "create the volume main.research.jobs",
        "grant USE CATALOG on main to the app",
        "grant USE SCHEMA on main.research to the app",
        "grant READ VOLUME and WRITE VOLUME on main.research.jobs to the app",
        "grant USE CATALOG on main to the job",
        "grant USE SCHEMA on main.research to the job",
        "grant READ VOLUME and WRITE VOLUME on main.research.jobs to the job",
        "create the schema main.research_mcp",
        "create the connection main.research_mcp.research_jobs_app to the app,"
        " with one sign-in for each person",
        "create the MCP service main.research_mcp.research_jobs",
        "grant USE CATALOG on main to the group staff",
        "grant USE SCHEMA on main.research_mcp to the group staff",
        "grant EXECUTE on main.research_mcp.research_jobs to the group staff",
    ]
    assert catalog.changes == []


async def test_the_plan_is_applied_once(olga: Workspace, catalog: Catalog) -> None:
    assert {done.state for done in await do(olga, ALL)} == {"done"}
    for principal in (APP, JOB):
        assert catalog.grants["catalog", "main"][principal] == {"USE_CATALOG"}
        assert catalog.grants["schema", "main.research"][principal] == {"USE_SCHEMA"}
        there = catalog.grants["volume", "main.research.jobs"][principal]
        assert there == {"READ_VOLUME", "WRITE_VOLUME"}
    assert catalog.grants["mcp_service", "main.research_mcp.research_jobs"] == {
        "staff": {"EXECUTE"}
    }
    changes = len(catalog.changes)
    assert await said(olga, ALL) == []
    assert await do(olga, ALL) == []
    assert len(catalog.changes) == changes


async def test_people_get_no_privileges_on_the_job_folders(
    olga: Workspace, catalog: Catalog
) -> None:
    await do(olga, ALL)
    for place in (("schema", "main.research"), ("volume", "main.research.jobs")):
        assert set(catalog.grants[place]) == {APP, JOB}


async def test_the_connection_signs_in_each_person(olga: Workspace, catalog: Catalog) -> None:
    await do(olga, ALL)
    made = catalog.things["connection", "main.research_mcp.research_jobs_app"]
    assert made["parent"] == "schemas/main.research_mcp"
    assert made["options"]["host"] == APP_URL
    assert made["options"]["base_path"] == "/mcp"
    assert made["options"]["authorization_endpoint"].endswith("/oidc/v1/authorize")
    assert made["credential_type"] == "OAUTH_U2M_MAPPING"
    service = catalog.things["mcp_service", "main.research_mcp.research_jobs"]
    assert service["config"]["source_connection"] == {
        "name": "connections/main.research_mcp.research_jobs_app"
    }


async def test_existing_grants_are_not_planned_again(olga: Workspace, catalog: Catalog) -> None:
    wanted = Target("main", "research", "jobs", job_id=JOB_ID)
    await do(olga, wanted)
    catalog.allow(JOB, "catalog", "main", "ALL_PRIVILEGES")
    del catalog.grants["volume", "main.research.jobs"]
    assert await said(olga, wanted) == []


async def test_without_a_job_or_an_app_only_schema_and_volume_are_planned(olga: Workspace) -> None:
    assert await said(olga, Target("main", "research", "jobs")) == [
        "create the schema main.research",
        "create the volume main.research.jobs",
    ]


async def test_an_app_is_registered_only_for_a_group(olga: Workspace, catalog: Catalog) -> None:
    steps = await said(olga, Target("main", "research", "jobs", app=APP_NAME))
    assert "grant USE CATALOG on main to the app" in steps
    assert not [text for text in steps if "main.research_mcp" in text]


async def test_objects_created_in_the_meantime_count_as_done(
    olga: Workspace, catalog: Catalog
) -> None:
    steps = plan(ALL, await take_inventory(olga, ALL))
    await do(olga, Target("main", "research", "jobs"))
    assert {done.state for done in await apply(olga, steps)} == {"done"}


# --- missing privileges -------------------------------------------------------------------


async def test_a_missing_privilege_stops_only_dependent_steps(
    paul: Workspace, catalog: Catalog
) -> None:
    catalog.allow(PERSON, "catalog", "main", "CREATE_SCHEMA", "USE_CATALOG")
    catalog.things["schema", "main.research"] = {"owner": OPERATOR}
    done = {each.step.description: each for each in await do(paul, ALL)}
    failed = done["create the volume main.research.jobs"]
    assert failed.state == "failed"
    assert "It needs CREATE VOLUME on main.research" in failed.reason
    assert failed.step.consequence == "no job can be started"
    left = done["grant READ VOLUME and WRITE VOLUME on main.research.jobs to the app"]
    assert (left.state, left.reason) == ("left out", "main.research.jobs does not exist")
    assert done["grant USE SCHEMA on main.research to the app"].state == "failed"
    assert done["create the MCP service main.research_mcp.research_jobs"].state == "done"


async def test_the_plan_names_privileges_that_the_caller_lacks(
    paul: Workspace, catalog: Catalog
) -> None:
    catalog.allow(PERSON, "catalog", "main", "USE_CATALOG")
    found = await take_inventory(paul, ALL)
    step = plan(ALL, found)[0]
    assert (step.lacks, step.consequence) == ("CREATE SCHEMA on main", "no job can be started")
    catalog.allow(PERSON, "catalog", "main", "CREATE_SCHEMA")
    assert plan(ALL, await take_inventory(paul, ALL))[0].lacks == ""


async def test_owners_lack_nothing(olga: Workspace) -> None:
    assert {step.lacks for step in plan(ALL, await take_inventory(olga, ALL))} == {""}


async def test_privileges_of_a_group_count(olga: Workspace, catalog: Catalog) -> None:
    catalog.things["catalog", "main"] = {"owner": PERSON}
    catalog.allow("users", "schema", "main.research", "MANAGE")
    catalog.things["schema", "main.research"] = {"owner": PERSON}
    lacking = {step.description: step.lacks for step in plan(ALL, await take_inventory(olga, ALL))}
    assert lacking["create the volume main.research.jobs"] == ""


async def test_a_missing_catalog_is_reported_and_nothing_is_planned(olga: Workspace) -> None:
    wanted = Target("other", "research", "jobs")
    assert (await states(olga, wanted))["catalog"][0] == "broken"
    assert await said(olga, wanted) == []


# --- shared credentials -------------------------------------------------------------------


async def test_shared_credentials_need_the_option_and_state_the_consequence(
    olga: Workspace, catalog: Catalog
) -> None:
    shared = Target(
        "main", "research", "jobs", app=APP_NAME, group="staff", client=ALL.client, shared=True
    )
    [connection] = [text for text in await said(olga, shared) if "connection" in text]
    assert "everybody who calls through Unity Catalog is one caller" in connection
    assert {done.state for done in await do(olga, shared)} == {"done"}
    made = catalog.things["connection", "main.research_mcp.research_jobs_app"]
    assert made["credential_type"] == "OAUTH_M2M"
    assert await said(olga, shared) == []


async def test_a_shared_connection_is_broken_without_the_option(
    olga: Workspace, catalog: Catalog
) -> None:
    await do(
        olga,
        Target(
            "main", "research", "jobs", app=APP_NAME, group="staff", client=ALL.client, shared=True
        ),
    )
    del catalog.things["mcp_service", "main.research_mcp.research_jobs"]
    state, found = (await states(olga, ALL))["connection"]
    assert state == "broken"
    assert "all would see the same jobs" in found
    assert not [text for text in await said(olga, ALL) if "MCP service" in text]


async def test_a_connection_that_turns_out_shared_gets_no_service(
    olga: Workspace, catalog: Catalog
) -> None:
    catalog.credential = "OAUTH_M2M"  # the workspace does not do what it was asked
    done = {each.step.description.split(",")[0]: each for each in await do(olga, ALL)}
    connection = done["create the connection main.research_mcp.research_jobs_app to the app"]
    assert connection.state == "failed"
    assert "all would see the same jobs" in connection.reason
    assert done["create the MCP service main.research_mcp.research_jobs"].state == "left out"
    assert ("mcp_service", "main.research_mcp.research_jobs") not in catalog.things


async def test_a_connection_to_another_app_is_broken(olga: Workspace, catalog: Catalog) -> None:
    await do(olga, ALL)
    catalog.app["url"] = "https://other.example.com"
    assert (await states(olga, ALL))["connection"][0] == "broken"


async def test_without_a_client_the_connection_is_not_created(olga: Workspace) -> None:
    wanted = Target("main", "research", "jobs", app=APP_NAME, group="staff")
    [failed] = [done for done in await do(olga, wanted) if done.state == "failed"]
    assert "--client-id" in failed.hint


# --- checks -------------------------------------------------------------------------------


async def test_all_checks_are_ok_after_apply(olga: Workspace) -> None:
    await do(olga, ALL)
    assert {state for state, _ in (await states(olga, ALL)).values()} == {"ok"}


async def test_everybody_with_access_to_reports_is_named(olga: Workspace, catalog: Catalog) -> None:
    await do(olga, ALL)
    catalog.allow("analysts", "catalog", "main", "READ_VOLUME")
    catalog.allow("account users", "schema", "main.research", "ALL_PRIVILEGES")
    catalog.allow("writers", "volume", "main.research.jobs", "WRITE_VOLUME")
    catalog.allow("helpers", "volume", "main.research.jobs", "MANAGE")
    state, found = (await states(olga, ALL))["readers of all reports"]
    assert state == "warning"
    assert sorted(found.split("; ")) == [
        "account users (ALL PRIVILEGES, from the schema main.research)",
        "analysts (READ VOLUME, from the catalog main)",
        "helpers (MANAGE, from the volume main.research.jobs)",
    ]


async def test_readers_are_checked_before_the_volume_exists(
    olga: Workspace, catalog: Catalog
) -> None:
    catalog.allow("analysts", "catalog", "main", "READ_VOLUME")
    _, found = (await states(olga, STORAGE))["readers of all reports"]
    assert found == "analysts (READ VOLUME, from the catalog main)"


async def test_invisible_readers_are_reported(paul: Workspace) -> None:
    state, found = (await states(paul, STORAGE))["readers of all reports"]
    assert (state, found) == ("warning", f"not visible to {PERSON}")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"queue": {"enabled": False}}, "queue is off"),
        ({"queue": None}, "queue is off"),
        ({"parameters": []}, "no parameter job_folder and job_id"),
        ({"parameters": None}, "no parameter job_folder and job_id"),
    ],
)
async def test_a_job_that_cannot_work_is_broken(
    olga: Workspace, catalog: Catalog, settings: dict[str, object], told: str
) -> None:
    catalog.job["settings"].update(settings)
    state, found = (await states(olga, ALL))["job"]
    assert state == "broken"
    assert told in found


async def test_a_job_that_runs_as_the_app_is_broken(olga: Workspace, catalog: Catalog) -> None:
    catalog.job["run_as_user_name"] = APP
    assert "runs as the app" in (await states(olga, ALL))["job"][1]


async def test_a_missing_job_is_reported(olga: Workspace) -> None:
    wanted = Target("main", "research", "jobs", job_id=7)
    assert (await states(olga, wanted))["job"] == ("broken", "there is no job 7")


async def test_viewers_of_runs_are_named(olga: Workspace, catalog: Catalog) -> None:
    for kind, name, level in (
        ("group_name", "staff", "CAN_VIEW"),
        ("group_name", "admins", "CAN_MANAGE"),
        ("user_name", OPERATOR, "IS_OWNER"),
    ):
        catalog.job_access.append({kind: name, "all_permissions": [{"permission_level": level}]})
    assert (await states(olga, ALL))["viewers of runs"] == ("warning", "staff (CAN_VIEW)")


async def test_an_app_that_may_not_start_runs_is_broken(olga: Workspace, catalog: Catalog) -> None:
    catalog.job_access.clear()
    assert (await states(olga, ALL))["starting runs"][0] == "broken"


async def test_an_app_without_user_authorization_is_broken(
    olga: Workspace, catalog: Catalog
) -> None:
    catalog.app["effective_user_api_scopes"] = []
    assert (await states(olga, ALL))["app"][0] == "broken"


@pytest.mark.parametrize(
    ("model", "state"), [("claude", "ok"), ("asleep", "warning"), ("other", "broken")]
)
async def test_the_model_is_checked(olga: Workspace, model: str, state: str) -> None:
    wanted = Target("main", "research", "jobs", model=model)
    assert (await states(olga, wanted))["model"][0] == state


async def test_names_are_quoted(olga: Workspace, catalog: Catalog) -> None:
    await states(olga, Target("main", "re/search?", "jobs", app="../x", model="a/../b"))
    assert not [asked for asked in catalog.seen if "/../" in asked or "?" in asked]

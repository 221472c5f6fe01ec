"""``mcp-jobs-server setup`` as it is typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp_jobs_server.cli.command_line import CommandLine, Done
from tests.mcp_jobs_server.operations.setup.catalog_server import APP_NAME, JOB_ID, Catalog, serve

PLACE = ("--catalog", "Main", "--schema", "research", "--volume", "jobs")


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def host(catalog: Catalog) -> Iterator[str]:
    with serve(catalog) as address:
        yield address


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data", tmp_path)


def run(cli: CommandLine, host: str, *words: str, person: str = "olga") -> Done:
    token = f"token-of-{person}"
    return cli.run("setup", *words, DATABRICKS_HOST=host, DATABRICKS_TOKEN=token, HOME=str(cli.cwd))


def test_plan_apply_and_apply_again(
    cli: CommandLine, host: str, catalog: Catalog, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the-secret\n")
    of_app = ("--app", APP_NAME, "--client-id", "id", "--client-secret-file", str(secret))
    words = (*PLACE, "--job", str(JOB_ID), "--group", "staff", *of_app)
    planned = run(cli, host, *words)
    assert planned.code == 0, planned.err
    assert "1. create the schema main.research\n" in planned.out
    assert planned.out.endswith("Nothing was changed; --apply does it.\n")
    assert catalog.changes == []
    done = run(cli, host, *words, "--apply")
    assert done.code == 0, done.out
    assert done.out.count("done: ") == 14
    changes = list(catalog.changes)
    again = run(cli, host, *words, "--apply")
    assert again.out.endswith("There is nothing to do.\n")
    assert catalog.changes == changes
    for shown in (planned, done, again):
        assert "the-secret" not in shown.out + shown.err


def test_the_consequence_of_shared_credentials_is_printed(cli: CommandLine, host: str) -> None:
    done = run(cli, host, *PLACE, "--app", APP_NAME, "--group", "staff", "--shared-credentials")
    assert "With --shared-credentials everybody who calls through Unity Catalog" in done.out
    assert "see, stop and read the same jobs" in done.out


def test_a_failed_step_is_printed_with_its_consequence(cli: CommandLine, host: str) -> None:
    done = run(cli, host, *PLACE, "--apply", person="paul")
    assert done.code == 1
    assert "failed: create the schema main.research\n" in done.out
    assert "It needs CREATE SCHEMA and USE CATALOG on main." in done.out
    assert "Without this step no job can be started." in done.out
    assert "left out: create the volume main.research.jobs\n" in done.out


def test_json_output_has_checks_and_plan(cli: CommandLine, host: str) -> None:
    said = run(cli, host, *PLACE, "--json").json
    assert [each["step"] for each in said["plan"]] == [
        "create the schema main.research",
        "create the volume main.research.jobs",
    ]
    assert said["applied"] == []
    assert {check["name"] for check in said["checks"]} >= {"signed in", "catalog"}


def test_a_rejected_credential_is_reported_without_the_token(cli: CommandLine, host: str) -> None:
    done = run(cli, host, *PLACE, person="nobody")
    assert done.code == 1
    assert "expired or is not valid" in done.err
    assert "token-of-nobody" not in done.err
    assert "127.0.0.1" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--catalog", "main"), "--schema is missing"),
        (("--catalog", "a.b", *PLACE[2:]), "is not a valid name"),
        ((*PLACE[:4], "--volume", "../x"), "is not a valid name"),
        ((*PLACE, "--job", "0"), "not the id of a job"),
        ((*PLACE, "--group", "staff"), "without an app"),
        ((*PLACE, "--client-id", "x"), "go together"),
        ((*PLACE, "--client-id", "x", "--client-secret-file", "/none"), "cannot be read"),
    ],
)
def test_invalid_arguments_are_rejected(
    cli: CommandLine, host: str, words: tuple[str, ...], said: str
) -> None:
    done = run(cli, host, *words)
    assert (done.code, said in done.err) == (2, True), done.err


def test_the_volume_defaults_to_the_settings(cli: CommandLine, host: str) -> None:
    done = cli.run(
        "setup",
        DATABRICKS_HOST=host,
        DATABRICKS_TOKEN="token-of-olga",
        MCP_JOBS_BACKEND="lakeflow",
        MCP_JOBS_VOLUME="/Volumes/main/research/jobs",
        MCP_JOBS_JOB_ID=str(JOB_ID),
    )
    assert "create the volume main.research.jobs" in done.out
    assert "researcher-prod" in done.out

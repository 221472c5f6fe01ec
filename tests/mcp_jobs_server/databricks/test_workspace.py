"""Calls to a workspace: errors are translated, and every call ends in time."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.core.errors import JobsError, NotPermitted, NotSignedIn, Refused, Unavailable
from mcp_jobs_server.databricks.failures import ResourceExists, ResourceNotFound, sanitize
from mcp_jobs_server.databricks.workspace import Timeouts, Workspace
from tests.mcp_jobs_server.databricks.recorded_bodies import exchange
from tests.mcp_jobs_server.databricks.scripted import Answer, Scripted, scripted

pytestmark = pytest.mark.anyio

GET = "/api/2.2/jobs/runs/get"
TOKEN = "dapi0123456789abcdef"
SHORT = Timeouts(call=6, http=1, retry=2, sign_in=20)
FOREIGN = ("DATABRICKS_", "ARM_", "GOOGLE_", "ACTIONS_", "AZURE_")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the credentials of this machine."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def script() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


@pytest.fixture
def workspace(script: Scripted) -> Workspace:
    return Workspace.from_token(TOKEN, host=script.host, timeouts=SHORT)


async def refused(workspace: Workspace, path: str = GET, *, needs: str = "") -> JobsError:
    with pytest.raises(JobsError) as caught:
        await workspace.do("look at the run", "GET", path, needs=needs)
    return caught.value


def leaks(error: JobsError, script: Scripted) -> list[str]:
    """Return the private values that the message contains."""
    private = (
        script.host,
        "127.0.0.1",
        TOKEN,
        "Config:",
        "auth_type",
        "8f1c6a52",
        "625234784902960",
    )
    return [text for text in private if text in str(error)]


async def test_a_json_response_is_returned_unchanged(
    workspace: Workspace, script: Scripted
) -> None:
    script.answer(GET, Answer(body={"status": {"state": "HIBERNATING"}, "new": [1]}))
    answer = await workspace.do("look at the run", "GET", GET)
    assert answer == {"status": {"state": "HIBERNATING"}, "new": [1]}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error_400_job_does_not_exist_on_run_now", Refused),
        ("error_400_run_does_not_exist", ResourceNotFound),
        ("error_401_credential_not_sent", NotSignedIn),
        ("error_401_html", NotSignedIn),
        ("error_403_invalid_access_token", NotSignedIn),
        ("error_403_permission_denied_run_job", NotPermitted),
        ("error_404_endpoint_not_found", ResourceNotFound),
        ("error_404_job_does_not_exist", ResourceNotFound),
        ("error_429_rate_limit", Unavailable),
        ("error_500_internal_empty_message", Unavailable),
        ("error_503_temporarily_unavailable", Unavailable),
        ("files_missing_file", ResourceNotFound),
        ("files_put_exists", ResourceExists),
    ],
)
async def test_each_recorded_error_is_translated(
    workspace: Workspace, script: Scripted, name: str, kind: type[JobsError]
) -> None:
    told = exchange(name)
    headers = tuple((key, value) for key, value in told["headers"].items())
    script.answer(GET, Answer(told["status"], told["body"], headers))
    error = await refused(workspace)
    assert type(error) is kind
    assert error.message
    assert error.hint
    assert leaks(error, script) == []
    assert "None" not in str(error)


async def test_a_missing_privilege_is_named(workspace: Workspace, script: Scripted) -> None:
    script.answer(GET, Answer(403, exchange("error_403_permission_denied_run_job")["body"]))
    error = await refused(workspace, needs="CAN_MANAGE_RUN on the job")
    assert "CAN_MANAGE_RUN on the job" in error.message
    unnamed = await refused(workspace)
    assert "Manage Run" in unnamed.message
    assert leaks(unnamed, script) == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b'{"run_id": 1'),
        Answer(body=b"<html><body>Sign in</body></html>"),
        Answer(body=b"\xff\xfe"),
        Answer(body=[1]),
        Answer(400, {"message": "no code"}),
        Answer(502, b"<html>bad gateway</html>"),
        Answer(418, b""),
    ],
)
async def test_an_unreadable_response_is_unavailable(
    workspace: Workspace, script: Scripted, answer: Answer
) -> None:
    script.answer(GET, answer)
    error = await refused(workspace)
    assert type(error) is Unavailable
    assert error.retryable
    assert leaks(error, script) == []


async def test_a_temporary_error_is_retried(workspace: Workspace, script: Scripted) -> None:
    busy = Answer(503, exchange("error_503_temporarily_unavailable")["body"])
    script.answer(GET, busy, Answer(body={"run_id": 1}))
    assert await workspace.do("look at the run", "GET", GET) == {"run_id": 1}
    assert script.asked.count(f"GET {GET}") == 2


async def test_a_long_retry_delay_is_reported_instead_of_waited_for(
    workspace: Workspace, script: Scripted
) -> None:
    body = exchange("error_429_rate_limit")["body"]
    script.answer(GET, Answer(429, body, (("Retry-After", "3600"),)))
    error = await refused(workspace)
    assert type(error) is Unavailable
    assert "360" in error.hint
    assert script.asked.count(f"GET {GET}") == 1


async def test_without_a_stated_delay_each_refusal_asks_to_wait_longer(
    workspace: Workspace, script: Scripted
) -> None:
    body = exchange("error_429_rate_limit")["body"]
    script.answer(GET, Answer(429, body))
    hints = [int(re.findall(r"in (\d+) s", (await refused(workspace)).hint)[0]) for _ in range(3)]
    assert hints[0] * 4 == hints[1] * 2 == hints[2]
    script.answer(GET, Answer(body={"run_id": 1}))
    await workspace.do("look at the run", "GET", GET)
    script.answer(GET, Answer(429, body))
    assert f"in {hints[0]} s" in (await refused(workspace)).hint


async def test_a_hanging_workspace_times_out(workspace: Workspace, script: Scripted) -> None:
    script.answer(GET, Answer(hang=True))
    with anyio.fail_after(60):
        error = await refused(workspace)
    assert type(error) is Unavailable
    assert "did not answer" in error.message


async def test_an_unreachable_workspace_is_reported(script: Scripted) -> None:
    workspace = Workspace.from_token(TOKEN, host="http://127.0.0.1:9", timeouts=SHORT)
    error = await refused(workspace)
    assert type(error) is Unavailable
    assert leaks(error, script) == []


async def test_a_renewed_credential_is_loaded(
    script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", script.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    workspace = Workspace.from_environment(timeouts=SHORT, renew_seconds=0)
    ok = Answer(body={"run_id": 1})
    script.answer(GET, ok, Answer(401, exchange("error_401_credential_not_sent")["body"]), ok)
    await workspace.do("look", "GET", GET)
    assert await workspace.do("look", "GET", GET) == {"run_id": 1}
    assert script.asked.count(f"GET {GET}") == 3


async def test_concurrent_callers_share_one_sign_in(script: Scripted) -> None:
    workspace = Workspace.from_token(TOKEN, host=script.host)
    script.answer(GET, Answer(body={"run_id": 1}))
    found = []

    async def ask() -> None:
        found.append(await workspace.do("look", "GET", GET))

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(ask)
    assert found == [{"run_id": 1}] * 12
    assert script.asked.count("GET /.well-known/databricks-config") == 1


# Ways to sign in that do not work


def big_program(path: Path, script: str) -> None:
    """Write a program large enough for the SDK to accept it as the Databricks command line."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\nexit 1\n#" + "x" * 1_100_000)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


async def signed_in(**environment: str) -> JobsError:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(NotSignedIn) as caught:
            await Workspace.from_environment(timeouts=SHORT).sign_in()
        return caught.value


async def test_without_credentials_the_hint_lists_ways_to_sign_in() -> None:
    error = await signed_in()
    assert "No credentials" in error.message
    assert "DATABRICKS_TOKEN" in error.hint
    assert "databricks auth login" in error.hint


async def test_a_missing_profile_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".databrickscfg").write_text("[other]\nhost = https://x.example\n")
    error = await signed_in(DATABRICKS_CONFIG_PROFILE="mine")
    assert "no profile of that name" in error.message
    assert str(tmp_path) not in str(error)


async def test_two_configured_ways_to_sign_in_are_reported(script: Scripted) -> None:
    error = await signed_in(
        DATABRICKS_HOST=script.host,
        DATABRICKS_TOKEN=TOKEN,
        DATABRICKS_CLIENT_ID="me",
        DATABRICKS_CLIENT_SECRET="hush",
    )
    assert "More than one way" in error.message
    assert "DATABRICKS_AUTH_TYPE" in error.hint
    assert not {"hush", TOKEN} & set(str(error).split())


async def test_a_wrong_client_secret_is_reported(script: Scripted) -> None:
    script.answer(
        "/.well-known/databricks-config", Answer(body={"oidc_endpoint": f"{script.host}/oidc"})
    )
    where = {"token_endpoint": f"{script.host}/t", "authorization_endpoint": f"{script.host}/a"}
    script.answer("/oidc/.well-known/oauth-authorization-server", Answer(body=where))
    refusal = {"error": "invalid_client", "error_description": "Client authentication failed"}
    script.answer("/t", Answer(401, refusal, (("Content-Type", "application/json"),)))
    error = await signed_in(
        DATABRICKS_HOST=script.host, DATABRICKS_CLIENT_ID="me", DATABRICKS_CLIENT_SECRET="hush"
    )
    assert "client id and secret" in error.message
    assert "DATABRICKS_CLIENT_SECRET" in error.hint
    assert leaks(error, script) == []


async def test_a_workspace_without_a_token_endpoint_is_reported(script: Scripted) -> None:
    error = await signed_in(
        DATABRICKS_HOST=script.host, DATABRICKS_CLIENT_ID="me", DATABRICKS_CLIENT_SECRET="hush"
    )
    assert "DATABRICKS_HOST" in error.hint
    assert leaks(error, script) == []


async def test_a_command_line_that_is_not_signed_in_is_reported(
    script: Scripted, tmp_path: Path
) -> None:
    big_program(tmp_path / "bin" / "databricks", "echo 'no cached credentials' >&2")
    error = await signed_in(DATABRICKS_HOST=script.host, DATABRICKS_AUTH_TYPE="databricks-cli")
    assert "not signed in" in error.message
    assert "databricks auth login" in error.hint


async def test_a_missing_command_line_is_reported(script: Scripted) -> None:
    error = await signed_in(DATABRICKS_HOST=script.host, DATABRICKS_AUTH_TYPE="databricks-cli")
    assert error.hint
    assert leaks(error, script) == []


@pytest.mark.parametrize(
    "way",
    [
        "pat",
        "basic",
        "oauth-m2m",
        "azure-cli",
        "azure-client-secret",
        "google-credentials",
        "google-id",
        "metadata-service",
        "github-oidc",
        "env-oidc",
        "file-oidc",
        "runtime",
        "nothing-known",
    ],
)
async def test_every_other_failing_way_to_sign_in_has_a_hint(script: Scripted, way: str) -> None:
    error = await signed_in(DATABRICKS_HOST=script.host, DATABRICKS_AUTH_TYPE=way)
    assert error.message
    assert error.hint
    assert leaks(error, script) == []


@pytest.mark.parametrize(
    "private",
    [
        "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com/?o=900800700600#job/1",
        "dbc-a1b2c3d4-e5f6.cloud.databricks.com",
        "adb-123.7.azuredatabricks.net",
        "8f1c6a52-3d0e-4c7b-9a41-5be0c2d7f913",
        "ada@example.org",
        "dapi0123456789abcdef",
        "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl",
        "625234784902960",
    ],
)
def test_private_data_is_removed_from_sdk_messages(private: str) -> None:
    said = sanitize(f"User {private} may not do that. Config: host={private}")
    assert private not in said
    assert said.startswith("User")
    assert said.endswith("may not do that")

"""Authorization codes go to loopback addresses only and are valid once, with their verifier."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

VERIFIER = "a-code-verifier-of-the-length-that-the-rfc-requires"
REDIRECT_URI = "http://localhost:8020"


def authorize(workspace: FakeWorkspace, **changes: str) -> httpx2.Response:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    query = {
        "redirect_uri": REDIRECT_URI,
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
        "state": "mine",
        **changes,
    }
    return httpx2.get(f"{workspace.url}/oidc/v1/authorize", params=query)


def redirected(answer: httpx2.Response) -> dict[str, str]:
    """Return the query of the redirect."""
    assert answer.status_code == 302
    url = urlsplit(answer.headers["location"])
    assert f"{url.scheme}://{url.netloc}" == REDIRECT_URI
    return {name: values[0] for name, values in parse_qs(url.query).items()}


def exchange(workspace: FakeWorkspace, code: str, **changes: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        **changes,
    }
    return httpx2.post(f"{workspace.url}/oidc/v1/token", data=form)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 200), ({"code_verifier": "another"}, 400), ({"redirect_uri": "http://localhost:1"}, 400)],
)
def test_a_code_is_valid_once_with_its_verifier(
    tmp_path: Path, changes: dict[str, str], status: int
) -> None:
    with FakeWorkspace(tmp_path) as workspace:
        workspace.oauth.at_browser = workspace.ada
        query = redirected(authorize(workspace))
        assert query["state"] == "mine"
        assert exchange(workspace, query["code"], **changes).status_code == status
        assert exchange(workspace, query["code"]).status_code == 400


def test_a_refresh_token_returns_another_access_token(tmp_path: Path) -> None:
    with FakeWorkspace(tmp_path) as workspace:
        workspace.oauth.at_browser = workspace.ada
        first = exchange(workspace, redirected(authorize(workspace))["code"]).json()
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = httpx2.post(f"{workspace.url}/oidc/v1/token", data=form).json()
        assert second["access_token"] != first["access_token"]
        form["refresh_token"] = "unknown"
        assert httpx2.post(f"{workspace.url}/oidc/v1/token", data=form).status_code == 400


def test_consent_and_a_loopback_redirect_with_s256_are_needed(tmp_path: Path) -> None:
    with FakeWorkspace(tmp_path) as workspace:
        assert redirected(authorize(workspace))["error"] == "access_denied"
        workspace.oauth.at_browser = workspace.ada
        remote = authorize(workspace, redirect_uri="https://example.com")
        plain = authorize(workspace, code_challenge_method="plain")
        assert (remote.status_code, plain.status_code) == (400, 400)

"""A code is given to this machine only, and taken once, from who asked for it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

VERIFIER = "a-verifier-of-the-length-that-is-asked-for-by-the-rfc"
BACK = "http://localhost:8020"


def authorize(workspace: FakeWorkspace, **asked: str) -> httpx2.Response:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    query = {
        "redirect_uri": BACK,
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
        "state": "mine",
        **asked,
    }
    return httpx2.get(f"{workspace.url}/oidc/v1/authorize", params=query)


def sent_back(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 302
    place = urlsplit(answer.headers["location"])
    assert f"{place.scheme}://{place.netloc}" == BACK
    return {name: said[0] for name, said in parse_qs(place.query).items()}


def exchange(workspace: FakeWorkspace, code: str, **shown: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **shown,
    }
    return httpx2.post(f"{workspace.url}/oidc/v1/token", data=form)


@pytest.mark.parametrize(
    ("shown", "status"),
    [({}, 200), ({"code_verifier": "another"}, 400), ({"redirect_uri": "http://localhost:1"}, 400)],
)
def test_a_code_is_taken_once_from_who_asked(
    tmp_path: Path, shown: dict[str, str], status: int
) -> None:
    with FakeWorkspace(tmp_path) as workspace:
        workspace.oauth.at_browser = workspace.ada
        told = sent_back(authorize(workspace))
        assert told["state"] == "mine"
        assert exchange(workspace, told["code"], **shown).status_code == status
        assert exchange(workspace, told["code"]).status_code == 400


def test_a_refresh_token_gives_another_token(tmp_path: Path) -> None:
    with FakeWorkspace(tmp_path) as workspace:
        workspace.oauth.at_browser = workspace.ada
        first = exchange(workspace, sent_back(authorize(workspace))["code"]).json()
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = httpx2.post(f"{workspace.url}/oidc/v1/token", data=form).json()
        assert second["access_token"] != first["access_token"]
        form["refresh_token"] = "of nobody"
        assert httpx2.post(f"{workspace.url}/oidc/v1/token", data=form).status_code == 400


def test_nobody_is_sent_elsewhere_or_signed_in_unseen(tmp_path: Path) -> None:
    with FakeWorkspace(tmp_path) as workspace:
        assert sent_back(authorize(workspace))["error"] == "access_denied"
        workspace.oauth.at_browser = workspace.ada
        elsewhere = authorize(workspace, redirect_uri="https://example.com")
        plain = authorize(workspace, code_challenge_method="plain")
        assert (elsewhere.status_code, plain.status_code) == (400, 400)

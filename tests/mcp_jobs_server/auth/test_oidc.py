"""HTTP outside Databricks with an OpenID Connect issuer: from the 401 to a tool call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from mcp_jobs_server.auth.auth_table import Auth
from mcp_jobs_server.auth.bearer import BearerTokenVerifier, VerifiedToken
from mcp_jobs_server.auth.oidc import OidcIssuer
from mcp_jobs_server.core.errors import Unavailable, Unidentified
from tests.benchmarks.bare import free_port
from tests.mcp_jobs_server.auth.local_issuer import Issuer, issuing
from tests.mcp_jobs_server.transports.apart import assert_apart, connected, offered
from tests.mcp_jobs_server.transports.serving import Home, home, served, start, until_ended

pytestmark = pytest.mark.anyio

RESOURCE = "https://research.example.com/mcp"
RULES = """
[auth]
issuer = "{issuer}"
resource = "{resource}"
scopes = ["jobs"]

[sources.shared]
uri = "documents"
audience = "*"

[sources.private]
uri = "documents"
audience = "staff"
"""


class Storage:
    """Keeps tokens and client data in memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.info = client_info


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        yield found


def env(here: Home, issuer: Issuer, resource: str) -> dict[str, str]:
    file = here.root / "research.toml"
    file.write_text(RULES.format(issuer=issuer.url, resource=resource))
    return {"MCP_JOBS_CONFIG": str(file)}


async def test_a_client_follows_the_challenge_and_gets_a_report(here: Home, issuer: Issuer) -> None:
    port = free_port()
    resource = f"http://127.0.0.1:{port}/mcp"
    async with served(here, port=port, env=env(here, issuer, resource)):
        provider = ClientCredentialsOAuthProvider(
            server_url=resource,
            storage=Storage(),
            client_id="a-client",
            client_secret="its-secret",
            scope="jobs",
            issuer=issuer.url,
        )
        async with (
            httpx2.AsyncClient(auth=provider, timeout=60) as http,
            Client(streamable_http_client(resource, http_client=http)) as client,
        ):
            assert "private" in await offered(client)
            job_id = await start(client, sources=["private"])
            assert (await until_ended(client, job_id))["outcome"] == "evidence"
    assert "/token" in issuer.asked
    assert issuer.asked.count("/keys") == 1


async def test_the_challenge_names_the_resource_metadata(here: Home, issuer: Issuer) -> None:
    port = free_port()
    resource = f"http://127.0.0.1:{port}/mcp"
    async with (
        served(here, port=port, env=env(here, issuer, resource)) as url,
        httpx2.AsyncClient() as client,
    ):
        refused = await client.post(f"{url}/mcp", json={})
        assert refused.status_code == 401
        place = f"{url}/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{place}"' in refused.headers["WWW-Authenticate"]
        said = (await client.get(place)).json()
        assert said["resource"] == resource
        assert said["authorization_servers"] == [issuer.url]
        assert said["scopes_supported"] == ["jobs"]
        weak = {"Authorization": f"Bearer {issuer.token('ana', resource, scope='other')}"}
        assert (await client.post(f"{url}/mcp", json={}, headers=weak)).status_code == 403


async def test_two_subjects_of_one_issuer_are_separate_owners(here: Home, issuer: Issuer) -> None:
    port = free_port()
    resource = f"http://127.0.0.1:{port}/mcp"

    def bearing(subject: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {issuer.token(subject, resource)}"}

    async with (
        served(here, port=port, env=env(here, issuer, resource)) as url,
        connected(url, bearing("ana")) as ana,
        connected(url, bearing("eve")) as eve,
    ):
        await assert_apart(ana, eve)


def taken(issuer: Issuer, **said: str) -> OidcIssuer:
    return OidcIssuer(Auth(issuer=issuer.url, resource=RESOURCE, **said))  # type: ignore[arg-type]


async def test_a_valid_token_identifies_its_subject(issuer: Issuer) -> None:
    claims = await taken(issuer).claims(issuer.token("ana", RESOURCE))
    assert claims["sub"] == "ana"
    other = await taken(issuer, audience="api://x").claims(issuer.token("ana", "api://x"))
    assert other["sub"] == "ana"


@pytest.mark.parametrize(
    "said",
    [
        {"exp": 1},
        {"exp": None},
        {"nbf": 2**40},
        {"iss": "http://127.0.0.1:1"},
        {"sub": None},
        {"sub": ""},
        {"sub": " \t"},
        {"aud": "https://other.example.com"},
        {"aud": None},
    ],
    ids=str,
)
async def test_a_token_with_one_invalid_claim_is_rejected(
    issuer: Issuer, said: dict[str, object]
) -> None:
    with pytest.raises(Unidentified):
        await taken(issuer).claims(issuer.token("ana", RESOURCE, **said))


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        ("Users", ("Users",)),
        ("Domain Users", ("Domain Users",)),
        (["Domain Users", "law"], ("Domain Users", "law")),
        (["law", 7, None, ["Users"]], ("law",)),
        ("", ()),
        ([], ()),
        (None, ()),
        (7, ()),
        ({"Users": True}, ()),
    ],
    ids=str,
)
async def test_a_groups_claim_that_is_one_string_is_one_group(
    issuer: Issuer, said: object, groups: tuple[str, ...]
) -> None:
    verifier = BearerTokenVerifier(Auth(issuer=issuer.url, resource=RESOURCE))
    token = await verifier.verify_token(issuer.token("ana", RESOURCE, groups=said))
    assert isinstance(token, VerifiedToken)
    assert token.groups == groups


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ({"scope": "jobs mail"}, ["jobs", "mail"]),
        ({"scope": None, "scp": ["jobs", "mail"]}, ["jobs", "mail"]),
        ({"scope": {"jobs": True}}, []),
        ({"scope": 7}, []),
    ],
    ids=str,
)
async def test_scopes_are_separated_by_spaces_or_a_list(
    issuer: Issuer, said: dict[str, object], scopes: list[str]
) -> None:
    verifier = BearerTokenVerifier(Auth(issuer=issuer.url, resource=RESOURCE))
    token = await verifier.verify_token(issuer.token("ana", RESOURCE, **said))
    assert token is not None
    assert token.scopes == scopes


async def test_a_token_with_another_signature_is_rejected(issuer: Issuer) -> None:
    now = int(time.time())
    claims = {"iss": issuer.url, "sub": "ana", "aud": RESOURCE, "exp": now + 60}
    good = issuer.token("ana", RESOURCE)
    kid = jwt.get_unverified_header(good)["kid"]
    forged = (
        jwt.encode(claims, "", algorithm="none", headers={"kid": kid}),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": kid}),
        good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        "no token",
    )
    for token in forged:
        with pytest.raises(Unidentified):
            await taken(issuer).claims(token)


async def test_a_new_key_is_fetched_once_and_unknown_keys_cause_no_further_fetch(
    issuer: Issuer,
) -> None:
    checked = taken(issuer)
    await checked.claims(issuer.token("ana", RESOURCE))
    issuer.rotate()
    for _ in range(5):
        with pytest.raises(Unidentified):
            await checked.claims(issuer.token("ana", RESOURCE))
    assert issuer.asked.count("/keys") == 1


async def test_an_unreachable_issuer_is_reported_as_unavailable(issuer: Issuer) -> None:
    token = issuer.token("ana", RESOURCE)
    away = OidcIssuer(Auth(issuer=f"http://127.0.0.1:{free_port()}", resource=RESOURCE))
    with anyio.fail_after(60), pytest.raises(Unavailable):
        await away.claims(token)

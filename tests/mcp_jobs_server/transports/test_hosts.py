"""Which hosts and origins a server accepts, by where it listens: real processes and requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client

from mcp_jobs_server import __version__
from tests.mcp_jobs_server.transports.apart import connected, offered
from tests.mcp_jobs_server.transports.serving import Home, home, served

pytestmark = pytest.mark.anyio

PATHS = ("/mcp", "/health", "/ready", "/.well-known/oauth-protected-resource/mcp", "/other")
TOKEN = "ana-0123456789abcdefghij"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ALL = ("--host", "0.0.0.0")  # noqa: S104 - what a container listens on
RULES = """
[auth]
{resource}

[auth.tokens]
ana = "env:ANA_TOKEN"

[sources.shared]
uri = "documents"
audience = "*"
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        yield found


def env(here: Home, *, resource: str = "", hosts: str = "") -> dict[str, str]:
    """Return the environment of a server that identifies its callers."""
    file = here.root / "research.toml"
    file.write_text(RULES.format(resource=f'resource = "{resource}"' if resource else ""))
    named = {"MCP_JOBS_HOSTS": hosts} if hosts else {}
    return {"MCP_JOBS_CONFIG": str(file), "ANA_TOKEN": TOKEN, **named}


async def statuses(
    url: str, headers: Mapping[str, str], *, method: str = ""
) -> dict[str, tuple[int, str]]:
    """Return status and text of the answer on each path; a GET of ``/mcp`` would not end."""
    methods = {path: method or ("POST" if path == "/mcp" else "GET") for path in PATHS}
    async with httpx2.AsyncClient(headers={**BEARER, **headers}) as client:
        answers = {path: await client.request(methods[path], f"{url}{path}") for path in PATHS}
    return {path: (answer.status_code, answer.text) for path, answer in answers.items()}


async def refused(url: str, host: str) -> bool:
    """Return whether each path refuses this host, in words."""
    return all(
        status == 421 and "MCP_JOBS_HOSTS" in said
        for status, said in (await statuses(url, {"Host": host})).values()
    )


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2"),
        ("127.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("LOCALHOST", "127.0.0.1"),
        ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
async def test_a_loopback_server_refuses_other_hosts_and_origins_on_each_path(
    here: Home, host: str, address: str
) -> None:
    async with served(here, "--host", host, address=address) as url:
        port = urlsplit(url).port
        for evil in ("evil.example", f"evil.example:{port}", f"127.0.0.1:{port}@evil.example"):
            assert await refused(url, evil), evil
        page = await statuses(url, {"Origin": "https://evil.example"})
        assert {status for status, _ in page.values()} == {403}
        assert all("pages of other origins" in said for _, said in page.values())
        async with Client(f"{url}/mcp") as client:
            assert "pumps" in await offered(client)


async def test_hosts_that_only_look_like_loopback_are_refused(here: Home) -> None:
    async with served(here) as url:
        port = urlsplit(url).port
        for host in (
            *(f"127.0.0.1:{port}@evil", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"),
            *("127.0.0.1.evil.example", "localhost.evil.example", "evil@localhost", "127.0.0.1/"),
            *("[::1]evil", "[::1", "::1", "127.0.0.1,evil", "0.0.0.0", "192.0.2.1", ""),  # noqa: S104
        ):
            assert await refused(url, host), host
        for origin in (
            *(
                f"http://127.0.0.1:{port}@evil",
                "http://localhost.evil.example",
                "null",
                "localhost",
            ),
            *("http://localhost/path", "file://localhost", "http://evil@localhost", "http://"),
        ):
            page = await statuses(url, {"Origin": origin})
            assert {status for status, _ in page.values()} == {403}, origin


async def test_every_name_of_this_computer_is_accepted_at_any_port(here: Home) -> None:
    async with served(here) as url:
        for host in ("localhost", "LocalHost:9000", "localhost.", "127.0.0.2", "[::1]:80"):
            origin = f"http://{host}"
            for headers in ({"Host": host}, {"Origin": origin}, {"Host": host, "Origin": origin}):
                assert (await statuses(url, headers))["/health"][0] == 200, headers


async def test_named_hosts_are_accepted_behind_a_proxy(here: Home) -> None:
    named = {"MCP_JOBS_HOSTS": "research.example.com, proxy:8443"}
    async with served(here, env=named) as url:
        for host in ("research.example.com", "Research.Example.com.:9000", "proxy:8443"):
            origin = f"https://{host}"
            for headers in ({"Host": host}, {"Host": host, "Origin": origin}):
                assert (await statuses(url, headers))["/health"][0] == 200, headers
        for host in ("proxy", "proxy:8444", "evil.example", "a.research.example.com"):
            assert await refused(url, host), host


@pytest.mark.parametrize(
    "known",
    [
        {"resource": "https://research.example.com/mcp"},
        {"hosts": "research.example.com"},
        {"resource": "https://other.example.com/mcp", "hosts": "research.example.com"},
    ],
    ids=str,
)
async def test_on_the_network_named_hosts_are_accepted_and_others_only_for_health(
    here: Home, known: dict[str, str]
) -> None:
    async with served(here, *ALL, env=env(here, **known)) as url:
        for host in ("research.example.com", "research.example.com:443", "localhost:1"):
            async with connected(url, {**BEARER, "Host": host}) as ana:
                assert "shared" in await offered(ana)
        for host in ("evil.example", "10.0.0.7:8000"):
            seen = await statuses(url, {"Host": host})
            assert seen.pop("/health") == (200, '{"status":"ok"}')
            assert {status for status, _ in seen.values()} == {421}
        page = await statuses(url, {"Origin": "https://evil.example"})
        assert page.pop("/health")[0] == 200
        assert {status for status, _ in page.values()} == {403}
        own = await statuses(url, {"Origin": "https://research.example.com"})
        assert own["/ready"][0] == 200


async def test_on_the_network_the_origin_of_the_resource_has_its_scheme_and_port(
    here: Home,
) -> None:
    known = env(here, resource="https://research.example.com/mcp")
    async with served(here, *ALL, env=known) as url:
        for origin, status in (
            ("https://research.example.com", 200),
            ("https://research.example.com:443", 200),
            ("http://research.example.com", 403),
            ("https://research.example.com:8443", 403),
        ):
            assert (await statuses(url, {"Origin": origin}))["/ready"][0] == status, origin


async def test_on_the_network_without_named_hosts_the_token_decides(here: Home) -> None:
    async with served(here, *ALL, env=env(here)) as url:
        async with connected(url, {**BEARER, "Host": "any.example"}) as ana:
            assert "shared" in await offered(ana)
        seen = await statuses(url, {"Host": "any.example"})
    assert seen["/health"] == (200, '{"status":"ok"}')


async def test_the_version_is_told_to_this_computer_only(here: Home) -> None:
    async with served(here) as url, httpx2.AsyncClient() as client:
        assert (await client.get(f"{url}/health")).json()["version"] == __version__
    async with served(here, *ALL, env=env(here)) as url, httpx2.AsyncClient() as client:
        assert (await client.get(f"{url}/health")).json() == {"status": "ok"}


async def test_a_preflight_is_answered_in_words(here: Home) -> None:
    asked = {"Access-Control-Request-Method": "POST"}
    for options, known in (((), {}), (ALL, env(here)), (ALL, env(here, hosts="a.example"))):
        async with served(here, *options, env=known) as url:
            for origin in ("https://evil.example", "http://localhost:5173"):
                headers = {**asked, "Origin": origin}
                for status, said in (await statuses(url, headers, method="OPTIONS")).values():
                    assert status == 403
                    assert "Access-Control-Allow-Origin" in said


async def test_the_address_is_printed_as_clients_write_it(here: Home, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    async with served(here, "--host", "::1", address="::1", log=log) as url:
        await statuses(url, {})
    assert f"Serving {url}/mcp" in log.read_text()

"""The ``[auth]`` table: valid values, and an error for each invalid one."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_jobs_server.auth.auth_table import read_auth
from mcp_jobs_server.auth.caller import Credential
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.ttl_cache import TtlCache

TOKEN = "0123456789abcdefghijk"
GOOD = {"issuer": "https://login.example.com", "resource": "https://here.example.com/mcp"}


def test_an_empty_table_identifies_no_callers() -> None:
    assert not read_auth({}, {})
    assert read_auth(GOOD, {})
    assert read_auth({"tokens": {"ana": "env:ANA"}}, {"ANA": TOKEN}).tokens == {"ana": TOKEN}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"isuer": "x"}, "Unknown key 'isuer'"),
        ({"issuer": "https://login.example.com"}, "no resource"),
        ({**GOOD, "issuer": "http://login.example.com"}, "'issuer' in .auth. is not an https"),
        ({**GOOD, "resource": "here"}, "'resource' in .auth. is not an https"),
        ({**GOOD, "scopes": "jobs"}, "is not a list"),
        ({**GOOD, "audience": 1}, "is not a string"),
        ({"tokens": "env:ANA"}, "is not a table"),
        ({"tokens": {"ana": TOKEN}}, "is not a reference"),
        ({"tokens": {"ana": "env:NONE"}}, "NONE does not hold"),
        ({"tokens": {"ana": "env:SHORT"}}, "SHORT does not hold"),
        ({"tokens": {"a/b": "env:ANA"}}, "is not a valid name"),
        ({"tokens": {"ana": "env:ANA", "eve": "env:ANA"}}, "the same token"),
    ],
    ids=str,
)
def test_an_error_is_explained_without_a_token(table: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why) as caught:
        read_auth(table, {"ANA": TOKEN, "SHORT": "secret"})
    assert TOKEN not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_token_is_never_printed() -> None:
    credential = Credential(TOKEN)
    auth = read_auth({"tokens": {"ana": "env:ANA"}}, {"ANA": TOKEN})
    for shown in (repr(credential), str(credential), credential.digest, repr(auth), str(auth)):
        assert TOKEN not in shown


@pytest.mark.anyio
async def test_answers_are_cached_until_they_expire_and_failures_are_not() -> None:
    now = 0.0
    asked: list[str] = []
    remembered: TtlCache[int] = TtlCache(seconds=60, most=2, clock=lambda: now)

    async def ask() -> int:
        asked.append("")
        if len(asked) == 1:
            raise ValueError
        return len(asked)

    with pytest.raises(ValueError):
        await remembered.get("a", ask)
    assert [await remembered.get("a", ask), await remembered.get("a", ask)] == [2, 2]
    now = 60.5
    assert await remembered.get("a", ask) == 3
    await remembered.get("b", ask)
    await remembered.get("c", ask)
    assert await remembered.get("a", ask) == 6

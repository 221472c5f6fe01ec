"""What the server advertises, and its answers to what it does not have."""

from __future__ import annotations

from typing import Literal

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from tests.mcp_jobs_server.stage import Stage

pytestmark = pytest.mark.anyio

Mode = Literal["auto", "legacy"]


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """The era of the protocol that the client prefers."""
    mode: Mode = request.param
    return mode


async def test_changes_that_are_never_sent_are_not_advertised(stage: Stage, mode: Mode) -> None:
    async with Client(stage.server, mode=mode) as client:
        capabilities = client.server_capabilities
    assert capabilities.tools
    assert capabilities.resources
    assert not capabilities.tools.list_changed
    assert not capabilities.resources.list_changed
    assert not capabilities.resources.subscribe
    assert not (capabilities.prompts and capabilities.prompts.list_changed)


async def test_an_unknown_prompt_is_a_wrong_parameter(stage: Stage, mode: Mode) -> None:
    async with Client(stage.server, mode=mode) as client:
        with pytest.raises(MCPError, match="Unknown prompt: nothing") as caught:
            await client.get_prompt("nothing")
    assert caught.value.error.code == INVALID_PARAMS

"""The model serving API."""

from __future__ import annotations

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import signed_in


def test_an_endpoint_returns_its_replies_in_order(workspace: FakeWorkspace) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    workspace.platform.endpoints["model"] = {
        "replies": [{"content": "", "tool_calls": [call]}, {"content": "Done."}]
    }
    workspace.rights.grant("serving-endpoint model", workspace.runner.name, "CAN_QUERY")
    runner = signed_in(workspace, workspace.runner)
    body = {"messages": [{"role": "user", "content": "Go"}]}
    answers = [
        runner.api_client.do("POST", "/serving-endpoints/model/invocations", body=body)
        for _ in range(3)
    ]
    reasons = [answer["choices"][0]["finish_reason"] for answer in answers]
    assert reasons == ["tool_calls", "stop", "stop"]
    assert workspace.platform.chat_requests == [body] * 3

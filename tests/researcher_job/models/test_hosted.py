"""The real client over HTTP against a server that misbehaves."""

from __future__ import annotations

import json

import anyio
import pytest

from researcher_job.models.base import Message, ModelFailure, Prompt, Reply
from researcher_job.models.hosted import Address, HostedModel
from researcher_job.models.settings import ModelSettings
from tests.researcher_job.models.model_server import ModelServer, Said, serving

PROMPT = Prompt(
    name="read@1",
    instructions="Read.",
    messages=(Message("user", "What is said?"),),
    schema={"type": "object", "properties": {"word": {"type": "string"}}},
    output_tokens=50,
)
WORD = json.dumps({"word": "yes"})


def asked(server: ModelServer, **settings: object) -> Reply:
    found = ModelSettings.model_validate({"name": "openai:small", **settings})
    model = HostedModel("openai:small", found, Address(server.url, found.key))
    return anyio.run(model.reply, PROMPT)


def failure(server: ModelServer, **settings: object) -> ModelFailure:
    with pytest.raises(ModelFailure) as raised:
        asked(server, **settings)
    return raised.value


def test_a_call_has_its_instructions_its_limit_and_the_schema() -> None:
    with serving(Said(WORD)) as server:
        assert asked(server) == Reply(WORD, 40, 7)
    [request] = server.asked
    assert request["messages"][0] == {"role": "system", "content": "Read."}
    assert request["messages"][1]["content"] == "What is said?"
    assert 50 in {request.get("max_tokens"), request.get("max_completion_tokens")}
    assert request["response_format"]["json_schema"]["schema"]["properties"].keys() == {"word"}


def test_a_key_of_the_environment_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/elsewhere")
    with serving(Said(WORD)) as server:
        asked(server)
        asked(server, key="sk-configured")
    assert server.keys == ["Bearer none", "Bearer sk-configured"]


def test_a_server_that_refuses_formats_is_asked_by_a_tool() -> None:
    with serving(Said(WORD, tool="answer"), refuses_formats=True) as server:
        assert json.loads(asked(server).text) == {"word": "yes"}
    assert [("response_format" in one, "tools" in one) for one in server.asked] == [
        (True, False),
        (False, True),
    ]


def test_a_configured_mode_is_the_only_one() -> None:
    with serving(Said(WORD)) as server:
        asked(server, output="prompted")
    [request] = server.asked
    assert "response_format" not in request and "tools" not in request
    assert '"word"' in request["messages"][0]["content"]


def test_a_call_of_an_unknown_tool_is_no_answer() -> None:
    with serving(Said(WORD, tool="delete_everything")) as server:
        assert asked(server, output="tool").text == ""


@pytest.mark.parametrize(
    ("said", "kind", "paid"),
    [
        (Said("slow down", status=429, headers={"Retry-After": "7"}), "rate_limited", False),
        (Said("broken", status=500), "unavailable", True),
        (Said("no such model", status=404), "rejected", False),
        (Said("maximum context length is 10 tokens", status=400), "context", False),
        (Said('{"word": "ye', finish="length"), "truncated", True),
        (Said("", finish="content_filter"), "refused", True),
    ],
)
def test_failures_have_their_kind(said: Said, kind: str, *, paid: bool) -> None:
    with serving(said) as server:
        found = failure(server, output="native")
    assert (found.kind, found.paid) == (kind, paid)
    assert found.retry_after == (7.0 if kind == "rate_limited" else None)
    assert len(server.asked) == 1  # the library repeats nothing by itself


def test_a_server_that_hangs_or_sends_garbage_does_not_answer() -> None:
    with serving(Said(WORD, hangs=30)) as server:
        assert failure(server, timeout_seconds=0.2).kind == "timeout"
    with serving(Said(body=b"<html>")) as server:
        assert failure(server, output="native").kind in {"unavailable", "truncated"}


def test_a_server_that_is_away_is_unavailable() -> None:
    with serving(Said(WORD)) as server:
        pass
    assert failure(server).kind == "unavailable"

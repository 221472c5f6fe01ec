"""Every wording a model reads, as it reads it: a change to one is seen in review.

After a wanted change run this file with ``UPDATE_SNAPSHOTS=1``.
"""

from __future__ import annotations

import json
import os
import re

import pytest
from mcp import Client
from mcp.types import CallToolResult, ResourceTemplateReference, TextContent

from research_contract.records import Failure
from tests.mcp_jobs_server import unjudged
from tests.mcp_jobs_server.stage import ME, QUOTE, Stage
from tests.mcp_jobs_server.transports.serving import error_of
from tests.repository import ROOT

pytestmark = pytest.mark.anyio

DRAFT = """# Pump 7

What does it move? In short:

Pump 7 moves 21 litres of water per minute [1]. Pump 7 moves 25 litres a minute. [1]
Pump 7 moves 21 litres of milk for Wagner [1]. Its price was raised by the mayor [1].
The mayor sells it [9]. Pump 7 moves 21 litres of water.
"""
SNAPSHOTS = ROOT / "tests" / "snapshots"


def tokens(text: str) -> int:
    """Estimate the size in tokens: four characters each, the usual rule for English and JSON."""
    return -(-len(text) // 4)


def same_each_time(text: str, stage: Stage) -> str:
    """Take out of ``text`` what differs from run to run: ids and this machine's folders."""
    text = text.replace(str(stage.root), "/root").replace(ME.folder, "owner")
    text = re.sub(r"\d{8}-[a-z2-7]{13}", "20261121-abcdefghijklm", text)
    return re.sub(r"\b[a-z2-7]{6}(?=\.\d+\.\d+\.\d+)", "hijklm", text)


def check(name: str, text: str) -> None:
    """Compare ``text`` with the snapshot of that name, or renew it where that is asked for."""
    file = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(text + "\n", encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text + "\n"


def text_of(answer: CallToolResult) -> str:
    [block] = answer.content
    assert isinstance(block, TextContent)
    return block.text


class Talk:
    """A conversation of a real client with a server over fakes; all that is said is kept."""

    def __init__(self, stage: Stage, client: Client) -> None:
        self.stage = stage
        self._client = client

    async def say(self, snapshot: str, tool: str, **arguments: object) -> CallToolResult:
        answer = await self._client.call_tool(tool, arguments)
        fields = answer.meta if answer.is_error else answer.structured_content
        shown = json.dumps(fields, indent=1, ensure_ascii=False)
        heard = f"{text_of(answer)}\n\n--- the same as fields ---\n{shown}"
        check(f"{snapshot}.txt", same_each_time(heard, self.stage))
        return answer


async def test_the_list_of_tools(stage: Stage) -> None:
    async with Client(stage.server) as client:
        listed = (await client.list_tools()).tools
    said = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
    check("tools.json", json.dumps(said, indent=1, ensure_ascii=False))
    assert tokens(json.dumps(said, ensure_ascii=False, separators=(",", ":"))) <= 2600
    for tool in listed:
        assert tool.description
        assert tool.title
        assert tool.annotations
        for field in tool.input_schema["properties"].values():
            assert field.get("description"), (tool.name, field)
        assert "anyOf" not in json.dumps(tool.input_schema)


async def test_what_a_model_hears_of_a_job(stage: Stage) -> None:
    async with Client(stage.server) as client:
        talk = Talk(stage, client)
        plan = {"title": "Pumps", "questions": ["How much water?", "Who sells it?"]}
        began = await talk.say("start", "start_research", question="All of pump 7", plan=plan)
        assert tokens(text_of(began)) <= 300
        job_id = str((began.structured_content or {})["job_id"])
        brief = [await talk.say("status-queued", "get_status", wait_seconds=0)]
        await stage.begin(job_id)
        await stage.log(job_id, 12)
        stage.clock.pass_seconds(4)
        brief.append(await talk.say("status-running", "get_status", job_id=job_id, wait_seconds=0))
        await talk.say("status-full", "get_status", job_id=job_id, detail="full", wait_seconds=0)
        stage.find(job_id)
        await talk.say("so-far", "fetch_report", job_id=job_id)
        await talk.say("steer", "steer_research", job_id=job_id, text="add: Who buys it?")
        await talk.say("finish-now", "cancel", job_id=job_id, mode="finish_now")
        await talk.say("list", "list_active_jobs")
        stage.complete(job_id)
        brief.append(await talk.say("status-completed", "get_status"))
        for part in ("summary", "report", "evidence", "sources", "citations", "steps"):
            await talk.say(f"fetch-{part}", "fetch_report", part=part)
        await talk.say("fetch-citation", "fetch_report", part="citation", citation=1)
        await talk.say("fetch-section", "fetch_report", part="section", section="1")
        await talk.say("check", "check_citations", text=DRAFT)
        await talk.say("check-faultless", "check_citations", text=f"{QUOTE} [1]")
        await talk.say("cancel-ended", "cancel", job_id=job_id)
        await talk.say("steer-ended", "steer_research", job_id=job_id, text="drop: 1")
        assert [tokens(text_of(answer)) <= 150 for answer in brief] == [True] * 3


async def test_what_a_model_hears_of_a_search_without_a_model(stage: Stage) -> None:
    async with Client(stage.server) as client:
        talk = Talk(stage, client)
        plan = {"title": "Pumps", "questions": list(unjudged.QUESTIONS)}
        began = await client.call_tool("start_research", {"question": "Pump 7", "plan": plan})
        job_id = str((began.structured_content or {})["job_id"])
        await stage.begin(job_id)
        unjudged.find(stage, job_id)
        brief = [await talk.say("unjudged-status", "get_status")]
        await talk.say("unjudged-summary", "fetch_report")
        await talk.say("unjudged-evidence", "fetch_report", part="evidence")
        await talk.say("unjudged-citation", "fetch_report", part="citation", citation=3)
        other = await client.call_tool("start_research", {"question": "Who sells it?"})
        other_id = str((other.structured_content or {})["job_id"])
        await stage.begin(other_id)
        unjudged.find_nothing(stage, other_id, "Who sells it?")
        brief.append(await talk.say("nothing-found-status", "get_status", job_id=other_id))
        await talk.say("nothing-found", "fetch_report", job_id=other_id, part="evidence")
        assert [tokens(text_of(answer)) <= 150 for answer in brief] == [True] * 2


async def test_what_a_model_hears_of_a_job_that_does_not_end_well(stage: Stage) -> None:
    async with Client(stage.server) as client:
        talk = Talk(stage, client)
        began = await client.call_tool("start_research", {"question": "How much?"})
        job_id = str((began.structured_content or {})["job_id"])
        await talk.say("start-again", "start_research", question="How much?")
        await stage.begin(job_id)
        await talk.say("cancel-which", "cancel")
        await talk.say("cancel", "cancel", job_id=job_id)
        await talk.say("status-cancelling", "get_status", wait_seconds=0)
        stage.runner.obey(job_id)
        await talk.say("status-cancelled", "get_status")
        await talk.say("start-ended", "start_research", question="How much?")
        other = await client.call_tool("start_research", {"question": "How little?"})
        other_id = str((other.structured_content or {})["job_id"])
        await stage.begin(other_id)
        error = Failure(code="died", message="It died.", hint="Start it again.", retryable=True)
        stage.runner.fail(other_id, error)
        await talk.say("status-failed", "get_status", job_id=other_id)


async def test_what_a_model_hears_when_it_is_wrong(stage: Stage) -> None:
    async with Client(stage.server) as client:
        talk = Talk(stage, client)
        await talk.say("no-jobs", "list_active_jobs")
        await talk.say("wrong-name", "start_research", question="Why?", dept="deep")
        await talk.say(
            "wrong-arguments",
            "start_research",
            question="Why?",
            questions=["Who?"],
            limits={"minutes": "soon"},
        )
        await talk.say("cancel-nothing", "cancel")
        await talk.say("wrong-value", "get_status", wait_seconds="a while")
        await talk.say("wrong-id", "get_status", job_id="../../etc/passwd")
        await talk.say("wrong-cursor", "list_active_jobs", cursor="page 2")
        await talk.say("wrong-source", "start_research", question="Why?", sources="handbok")
        stage.use_sources()
        await talk.say("nothing-to-search", "start_research", question="Why?")


async def test_a_client_can_complete_the_ids_of_jobs(stage: Stage) -> None:
    async with Client(stage.server) as client:
        began = await client.call_tool("start_research", {"question": "Why?"})
        job_id = str((began.structured_content or {})["job_id"])
        ref = ResourceTemplateReference(uri="research://{job_id}/report.md")
        found = await client.complete(ref, {"name": "job_id", "value": job_id[:10]})
        assert found.completion.values == [job_id]
        none = await client.complete(ref, {"name": "job_id", "value": "x"})
        assert none.completion.values == []


async def test_every_error_is_marked_as_one(stage: Stage) -> None:
    async with Client(stage.server) as client:
        answer = await client.call_tool("get_status", {"job_id": "nothing"})
    assert answer.is_error
    assert error_of(answer)["kind"] == "not_found"


async def test_a_defect_is_answered_without_its_details(stage: Stage) -> None:
    stage.folders.failing = None
    stage.runner.typical_seconds = None  # type: ignore[assignment, method-assign]
    async with Client(stage.server) as client:
        answer = await client.call_tool("start_research", {"question": "Why?"})
    assert answer.is_error
    assert re.search(r"a defect in this server \(reference [0-9a-f]{8}\)", text_of(answer))
    assert "NoneType" not in text_of(answer)

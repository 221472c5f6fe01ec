"""Each kind of hostile text, in each place of a document, through every part of every tool."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent, TextResourceContents

from research_contract import records
from research_contract.files import decode, decode_lines
from research_contract.records import Evidence, Outcome
from researcher_job.verification.verify import verify
from tests.hostile.documents import PLACES
from tests.hostile.texts import CANARY
from tests.hostile.voice import (
    assert_harmless_markdown,
    assert_nothing_hidden,
    assert_own_words,
    texts_in,
)
from tests.mcp_jobs_server.stage import Stage

pytestmark = pytest.mark.anyio

PARTS = ("summary", "report", "evidence", "sources", "citations", "steps")


def text_of(answer: CallToolResult) -> str:
    [block] = answer.content
    assert isinstance(block, TextContent)
    return block.text


class Listener:
    """Calls tools and checks what each answers; ``heard`` is all of it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.heard = ""

    async def call(self, tool: str, **arguments: object) -> CallToolResult:
        answer = await self._client.call_tool(tool, arguments, progress_callback=self._progress)
        text = text_of(answer)
        self.heard += text
        assert_nothing_hidden(text)
        for said in texts_in([answer.structured_content, answer.meta]):
            assert_nothing_hidden(said)
        assert_own_words(text)
        assert sum(line.startswith("Next:") for line in text.split("\n")) <= 1
        assert_harmless_markdown(text)
        return answer

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        assert_nothing_hidden(message or "")
        assert "\n" not in (message or "")
        assert_own_words(message or "")

    async def fetch(self, **arguments: object) -> None:
        """Read all pages of a part, small ones and large ones."""
        for size in (700, 20_000):
            cursor: object = ""
            while cursor is not None:
                answer = await self.call("fetch_report", cursor=cursor, max_chars=size, **arguments)
                cursor = (answer.structured_content or {}).get("next_cursor")


async def test_documents_do_not_speak_for_the_server(folder: Path, tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    found = evidence_of(folder)
    async with Client(stage.server) as client:
        listener = Listener(client)
        asked = decode(records.Request, (folder / records.REQUEST).read_bytes())
        assert asked
        plan = {"title": "Wardens", "questions": list(asked.plan.questions)}
        began = await listener.call("start_research", question=asked.question, plan=plan)
        job_id = str((began.structured_content or {})["job_id"])
        await stage.begin(job_id)
        for name, data in written_by_the_job(folder).items():
            stage.runner.write(job_id, name, data)
        await read_all(listener, job_id, found)
        outcome = decode(Outcome, (folder / records.OUTCOME).read_bytes())
        stage.runner.complete(job_id, outcome)
        await read_all(listener, job_id, found)
        for uri in (records.REPORT, records.REPORT_HTML, records.EVIDENCE):
            [content] = (await client.read_resource(f"research://{job_id}/{uri}")).contents
            assert isinstance(content, TextResourceContents)
            assert CANARY in content.text
            assert_nothing_hidden(content.text)
    assert listener.heard.count(CANARY) > 100


def written_by_the_job(folder: Path) -> dict[str, bytes]:
    """Return the files of a job folder but its request and its outcome."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*")}
    others = (records.OUTCOME, records.REQUEST)
    return {
        name: file.read_bytes()
        for name, file in files.items()
        if file.is_file() and name not in others
    }


def evidence_of(folder: Path) -> list[Evidence]:
    read = decode_lines(Evidence, (folder / records.EVIDENCE).read_bytes())
    return [one for one, _ in read if one is not None]


async def read_all(listener: Listener, job_id: str, found: list[Evidence]) -> None:
    for detail in ("brief", "full"):
        await listener.call("get_status", job_id=job_id, detail=detail, wait_seconds=0)
    await listener.call("list_active_jobs", include_recent=True)
    for part in PARTS:
        await listener.fetch(job_id=job_id, part=part)
    await listener.fetch(job_id=job_id, part="section", section="1")
    await listener.fetch(job_id=job_id, part="section", section="Sources")
    for item in found:
        await listener.call("fetch_report", job_id=job_id, part="citation", citation=item.n)
    draft = " ".join(f"The warden sold 77 boats to the old sluice [{item.n}]." for item in found)
    await listener.call("check_citations", job_id=job_id, text=draft)
    await listener.call("cancel", job_id=job_id, mode="finish_now")


def test_the_report_is_harmless_and_verified(folder: Path) -> None:
    text = (folder / records.REPORT).read_text(encoding="utf-8")
    assert_nothing_hidden(text)
    assert_own_words(text)
    assert_harmless_markdown(text)
    headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
    assert not [line for line in headings if CANARY in line]
    assert verify(folder).faults == ()
    progress = (folder / records.PROGRESS).read_text(encoding="utf-8")
    assert_nothing_hidden(progress)
    assert_own_words(progress)


def test_every_place_is_shown(folder: Path) -> None:
    text = (folder / records.REPORT).read_text(encoding="utf-8")
    for place in PLACES:
        assert f"wrote of the {place} and" in text
    outcome = json.loads((folder / records.OUTCOME).read_text(encoding="utf-8"))
    assert CANARY in outcome["answer"]

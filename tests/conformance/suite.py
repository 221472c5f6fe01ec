"""Runs scenarios of the suite, each in a process of its own, and judges their checks."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients import node

SESSIONS, REQUESTS = "2025-11-25", "2026-07-28"
"""The newest protocol of each era. Scenarios of both run once an era: the server's code differs."""

_BOTH = (
    "tools-list",
    "resources-list",
    "prompts-list",
    "completion-complete",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)
SCENARIOS = (
    *((name, SESSIONS) for name in ("server-initialize", "server-session-lifecycle", "ping")),
    *((name, era) for name in _BOTH for era in (SESSIONS, REQUESTS)),
    ("server-stateless", REQUESTS),
    ("caching", REQUESTS),
    ("http-header-validation", REQUESTS),
    ("sep-2164-resource-not-found", REQUESTS),
    ("input-required-result-unsupported-methods", REQUESTS),
)
"""All that need no tool made for the test: others pass without meaning or cannot pass."""

NEEDS_A_TEST_TOOL = {
    "sep-2575-server-rejects-undeclared-capability": "test_missing_capability",
    "sep-2575-missing-capability-http-400": "test_missing_capability",
    "sep-2575-http-server-no-independent-requests-on-stream": "test_streaming_elicitation",
    "sep-2575-server-no-log-without-loglevel": "test_logging_tool",
}
"""Checks in these scenarios that call a tool which only a server made for the suite has."""


@dataclass(frozen=True)
class Judged:
    """What came of one scenario: the checks that passed, failed, and need a tool of the suite."""

    name: str
    era: str
    passed: Sequence[str]
    failed: Sequence[str]
    needs_tool: Sequence[str]

    def line(self) -> str:
        verdict = "FAIL" if self.failed else "PASS" if self.passed else "SKIP"
        needs = f", {len(self.needs_tool)} need a test tool" if self.needs_tool else ""
        return f"{verdict}  {self.name:<44} {self.era}  {len(self.passed)} passed{needs}"


def run(url: str, name: str, era: str) -> Judged:
    """Run one scenario against the server at ``url``."""
    with tempfile.TemporaryDirectory() as place:
        command = [node.program(), str(node.package("@modelcontextprotocol/conformance"))]
        command += ["server", "--url", url, "--scenario", name, "--spec-version", era, "-o", place]
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=node.LONGEST, check=False
        )
        found = [json.loads(path.read_text()) for path in Path(place).glob("*/checks.json")]
    if not found:
        is_for_others = "not applicable" in done.stdout + done.stderr
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        return Judged(name, era, (), () if is_for_others else (f"no result: {said}",), ())
    return judge(name, era, found[0])


def judge(name: str, era: str, checks: Sequence[dict[str, Any]]) -> Judged:
    """Return what the checks of one scenario say."""
    passed = [check["id"] for check in checks if check["status"] == "SUCCESS"]
    failed: list[str] = []
    needs_tool: list[str] = []
    for check in checks:
        if check["status"] == "FAILURE":
            message = check.get("errorMessage") or ""
            tool = NEEDS_A_TEST_TOOL.get(check["id"])
            said = f"{check['id']}: {message[:300]}"
            (needs_tool if tool and tool in message else failed).append(said)
    return Judged(name, era, passed, failed, needs_tool)

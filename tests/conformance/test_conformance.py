"""Nothing fails in the official suite; how its checks are judged."""

from __future__ import annotations

import pytest

from tests.conformance.__main__ import judged
from tests.conformance.suite import judge

pytestmark = pytest.mark.anyio


async def test_no_scenario_of_the_official_suite_fails() -> None:
    results = await judged()
    assert {f"{one.name} {one.era}": one.failed for one in results if one.failed} == {}
    assert sum(bool(one.passed) for one in results) >= 16


def test_a_failed_check_is_excused_only_where_it_misses_a_tool_of_the_suite() -> None:
    missing = "sep-2575-missing-capability-http-400"
    checks = [
        {"id": "a", "status": "SUCCESS"},
        {"id": missing, "status": "FAILURE", "errorMessage": "No test_missing_capability there"},
        {"id": missing, "status": "FAILURE", "errorMessage": "HTTP 500"},
    ]
    found = judge("server-stateless", "2026-07-28", checks)
    assert (found.passed, found.failed) == (["a"], [f"{missing}: HTTP 500"])
    assert len(found.needs_tool) == 1
    assert found.line().startswith("FAIL")

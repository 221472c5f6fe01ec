"""Which tools of a server may be called."""

from __future__ import annotations

import pytest
from mcp.types import Tool

from research_contract.services import ServiceSettings
from researcher_job.sources.mcp.tools import Tools, chosen
from researcher_job.sources.services.base import ServiceFailed


def tool(name: str, *required: str, optional: tuple[str, ...] = (), kind: str = "string") -> Tool:
    properties = {one: {"type": kind} for one in (*required, *optional)}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return Tool(name=name, input_schema=schema)


SEARCH = tool("find", "query", optional=("limit",))
DELETE = tool("delete_all", "name")
FETCH = tool("get", "url")


def test_the_only_tool_with_one_text_for_a_query_is_the_search() -> None:
    assert chosen(ServiceSettings(), [DELETE, SEARCH, FETCH]) == Tools("find", "query")


@pytest.mark.parametrize(
    "offered",
    [
        [],
        [DELETE, FETCH],
        [SEARCH, tool("other", "q")],
        [tool("two", "query", "user")],
        [tool("number", "query", kind="integer")],
        [Tool(name="odd", input_schema={"type": "object", "required": ["query"]})],
    ],
)
def test_where_none_or_several_fit_none_is_called(offered: list[Tool]) -> None:
    with pytest.raises(ServiceFailed, match="name one by search_tool"):
        chosen(ServiceSettings(), offered)


def test_named_tools_are_used_and_no_others() -> None:
    settings = ServiceSettings(search_tool="ask", search_argument="what", fetch_tool="get")
    offered = [SEARCH, tool("ask", "what"), FETCH]
    assert chosen(settings, offered) == Tools("ask", "what", "get", "url")
    with pytest.raises(ServiceFailed, match="It has no tool ask"):
        chosen(settings, [SEARCH, FETCH])


@pytest.mark.parametrize(
    ("preset", "offered", "expected"),
    [
        (
            "exa",
            [tool("web_search_exa", "query"), tool("crawling_exa", "url"), DELETE],
            Tools("web_search_exa", "query", "crawling_exa", "url"),
        ),
        (
            "tavily",
            [tool("tavily-search", "query"), tool("tavily-extract", "urls", kind="array")],
            Tools("tavily-search", "query", "tavily-extract", "urls", fetch_list=True),
        ),
        ("brave", [tool("brave_web_search", "query")], Tools("brave_web_search", "query")),
        (
            "duckduckgo",
            [SEARCH, tool("search", "query"), tool("fetch_content", "url")],
            Tools("search", "query", "fetch_content", "url"),
        ),
        ("databricks", [tool("main__docs__index", "query")], Tools("main__docs__index", "query")),
    ],
)
def test_presets_know_their_tools(preset: str, offered: list[Tool], expected: Tools) -> None:
    settings = ServiceSettings.model_validate({"preset": preset})
    assert chosen(settings, offered) == expected

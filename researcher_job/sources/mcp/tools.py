"""Which tools of an MCP server are the source: those that are named, or the only one that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from research_contract.services import ServiceSettings
from researcher_job.sources.document import Reason
from researcher_job.sources.services.base import ServiceFailed

if TYPE_CHECKING:
    from mcp.types import Tool

WORDS = ("query", "q", "question", "search", "search_query", "text", "prompt", "keywords", "input")
"""Names of an argument that takes what to search for, in order of preference."""

ADDRESSES = ("url", "urls", "uri", "address", "link", "id")
"""Names of an argument that takes the address of a page, in order of preference."""


@dataclass(frozen=True)
class Preset:
    """The tools of a known server, newer names first, and the variable that takes its key."""

    search: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    variable: str = ""


PRESETS: Mapping[str, Preset] = {
    "exa": Preset(
        ("web_search_exa", "exa_search"),
        ("web_fetch_exa", "crawling_exa", "crawling"),
        "EXA_API_KEY",
    ),
    "tavily": Preset(
        ("tavily_search", "tavily-search"), ("tavily_extract", "tavily-extract"), "TAVILY_API_KEY"
    ),
    "brave": Preset(("brave_web_search",), (), "BRAVE_API_KEY"),
    "firecrawl": Preset(("firecrawl_search",), ("firecrawl_scrape",), "FIRECRAWL_API_KEY"),
    "duckduckgo": Preset(("search", "duckduckgo_web_search"), ("fetch_content",)),
    # The tools of a managed server are the functions or indexes of its schema.
    "databricks": Preset(),
}


@dataclass(frozen=True)
class Tools:
    """The tools that may be called: ``search`` with its argument, and ``fetch`` or "".

    ``fetch_list`` tells that the address is passed as a list of one.
    """

    search: str
    search_argument: str
    fetch: str = ""
    fetch_argument: str = ""
    fetch_list: bool = False


def chosen(settings: ServiceSettings, offered: Sequence[Tool]) -> Tools:
    """Return the tools of ``offered`` that ``settings`` name, or the only one that searches.

    Raises:
        ServiceFailed: a named tool or argument is not offered, or no single tool searches.
    """
    by_name = {tool.name: tool for tool in offered}
    preset = PRESETS.get(settings.preset, Preset())
    search = _named(settings.search_tool, preset.search, by_name) or _only_search(offered)
    words = _argument(search, settings.search_argument, WORDS)
    fetch = _named(settings.fetch_tool, preset.fetch, by_name)
    if fetch is None:
        return Tools(search.name, words)
    address = _argument(fetch, settings.fetch_argument, ADDRESSES)
    is_list = _properties(fetch)[address].get("type") == "array"
    return Tools(search.name, words, fetch.name, address, is_list)


def _named(name: str, preset: Sequence[str], by_name: Mapping[str, Tool]) -> Tool | None:
    if name:
        if name not in by_name:
            raise ServiceFailed(
                f"It has no tool {name}: correct the configuration.", Reason.NO_TOOL
            )
        return by_name[name]
    return next((by_name[one] for one in preset if one in by_name), None)


def _only_search(offered: Sequence[Tool]) -> Tool:
    """Return the one tool whose only required argument is a text that names a search."""
    found = [
        tool
        for tool in offered
        if len(required := list(tool.input_schema.get("required") or [])) == 1
        and required[0] in WORDS[:4]
        and _properties(tool).get(required[0], {}).get("type") == "string"
    ]
    if len(found) != 1:
        raise ServiceFailed(
            f"{len(found)} of its tools look like a search: name one by search_tool.",
            Reason.NO_TOOL,
        )
    return found[0]


def _argument(tool: Tool, named: str, usual: Sequence[str]) -> str:
    """Return the argument that is named, or the usual one, a required one first."""
    properties = _properties(tool)
    if named:
        if named not in properties:
            raise ServiceFailed(
                f"The tool {tool.name} has no argument {named}: correct the configuration.",
                Reason.NO_TOOL,
            )
        return named
    required = tool.input_schema.get("required") or ()
    found = [one for one in usual if one in properties]
    if argument := next((one for one in found if one in required), found[0] if found else ""):
        return argument
    raise ServiceFailed(
        f"No argument of the tool {tool.name} is known to fit: name it.", Reason.NO_TOOL
    )


def _properties(tool: Tool) -> Mapping[str, Mapping[str, Any]]:
    found = tool.input_schema.get("properties")
    return {
        name: schema if isinstance(schema, dict) else {}
        for name, schema in (found.items() if isinstance(found, dict) else ())
    }

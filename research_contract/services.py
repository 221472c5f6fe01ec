"""Sources that are services: MCP servers, web pages, web searches, and sources written by users.

What ``[sources.NAME]`` says of them besides their address, and which words may leave to them. The
server loads this module at its start.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from research_contract.records import Record

Egress = Literal["nothing", "question", "documents"]
"""Words that a job may send to a service: none, those of the question and plan, or any."""

WEB_SEARCHES = ("exa", "tavily", "brave", "firecrawl", "duckduckgo")
"""Presets of MCP servers that search the public web, wherever the server itself runs."""

SCHEMES = ("mcp+stdio", "mcp+http", "mcp+https", "search", "https", "http", "python")
WEB_EXTRA = "pip install 'mcp-jobs-server[web]'"

_SECRET = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|secret:[A-Za-z0-9._@-]{1,128}/[A-Za-z0-9._@-]{1,128}", re.ASCII
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOOL = re.compile(r"[A-Za-z0-9._/-]{1,128}", re.ASCII)
_PYTHON = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)


def is_secret(text: str) -> bool:
    """Return whether ``text`` is a reference to a secret: ``secret:scope/key`` or ``env:NAME``."""
    return _SECRET.fullmatch(text) is not None


class ServiceSettings(Record):
    """Keys of ``[sources.NAME]`` for a source that is a service.

    Attributes:
        egress: words that may leave to it; ``None`` for the default of its kind.
        preset: a known MCP server, whose tools need not be named.
        search_tool: the tool of an MCP server that searches; "" for the preset's, or its only one.
        search_argument: the argument of that tool that takes the words.
        fetch_tool: the tool of an MCP server that opens a page; "" for the preset's, or none.
        fetch_argument: the argument of that tool that takes the address.
        args: arguments of the command of an MCP server on this machine.
        env: variables of that command, each a reference to a secret.
        pages: how many pages of the results are opened for each search; ``None`` for 3 where the
            source can open pages by itself, else 0.
        seconds: how long one call may take.
        loopback: whether pages of this machine may be opened, as tests need it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    egress: Egress | None = None
    preset: Literal["", "exa", "tavily", "brave", "firecrawl", "duckduckgo", "databricks"] = ""
    search_tool: str = ""
    search_argument: str = ""
    fetch_tool: str = ""
    fetch_argument: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = Field(default_factory=dict)
    pages: int | None = Field(default=None, ge=0, le=10)
    seconds: float = Field(default=30.0, ge=0.1, le=600)
    loopback: bool = False

    @field_validator("search_tool", "search_argument", "fetch_tool", "fetch_argument")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if name and not _TOOL.fullmatch(name):
            raise ValueError("must be the name of a tool or argument")
        return name

    @field_validator("env")
    @classmethod
    def _are_references(cls, env: Mapping[str, str]) -> Mapping[str, str]:
        for name, reference in env.items():
            if not _VARIABLE.fullmatch(name) or not is_secret(reference):
                raise ValueError('must name secrets, such as { API_KEY = "env:API_KEY" }')
        return env

    @model_validator(mode="after")
    def _both_are_named(self) -> ServiceSettings:
        if self.search_argument and not self.search_tool:
            raise ValueError("search_argument needs search_tool")
        if self.fetch_argument and not self.fetch_tool:
            raise ValueError("fetch_argument needs fetch_tool")
        return self


KEYS = tuple(ServiceSettings.model_fields)


class Service(Record):
    """A source that is a service: its name, address, settings, and the place of its credential."""

    name: str
    uri: str
    settings: ServiceSettings = ServiceSettings()
    token: str = ""

    @property
    def scheme(self) -> str:
        return self.uri.partition(":")[0]

    @property
    def address(self) -> str:
        """What follows ``mcp+`` or the scheme: an address, a command, or a name in Python."""
        return self.uri.removeprefix("mcp+") if self._is_mcp_server else self.uri.partition(":")[2]

    @property
    def _is_mcp_server(self) -> bool:
        return self.scheme in ("mcp+http", "mcp+https")

    @property
    def is_page(self) -> bool:
        """Whether it is one web page, to which no words are sent."""
        return self.scheme in ("https", "http")

    @property
    def is_public(self) -> bool:
        """Whether its texts are those of the public web, so that they may be sent there again."""
        return self.is_page or self.scheme == "search" or self.settings.preset in WEB_SEARCHES

    @property
    def egress(self) -> Egress:
        """Words that may leave to it.

        By default any to an MCP server on this machine that does not search the web, none to
        others.
        """
        here = self.scheme in ("mcp+stdio", "mcp+http") and not self.is_public
        return self.settings.egress or ("documents" if here else "nothing")

    @property
    def opens_by_web(self) -> bool:
        """Whether pages are opened by the job itself, not by a tool of the service."""
        if self.is_page:
            return True
        own = self.settings.fetch_tool or self.settings.preset in WEB_SEARCHES
        return bool(not own and self.pages and self.scheme != "python")

    @property
    def pages(self) -> int:
        """How many pages of its results are opened for each search."""
        if self.settings.pages is not None:
            return self.settings.pages
        has_own = self.settings.fetch_tool or self.scheme == "search"
        return 3 if has_own or self.settings.preset in ("exa", "firecrawl", "duckduckgo") else 0

    def may_see(self, words_from: Collection[str], public: Collection[str]) -> bool:
        """Return whether a query may be sent, whose words are from the sources ``words_from``.

        Without any they are those of the question. ``public`` are the names of public sources.
        """
        if self.egress == "question":
            return set(words_from) <= set(public)
        return self.egress == "documents"

    def fault(self, *, here: bool) -> tuple[str, str] | None:
        """Return why no job can use it, and what to do; ``None`` if one can.

        ``here`` tells that jobs run in the environment of this process, so that what is installed
        can be looked for.
        """
        if self.egress == "nothing" and not self.is_page:
            return (
                f"The source '{self.name}' is not of this machine alone, and may see no word of a"
                " question.",
                f'To allow it, write egress = "question" in [sources.{self.name}].',
            )
        if self.is_page and self._is_here and not self.settings.loopback:
            return (
                f"The source '{self.name}' is a page of this machine, which is not read.",
                f"To allow it, write loopback = true in [sources.{self.name}] of research.toml.",
            )
        if here and self.opens_by_web and not (find_spec("trafilatura") and find_spec("protego")):
            other = "" if self.is_page else f", or write pages = 0 in [sources.{self.name}]"
            return (
                f"The source '{self.name}' opens web pages, and what does so is not installed.",
                f"Install it: {WEB_EXTRA}{other}.",
            )
        return None

    @property
    def _is_here(self) -> bool:
        return is_loopback(urlsplit(self.uri))


def is_service(uri: str) -> bool:
    """Return whether the URI of a source names a service, not folders or files."""
    return uri.partition(":")[0] in SCHEMES


def address_fault(uri: str) -> str:
    """Return what is wrong with the address of a service; "" if nothing is."""
    scheme, _, rest = uri.partition(":")
    if scheme == "mcp+stdio":
        return "" if rest.strip() else "names no command: write mcp+stdio:COMMAND and args"
    if scheme == "python":
        return (
            "" if _PYTHON.fullmatch(rest) else "names no function: write python:package.module:name"
        )
    try:
        parts = urlsplit(rest if scheme == "search" else uri.removeprefix("mcp+"))
        _ = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return (
            f"names no address: write {scheme}:https://host/path"
            if scheme == "search"
            else "is no address"
        )
    if parts.username or parts.password:
        return "holds a credential: name it by token"
    if parts.scheme == "http" and not is_loopback(parts):
        return "is not encrypted: http is for this machine only, write https"
    return ""


def is_loopback(parts: SplitResult) -> bool:
    """Return whether an address names this machine."""
    host = parts.hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

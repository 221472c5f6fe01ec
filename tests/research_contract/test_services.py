"""What ``[sources.NAME]`` says of services, and which words may leave to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from research_contract.configuration import ConfigurationError, read_configuration
from research_contract.services import Service, ServiceSettings


def service(uri: str, **keys: object) -> Service:
    return Service(name="x", uri=uri, settings=ServiceSettings.model_validate(keys))


@pytest.mark.parametrize(
    ("uri", "keys", "egress"),
    [
        ("mcp+stdio:server", {}, "documents"),
        ("mcp+http://127.0.0.1:1/mcp", {}, "documents"),
        ("mcp+https://wiki.example/mcp", {}, "nothing"),
        ("mcp+stdio:npx", {"preset": "exa"}, "nothing"),
        ("mcp+stdio:npx", {"preset": "exa", "egress": "question"}, "question"),
        ("search:http://127.0.0.1:8888", {}, "nothing"),
        ("python:mine:make", {}, "nothing"),
        ("https://a.example", {}, "nothing"),
    ],
)
def test_only_servers_of_this_machine_see_words_by_default(
    uri: str, keys: dict[str, object], egress: str
) -> None:
    assert service(uri, **keys).egress == egress


def test_words_of_private_documents_go_to_no_public_source_unless_allowed() -> None:
    asked = service("search:https://s.example", egress="question")
    public = {"x", "page"}
    assert asked.may_see((), public)
    assert asked.may_see(("x", "page"), public)
    assert not asked.may_see(("page", "notes"), public)
    assert not asked.may_see(("of an earlier job",), public)
    assert service("search:https://s.example", egress="documents").may_see(("notes",), public)
    assert not service("search:https://s.example").may_see((), public)
    assert not service("mcp+https://wiki.example", egress="question").is_public


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('uri = "mcp+http://wiki.example/mcp"', "is not encrypted"),
        ('uri = "http://a.example"', "is not encrypted"),
        ('uri = "https://me:secret@a.example"', "holds a credential"),
        ('uri = "mcp+stdio: "', "names no command"),
        ('uri = "search:searx"', "names no address"),
        ('uri = "python:mine"', "names no function"),
        ('uri = "mcp+stdio:a"\negress = "all"', "egress"),
        ('uri = "mcp+stdio:a"\npages = 99', "pages"),
        ('uri = "mcp+stdio:a"\nenv = { KEY = "sk-1" }', "env"),
        ('uri = "mcp+stdio:a"\npreset = "bing"', "preset"),
        ('uri = "mcp+stdio:a"\nfetch_argument = "url"', "needs fetch_tool"),
        ('uri = "papers"\negress = "question"', "is for services"),
        ('uri = "https://a.example"\ntool = "x"', "Unknown key 'tool'"),
    ],
)
def test_what_cannot_be_meant_is_an_error(tmp_path: Path, toml: str, said: str) -> None:
    path = tmp_path / "research.toml"
    path.write_text(f"[sources.x]\n{toml}\n")
    with pytest.raises(ConfigurationError, match=said):
        read_configuration(path)


def test_a_page_of_this_machine_needs_leave() -> None:
    assert service("http://127.0.0.1:1/a").fault(here=False)
    assert service("http://127.0.0.1:1/a", loopback=True).fault(here=False) is None

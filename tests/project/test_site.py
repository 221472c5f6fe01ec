"""The documentation site has every page, and its links lead to pages of the site.

``make docs`` builds it, strictly, in an environment of its own; these tests need no MkDocs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
import yaml

from tests.docs.documents import DOCUMENTS, links
from tests.project.makefile import targets
from tests.project.mkdocs_hook import (
    ROOT_DOCUMENTS,
    FenceNotRead,
    LoadsFromElsewhere,
    on_post_page,
    rewritten,
    site_path,
)
from tests.repository import ROOT

Config: TypeAlias = dict[str, Any]

PUBLIC_MODULES = {
    "mcp_jobs_server.client",
    "mcp_jobs_server.testing",
    "mcp_jobs_server.backends.runner",
    "mcp_jobs_server.backends.folders",
    "research_contract.records",
    "research_contract.files",
    "researcher_job.strategies.base",
    "researcher_job.sources.base",
    "researcher_job.records.sinks.base",
    "researcher_job.tracing.base",
    "researcher_job.testing",
}


def config() -> Config:
    found: Config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    return found


def pages(navigation: object) -> Iterator[str]:
    """Yield the paths in a navigation, at any depth."""
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, list):
        for part in navigation:
            yield from pages(part)
    elif isinstance(navigation, dict):
        yield from pages(list(navigation.values()))


def documents() -> set[str]:
    return {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def test_the_navigation_names_every_page_once() -> None:
    found = list(pages(config()["nav"]))
    at_the_root = {page for name, page in ROOT_DOCUMENTS.items() if name.endswith(".md")}
    assert sorted(found) == sorted(documents() | at_the_root)


def test_documents_at_the_root_are_pages() -> None:
    assert {path.name for path in ROOT.glob("*.md")} == set(ROOT_DOCUMENTS) - {"LICENSE"}
    assert set(ROOT_DOCUMENTS) - {"LICENSE"} <= set(DOCUMENTS)


def test_the_build_is_strict_and_fetches_nothing() -> None:
    found = config()
    assert found["strict"] is True
    assert found["theme"]["font"] is False
    names = [next(iter(each)) if isinstance(each, dict) else each for each in found["plugins"]]
    assert names == ["search", "mkdocstrings"]
    assert "inventories" not in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert not {"extra_javascript", "extra_css"} & set(found)
    [hook] = found["hooks"]
    assert (ROOT / hook).is_file()
    assert targets()["docs"][0].endswith("-m mkdocs build --strict")


def test_each_public_module_has_a_page_of_its_docstrings() -> None:
    found = {}
    for path in (ROOT / "docs" / "api").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        [module] = re.findall(r"^::: (.+)$", text, re.MULTILINE)
        assert text.startswith(f"# `{module}`\n")
        found[module] = f"api/{path.name}"
    assert set(found) == PUBLIC_MODULES
    named = {
        f"{group.removeprefix('API of ')}.{title}": page
        for part in config()["nav"]
        for group, below in part.items()
        for entry in (below if group.startswith("API of ") else ())
        for title, page in entry.items()
    }
    assert named == found


@pytest.mark.parametrize("module", sorted(PUBLIC_MODULES))
def test_public_modules_have_docstrings(module: str) -> None:
    found = import_module(module)
    assert found.__doc__
    names = getattr(found, "__all__", None) or [
        name
        for name, value in vars(found).items()
        if getattr(value, "__module__", "") == module and not name.startswith("_")
    ]
    assert [name for name in names if not getattr(found, name).__doc__] == []


# --- links --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_something_in_the_site(name: str) -> None:
    inside = documents() | set(ROOT_DOCUMENTS.values())
    images = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.png")}
    page = site_path(name)
    assert page is not None
    for link in links(name):
        path = link.partition("#")[0]
        if path and not re.match(r"[a-z]+:", path):
            after = rewritten(f"[x]({path})", name).removeprefix("[x](").removesuffix(")")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), after))
            assert target in inside | images, link


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("README.md", "[a](docs/tools.md#errors)", "[a](tools.md#errors)"),
        ("README.md", "![a](docs/images/report-light.png)", "![a](images/report-light.png)"),
        ("README.md", "[a](AGENTS.md), [b](LICENSE)", "[a](AGENTS.md), [b](LICENSE)"),
        ("AGENTS.md", "[a](README.md#limits)", "[a](index.md#limits)"),
        ("docs/tools.md", "[a](../README.md)", "[a](index.md)"),
        ("docs/tools.md", "[a](../AGENTS.md#tests)", "[a](AGENTS.md#tests)"),
        ("docs/tools.md", "[a](identity.md)", "[a](identity.md)"),
        ("docs/api/client.md", "[a](../../SECURITY.md)", "[a](../SECURITY.md)"),
        ("docs/api/client.md", "[a](../python.md)", "[a](../python.md)"),
        ("docs/tools.md", "[a](#here) [b](https://x.example.com/docs/a.md)", None),
        ("docs/tools.md", "[a](../Makefile)", None),
    ],
)
def test_links_are_rewritten_to_pages(source: str, before: str, after: str | None) -> None:
    assert rewritten(before, source) == (before if after is None else after)


PAGE = SimpleNamespace(file=SimpleNamespace(src_uri="tools.md"))


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example.com/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.com/x.css">',
        '<img alt="" src="http://example.com/x.png">',
    ],
)
def test_a_page_that_loads_from_elsewhere_ends_the_build(tag: str) -> None:
    with pytest.raises(LoadsFromElsewhere, match=r"tools\.md"):
        on_post_page(f"<html>{tag}</html>", PAGE)


def test_code_blocks_lose_the_words_that_only_tests_read() -> None:
    block = "```json Step\n{}\n```\n"
    assert rewritten(block, "docs/job-folder.md") == "```json\n{}\n```\n"


def test_a_page_that_shows_the_backticks_of_a_code_block_ends_the_build() -> None:
    with pytest.raises(FenceNotRead, match=r"tools\.md"):
        on_post_page("<p>```json Step</p>", PAGE)


def test_a_page_may_link_elsewhere_and_load_its_own() -> None:
    page = '<a href="https://x.example.com/">x</a><script src="assets/x.js"></script>'
    assert on_post_page(page, PAGE) == page

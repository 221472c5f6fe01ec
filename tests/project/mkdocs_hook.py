"""A hook of MkDocs: adds the documents at the repository's root to the site of ``docs/``.

``README.md`` becomes the first page. Links between the root and ``docs/`` work on the hosting
site as they are written; here they are rewritten to the pages that hold the same document.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any, TypeAlias

MkDocs: TypeAlias = Any
"""Objects of MkDocs, which is installed in the environment of the documentation only."""

ROOT = Path(__file__).resolve().parents[2]

ROOT_DOCUMENTS = {
    "README.md": "index.md",
    "AGENTS.md": "AGENTS.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "LICENSE": "LICENSE",
}
"""Files at the root, and where they stand in the site."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
_FENCE_WORDS = re.compile(r"^(```\w+) .+$", re.MULTILINE)
"""Words behind the language of a code block, which tests read and this Markdown refuses."""

_LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source)\b[^>]*\s(?:src|href)=["']?(?:https?:)?//"""
)
"""What makes a browser load something from another host."""


class FenceNotRead(Exception):
    """A page of the site shows the backticks of a code block, so the text after them is code."""


class LoadsFromElsewhere(Exception):
    """A page of the site makes the browser load something from another host."""


def site_path(path: str) -> str | None:
    """Return where a file of the repository stands in the site; ``None``: nowhere."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return ROOT_DOCUMENTS.get(path)


def rewritten(markdown: str, source: str) -> str:
    """Return the text of the document ``source`` with links and code blocks that work in the site.

    Links to files that are not in the site stay as they are: the strict build reports them.
    """
    page = site_path(source)
    assert page is not None

    def link(match: re.Match[str]) -> str:
        target = site_path(posixpath.normpath(posixpath.join(posixpath.dirname(source), match[0])))
        return posixpath.relpath(target, posixpath.dirname(page) or ".") if target else match[0]

    return _FENCE_WORDS.sub(r"\1", _LINK.sub(link, markdown))


def on_files(files: MkDocs, config: MkDocs) -> MkDocs:
    """Add the documents of the root."""
    from mkdocs.structure.files import File

    for name, page in ROOT_DOCUMENTS.items():
        files.append(File.generated(config, page, abs_src_path=os.fspath(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: MkDocs, **_: MkDocs) -> str:
    """Rewrite the links of a page."""
    path = page.file.src_uri
    sources = {page: name for name, page in ROOT_DOCUMENTS.items()}
    return rewritten(markdown, sources.get(path, f"docs/{path}"))


def on_post_page(output: str, page: MkDocs, **_: MkDocs) -> str:
    """Refuse a page that is not as its document says.

    Raises:
        FenceNotRead: a code block was not recognized.
        LoadsFromElsewhere: it loads something from another host.
    """
    if "```" in output:
        raise FenceNotRead(page.file.src_uri)
    if found := _LOADED.search(output):
        raise LoadsFromElsewhere(f"{page.file.src_uri}: {found[0]}")
    return output

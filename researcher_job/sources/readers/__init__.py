"""Readers: bytes of a file in, a document or the reason against it out. None opens anything."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath
from typing import cast

from researcher_job.sources.document import Document

Reader = Callable[[bytes, str], Document]
"""Takes a file's bytes and its name; raises ``Unreadable`` where it has no text to give."""

_BY_SUFFIX = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mdx"), "markdown"),
    **dict.fromkeys((".txt", ".text", ".rst", ".adoc", ".asciidoc", ".org", ".log"), "text"),
    **dict.fromkeys((".tex", ".csv", ".tsv", ".srt", ".vtt"), "text"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".pdf": "pdf",
    ".docx": "docx",
}
_BY_STEM = {
    **dict.fromkeys(("metadata", "pkg-info"), "metadata"),
    **dict.fromkeys(("readme", "license", "licence", "copying", "notice", "authors"), "text"),
    **dict.fromkeys(("changelog", "changes", "history", "news", "contributing"), "text"),
}
# What installers write beside a package; read by programs only.
_MACHINE_LISTS = frozenset({"record", "wheel", "installer", "requested", "direct_url", "zip-safe"})


def reader_for(name: str) -> Reader | None:
    """Return the reader for a file called ``name``; ``None``: a kind that is not read.

    The suffix decides; then names that are text by custom (``LICENSE.BSD``, ``METADATA``). A
    file without a suffix is tried as text, lists that installers write are not.
    """
    path = PurePosixPath(name.lower())
    kind = _BY_SUFFIX.get(path.suffix) or _BY_STEM.get(path.name.split(".")[0])
    if kind is None and not path.suffix and path.name not in _MACHINE_LISTS:
        kind = "sniffed"
    if kind is None:
        return None
    if kind == "sniffed":
        return cast("Reader", import_module(f"{__name__}.text").read_sniffed)
    return cast("Reader", import_module(f"{__name__}.{kind}").read)

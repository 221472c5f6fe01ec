"""Readers: bytes of a file in, a document or the reason against it out. None opens anything.

There is one module for each format; the kind of a file is the name by which it is imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import TypeVar, cast

from researcher_job.sources.document import Document, Reason

Reader = Callable[[bytes, str], Document]
"""Takes a file's bytes and its name; raises ``Unreadable`` where it has no text to give."""


T = TypeVar("T")


def _each(names: str, kind: T) -> dict[str, T]:
    return dict.fromkeys(names.split(), kind)


_BY_SUFFIX = {
    **_each(".md .markdown .mdown .mdx .qmd .rmd", "markdown"),
    **_each(".txt .text .rst .adoc .asciidoc .org .log .tex .srt .vtt", "text"),
    **_each(".yaml .yml .toml .ini .cfg .conf .properties .xml .xsd .plist", "code"),
    **_each(".py .pyi .js .mjs .cjs .jsx .ts .mts .tsx .vue .svelte .java .kt .kts .scala", "code"),
    **_each(".c .h .cc .cpp .cxx .hpp .hh .cs .m .mm .go .rs .rb .php .swift .pl .pm .lua", "code"),
    **_each(".sh .bash .zsh .fish .ps1 .bat .sql .r .jl .ex .exs .erl .hs .ml .clj .dart", "code"),
    **_each(".tf .hcl .proto .graphql .gradle .cmake .css .scss .less .nix .vb .f90 .zig", "code"),
    **_each(".csv .tsv", "table"),
    **_each(".json .jsonc .json5 .jsonl .ndjson .geojson .webmanifest .ipynb", "data"),
    **_each(".html .htm .xhtml .shtml", "web.html"),
    **_each(".eml .emlx", "mail.message"),
    ".pdf": "pdf",
    **_each(".docx .docm .dotx .dotm", "office.docx"),
    **_each(".xlsx .xlsm .xltx .xltm", "office.xlsx"),
    **_each(".pptx .pptm .potx .potm .ppsx .ppsm", "office.pptx"),
    **_each(".odt .ott .fodt .ods .ots .fods .odp .otp .fodp .odg", "office.opendocument"),
    **_each(".rtf .doc .dot", "detected"),
    **_each(".gz .bz2 .xz", "compressed"),
    ".epub": "web.epub",
    **_each(".mhtml .mht", "mail.mhtml"),
    **_each(".mbox .mbx", "mail.mbox"),
    ".msg": "mail.outlook",
}
_BY_STEM = {
    **_each("metadata pkg-info", "metadata"),
    **_each("readme license licence copying notice authors", "text"),
    **_each("changelog changes history news contributing", "text"),
    **_each("makefile dockerfile jenkinsfile", "code"),
}
_PLAIN = frozenset({"markdown", "text", "code", "table", "metadata"})

_MACHINE_MADE = re.compile(
    r".+\.min\.(?:js|css)|.+\.(?:js|css|mjs|ts)\.map|search_?index\.(?:js|json)|objects\.inv"
    r"|(?:genindex(?:-.+)?|py-modindex|http-routingtable)\.html"
)
"""Search indexes, source maps, minified programs, lists of links."""

_UNREAD: dict[str, Reason] = {
    **_each(
        ".so .dll .exe .o .a .lib .dylib .pyc .pyo .pyd .class .bin .dat .db .sqlite",
        Reason.UNKNOWN,
    ),
    **_each(
        ".sqlite3 .mdb .accdb .parquet .feather .npy .npz .pkl .h5 .pt .onnx .wasm", Reason.UNKNOWN
    ),
    **_each(".ttf .otf .woff .woff2 .eot .psd .ai .dwg .blend .swf .ico .lnk", Reason.UNKNOWN),
    **_each(".png .jpg .jpeg .gif .webp .bmp .tif .tiff .ico .heic .svg", Reason.PICTURE),
    **_each(".mp3 .wav .ogg .flac .m4a .mp4 .mov .avi .mkv .webm", Reason.RECORDING),
    **_each(".zip .tgz .tbz2 .txz .7z .rar .tar .whl .jar .zst .cab .iso .dmg", Reason.ARCHIVE),
    **_each(
        ".xls .ppt .xlt .pot .pages .numbers .key .xlsb .odf .wpd .wps .sxw .one",
        Reason.OLD_OFFICE,
    ),
}


def reader_for(name: str) -> Reader | Reason:
    """Return the reader for a file called ``name``, or why there is none."""
    kind = _kind(name)
    if isinstance(kind, Reason):
        return kind
    return reader_of(kind)


def reader_of(kind: str) -> Reader:
    """Return the reader of a kind; only now its library is loaded."""
    return cast("Reader", import_module(f"{__name__}.{kind}").read)


def unread(name: str) -> Reason | None:
    """Return why no file called ``name`` is read, ``None`` where there is a reader for it."""
    kind = _kind(name)
    return kind if isinstance(kind, Reason) else None


def is_plain(name: str) -> bool:
    """Whether a file called ``name`` is text of which no more than lines is understood."""
    return _kind(name) in _PLAIN


def _kind(name: str) -> str | Reason:
    """Tell by the suffix; then by names that are text by custom (``LICENSE.BSD``, ``METADATA``).

    A file with another suffix, or without one, is told by its content.
    """
    last = name.rpartition("/")[2].lower()
    if _MACHINE_MADE.fullmatch(last):
        return Reason.MACHINE_MADE
    dot = last.rfind(".")
    suffix = last[dot:] if 0 < dot < len(last) - 1 else ""
    kind = _BY_SUFFIX.get(suffix) or _BY_STEM.get(last.split(".")[0]) or _UNREAD.get(suffix)
    if kind == "compressed":
        inner = Reason.ARCHIVE if last[:dot].endswith(".tar") else _kind(last[:dot])
        return inner if isinstance(inner, Reason) else kind
    return kind or "detected"

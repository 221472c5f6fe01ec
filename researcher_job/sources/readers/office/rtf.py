"""RTF documents: paragraphs, lists and rows of tables; footnotes where they are referred to."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.rows import add_table
from researcher_job.sources.readers.text import title_of

_START = b"{\\rtf"
_NOTE = re.compile(r"\\footnote\b\s?|\\annotation\b\s?")
_HIDDEN = re.compile(r"\{\\v(?:\s|\\)[^{}]*\}")
_TITLE = re.compile(r"\{\\info[^}]{0,200}?\{\\title ([^{}\\]+)\}")
_PICTURE = re.compile(r"\\pict\b")


def read(data: bytes, name: str) -> Document:
    """Read an RTF document, without what it hides. Styles are not followed: no headings."""
    if not data.lstrip().startswith(_START):
        raise Unreadable(Reason.BROKEN_RTF)
    source = _NOTE.sub(r"\\line ", _HIDDEN.sub("", data.decode("latin-1")))
    try:
        text = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]
    except MemoryError:
        raise
    except Exception as error:  # a hostile file makes the parser raise anything at all
        raise Unreadable(Reason.BROKEN_RTF) from error
    writer = DocumentWriter()
    rows: list[list[str]] = []
    words: list[str] = []
    for line in text.split("\n"):
        if line.endswith("|"):
            _add_words(writer, words)
            rows.append(line.split("|")[:-1])
            continue
        if rows:
            add_table(writer, rows)
            rows = []
        words += [line, ""]
    if rows:
        add_table(writer, rows)
    _add_words(writer, words)
    if pictures := len(_PICTURE.findall(source)):
        writer.gaps.append(f"{pictures} picture{'' if pictures == 1 else 's'}")
    title = _TITLE.search(source)
    return writer.document(title[1].strip() if title else title_of(name))


def _add_words(writer: DocumentWriter, words: list[str]) -> None:
    writer.add_text("\n".join(words))
    words.clear()

"""What a reader makes of a file: clean text, where its blocks are, or why there is none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Literal, NamedTuple

from research_contract import records
from research_contract.text import unseen

EXTRACTOR_VERSION = 9
"""Raised whenever extracted text or its division changes, so that indexes are built anew."""


class Reason(Enum):
    """Why something found was not read, for one and for several of the kind."""

    UNKNOWN = ("file of a kind that is not read", "files of a kind that is not read")
    PICTURE = ("picture", "pictures")
    RECORDING = ("sound or video recording", "sound or video recordings")
    ARCHIVE = ("archive", "archives")
    OLD_OFFICE = ("document of another office format", "documents of other office formats")
    EMPTY = ("empty file", "empty files")
    BINARY = ("binary file", "binary files")
    TOO_LARGE = ("file over 50 MB", "files over 50 MB")
    FORBIDDEN = ("file that may not be opened", "files that may not be opened")
    FORBIDDEN_FOLDER = ("folder that may not be opened", "folders that may not be opened")
    DEEP_FOLDER = ("folder too deep to be opened", "folders too deep to be opened")
    GONE = ("file that changed while it was read", "files that changed while they were read")
    SPECIAL = ("special file", "special files")
    LINK_OUT = ("link out of the folder", "links out of the folder")
    BROKEN_LINK = ("broken link", "broken links")
    SCANNED = ("scanned PDF without text", "scanned PDFs without text")
    LOCKED_PDF = ("PDF that needs a password", "PDFs that need a password")
    LOCKED_OFFICE = (
        "office document that needs a password",
        "office documents that need a password",
    )
    BROKEN_PDF = ("broken PDF", "broken PDFs")
    BROKEN_DOCX = ("broken Word document", "broken Word documents")
    BROKEN_XLSX = ("broken workbook", "broken workbooks")
    BROKEN_PPTX = ("broken presentation", "broken presentations")
    BROKEN_EML = ("broken e-mail", "broken e-mails")
    BROKEN_ODF = ("broken OpenDocument file", "broken OpenDocument files")
    BROKEN_EPUB = ("broken e-book", "broken e-books")
    BROKEN_RTF = ("broken RTF document", "broken RTF documents")
    MACHINE_MADE = ("file made by a program for programs", "files made by programs for programs")
    COPY = ("copy of another file", "copies of other files")
    BROKEN_JSON = ("broken JSON file", "broken JSON files")
    TEXTLESS_HTML = ("web page without text", "web pages without text")
    INFLATED = ("document that unpacks to over 200 MB", "documents that unpack to over 200 MB")
    LONG = ("file that takes too long to read", "files that take too long to read")
    HUNGRY = ("file that takes too much memory to read", "files that take too much memory to read")
    CRASHED = ("file on which the reader broke down", "files on which the reader broke down")
    LEFT_OUT = (
        "file or folder left out by the patterns of its source",
        "files and folders left out by the patterns of their source",
    )
    NOT_REACHED = records.NOT_REACHED
    NOT_GRANTED = (
        "source that may not be read any more",
        "sources that may not be read any more",
    )
    LINKED_SOURCE = (
        "source whose path leads through a link",
        "sources whose paths lead through links",
    )
    MISSING_SOURCE = ("missing source", "missing sources")
    NOT_CONFIGURED = (
        "source that the job's configuration does not have",
        "sources that the job's configuration does not have",
    )
    NOT_USABLE = (
        "source that its configuration keeps from being asked",
        "sources that their configuration keeps from being asked",
    )
    MAY_NOT_SEE = (
        "source that may not see words of the question",
        "sources that may not see words of the question",
    )
    CALL_FAILED = ("source or page that failed", "sources or pages that failed")
    GIVEN_UP = ("source given up after failures", "sources given up after failures")
    NO_TOOL = ("source without a tool that searches", "sources without a tool that searches")
    NO_CALL_LEFT = (
        "page for which no tool call was left",
        "pages for which no tool call was left",
    )
    NOT_FOUND = ("page that its site does not have", "pages that their sites do not have")
    REFUSED = ("page that its site refuses", "pages that their sites refuse")
    ROBOTS = ("page that its site closes to programs", "pages that their sites close to programs")
    PRIVATE = ("page of a private network", "pages of private networks")
    LARGE_PAGE = ("page over 5 MB", "pages over 5 MB")
    NO_TEXT_PAGE = ("page of a kind that is not read", "pages of kinds that are not read")
    OTHER_SOURCE = ("source that cannot be searched yet", "sources that cannot be searched yet")

    def of(self, count: int) -> str:
        """Return the words that follow ``count``: ``3 broken PDFs``."""
        return self.value[0 if count == 1 else 1]


class Unreadable(Exception):
    """A file has no text that can be read. Stays inside the sources; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value[0])
        self.reason = reason


HIDDEN = "hidden text"
"""The end of a locator of words that a person sees only when they ask the program for them."""


BlockKind = Literal[
    "heading",
    "paragraph",
    "list",
    "item",
    "head",
    "row",
    "definition",
    "answer",
    "field",
    "note",
    "code",
]
ContextKind = Literal[
    "heading",
    "lead_in",
    "caption",
    "column_head",
    "carried_cell",
    "term",
    "question",
    "sentence",
    "sender",
    "date",
    "comment",
]


class Context(NamedTuple):
    """A part of the document's text that a block needs to be understood.

    ``cell`` is the start of the cell that a column head or a carried cell belongs to, else -1.
    """

    kind: ContextKind
    start: int
    end: int
    cell: int = -1


class Block(NamedTuple):
    """A paragraph, list, row or the like: ``text[start:end]`` of its document, with its context.

    ``locator`` says how a person finds it.
    """

    kind: BlockKind
    start: int
    end: int
    locator: str
    context: tuple[Context, ...] = ()


@dataclass(frozen=True)
class Document:
    """The text that was extracted from a file, and its blocks in order, not overlapping.

    ``gaps`` says what of the file was not read (``page 2 is broken``). ``inside`` are files in the
    file, such as the attachments of an e-mail: documents of their own.
    """

    title: str
    text: str
    blocks: Sequence[Block]
    gaps: tuple[str, ...] = ()
    inside: tuple[Inside, ...] = ()

    @cached_property
    def snapshot(self) -> str:
        """The SHA-256 (hex) of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Inside(NamedTuple):
    """A document that stands in another one, by its name there: ``menu.pdf``."""

    name: str
    document: Document


_LINE_ENDS = re.compile(f"\r\n?|[{unseen.BREAKS}]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_UNCLEAN = re.compile(f"[{unseen.BREAKS}{unseen.CONTROLS}{unseen.HIDDEN}\r]")
_UNCLEAN_ASCII = bytes((*range(9), *range(0x0B, 0x20), 0x7F))
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return ``text`` with ``\\n`` line ends, no control characters but tabs, valid in UTF-8.

    Text of no width is left out, so that nothing is found, quoted or shown that nobody can see.
    """
    if _is_clean(text):
        return text
    plain = _LINE_ENDS.sub("\n", text.replace("\x0c", "\n\n"))
    plain = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", plain))
    return unseen.without_hidden(plain)


def _is_clean(text: str) -> bool:
    """Tell quickly, since nearly all texts are: of ASCII in a tenth of the time of a pattern."""
    if text.isascii():
        return len(text.encode().translate(None, _UNCLEAN_ASCII)) == len(text)
    return _UNCLEAN.search(text) is None


def trail(headings: Sequence[str]) -> str:
    """Return the locator of a place below ``headings``: ``Setup > Linux``."""
    return " > ".join(heading for heading in headings if heading)

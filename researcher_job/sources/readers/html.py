"""HTML: the words a person would see, headings kept."""

from __future__ import annotations

import re

from lxml import etree, html

from researcher_job.sources.document import Document, Reason, Unreadable, Writer, below, trail
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.html_hidden import empty_hidden
from researcher_job.sources.readers.html_table import labelled_rows
from researcher_job.sources.readers.text import title_of

_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(
    "script|style|noscript|template|svg|math|head|nav|iframe|object|canvas|select|button"
)
_HEADING = re.compile("h[1-6]")
_OWN_LINES = re.compile(
    "p|div|section|article|aside|main|header|footer|ul|ol|dl|dt|dd|blockquote|figure|figcaption"
    "|table|thead|tbody|caption|form|fieldset|details|summary|hr|address|body|h[1-6]"
)


def read(data: bytes, name: str) -> Document:
    """Read a web page. Entities of its own and anything outside the file are never loaded."""
    declared = _CHARSET.search(data[:2048])
    text = decode(data, declared[1].decode() if declared else "")
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise Unreadable(Reason.TEXTLESS_HTML) from error
    empty_hidden(root)
    page = _Page()
    page.walk(root)
    if not page.writer.blocks:
        raise Unreadable(Reason.TEXTLESS_HTML)
    found = root.findtext(".//title") or page.first_heading or title_of(name)
    return page.writer.document(_SPACE.sub(" ", found).strip())


class _Page:
    """Gathers inline text until an element that stands on lines of its own begins or ends."""

    def __init__(self) -> None:
        self.writer = Writer()
        self.first_heading = ""
        self._headings: tuple[str, ...] = ()
        self._inline: list[str] = []
        self._verbatim = 0
        self._in_row = False

    def walk(self, root: html.HtmlElement) -> None:
        """Gather all that is seen below ``root``; without recursion, however deep it nests."""
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            tag = element.tag if isinstance(element.tag, str) else ""
            seen = not _UNSEEN.fullmatch(tag)
            if event == "start" and tag == "table" and (rows := labelled_rows(element)):
                self._flush()
                self._inline.append("\n".join(rows))
                walker.skip_subtree()
            elif event == "start" and seen:
                self._open(tag)
                self._inline.append(self._text(element.text))
            elif event == "start":
                walker.skip_subtree()
            else:
                self._close(tag)
                self._inline.append(self._text(element.tail))
        self._flush()

    def _text(self, text: str | None) -> str:
        return (text or "") if self._verbatim else _SPACE.sub(" ", text or "")

    def _open(self, tag: str) -> None:
        if _OWN_LINES.fullmatch(tag) or tag == "pre":
            self._flush()
        if tag == "pre":
            self._verbatim += 1
        elif tag == "li":
            self._inline.append("\n- ")
        elif tag in ("td", "th"):
            self._inline.append(" | " if self._in_row else "")
            self._in_row = True
        elif tag in ("br", "tr"):
            self._inline.append("\n")
            self._in_row = self._in_row and tag != "tr"

    def _close(self, tag: str) -> None:
        if _HEADING.fullmatch(tag):
            self._take_heading(int(tag[1]))
        elif tag == "pre":
            self._take_code()
        elif _OWN_LINES.fullmatch(tag):
            self._flush()

    def _take_heading(self, level: int) -> None:
        said = " ".join("".join(self._inline).replace("¶", " ").split())
        self._inline = []
        if said:
            self.first_heading = self.first_heading or said
            self._headings = below(self._headings, level, said)
            self.writer.add_heading(said)

    def _take_code(self) -> None:
        self._verbatim = max(0, self._verbatim - 1)
        code = "".join(self._inline).strip("\n")
        self._inline = [f"```\n{code}\n```"] if code.strip() else []
        self._flush()

    def _flush(self) -> None:
        said = "".join(self._inline)
        self._inline = []
        if not self._verbatim and "```" not in said:
            said = "\n".join(
                row for line in said.split("\n") if (row := line.strip()) not in ("", "-")
            )
        self.writer.add(said, headings=self._headings, locator=trail(self._headings))

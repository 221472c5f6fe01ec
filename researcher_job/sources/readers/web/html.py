"""HTML: the words a person would see, headings kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree, html

from researcher_job.sources.blocks.units import UnitKind
from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.rows import add_table
from researcher_job.sources.readers.text import title_of
from researcher_job.sources.readers.web.hidden import empty_hidden
from researcher_job.sources.readers.web.tables import caption_of, head_rows, is_data, rows_of

_CHARSET = re.compile(rb"""(?:charset|encoding)\s*+=\s*+["']?\s*+([A-Za-z0-9_.:-]{2,40})""", re.I)
_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(
    "script|style|noscript|template|svg|head|nav|iframe|object|canvas|select|button"
)
_OF_THE_PAGE = ("main", "article", "h1")
_MAX_APART = 200
"""Letters outside links in what is left out; with more, it is left open and holds the page."""
_HEADING = re.compile("h[1-6]")
_OWN_LINES = re.compile(
    "p|pre|div|section|article|aside|main|header|footer|ul|ol|li|dl|dt|dd|blockquote|figure|figcaption"
    "|table|thead|tbody|tr|caption|form|fieldset|details|summary|hr|address|body|h[1-6]"
)


def read(data: bytes, name: str) -> Document:
    """Read a web page. Entities of its own and anything outside the file are never loaded."""
    declared = _CHARSET.search(data[:2048])
    root = parsed(decode(data, declared[1].decode() if declared else ""))
    writer = DocumentWriter()
    title = write(writer, root)
    if not writer.units:
        raise Unreadable(Reason.TEXTLESS_HTML)
    return writer.document(title or title_of(name))


def parsed(text: str) -> html.HtmlElement:
    """Return the tree of a page, without what is hidden."""
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise Unreadable(Reason.TEXTLESS_HTML) from error
    empty_hidden(root)
    return root


def write(
    writer: DocumentWriter, root: html.HtmlElement, *, place: str = "", level: int = 0
) -> str:
    """Append what is seen of a page; its headings stand below ``level``. Return its title."""
    page = _Page(writer, place, level)
    page.walk(root)
    return " ".join((root.findtext(".//title") or page.first_heading).split())


@dataclass(eq=False)
class _Page:
    """Gathers inline text until an element that stands on lines of its own begins or ends."""

    writer: DocumentWriter
    place: str
    level: int
    first_heading: str = field(default="", init=False)
    _inline: list[str] = field(default_factory=list, init=False)
    _verbatim: int = field(default=0, init=False)
    _lists: int = field(default=0, init=False)
    _kinds: list[UnitKind] = field(default_factory=list, init=False)

    def walk(self, root: html.HtmlElement) -> None:
        """Gather all that is seen below ``root``; without recursion, however deep it nests."""
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            tag = element.tag if isinstance(element.tag, str) else ""
            seen = not _UNSEEN.fullmatch(tag) or _holds_the_page(element)
            if event == "start" and tag == "table" and is_data(element):
                self._flush()
                self._table(element)
                walker.skip_subtree()
            elif event == "start" and seen:
                self._open(tag)
                self._inline.append(self._text(element.text))
            elif event == "start":
                walker.skip_subtree()
            else:
                if _HEADING.fullmatch(tag):
                    self._take_heading(int(tag[1]))
                elif _OWN_LINES.fullmatch(tag):
                    self._flush()
                if tag == "pre":
                    self._verbatim = max(0, self._verbatim - 1)
                elif tag in ("ul", "ol"):
                    self._lists = max(0, self._lists - 1)
                elif tag in _KINDS and self._kinds:
                    self._kinds.pop()
                self._inline.append(self._text(element.tail))
        self._flush()

    def _table(self, table: html.HtmlElement) -> None:
        if caption := caption_of(table):
            self.writer.add("caption", caption, place=self.place)
        add_table(self.writer, rows_of(table), place=self.place, heads=head_rows(table))

    def _text(self, text: str | None) -> str:
        return (text or "") if self._verbatim else _SPACE.sub(" ", text or "")

    def _open(self, tag: str) -> None:
        if _OWN_LINES.fullmatch(tag):
            self._flush()
        if tag == "pre":
            self._verbatim += 1
        elif tag in ("ul", "ol"):
            self._lists += 1
        elif tag in _KINDS:
            self._kinds.append(_KINDS[tag])
        elif tag == "br":
            self._inline.append("\n")
        elif tag in ("td", "th"):
            self._inline.append(" ")

    def _take_heading(self, level: int) -> None:
        said = " ".join("".join(self._inline).replace("¶", " ").split())
        self._inline = []
        if said:
            self.first_heading = self.first_heading or said
            self.writer.add("heading", said, level=level + self.level, place=self.place)

    def _flush(self) -> None:
        said = "".join(self._inline)
        self._inline = []
        if self._verbatim:
            self.writer.add("code", said.strip("\n"), place=self.place)
            return
        said = "\n".join(line for row in said.split("\n") if (line := row.strip()))
        kind = self._kinds[-1] if self._kinds else "paragraph"
        if kind == "item" and said:
            said = f"- {said}"
        self.writer.add(kind, said, place=self.place, level=max(self._lists, 1))
        if kind == "item":  # what follows in the same item is below it
            self._kinds[-1] = "paragraph"


def _holds_the_page(element: html.HtmlElement) -> bool:
    """Return whether an element that is left out was never closed, so that all else is in it."""
    if element.tag in ("script", "style", "template", "head"):
        return False
    if next(element.iterdescendants(*_OF_THE_PAGE), None) is not None:
        return True
    return element.tag != "noscript" and sum(map(len, _OUTSIDE_LINKS(element))) > _MAX_APART


_OUTSIDE_LINKS = etree.XPath("./descendant::text()[not(ancestor::a or ancestor::script)]")

_KINDS: dict[str, UnitKind] = {
    "li": "item",
    "dt": "term",
    "dd": "description",
    "caption": "caption",
    "figcaption": "caption",
}

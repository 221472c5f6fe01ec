"""E-books in EPUB: the pages of the book in the order in which they are read."""

from __future__ import annotations

import posixpath
import urllib.parse
import zipfile
from collections.abc import Iterator
from io import BytesIO

from lxml import etree

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.office.packed import MAX_MEMBERS, MAX_UNPACKED
from researcher_job.sources.readers.text import title_of
from researcher_job.sources.readers.web import html

_CONTAINER = "META-INF/container.xml"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def read(data: bytes, name: str) -> Document:
    """Read an e-book; a page of it that cannot be read becomes a gap."""
    writer = DocumentWriter()
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > MAX_MEMBERS or size > MAX_UNPACKED:
                raise Unreadable(Reason.INFLATED)
            package = etree.fromstring(archive.read(_CONTAINER), parser=_PARSER)
            path = next(package.iter("{*}rootfile")).get("full-path", "")
            book = etree.fromstring(archive.read(path), parser=_PARSER)
            for number, place in enumerate(_pages(book, path), start=1):
                still_reading()
                try:
                    html.write(writer, html.parsed(decode(archive.read(place))))
                except Unreadable:  # a cover, for one
                    continue
                except KeyError:
                    writer.gaps.append(f"page {number} of the book is missing")
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_EPUB) from error
    return writer.document(book.findtext(".//{*}title") or title_of(name))


def _pages(book: etree._Element, path: str) -> Iterator[str]:
    """Yield the paths of the pages in reading order; the table of contents is none of them."""
    items = {item.get("id"): item for item in book.iter("{*}item")}
    for reference in book.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        place = urllib.parse.unquote(item.get("href", "").partition("#")[0])
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), place))

"""What stands in a workbook beside the values of its cells: merged cells, comments, charts."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO

from lxml import etree
from openpyxl.utils.cell import range_boundaries

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=\"([A-Z]+\d+:[A-Z]+\d+)\"")
_NO_RESULT = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*+(?:(?:<v\s*/>|<v>\s*</v>)\s*+)?</(?:\w+:)?c>"
)
_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_MAX_COVERED = 200_000


class Parts:
    """The parts of one sheet, by the path of its XML in the package."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        self._archive = archive
        self._path = path
        self._xml = archive.read(path)

    @property
    def lacks_results(self) -> bool:
        """Whether a formula stands there whose result no program has stored."""
        return _NO_RESULT.search(self._xml) is not None

    def covered(self) -> dict[int, set[int]]:
        """Return rows (from 1) with the columns (from 0) that a cell above is merged with."""
        covered: dict[int, set[int]] = {}
        room = _MAX_COVERED
        for found in _MERGED.finditer(self._xml, self._xml.rfind(b"sheetData")):
            left, top, _, bottom = range_boundaries(found[1].decode())
            for row in range(top + 1, min(bottom, top + room) + 1):
                covered.setdefault(row, set()).add(left - 1)
                room -= 1
        return covered

    def comments(self) -> Iterator[tuple[str, str]]:
        """Yield the cell and the words of each comment; those of threads once."""
        seen: set[tuple[str, str]] = set()
        for kind, path in related(self._archive, self._path):
            if kind not in ("comments", "threadedComment"):
                continue
            root = etree.fromstring(self._archive.read(path), parser=_PARSER)
            for comment in root.iter("{*}comment", "{*}threadedComment"):
                said = "".join(comment.itertext()).strip()
                found = (comment.get("ref", ""), said)
                if said and found not in seen and not said.startswith("[Threaded comment]"):
                    seen.add(found)
                    yield found

    def drawings(self) -> Iterator[tuple[str, bytes]]:
        """Yield ``chart`` with its XML, and ``text box`` with its words."""
        for kind, path in related(self._archive, self._path):
            if kind != "drawing":
                continue
            root = etree.fromstring(self._archive.read(path), parser=_PARSER)
            for body in root.iter("{*}txBody"):
                yield "text box", "".join(one.text or "" for one in body.iter(_TEXT)).encode()
            for inner, chart in related(self._archive, path):
                if inner == "chart":
                    yield inner, self._archive.read(chart)


def sheet_paths(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and path of each sheet of a workbook."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for kind, path in related(archive, ""):
            if kind != "officeDocument":
                continue
            targets = {key: place for key, (_, place) in _relations(archive, path).items()}
            root = etree.fromstring(archive.read(path), parser=_PARSER)
            for sheet in root.iter("{*}sheet"):
                key = next((sheet.get(one) for one in sheet.attrib if one.endswith("}id")), "")
                if key in targets:
                    yield sheet.get("name", ""), targets[key]


def related(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, str]]:
    """Yield kind and path of each part that the one at ``path`` refers to and that is there."""
    yield from _relations(archive, path).values()


def _relations(archive: zipfile.ZipFile, path: str) -> dict[str, tuple[str, str]]:
    folder, name = posixpath.split(path)
    try:
        root = etree.fromstring(
            archive.read(f"{folder}/_rels/{name}.rels".lstrip("/")), parser=_PARSER
        )
    except KeyError:
        return {}
    names = frozenset(archive.namelist())
    found: dict[str, tuple[str, str]] = {}
    for one in root.iter("{*}Relationship"):
        place = posixpath.normpath(posixpath.join("/" + folder, one.get("Target", ""))).lstrip("/")
        if one.get("TargetMode") != "External" and place in names:
            found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], place)
    return found

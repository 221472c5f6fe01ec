"""What stands in an element of a Word document, whatever is wrapped around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

PARAGRAPH = qn("w:p")
TABLE = qn("w:tbl")
BLOCKS = frozenset({PARAGRAPH, TABLE})

_SKIPPED = frozenset(
    # what was deleted or moved away, how things look, and the readings above ruby text
    qn(name)
    for name in ("w:del", "w:moveFrom", "w:pPr", "w:rPr", "w:tblPr", "w:sdtPr", "w:sectPr", "w:rt")
)
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_TEXT = qn("w:t")


def inside(element: Any, wanted: frozenset[str]) -> Iterator[Any]:  # noqa: ANN401 - no types there
    """Yield what is ``wanted`` in ``element``, in order, and nothing that is inside of that.

    Insertions, content controls, smart tags, fields and all else are looked through; deletions are
    not. The same said in several ways is yielded once. The depth has a bound: the parser refuses
    what is nested over 256 deep.
    """
    for child in element.iterchildren("*"):
        if child.tag in wanted:
            yield child
        elif child.tag == _ALTERNATIVES:
            # What is for old programs stands last, and some ways say nothing.
            ways = [
                way for way in child.iterchildren("*") if next(way.iter(_TEXT), None) is not None
            ]
            for way in ways[:1]:
                yield from inside(way, wanted)
        elif child.tag not in _SKIPPED:
            yield from inside(child, wanted)

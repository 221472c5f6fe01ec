"""The notes and comments of a Word document, in the order in which its text refers to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from docx.document import Document as Opened
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import qn

_KINDS = {
    qn("w:footnoteReference"): ("footnote", RELATIONSHIP_TYPE.FOOTNOTES),
    qn("w:endnoteReference"): ("endnote", RELATIONSHIP_TYPE.ENDNOTES),
    qn("w:commentReference"): ("comment", RELATIONSHIP_TYPE.COMMENTS),
}
_ID = qn("w:id")
_AUTHOR = qn("w:author")
_OWN_MARK = qn("w:customMarkFollows")


@dataclass(frozen=True)
class Note:
    """A note: ``content`` is its element, ``locator`` its name."""

    content: Any
    locator: str
    hidden: bool


class Notes:
    """Collects notes while the text is read. Notes that nothing shown refers to are none.

    They are numbered through the document, as Word does unless it is told to begin anew.
    """

    def __init__(self, opened: Opened) -> None:
        self._part = opened.part
        self._contents: dict[str, dict[str, Any]] = {}
        self._numbers: Counter[str] = Counter()
        self._seen: set[Any] = set()
        self.found: list[Note] = []

    def refer(self, reference: Any, *, hidden: bool) -> None:  # noqa: ANN401
        """Take the note that ``reference`` means, once; none where there is no such note."""
        kind, relation = _KINDS[reference.tag]
        content = self._of(relation).get(reference.get(_ID, ""))
        if content is None or content in self._seen:
            return
        self._seen.add(content)
        locator = kind
        if author := content.get(_AUTHOR):
            locator = f"{kind} by {author}"
        elif reference.get(_OWN_MARK, "0") in ("0", "false", "off"):
            self._numbers[kind] += 1
            locator = f"{kind} {self._numbers[kind]}"
        self.found.append(Note(content, locator, hidden))

    def _of(self, relation: str) -> dict[str, Any]:
        if relation not in self._contents:
            parts = [
                one.target_part
                for one in self._part.rels.values()
                if one.reltype == relation and not one.is_external
            ]
            self._contents[relation] = {
                note.get(_ID): note for part in parts for note in parse_xml(part.blob)
            }
        return self._contents[relation]

"""The notes and comments of a Word document, in the order in which its text refers to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
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


@dataclass(eq=False)
class Notes:
    """Collects notes while the text is read. Notes that nothing shown refers to are none.

    They are numbered through the document, as Word does unless it is told to begin anew.
    """

    opened: Opened
    _contents: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)
    _numbers: Counter[str] = field(default_factory=Counter, init=False)
    _seen: set[Any] = field(default_factory=set, init=False)
    found: list[Note] = field(default_factory=list, init=False)

    def refer(self, reference: Any, *, hidden: bool) -> None:  # noqa: ANN401
        """Take the note that ``reference`` means, once; none where there is no such note."""
        kind, relation = _KINDS[reference.tag]
        if relation not in self._contents:
            parts = [
                one.target_part
                for one in self.opened.part.rels.values()
                if one.reltype == relation and not one.is_external
            ]
            self._contents[relation] = {
                note.get(_ID): note for part in parts for note in parse_xml(part.blob)
            }
        content = self._contents[relation].get(reference.get(_ID, ""))
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

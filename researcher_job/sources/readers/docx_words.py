"""The words of a paragraph of a Word document, those apart that it hides from its reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.document import Document as Opened
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from docx.text.run import Run

_VANISH = qn("w:vanish")
_OFF = frozenset({"0", "false", "off"})


class Words:
    """Tells hidden from shown by the mark on a run, or on the style of a run or paragraph.

    Styles that are based on a hidden one are not followed.
    """

    def __init__(self, opened: Opened) -> None:
        styles = opened.styles.element.iterchildren(qn("w:style"))
        self._hidden = {one.get(qn("w:styleId")) for one in styles if _vanishes(one)}

    def of(self, paragraph: Paragraph) -> tuple[str, str]:
        """Return what ``paragraph`` shows and what it hides."""
        element = paragraph._p
        if not self._hidden and next(element.iter(_VANISH), None) is None:
            return paragraph.text.strip(), ""
        shown: list[str] = []
        hidden: list[str] = []
        all_hidden = element.style in self._hidden
        for run in _runs(paragraph):
            (hidden if self._hides(run, all_hidden) else shown).append(run.text)
        return "".join(shown).strip(), "".join(hidden).strip()

    def _hides(self, run: Run, by_paragraph: bool) -> bool:  # noqa: FBT001 - what it inherits
        own = run.font.hidden
        if own is not None:
            return own
        return by_paragraph or run._r.style in self._hidden


def _runs(paragraph: Paragraph) -> Iterator[Run]:
    for part in paragraph.iter_inner_content():
        yield from [part] if isinstance(part, Run) else part.runs


def _vanishes(style: Any) -> bool:  # noqa: ANN401 - the library has no types
    mark = style.find(f"{qn('w:rPr')}/{_VANISH}")
    return mark is not None and mark.get(qn("w:val")) not in _OFF

"""The words of a paragraph of a Word document, those apart that it hides from its reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from docx.document import Document as Opened
from docx.oxml.ns import qn

from researcher_job.sources.readers.office.docx_tree import inside

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FORMULA = f"{_M}oMath"
_RUN = frozenset({qn("w:r"), _FORMULA})
_SIGNS = frozenset(
    qn(name) for name in ("w:t", "w:tab", "w:ptab", "w:br", "w:cr", "w:noBreakHyphen")
)
_BOX = qn("w:txbxContent")
_REFERENCES = frozenset(
    qn(name) for name in ("w:footnoteReference", "w:endnoteReference", "w:commentReference")
)
_WANTED = _SIGNS | _REFERENCES | {_BOX}

_VANISH = qn("w:vanish")
_OFF = frozenset({"0", "false", "off"})


@dataclass
class Said:
    """What a paragraph says, and elements that hang on it, each with whether it is hidden."""

    shown: str = ""
    hidden: str = ""
    boxes: list[tuple[Any, bool]] = field(default_factory=list)
    references: list[tuple[Any, bool]] = field(default_factory=list)


class Words:
    """Tells hidden from shown by the mark on a run, or on the style of a run or paragraph.

    Styles that are based on a hidden one are not followed.
    """

    def __init__(self, opened: Opened) -> None:
        styles = opened.styles.element.iterchildren(qn("w:style"))
        self._hidden = {one.get(qn("w:styleId")) for one in styles if _vanishes(one)}

    def of(self, paragraph: Any, *, hidden: bool = False) -> Said:  # noqa: ANN401 - no types there
        """Return what the element ``paragraph`` says; all ``hidden`` where it stands in what is."""
        said = Said()
        by_paragraph = paragraph.style in self._hidden
        for run in inside(paragraph, _RUN):
            formula = run.tag == _FORMULA
            is_hidden = hidden or (not formula and self._hides(run, by_paragraph))
            words = _linear(run) if formula else _words(run, said, is_hidden)
            if is_hidden:
                said.hidden += words
            else:
                said.shown += words
        said.shown, said.hidden = said.shown.strip(), said.hidden.strip()
        return said

    def _hides(self, run: Any, by_paragraph: bool) -> bool:  # noqa: ANN401, FBT001 - what it inherits
        own = _vanishes(run)
        if own is not None:
            return own
        return by_paragraph or run.style in self._hidden


def _words(run: Any, said: Said, is_hidden: bool) -> str:  # noqa: ANN401, FBT001
    """Return the words of ``run``; put into ``said`` what hangs on it."""
    words: list[str] = []
    for part in inside(run, _WANTED):
        if part.tag == _BOX:
            said.boxes.append((part, is_hidden or _is_hidden_drawing(part)))
        elif part.tag in _REFERENCES:
            said.references.append((part, is_hidden))
        else:
            words.append(str(part))
    return "".join(words)


def _linear(formula: Any) -> str:  # noqa: ANN401
    """Return an equation on one line: ``(a+b)/2``, ``x^2``, ``√(x)``."""
    kind = formula.tag.removeprefix(_M)
    if kind == "t":
        return formula.text or ""
    parts = {part.tag.removeprefix(_M): _linear(part) for part in formula.iterchildren(f"{_M}*")}
    if kind == "f":
        return "/".join(_grouped(parts.get(part, "")) for part in ("num", "den"))
    if kind == "rad":
        return f"√({parts.get('e', '')})"
    if kind in ("sSup", "sSub", "sSubSup"):
        below, above = _grouped(parts.get("sub", "")), _grouped(parts.get("sup", ""))
        return parts.get("e", "") + (f"_{below}" if below else "") + (f"^{above}" if above else "")
    if kind == "d":
        return f"({parts.get('e', '')})"
    return "".join(_linear(part) for part in formula.iterchildren(f"{_M}*"))


def _grouped(said: str) -> str:
    return said if said.isalnum() or not said else f"({said})"


def _is_hidden_drawing(box: Any) -> bool:  # noqa: ANN401
    drawing = next(box.iterancestors(qn("wp:anchor"), qn("wp:inline")), None)
    properties = drawing.find(qn("wp:docPr")) if drawing is not None else None
    return properties is not None and properties.get("hidden", "0") not in _OFF


def _vanishes(run_or_style: Any) -> bool | None:  # noqa: ANN401
    """Whether it has the mark of hidden text; ``None`` where it says nothing of it."""
    mark = run_or_style.find(f"{qn('w:rPr')}/{_VANISH}")
    return None if mark is None else mark.get(qn("w:val")) not in _OFF

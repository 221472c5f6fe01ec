"""The questions that a job pursues."""

from __future__ import annotations

import re

from research_contract.records import Plan

_BREAK = re.compile(r"(?<=[?？])\s+|\n+|;\s+")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
MAX_QUESTIONS = 20


def questions_of(question: str, plan: Plan) -> tuple[str, ...]:
    """Return the questions that a job pursues: those of the plan, else the parts of the question.

    A question is divided behind question marks, at line breaks and at semicolons. A part of fewer
    than three words cannot stand alone and stays with the part before it.
    """
    if plan.questions:
        return plan.questions[:MAX_QUESTIONS]
    parts: list[str] = []
    for piece in _BREAK.split(question):
        text = _BULLET.sub("", piece).strip()
        if parts and text and len(text.split()) < 3:
            parts[-1] = f"{parts[-1]} {text}"
        elif text:
            parts.append(text)
    return tuple(parts[:MAX_QUESTIONS]) or (question.strip(),)

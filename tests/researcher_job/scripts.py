"""Scripts of models for tests: readers and writers that say what the passages say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from researcher_job.models.base import Prompt
from researcher_job.testing import Answer, Script

_PASSAGE = re.compile(
    r"Passage (\d+):\n<<<DATA \w+\n(?:\w+: [^\n]*\n)*?text:\n(.*?)\nDATA \w+>>>", re.DOTALL
)
_KEYED = re.compile(r"(E\d+\.\d+):\n<<<DATA \w+\n(?:\w+: [^\n]*\n)*?text:\n(.*?)\nDATA", re.DOTALL)
_QUESTION = re.compile(r"^Question (\d+):", re.MULTILINE)


def passages_in(prompt: Prompt) -> list[tuple[int, str]]:
    """Return the numbers and texts of the passages that a reader is shown."""
    return [(int(n), text) for n, text in _PASSAGE.findall(prompt.messages[0].text)]


def keyed_in(prompt: Prompt) -> list[tuple[str, str]]:
    """Return the keys and texts of the quotes that a writer is shown."""
    return _KEYED.findall(prompt.messages[0].text)


def reads_all(prompt: Prompt) -> Answer:
    """Quote the first line of every passage."""
    found = passages_in(prompt)
    return {
        "quotes": [{"passage": n, "text": text.split("\n")[0]} for n, text in found[:8]],
        "answers": "yes" if found else "no",
    }


def reads(word: str) -> Callable[[Prompt], Answer]:
    """Return a reader that quotes the first line with ``word``."""

    def read(prompt: Prompt) -> Answer:
        lines = [
            {"passage": n, "text": line}
            for n, text in passages_in(prompt)
            for line in text.split("\n")
            if word in line
        ]
        return {"quotes": lines[:8], "answers": "yes" if lines else "no"}

    return read


def writes_quotes(prompt: Prompt) -> Answer:
    """Write each quote as a sentence of its own, and the first one as the summary."""
    quotes = keyed_in(prompt)
    claims = [{"kind": "quote", "text": text, "evidence": [key]} for key, text in quotes]
    by_question: dict[int, list[Mapping[str, object]]] = {}
    for (key, _), claim in zip(quotes, claims, strict=True):
        by_question.setdefault(int(key[1:].split(".")[0]), []).append(claim)
    return {
        "summary": claims[:1],
        "sections": [{"question": n, "claims": said} for n, said in by_question.items()],
    }


def writes(
    sentence: str, *, kind: str = "quote", expression: str = "", summary: bool = True
) -> Callable[[Prompt], Answer]:
    """Return a writer, and corrector, of this one sentence about the first quote."""
    claim = {"kind": kind, "text": sentence, "evidence": ["E1.1"], "expression": expression}

    def write(prompt: Prompt) -> Answer:
        if prompt.name.startswith("rewrite@"):
            return {"claims": [{**claim, "replaces": number} for number in (1, 2)]}
        return {
            "summary": [claim] if summary else [],
            "sections": [{"question": 1, "claims": [claim]}],
        }

    return write


GOOD: Script = {
    "divide": ({"tasks": [{"ask": "How long is the retention of log files?"}]},),
    "plan": ({"searches": ["retention of log files"]},),
    "read": reads_all,
    "review": ({"enough": True},),
    "write": writes_quotes,
    "check": ({"supported": True},),
}
"""A model that does what it is asked to do."""

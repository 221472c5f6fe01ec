"""The instructions of each kind of model call, as Markdown files."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

from pydantic import BaseModel

from researcher_job.models.base import Message, Prompt

PURPOSES = {
    "divide": "Dividing the question into tasks",
    "review": "Looking at what was found",
    "plan": "Planning searches",
    "read": "Reading passages",
    "write": "Writing the report",
    "rewrite": "Correcting sentences",
    "check": "Comparing a sentence with its quotes",
}
"""What each kind of call is for, as the step log says it."""


class Instructions(NamedTuple):
    """The instructions of one kind of call; ``name`` has the beginning of their hash."""

    name: str
    text: str


@cache
def instructions(kind: str) -> Instructions:
    """Return the instructions of calls of this kind, such as ``read``, and their versioned name."""
    text = resources.files(__name__).joinpath(f"{kind}.md").read_text(encoding="utf-8")
    return Instructions(f"{kind}@{hashlib.sha256(text.encode()).hexdigest()[:8]}", text)


def prompt(kind: str, asked: str, answer: type[BaseModel], output_tokens: int) -> Prompt:
    """Return the prompt of a call of this kind: what is asked, and the type of its answer."""
    said = instructions(kind)
    return Prompt(
        name=said.name,
        instructions=said.text,
        messages=(Message("user", asked),),
        schema=answer.model_json_schema(),
        output_tokens=output_tokens,
        purpose=PURPOSES[kind],
    )

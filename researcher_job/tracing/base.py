"""The port to tracing: spans around the work of a job."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]

JOB = "research_job"
QUESTION = "question"
SEARCH = "search"
MODEL = "model_call"
REPORT = "report"
"""Names of spans. Spans of questions and searches may be open in several tasks at once."""


class Tracer(Protocol):
    """Opens spans. A span opened inside another span of the same task is its child.

    Attributes hold ids, counts and names, never text of a source or a secret. A tracer must not
    raise or block; it exports spans in the background.
    """

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[object]:
        """Return a context manager that opens the span on entry and ends it on exit."""
        ...


class NoTracing:
    """A tracer that records nothing: the default."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[object]:
        del name, attributes
        return nullcontext()

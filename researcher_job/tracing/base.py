"""The port to tracing: spans around what a job does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]

JOB = "research_job"
QUESTION = "question"
SEARCH = "search"
REPORT = "report"
"""Names of spans. Those of questions and searches may be open in several tasks at once."""


class Tracer(Protocol):
    """Opens spans; a span opened while another one is open in the same task is its child.

    Attributes hold ids, counts and names, never text of a source or a secret. A tracer must not
    raise and must not wait: what it exports, it exports in the background.
    """

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[object]:
        """Return a context manager: the span lasts while it is entered."""
        ...


class NoTracing:
    """Traces nothing: the default."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[object]:
        del name, attributes
        return nullcontext()

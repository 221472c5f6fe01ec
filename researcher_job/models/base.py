"""The port to a language model: one call, with messages and the schema of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import JsonValue

Role = Literal["lead", "worker", "writer", "checker"]
"""What a model does in a job: leads, plans and reads, writes, or reads a claim a second time."""

FailureKind = Literal[
    "unavailable", "rate_limited", "timeout", "context", "rejected", "refused", "truncated"
]


@dataclass(frozen=True)
class Message:
    """A message of the conversation with the model, in the order of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """Everything that an answer depends on, besides the model.

    ``name`` names the kind of call, with the version of its instructions: ``plan@52897db4``.
    ``schema`` is the JSON Schema of the answer. ``output_tokens`` is the most that the answer may
    have. ``purpose`` says in the step log what the call is for, such as ``Planning searches``; no
    answer depends on it.
    """

    name: str
    instructions: str
    messages: tuple[Message, ...]
    schema: dict[str, Any]
    output_tokens: int
    purpose: str = ""

    @property
    def arguments(self) -> dict[str, JsonValue]:
        """All of it as JSON, as the ledger keeps and compares it."""
        said: list[JsonValue] = [{"role": one.role, "text": one.text} for one in self.messages]
        return {
            "name": self.name,
            "instructions": self.instructions,
            "messages": said,
            "schema": self.schema,
            "output_tokens": self.output_tokens,
        }

    @property
    def size(self) -> int:
        """Length of all texts in bytes of UTF-8: no tokenizer makes more tokens of them."""
        texts = (self.instructions, str(self.schema), *(one.text for one in self.messages))
        return sum(len(text.encode()) for text in texts)


@dataclass(frozen=True)
class Reply:
    """The answer of a model: its text, which should be JSON, and the tokens that it took.

    ``None`` tokens: the server did not report them.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None


class ModelFailure(Exception):
    """A model did not answer one call. Stays inside the job.

    ``retry_after`` is how long the server asks to wait, in seconds. ``paid`` is false where the
    server refused the call before working on it.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retry_after: float | None = None,
        paid: bool = True,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.paid = paid


class LanguageModel(Protocol):
    """One model behind one address. ``name`` identifies both: answers are kept by it."""

    @property
    def name(self) -> str: ...

    async def reply(self, prompt: Prompt) -> Reply:
        """Make one call: no retry, no tool, no stream.

        Raises:
            ModelFailure: there is no answer, or none that is complete.
        """
        ...

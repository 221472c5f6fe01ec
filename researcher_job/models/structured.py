"""Answers of a given type: the schema in, and what does not fit it asked for again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from researcher_job.models.base import Message, ModelFailure, Prompt, Reply

ATTEMPTS = 3
"""How often an answer that does not fit is asked for."""

_SHOWN_ERRORS = 4
_SHOWN_ANSWER = 4_000

Answer = TypeVar("Answer", bound=BaseModel)


class Asked(Protocol):
    """What answers a prompt: the models of one role."""

    async def reply(self, prompt: Prompt, *, worker: str) -> Reply: ...


class NoAnswer(Exception):
    """A model gave no usable answer to a call. Stays inside the job; the text is the reason.

    ``too_long``: it may answer if it is shown less.
    """

    def __init__(self, message: str, *, too_long: bool = False) -> None:
        super().__init__(message)
        self.too_long = too_long


async def ask(
    models: Asked,
    answer: type[Answer],
    prompt: Prompt,
    *,
    worker: str,
    check: Callable[[Answer], str] = lambda _answer: "",
) -> Answer:
    """Return the answer of type ``answer``.

    ``check`` returns what else is wrong with an answer, "" for nothing. What is wrong is told to
    the model, which may answer twice more.

    Raises:
        NoAnswer: three answers did not fit, or no model answered.
        LimitReached: a limit does not leave enough for the call.
    """
    wrong = ""
    for _ in range(ATTEMPTS):
        try:
            text = (await models.reply(prompt, worker=worker)).text
        except ModelFailure as failure:
            if failure.kind not in {"truncated", "refused"}:
                raise NoAnswer(str(failure), too_long=failure.kind == "context") from failure
            text, wrong = "", f"{failure}"
        else:
            try:
                found = answer.model_validate(_json_in(text))
                wrong = check(found)
                if not wrong:
                    return found
            except ValidationError as error:
                wrong = "; ".join(
                    f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}"
                    for one in error.errors()[:_SHOWN_ERRORS]
                )
            except ValueError:
                wrong = "it is not JSON"
        again = (
            f"This cannot be used: {wrong}. Answer again, shorter, in JSON that fits the schema."
        )
        said = (Message("assistant", text[:_SHOWN_ANSWER]),) if text else ()
        prompt = replace(prompt, messages=(*prompt.messages, *said, Message("user", again)))
    raise NoAnswer(f"the model's answers do not fit: {wrong}")


def _json_in(text: str) -> Any:  # noqa: ANN401 - any JSON value; the caller validates it
    """Return the JSON object in ``text``, which may stand in a code block or between words.

    Raises:
        ValueError: there is none.
    """
    start, end = text.find("{"), text.rfind("}")
    return json.loads(text[start : end + 1] if 0 <= start < end else text)

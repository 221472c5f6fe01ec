"""A model behind an address, called through pydantic-ai: one HTTP request for each call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from researcher_job.core.errors import error_message
from researcher_job.models.base import FailureKind, ModelFailure, Prompt, Reply
from researcher_job.models.settings import ModelSettings, OutputMode

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters

_ANSWER = "answer"
"""The name of the schema, and of the tool whose arguments are the answer."""

_MODES: tuple[OutputMode, ...] = ("native", "tool", "prompted")

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Address:
    """Where a model is and who asks: the base URL and the key, each "" for the library's own."""

    base_url: str = ""
    key: str = ""


class HostedModel:
    """The ``LanguageModel`` with this name at this address.

    With the mode ``auto`` the first answered call decides how JSON is asked for, and later calls
    ask in the same way.
    """

    def __init__(self, name: str, settings: ModelSettings, address: Address) -> None:
        self._name = name
        self._settings = settings
        self._address = address
        self._model: Model | None = None
        self._modes = _MODES if settings.output == "auto" else (settings.output,)

    @property
    def name(self) -> str:
        return f"{self._name} at {self._address.base_url}" if self._address.base_url else self._name

    def load(self) -> Model:
        """Return the library's model, for which nothing is sent yet.

        Raises:
            ModelFailure: the library has no such model, or what it needs is not installed.
        """
        self._model = self._model or _library_model(self._name, self._settings, self._address)
        return self._model

    async def reply(self, prompt: Prompt) -> Reply:
        for mode in self._modes:
            try:
                response = await self._request(self.load(), prompt, mode)
            except ModelFailure as failure:
                if failure.kind == "rejected" and mode != self._modes[-1]:
                    continue
                raise
            self._modes = (mode,)
            return _reply(response)
        raise AssertionError("the loop above returns or raises")

    async def _request(self, model: Model, prompt: Prompt, mode: OutputMode) -> ModelResponse:
        from pydantic_ai import exceptions
        from pydantic_ai.direct import model_request
        from pydantic_ai.settings import ModelSettings as LibrarySettings

        settings = LibrarySettings(
            max_tokens=prompt.output_tokens, timeout=self._settings.timeout_seconds, temperature=0.0
        )
        try:
            response = await model_request(
                model,
                _messages(prompt, mode),
                model_settings=settings,
                model_request_parameters=_parameters(prompt, mode),
            )
        except exceptions.ContentFilterError as error:
            raise ModelFailure("refused", error_message(error)) from error
        except exceptions.UnexpectedModelBehavior as error:
            raise ModelFailure("truncated", error_message(error)) from error
        except exceptions.AgentRunError as error:
            raise _failure(error) from error
        if response.finish_reason in {"length", "content_filter"}:
            kind: FailureKind = "truncated" if response.finish_reason == "length" else "refused"
            raise ModelFailure(kind, f"the answer ended early ({response.finish_reason})")
        return response


def _library_model(name: str, settings: ModelSettings, address: Address) -> Model:
    """Return the library's model. Retries of its client are off: each call is paid for by itself.

    Key and address are always passed: otherwise a key of the environment would be sent to them.

    Raises:
        ModelFailure: the library has no such model, or its extra is not installed.
    """
    kind, _, model = name.partition(":")
    try:
        if kind in {"openai", "databricks"}:
            from openai import AsyncOpenAI
            from pydantic_ai.models.openai import OpenAIChatModel
            from pydantic_ai.providers.openai import OpenAIProvider

            client = AsyncOpenAI(
                base_url=address.base_url or OPENAI,
                api_key=address.key or "none",
                organization="",
                project="",
                max_retries=0,
                timeout=settings.timeout_seconds,
            )
            return OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))
        from pydantic_ai.models import infer_model
        from pydantic_ai.providers import Provider, infer_provider_class

        def provider(of: str) -> Provider[Any]:
            given = {"api_key": address.key, "base_url": address.base_url}
            made = infer_provider_class(of)(**{key: value for key, value in given.items() if value})
            if hasattr(made.client, "max_retries"):
                made.client.max_retries = 0
            return made

        return infer_model(name, provider)
    except Exception as error:
        message = f"The model {name} cannot be used: {error_message(error)}"
        raise ModelFailure("rejected", message, paid=False) from error


def _messages(prompt: Prompt, mode: OutputMode) -> list[ModelMessage]:
    from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart

    instructions = prompt.instructions
    if mode == "prompted":
        instructions += (
            "\n\nAnswer with one JSON object and nothing else. It must fit this JSON Schema:\n"
            + json.dumps(prompt.schema, sort_keys=True)
        )
    return [
        ModelRequest(parts=[UserPromptPart(one.text)], instructions=instructions)
        if one.role == "user"
        else ModelResponse(parts=[TextPart(one.text)])
        for one in prompt.messages
    ]


def _parameters(prompt: Prompt, mode: OutputMode) -> ModelRequestParameters:
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition
    from pydantic_ai.tools import ToolDefinition

    if mode == "native":
        schema = OutputObjectDefinition(json_schema=prompt.schema, name=_ANSWER, strict=False)
        return ModelRequestParameters(output_mode="native", output_object=schema)
    if mode == "tool":
        tool = ToolDefinition(
            name=_ANSWER, parameters_json_schema=prompt.schema, kind="output", strict=False
        )
        return ModelRequestParameters(
            output_mode="tool", output_tools=[tool], allow_text_output=False
        )
    return ModelRequestParameters(output_mode="text")


def _reply(response: ModelResponse) -> Reply:
    """Return the arguments of the tool that answers, or the text; other tools are not called."""
    from pydantic_ai.messages import TextPart, ToolCallPart

    called = [
        part.args_as_json_str()
        for part in response.parts
        if isinstance(part, ToolCallPart) and part.tool_name == _ANSWER
    ]
    texts = [part.content for part in response.parts if isinstance(part, TextPart)]
    usage = response.usage
    return Reply(
        text=called[0] if called else "".join(texts),
        input_tokens=usage.input_tokens or None,
        output_tokens=usage.output_tokens or None,
    )


def _failure(error: Exception) -> ModelFailure:
    """Return our error for one of the library's; what was refused at once is not paid for."""
    from pydantic_ai import exceptions

    status = getattr(error, "status_code", 0)
    retry_after = getattr(error, "retry_after", None)
    message = error_message(error)
    if isinstance(error, exceptions.ModelContextWindowExceededError):
        return ModelFailure("context", message, paid=False)
    if isinstance(error, exceptions.ModelRateLimitError) or status == 429:
        return ModelFailure("rate_limited", message, retry_after=retry_after, paid=False)
    if isinstance(error, exceptions.ModelTimeoutError):
        return ModelFailure("timeout", message)
    if 400 <= status < 500 or isinstance(error, exceptions.ModelRequestRejectedError):
        context = any(word in message.casefold() for word in ("context length", "context_length"))
        return ModelFailure("context" if context else "rejected", message, paid=False)
    return ModelFailure("unavailable", message, retry_after=retry_after)

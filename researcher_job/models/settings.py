"""The table ``[model]`` of ``research.toml``: which models a job may use, and within what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from research_contract.services import is_secret
from researcher_job.core.errors import RequestRefused
from researcher_job.core.settings import unusable
from researcher_job.models.base import Role

OutputMode = Literal["auto", "native", "tool", "prompted"]
"""How a model is made to answer in JSON: by its own support for schemas, as the arguments of a
tool, or by instructions alone. ``auto`` tries them in this order."""

ModelName = Annotated[str, Field(pattern=r"^[a-z0-9-]+:\S{1,200}$")]


def _without_sign_in(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s@?#]+", url):
        raise ValueError("write https://HOST/PATH, without user, password and parameters")
    return url


BaseUrl = Annotated[str, AfterValidator(_without_sign_in)]


class ModelSettings(BaseModel):
    """One model. Prices are dollars for a million tokens; tokens and seconds are those of a call.

    ``name`` begins with what kind of server it is: ``openai:gpt-5-mini``, ``databricks:ENDPOINT``.
    ``openai`` with a ``base_url`` is any server that speaks this protocol. ``key`` is a reference
    (``env:NAME``, ``secret:scope/key``). ``fallback`` names models that are asked where this one
    does not answer; they share its other settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ModelName
    base_url: BaseUrl = ""
    key: str = ""
    context_tokens: int = Field(default=32_000, ge=1_000, le=10_000_000)
    output_tokens: int = Field(default=2_000, ge=64, le=200_000)
    input_price: float | None = Field(default=None, ge=0)
    output_price: float | None = Field(default=None, ge=0)
    timeout_seconds: float = Field(default=120.0, gt=0, le=3_600)
    output: OutputMode = "auto"
    fallback: tuple[ModelName, ...] = ()


class ModelTable(ModelSettings):
    """The table ``[model]``; ``[model.writer]`` and the like replace values for one role.

    ``concurrency`` is how many calls of the job are made at once.
    """

    concurrency: int = Field(default=4, ge=1, le=64)
    lead: dict[str, Any] = {}
    worker: dict[str, Any] = {}
    writer: dict[str, Any] = {}
    checker: dict[str, Any] = {}

    def of_role(self, role: Role) -> ModelSettings:
        """Return the settings of the model that has this role.

        Raises:
            ValidationError: the table of the role has an unknown key or an invalid value.
        """
        shared = self.model_dump(exclude={"concurrency", *get_args(Role)})
        return ModelSettings.model_validate({**shared, **getattr(self, role)})


def read_model_table(table: Mapping[str, object]) -> ModelTable | None:
    """Return the models in the table ``[model]``; ``None`` for an empty one.

    Raises:
        RequestRefused: the table has an unknown key or an invalid value.
    """
    if not table:
        return None
    try:
        found = ModelTable.model_validate(table)
        models = [found.of_role(role) for role in get_args(Role)]
    except ValidationError as error:
        raise unusable("model", error, ModelTable.model_fields) from error
    if any(model.key and not is_secret(model.key) for model in models):
        raise RequestRefused(
            "The key in [model] does not name a secret. Secrets never stand in this file."
            ' Write key = "env:NAME" or "secret:scope/key".'
        )
    return found

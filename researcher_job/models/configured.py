"""The models of a job: those that its configuration names, with their keys and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import get_args

from research_contract.records import Limits
from researcher_job.core.errors import RequestRefused, error_kind
from researcher_job.core.secrets import SecretUnavailable, read_secret, workspace
from researcher_job.models.base import Role
from researcher_job.models.hosted import Address, HostedModel
from researcher_job.models.metered import PricedModel
from researcher_job.models.prices import prices_of
from researcher_job.models.settings import ModelSettings, ModelTable

READ_AT_ONCE = 6_000
"""Characters of sources in one call of a model with room for them."""

PROMPT_TOKENS = 1_200
"""Tokens of instructions, schema and task around them."""

CHARACTERS_PER_TOKEN = 2
"""Characters of text in a token, at the least: plain English has about four."""


@dataclass(frozen=True)
class Models:
    """The models of a job: those of each role are asked in this order until one answers.

    ``concurrency`` calls are made at once. ``read_characters`` is how much text of sources one
    call is shown, ``wait_seconds`` the first wait before a failed call is repeated.
    """

    by_role: Mapping[Role, tuple[PricedModel, ...]]
    concurrency: int = 4
    read_characters: int = READ_AT_ONCE
    wait_seconds: float = 1.0


def configured_models(table: ModelTable, limits: Limits) -> Models:
    """Return the models of each role. Keys are read here, in the process that needs them.

    Raises:
        RequestRefused: the extra ``model`` is not installed, a key is missing or cannot be read, or
            the request limits dollars and the price of a model is not known.
    """
    if not (find_spec("pydantic_ai") and find_spec("genai_prices")):
        raise RequestRefused(
            "[model] needs packages that are not installed: pip install 'mcp-jobs-server[model]'."
        )
    roles: tuple[Role, ...] = get_args(Role)
    models: dict[Role, tuple[PricedModel, ...]] = {
        role: _models(table.of_role(role)) for role in roles
    }
    unknown = {one.model.name for each in models.values() for one in each if not one.prices.known}
    if unknown and limits.cost_usd is not None:
        raise RequestRefused(
            f"The price of {', '.join(sorted(unknown))} is not known, so a limit in dollars cannot"
            " be kept. Set input_price and output_price in [model], or limit tokens instead."
        )
    worker = table.of_role("worker")
    room = (worker.context_tokens - worker.output_tokens - PROMPT_TOKENS) * CHARACTERS_PER_TOKEN
    return Models(models, table.concurrency, max(500, min(READ_AT_ONCE, room)))


def _models(settings: ModelSettings) -> tuple[PricedModel, ...]:
    names = (settings.name, *settings.fallback)
    return tuple(
        PricedModel(
            HostedModel(name, settings, _address(name, settings)),
            prices_of(name, settings),
            settings.context_tokens,
            settings.output_tokens,
        )
        for name in names
    )


def _address(name: str, settings: ModelSettings) -> Address:
    try:
        key = read_secret(settings.key) if settings.key else ""
    except SecretUnavailable as error:
        raise RequestRefused(f"The key in [model] cannot be used. {error}") from error
    if name.startswith("databricks:") and not settings.base_url:
        try:
            config = workspace().config
            token = config.authenticate().get("Authorization", "").removeprefix("Bearer ")
        except Exception as error:  # the SDK raises many kinds, with hosts in their texts
            raise RequestRefused(
                f"The workspace of {name} cannot be signed in to ({error_kind(error)})."
            ) from error
        return Address(f"{config.host.rstrip('/')}/serving-endpoints", key or token)
    if name.startswith("openai:") and not (settings.base_url or key):
        raise RequestRefused(
            f'{name} needs a key: write key = "env:NAME" in [model], or the base_url of a server'
            " that asks for none."
        )
    return Address(settings.base_url, key)

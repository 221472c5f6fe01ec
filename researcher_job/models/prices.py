"""What a call costs at most, and what it cost: from the configuration or a table of list prices."""

from __future__ import annotations

from dataclasses import dataclass

from research_contract.records import Cost
from researcher_job.models.base import Prompt, Reply
from researcher_job.models.settings import ModelSettings

OVERHEAD_TOKENS = 200
"""Tokens that a server may add around the messages: roles, separators, the frame of a schema."""


@dataclass(frozen=True)
class Prices:
    """Dollars for a million tokens of input and of output; ``None``: unknown."""

    input: float | None
    output: float | None

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None

    def cost(self, input_tokens: int, output_tokens: int) -> Cost:
        """Return the cost of one call with these tokens; 0 dollars where the prices are unknown."""
        usd = input_tokens * (self.input or 0.0) + output_tokens * (self.output or 0.0)
        return Cost(tokens=input_tokens + output_tokens, cost_usd=usd / 1_000_000)

    def most(self, prompt: Prompt) -> Cost:
        """Return the most that a call can cost: each byte a token, and the longest answer."""
        return self.cost(prompt.size + OVERHEAD_TOKENS, prompt.output_tokens)

    def of(self, prompt: Prompt, reply: Reply) -> Cost:
        """Return what the call cost; the most for what the server did not report."""
        most = prompt.size + OVERHEAD_TOKENS
        given = reply.input_tokens, reply.output_tokens
        return self.cost(
            most if given[0] is None else given[0],
            prompt.output_tokens if given[1] is None else given[1],
        )


def prices_of(name: str, settings: ModelSettings) -> Prices:
    """Return the prices of the model ``name``: the configured ones, else the dearest list prices.

    An address of one's own has no list price: its prices are unknown unless configured.
    """
    if settings.input_price is not None and settings.output_price is not None:
        return Prices(settings.input_price, settings.output_price)
    if settings.base_url or name.startswith("databricks:"):
        return Prices(settings.input_price, settings.output_price)
    from genai_prices import Usage, calc_price

    provider, _, model = name.partition(":")
    million = 1_000_000
    try:
        # A call of a million tokens is in the dearest tier of prices by length.
        found = calc_price(
            Usage(input_tokens=million, output_tokens=million), model, provider_id=provider
        )
    except LookupError:
        return Prices(settings.input_price, settings.output_price)
    return Prices(
        float(found.input_price) if settings.input_price is None else settings.input_price,
        float(found.output_price) if settings.output_price is None else settings.output_price,
    )

"""What a job keeps of its models besides their answers, so that it can be replayed without them."""

from __future__ import annotations

from research_contract.records import Record
from researcher_job.models.base import ModelFailure, Prompt, Reply, Role
from researcher_job.models.configured import Models
from researcher_job.models.metered import PricedModel
from researcher_job.models.prices import Prices


class KeptModel(Record):
    """A model: its name and address, and the tokens that fit into a call and its answer."""

    name: str
    context_tokens: int
    output_tokens: int

    async def reply(self, prompt: Prompt) -> Reply:
        """Answer nothing: every answer is in the folder.

        Raises:
            ModelFailure: always.
        """
        raise ModelFailure("unavailable", f"{prompt.name} is not kept", paid=False)


class KeptModels(Record):
    """``work/models.json``: the models of each role, and the text of sources in one call."""

    read_characters: int
    by_role: dict[Role, tuple[KeptModel, ...]]

    @classmethod
    def of(cls, models: Models) -> KeptModels:
        """Return what is kept of these models."""
        return cls(
            read_characters=models.read_characters,
            by_role={
                role: tuple(
                    KeptModel(
                        name=one.model.name,
                        context_tokens=one.context_tokens,
                        output_tokens=one.output_tokens,
                    )
                    for one in found
                )
                for role, found in models.by_role.items()
            },
        )

    def models(self) -> Models:
        """Return models of the same names and sizes that answer nothing."""
        prices = Prices(None, None)
        return Models(
            {
                role: tuple(
                    PricedModel(one, prices, one.context_tokens, one.output_tokens) for one in found
                )
                for role, found in self.by_role.items()
            },
            read_characters=self.read_characters,
        )

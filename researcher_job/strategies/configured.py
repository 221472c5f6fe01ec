"""Which strategy a job uses: the one that its settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from researcher_job.core.settings import JobSettings
from researcher_job.sources.embeddings.configured import model_of_quotes
from researcher_job.strategies.base import Strategy

if TYPE_CHECKING:
    from researcher_job.sources.embeddings.endpoint import Pay


def configured_strategy(settings: JobSettings, pay: Pay) -> Strategy:
    """Return the strategy that ``settings`` name; its modules are imported only here.

    ``pay`` pays calls of its models.
    """
    match settings.strategy:
        case "extractive":
            from researcher_job.strategies.extractive.strategy import Extractive

            return Extractive(model_of_quotes(settings, pay))

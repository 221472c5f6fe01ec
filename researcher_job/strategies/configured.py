"""Which strategy a job uses: the one that its settings name."""

from __future__ import annotations

from researcher_job.core.settings import JobSettings
from researcher_job.sources.embeddings.configured import model_of_quotes
from researcher_job.strategies.base import Strategy


def configured_strategy(settings: JobSettings) -> Strategy:
    """Return the strategy that ``settings`` name; its modules are imported only here."""
    match settings.strategy:
        case "extractive":
            from researcher_job.strategies.extractive.strategy import Extractive

            return Extractive(model_of_quotes(settings.embeddings))

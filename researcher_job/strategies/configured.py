"""Which strategy a job uses: the one that its settings name."""

from __future__ import annotations

from researcher_job.core.settings import StrategyName
from researcher_job.strategies.base import Strategy


def strategy_named(name: StrategyName) -> Strategy:
    """Return the strategy called ``name``; its modules are imported only here."""
    match name:
        case "extractive":
            from researcher_job.strategies.extractive.strategy import Extractive

            return Extractive()

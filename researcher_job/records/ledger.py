"""What is paid for: each call that costs, with its cost and, once it came, its answer.

The cost is written before the call is made, the answer after it. So a later attempt takes a kept
answer without a call, and a call in whose middle the job died counts as paid, never as free.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from research_contract.files import decode, encode, read_whole
from research_contract.records import RESULTS, Cost, Record
from researcher_job.limits.budget import Budget
from researcher_job.records.storage import LOCAL, Storage


@dataclass(frozen=True)
class Call:
    """A call that costs, by its kind and all that its answer depends on.

    Two calls with the same arguments are one, so the second gets the answer of the first; who
    wants another answer to the same words (of a model, say) numbers them. ``most`` is the most
    that it may cost.
    """

    kind: str
    arguments: Mapping[str, JsonValue]
    max_cost: Cost

    @property
    def name(self) -> str:
        """Name of its file in the job folder."""
        said = json.dumps([self.kind, self.arguments], sort_keys=True)
        return f"{RESULTS}/{hashlib.sha256(said.encode()).hexdigest()[:32]}.json"


class PaidCall(Record):
    """``work/results/<hash>.json``: a call that was begun.

    ``cost`` is that of all times it was begun; of those that brought no answer, the most that
    they may have cost. ``answer`` is null until it came.
    """

    kind: str
    begun: int = 0
    cost: Cost = Cost()
    answer: JsonValue = None


class Ledger:
    """The paid calls of the job folder ``root``, each charged to ``budget`` before it is made.

    To be used in this order: ``answer``; where there is none ``begin``, the call, ``keep``.
    """

    def __init__(self, root: Path, budget: Budget, storage: Storage = LOCAL) -> None:
        self._root = root
        self._storage = storage
        self._budget = budget

    def stored_answer(self, call: Call) -> JsonValue:
        """Return what the call brought before; ``None``: it is to be made."""
        return self._paid(call).answer

    def begin(self, call: Call) -> None:
        """Charge the most that the call may cost.

        Raises:
            LimitReached: that is more than is left; nothing was charged.
            OSError: it cannot be written down, so the call may not be made.
        """
        self._budget.charge(call.max_cost)
        paid = self._paid(call)
        self._write(call, paid, begun=paid.begun + 1, cost=paid.cost.plus(call.max_cost))

    def store_answer(self, call: Call, answer: JsonValue, *, cost: Cost | None = None) -> None:
        """Keep what the call brought; ``cost``: what it cost, where that is not the most."""
        paid = self._paid(call)
        total = paid.cost
        if cost is not None:
            self._budget.correct(call.max_cost, cost)
            total = total.plus(call.max_cost, times=-1).plus(cost)
        self._write(call, paid, cost=total, answer=answer)

    def _paid(self, call: Call) -> PaidCall:
        found = decode(PaidCall, read_whole(self._root / call.name))
        return found or PaidCall(kind=call.kind)

    def _write(self, call: Call, paid: PaidCall, **changes: object) -> None:
        self._storage.write(self._root / call.name, encode(paid.model_copy(update=changes)))


def total_paid(root: Path) -> Cost:
    """Return what all calls of the job folder ``root`` cost so far."""
    total = Cost()
    for path in (root / RESULTS).glob("*.json"):
        if paid := decode(PaidCall, read_whole(path)):
            total = total.plus(paid.cost)
    return total

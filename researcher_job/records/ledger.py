"""The ledger of calls that cost something: each with its cost and, after the call, its answer.

The cost is written before the call and the answer after it. So a later attempt reuses a stored
answer without a call, and a call during which the job died counts as paid, never as free.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, JsonValue

from research_contract.files import decode, encode, read_whole
from research_contract.records import RESULTS, Cost, Record
from researcher_job.core.errors import LimitReached
from researcher_job.limits.budget import NOTHING, Budget
from researcher_job.records.storage import LOCAL, Storage

MODEL = "model"
"""The kind of a model call, and the tool in its steps. It is no tool call: tokens count."""


@dataclass(frozen=True)
class Call:
    """A call that costs something, identified by its kind and everything its answer depends on.

    Two calls with the same arguments are the same call, so the second one gets the first one's
    answer. To get different answers to the same arguments (from a model, for example), add a
    number to the arguments. ``max_cost`` is the most that the call may cost.
    """

    kind: str
    arguments: Mapping[str, JsonValue]
    max_cost: Cost

    @property
    def name(self) -> str:
        """The name of its file in the job folder."""
        identity = json.dumps([self.kind, self.arguments], sort_keys=True)
        return f"{RESULTS}/{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"


class PaidCall(Record):
    """``work/results/<hash>.json``: a call that was started.

    ``begun`` counts how often it was started. ``cost`` is the total of all these times; a time
    without an answer counts with its maximum cost. ``answer`` is null until there is one.
    ``arguments`` are empty in folders of releases that did not keep them.
    """

    kind: str
    arguments: Mapping[str, JsonValue] = Field(default_factory=dict)
    begun: int = 0
    cost: Cost = Cost()
    answer: JsonValue = None


class Ledger:
    """The paid calls of the job folder ``root``, each charged to ``budget`` before it is made.

    Use it in this order: ``stored_answer``; if there is none, ``begin``, the call, and
    ``store_answer``.
    """

    def __init__(self, root: Path, budget: Budget, storage: Storage = LOCAL) -> None:
        self._root = root
        self._storage = storage
        self._budget = budget

    def stored_answer(self, call: Call) -> JsonValue:
        """Return the stored answer of the call; ``None`` if the call has to be made."""
        return self._read(call).answer

    def begin(self, call: Call, *, keep: Cost = NOTHING) -> None:
        """Charge the maximum cost of the call, which must leave ``keep`` of the limits.

        Raises:
            LimitReached: the cost exceeds what is left of a limit; nothing was charged.
            OSError: the cost cannot be written, so the call must not be made.
        """
        self._budget.charge(call.max_cost, keep=keep)
        paid = self._read(call)
        self._write(call, paid, begun=paid.begun + 1, cost=paid.cost.plus(call.max_cost))

    def store_answer(self, call: Call, answer: JsonValue, *, cost: Cost | None = None) -> None:
        """Store the answer of the call; ``cost`` is the actual cost if it is not the maximum."""
        paid = self._read(call)
        total = paid.cost
        if cost is not None:
            self._budget.correct(call.max_cost, cost)
            total = total.plus(call.max_cost, times=-1).plus(cost)
        self._write(call, paid, cost=total, answer=answer)

    def _read(self, call: Call) -> PaidCall:
        paid = decode(PaidCall, read_whole(self._root / call.name))
        return paid or PaidCall(kind=call.kind, arguments=call.arguments)

    def _write(self, call: Call, paid: PaidCall, **changes: object) -> None:
        self._storage.write(self._root / call.name, encode(paid.model_copy(update=changes)))


class KeptCalls(Ledger):
    """The ledger of a job that is replayed: no call is made, only kept answers are given.

    ``reason`` is why calls that are not kept were not made: the job ended then.
    """

    def __init__(self, root: Path, budget: Budget, reason: str) -> None:
        super().__init__(root, budget)
        self._reason = reason

    def begin(self, call: Call, *, keep: Cost = NOTHING) -> None:
        """Make no call.

        Raises:
            LimitReached: always, with the reason for which the job ended.
        """
        del call, keep
        raise LimitReached(self._reason)


def paid_calls(root: Path) -> Iterator[tuple[str, PaidCall | None]]:
    """Yield the calls in the job folder ``root`` with their file names; ``None``: damaged."""
    for path in sorted((root / RESULTS).glob("*.json")):
        yield path.name, decode(PaidCall, read_whole(path))


def model_answered(root: Path) -> bool:
    """Return whether a language model answered a call of the job in the folder ``root``."""
    return any(
        one.kind == MODEL and isinstance(one.answer, dict) and not one.answer.get("failed")
        for _, one in paid_calls(root)
        if one
    )


def total_paid(root: Path) -> Cost:
    """Return the cost of all calls in the job folder ``root`` so far."""
    total = Cost()
    for _, paid in paid_calls(root):
        if paid:
            total = total.plus(paid.cost)
    return total

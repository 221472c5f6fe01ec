"""Writes an instruction to a running job into its folder, where the job finds it."""

from __future__ import annotations

import re
from datetime import datetime

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import wording
from research_contract.files import decode, encode
from research_contract.records import STEERING
from research_contract.steering import NOT_STEERED, Receipts, Steering, steering_name

_ORDER = re.compile(r"(add|drop)\s?[:\uff1a](.*)", re.IGNORECASE | re.DOTALL)
_ASKS = ("?", "\uff1f", "\u061f")


def steering_of(text: str, at: datetime) -> Steering:
    """Return what ``text`` asks: ``add: …`` or a question, ``drop: …``, or else an instruction.

    Raises:
        InvalidArgument: nothing to add or drop is named.
    """
    words = " ".join(text.split())
    order = _ORDER.fullmatch(words)
    if order is None:
        return Steering(kind="add" if words.endswith(_ASKS) else "instruction", text=words, at=at)
    named = order[2].strip()
    if not any(sign.isalnum() for sign in named):
        raise InvalidArgument(*wording.NOTHING_TO_STEER)
    return Steering(kind="add" if order[1].lower() == "add" else "drop", text=named, at=at)


async def steer(folders: Folders, job: Job, steering: Steering) -> int:
    """Write the instruction under the next free number, and return that.

    Numbers that the job has read are taken, so that only those that wait are tried.

    Raises:
        Unavailable: the folder cannot be written; nothing was asked.
    """
    found = await folders.read(job.folder, STEERING)
    receipts = decode(Receipts, found.data if found else None) or NOT_STEERED
    number = len(receipts.receipts) + 1
    while not await folders.create(job.folder, steering_name(number), encode(steering)):
        number += 1
    return number

"""Keeps secrets and bulk out of the step log."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_PAYLOAD = 4_096
"""Most bytes of the JSON of one payload."""

MAX_MESSAGE = 300
"""Most characters of the message of one step."""

JSON = bool | int | float | str | list[Any] | dict[str, Any] | None

HIDDEN = "[hidden]"

_SECRET_NAME = re.compile(
    r"token|passw|secret|authori[sz]ation|api[_-]?key|credential|cookie|private[_-]?key",
    re.IGNORECASE,
)
_COUNTS = frozenset({"tokens", "max_tokens", "total_tokens"})
_SECRET_VALUE = re.compile(
    r"\b(?:bearer|basic)\s+[\w.~+/=-]{8,}"
    r"|\b(?:sk|pk|rk)-[\w-]{16,}"
    r"|\bdapi[0-9a-f]{16,}(?:-\d)?"
    r"|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """Return ``text`` with what looks like a token, key or password hidden."""
    return _SECRET_VALUE.sub(HIDDEN, text)


def redact(payload: Mapping[str, Any]) -> dict[str, JSON]:
    """Return ``payload`` as plain JSON without secrets and at most ``MAX_PAYLOAD`` bytes long.

    Where it is too long, long texts are cut first; where that is not enough only its size and
    the names of its keys remain.
    """
    clean = _clean_all(payload, most=MAX_PAYLOAD)
    size = _size(clean)
    if size <= MAX_PAYLOAD:
        return clean
    shorter = _clean_all(payload, most=200)
    if _size(shorter) <= MAX_PAYLOAD:
        return {**shorter, "cut": True} if _size(shorter) < MAX_PAYLOAD - 20 else shorter
    return {"cut": True, "bytes": size, "keys": [str(key)[:40] for key in payload][:20]}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def _clean_all(payload: Mapping[Any, Any], *, most: int) -> dict[str, JSON]:
    return {
        str(key): HIDDEN if _is_secret(str(key)) else _clean(item, most=most)
        for key, item in payload.items()
    }


def _clean(value: object, *, most: int) -> JSON:
    if isinstance(value, Mapping):
        return _clean_all(value, most=most)
    if isinstance(value, str):
        return _cut(redact_text(value), most)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_clean(item, most=most) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _cut(redact_text(str(value)), most)


def _is_secret(name: str) -> bool:
    return name.lower() not in _COUNTS and bool(_SECRET_NAME.search(name))


def _cut(text: str, most: int) -> str:
    text = text.encode(errors="replace").decode()
    return text if len(text) <= most else text[: most - 1] + "…"

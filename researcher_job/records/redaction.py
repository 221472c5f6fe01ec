"""Removes secrets from step messages and payloads, and limits their size."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_PAYLOAD = 4_096
"""Most bytes of one payload as JSON."""

MAX_MESSAGE = 300
"""Most characters of the message of one step."""

JSON = bool | int | float | str | list[Any] | dict[str, Any] | None

HIDDEN = "[hidden]"

_SECRET_NAME = re.compile(
    r"token|passw|secret|authori[sz]ation|api[_-]?key|credential|cookie|private[_-]?key",
    re.IGNORECASE,
)
_TOKEN_COUNTS = frozenset({"tokens", "max_tokens", "total_tokens"})
_SECRET_VALUE = re.compile(
    r"\b(?:bearer|basic)\s+[\w.~+/=-]{8,}"
    r"|\b(?:sk|pk|rk)-[\w-]{16,}"
    r"|\bdapi[0-9a-f]{16,}(?:-\d)?"
    r"|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,4000}+\.[\w-]{8,}+\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """Return ``text`` with strings that look like tokens, keys or passwords hidden."""
    return _SECRET_VALUE.sub(HIDDEN, text)


def redact(payload: Mapping[str, Any]) -> dict[str, JSON]:
    """Return ``payload`` as plain JSON without secrets, at most ``MAX_PAYLOAD`` bytes long.

    If it is too long, long texts are shortened first. If that is not enough, only its size and its
    keys remain.
    """
    clean = _clean_mapping(payload, most=MAX_PAYLOAD)
    size = _json_bytes(clean)
    if size <= MAX_PAYLOAD:
        return clean
    shorter = _clean_mapping(payload, most=200)
    if _json_bytes(shorter) <= MAX_PAYLOAD:
        return {**shorter, "cut": True} if _json_bytes(shorter) < MAX_PAYLOAD - 20 else shorter
    return {"cut": True, "bytes": size, "keys": [str(key)[:40] for key in payload][:20]}


def _json_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def _clean_mapping(payload: Mapping[Any, Any], *, most: int) -> dict[str, JSON]:
    clean: dict[str, JSON] = {}
    for key, value in payload.items():
        name = str(key)
        secret = name.lower() not in _TOKEN_COUNTS and _SECRET_NAME.search(name)
        clean[name] = HIDDEN if secret else _clean(value, most=most)
    return clean


def _clean(value: object, *, most: int) -> JSON:
    """Return ``value`` as JSON without secrets, with each text at most ``most`` characters long."""
    if isinstance(value, Mapping):
        return _clean_mapping(value, most=most)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [_clean(item, most=most) for item in value]
    text = redact_text(str(value)).encode(errors="replace").decode()
    return text if len(text) <= most else text[: most - 1] + "…"

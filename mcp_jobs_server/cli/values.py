"""Values of options: numbers, ages and dates, with an error in words for others."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta


def integer(text: str, *, least: int, most: int, kind: str) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not {kind}")
    return int(text)


def days(text: str) -> int | None:
    """Return the number of days, or ``None`` for ``all``."""
    return None if text == "all" else integer(text, least=0, most=99999, kind="a number of days")


_AGE = re.compile(r"(\d{1,5}) ?(h|d|w)", re.ASCII)


def age(text: str) -> timedelta:
    match = _AGE.fullmatch(text)
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not an age; write 12h, 30d or 8w")
    return timedelta(hours=int(match[1]) * {"h": 1, "d": 24, "w": 168}[match[2]])


def seconds_to_wait(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number of seconds up to 3600")
    return seconds


def since(text: str) -> datetime:
    """Return the time in UTC of a date such as ``2026-01-31``, or of an age before now."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return datetime.now(UTC) - age(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"'{text[:20]}' is not an age or a date; write 30d or 2026-01-31"
        ) from None

"""How the time of a call grows with its text, in processor time of this process."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from time import process_time

SIZES = (10_000, 20_000, 40_000)
"""Characters of the texts that are compared."""

_FIRST = (*range(20, 300, 20), 300, 1_000, 3_000, SIZES[0])
"""Lengths that are tried first, so that a call which never ends is found early."""

_TOO_SHORT = 0.004
"""Seconds for the shortest text: what is faster is not measured further. A program that took a
nanosecond for each pair of characters would need 0.1 s."""

_TOO_LONG = 1.0
"""Seconds for any of the lengths that are tried first."""

_MOST = 9.0
"""How much longer four times the text may take; the square of the length gives 16."""

_TRIES = 6


def is_linear(call: Callable[[str], object], text: Callable[[int], str]) -> bool:
    """Return whether ``call`` takes at most proportionally longer for longer texts.

    ``text`` returns a text of about the given length. Of several tries the shortest time counts,
    since a busy machine makes them longer.
    """
    for size in _FIRST:
        if (taken := _seconds(call, text(size))) > _TOO_LONG:
            return False
    if taken < _TOO_SHORT:
        return True
    least = [math.inf] * len(SIZES)
    for _ in range(_TRIES):
        least = [min(t, _seconds(call, text(size))) for t, size in zip(least, SIZES, strict=True)]
        if least[-1] <= _MOST * least[0]:
            return True
    return False


def _seconds(call: Callable[[str], object], text: str) -> float:
    """Return the processor time of one call, without collecting garbage of the whole process."""
    gc.disable()
    try:
        begun = process_time()
        call(text)
        return process_time() - begun
    finally:
        gc.enable()

"""The clock of a job, which tests can replace so that they need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial


@dataclass(frozen=True)
class Clock:
    """``now`` returns the UTC time for records, ``monotonic`` the seconds to measure durations."""

    now: Callable[[], datetime] = field(default=partial(datetime.now, UTC))
    monotonic: Callable[[], float] = time.monotonic

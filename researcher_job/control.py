"""What was asked of a job while it runs: control files in its folder and signals."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Literal

from researcher_job import contract

Asked = Literal["stop", "finish_now"]


class Control:
    """Tells what was asked of the job in the folder ``root``. A stop overrides a finish-now."""

    def __init__(self, root: Path) -> None:
        self._stop = root / contract.STOP
        self._finish_now = root / contract.FINISH_NOW
        self._signalled = False

    def asked(self) -> Asked | None:
        """Look now: two file look-ups."""
        if self._signalled or self._stop.exists():
            return "stop"
        return "finish_now" if self._finish_now.exists() else None

    def obey_signals(self) -> None:
        """Treat SIGTERM and SIGINT as a stop from now on. To be called in the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True

"""What was asked of a job while it runs: control files in its folder and signals."""

from __future__ import annotations

import signal
import threading
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Literal

from research_contract import records

Requested = Literal["stop", "finish_now"]

_STOP, _FINISH_NOW = PurePosixPath(records.STOP), PurePosixPath(records.FINISH_NOW)


class Control:
    """Tells what was asked of the job in the folder ``root``. A stop overrides a finish-now.

    ``signalled``: a signal asked for a stop, whatever stands in the folder.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / _STOP.parent
        self.signal_received = False

    def requested(self) -> Requested | None:
        """Return what the folder says: one listing, since a mount may remember what was missing.

        A listing that fails says nothing; the next one is soon.
        """
        try:
            there = {path.name for path in self._folder.iterdir()}
        except OSError:
            return None
        if _STOP.name in there:
            return "stop"
        return "finish_now" if _FINISH_NOW.name in there else None

    def obey_signals(self) -> None:
        """Treat SIGTERM and SIGINT as a stop from now on; in the main thread only they arrive."""
        if threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signal_received = True

"""Requests to a running job: control files in its folder, and signals."""

from __future__ import annotations

import signal
import threading
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Literal

from research_contract import records
from research_contract.files import decode, read_whole
from research_contract.records import LeftOut
from research_contract.steering import Steering, steering_name

ControlRequest = Literal["stop", "finish_now"]

_STOP, _FINISH_NOW = PurePosixPath(records.STOP), PurePosixPath(records.FINISH_NOW)
_LEFT_OUT = PurePosixPath(records.LEFT_OUT)


class Control:
    """Reads requests to stop or finish the job in the folder ``root``.

    ``signal_received``: a signal requested a stop, independent of the control files.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / _STOP.parent
        self.signal_received = False

    def requested(self) -> ControlRequest | None:
        """Return the request in the control folder; ``stop`` overrides ``finish_now``.

        The folder is listed, because a mount may cache that a single file was missing. A listing
        that fails returns ``None``; the next check follows soon.
        """
        try:
            names = {path.name for path in self._folder.iterdir()}
        except OSError:
            return None
        if _STOP.name in names:
            return "stop"
        return "finish_now" if _FINISH_NOW.name in names else None

    def left_out(self) -> tuple[str, ...]:
        """Return the names of the sources that the server told this job not to read any more.

        Raises:
            NewerFormat: a newer version wrote the file.
        """
        found = decode(LeftOut, read_whole(self._folder / _LEFT_OUT.name))
        return found.sources if found else ()

    def steered(self, after: int) -> list[Steering | None]:
        """Return the instructions behind number ``after``, in order; ``None``: a damaged file.

        The folder is listed, as in ``requested``. What cannot be read now is left for the next
        check.
        """
        found: list[Steering | None] = []
        try:
            names = {path.name for path in (self._root / records.STEER).iterdir()}
            while (path := self._root / steering_name(after + len(found) + 1)).name in names:
                found.append(decode(Steering, read_whole(path)))
        except OSError:
            pass
        return found

    def handle_signals(self) -> None:
        """Treat SIGTERM and SIGINT as a stop request; signals reach the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signal_received = True

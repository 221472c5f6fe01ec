"""The launcher: starts the command it is given and exits at once, so that it is nobody's child.

It runs as a file of its own, without site packages, and imports nothing of this project: it is
gone in milliseconds. Exit code 3: started, but what it started ends with the client.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in typing, whose import takes longer than all else here
if TYPE_CHECKING:
    from collections.abc import Callable

DETACHED = 0x00000008 | 0x00000200
"""Windows: DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP; no console, and no Ctrl+C of the client's.
https://learn.microsoft.com/windows/win32/procthread/process-creation-flags"""

BREAKAWAY = 0x01000000
"""Windows: CREATE_BREAKAWAY_FROM_JOB; refused (access denied) where the job object forbids it.
https://learn.microsoft.com/windows/win32/procthread/job-objects"""


def leave_session(command: list[str]) -> int:
    """Start ``command`` in a session of its own (POSIX)."""
    if sys.platform != "win32" and os.fork() == 0:
        os.setsid()
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    return 0


def leave_job_object(command: list[str], start: Callable[..., object]) -> int:
    """Start ``command`` outside the client's job object, which kills all in it when the client
    ends (Windows); ``start`` is ``subprocess.Popen``."""
    try:
        start(command, creationflags=DETACHED | BREAKAWAY)
    except PermissionError:
        start(command, creationflags=DETACHED)
        return 3
    return 0


if __name__ == "__main__":
    if sys.platform == "win32":
        from subprocess import Popen

        sys.exit(leave_job_object(sys.argv[1:], Popen))
    else:
        sys.exit(leave_session(sys.argv[1:]))

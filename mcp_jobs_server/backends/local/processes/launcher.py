"""The launcher process: starts a command and exits at once, so that the command has no parent.

It runs as a script, without site packages, and imports nothing of this project, so it ends within
milliseconds. Exit code 3: the command was started, but it ends with the client.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in typing, whose import takes longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Callable

DETACHED = 0x00000008 | 0x00000200
"""Windows: DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP. No console, and no Ctrl+C of the client's.
https://learn.microsoft.com/windows/win32/procthread/process-creation-flags"""

BREAKAWAY = 0x01000000
"""Windows: CREATE_BREAKAWAY_FROM_JOB. Refused (access denied) if the job object forbids it.
https://learn.microsoft.com/windows/win32/procthread/job-objects"""


def leave_job_object(command: list[str], start: Callable[..., object]) -> int:
    """Start ``command`` outside the client's job object (Windows).

    A job object kills all its processes when the client ends. ``start`` is ``subprocess.Popen``.
    """
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
        command = sys.argv[1:]
        if sys.platform != "win32" and os.fork() == 0:
            os.setsid()
            os.execv(command[0], command)  # noqa: S606 - no shell is wanted
        sys.exit(0)

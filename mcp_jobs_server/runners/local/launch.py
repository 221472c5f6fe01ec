"""The launcher: starts the command it is given and exits at once, so that it is nobody's child.

It runs as a file of its own, without site packages, and imports nothing of this project: it is
gone in milliseconds. Exit code 3: started, but what it started ends with the client.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import subprocess

    def main(command: list[str]) -> int:
        """Leave the client's job object, which kills all in it when the client ends."""
        detached = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        try:
            subprocess.Popen(command, creationflags=detached | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:
            subprocess.Popen(command, creationflags=detached)
            return 3
        return 0

else:

    def main(command: list[str]) -> int:
        if os.fork() == 0:
            os.setsid()
            os.execv(command[0], command)  # noqa: S606 - no shell is wanted
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

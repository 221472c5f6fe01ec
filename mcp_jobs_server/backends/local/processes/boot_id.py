"""The id of the current boot of the machine, which tells restarts from deaths of jobs."""

from __future__ import annotations

import subprocess
from pathlib import Path

LINUX = Path("/proc/sys/kernel/random/boot_id")
"""A random id of the boot (https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html)."""

MACOS = Path("/usr/sbin/sysctl")
_PRECISION_SECONDS = 600
"""The time of the boot changes a little when clocks are set, so it is rounded to this."""


def boot_id(*, linux: Path = LINUX, macos: Path = MACOS) -> str:
    """Return an id that changes with each boot; "" if it cannot be read.

    It only decides whether a death is charged. Locks tell whether a process is alive.
    """
    try:
        if linux.exists():
            return linux.read_text(encoding="ascii").strip()
        if macos.exists():
            command = (str(macos), "-n", "kern.bootsessionuuid")
            return subprocess.check_output(command, text=True, timeout=5).strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    import psutil

    return str(round(psutil.boot_time() / _PRECISION_SECONDS))

"""Which boot of the machine this is, so that what a restart ended is told from what died."""

from __future__ import annotations

import subprocess
from pathlib import Path

LINUX = Path("/proc/sys/kernel/random/boot_id")
"""A random id of the boot (https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html)."""

MACOS = Path("/usr/sbin/sysctl")
_CLOCK_SECONDS = 600
"""Where only the time of the boot is known, clocks that are set and rounding change it a little."""


def boot_id(*, linux: Path = LINUX, macos: Path = MACOS) -> str:
    """Return an id that changes with each boot; "" where it cannot be read.

    Nothing but a charge depends on it: whether a process lives is told by its lock.
    """
    try:
        if linux.exists():
            return linux.read_text(encoding="ascii").strip()
        if macos.exists():
            command = (str(macos), "-n", "kern.bootsessionuuid")
            return subprocess.check_output(command, text=True, timeout=5).strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return _time_of_boot()


def _time_of_boot() -> str:
    import psutil

    return str(round(psutil.boot_time() / _CLOCK_SECONDS))

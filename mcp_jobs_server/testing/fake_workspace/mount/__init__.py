"""Shows a process ``/Volumes`` as a serverless task sees it: as a mount with limits.

Files that Python opens below ``/Volumes`` are opened below another directory. As on the real
mount, files there cannot be appended to, changed in place, renamed, linked or locked, and a file
becomes visible, complete, when it is closed. Libraries that open files in C (SQLite) do not see
this mount; a job keeps such files on its own disk.

This package is loaded into every Python process of a job before the job's own code, under another
name. It therefore imports only the standard library, and itself by relative names.
"""

from __future__ import annotations

from .delayed_changes import DelayedChanges
from .open_files import patch_open
from .os_functions import patch_os
from .volumes import MountedVolumes

__all__ = ["DelayedChanges", "MountedVolumes", "attach"]


def attach(configuration: str) -> None:
    """Mount the volumes of ``configuration`` (``MountedVolumes.to_json``) in this process."""
    volumes = MountedVolumes.from_json(configuration)
    patch_open(volumes)
    patch_os(volumes)

"""What of a process's environment a job can notice, and which of it is secret."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

_SESSION = re.compile(
    r"_|COLUMNS|COLORTERM|DBUS_.*|DESKTOP_.*|DISPLAY|GPG_.*|INVOCATION_ID|JOURNAL_STREAM|LINES"
    r"|LS_COLORS|MCP_JOBS_.*|NO_COLOR|OLDPWD|PS1|PWD|PYTEST_.*|PYTHONPATH|SECURITYSESSIONID|SHLVL|SSH_.*|STY"
    r"|SYSTEMD_.*|TERM|TERM_.*|TMUX.*|VSCODE_.*|VTE_VERSION|WAYLAND_.*|WINDOWID|WT_.*|XDG_SESSION.*"
    r"|XPC_.*|.*_(?:SESSION|TRACE|WINDOW)_ID"
)
"""Variables that tell one window or session from the next and mean nothing to a job. Settings and
the place of the installation are told apart by themselves."""

_SECRET = re.compile(r"(?:.*_)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_.*)?", re.I)


def noticed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a job can notice."""
    return {name: text for name, text in environ.items() if not _SESSION.fullmatch(name)}


def digest(environ: Mapping[str, str]) -> str:
    """Return a hash of what a job can notice: it tells surroundings apart and reveals none."""
    said = "\0".join(f"{name}={text}" for name, text in sorted(noticed(environ).items()))
    return hashlib.sha256(said.encode(errors="surrogateescape")).hexdigest()


def secret_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names, never the values, of the variables that look like secrets."""
    return tuple(sorted(name for name in noticed(environ) if _SECRET.fullmatch(name)))

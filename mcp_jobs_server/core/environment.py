"""Environment variables that affect a job, and those that look like secrets."""

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
"""Variables that differ between windows or sessions and do not affect a job. Settings
(``MCP_JOBS_*``) and the place of the installation are compared separately, by ``Settings.profile``.
"""

_SECRET = re.compile(r"(?:.*_)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_.*)?", re.I)


def relevant_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that can affect a job."""
    return {name: value for name, value in environ.items() if not _SESSION.fullmatch(name)}


def digest(environ: Mapping[str, str]) -> str:
    """Return a hash that identifies the relevant variables and reveals no value."""
    text = "\0".join(
        f"{name}={value}" for name, value in sorted(relevant_variables(environ).items())
    )
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def secret_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names, never the values, of the variables that look like secrets."""
    return tuple(sorted(name for name in relevant_variables(environ) if _SECRET.fullmatch(name)))

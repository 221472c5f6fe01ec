"""What to paste into a client's configuration so that it starts this server."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

NAME = "research"
"""Name of the server in a client: some limit server and tool together to 60 characters."""


@dataclass(frozen=True)
class Launch:
    """How a client starts the server: a whole command path (clients often have no ``PATH``)."""

    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        return {"command": self.command, "args": list(self.args), "env": dict(self.env)}


@dataclass(frozen=True)
class Instruction:
    """Where the text goes, and the text."""

    client: str
    place: str
    text: str


def launch(
    *, sources: Sequence[str] = (), data_dir: Path | None = None, config: Path | None = None
) -> Launch:
    """Return how this very installation is started as a server.

    ``sources`` are folders, absolute or ``NAME=DIR``; ``data_dir`` and ``config`` are named
    only where they are not the default.
    """
    env = {"PYTHONUNBUFFERED": "1"}
    if data_dir:
        env["MCP_JOBS_DATA_DIR"] = str(data_dir)
    if config:
        env["MCP_JOBS_CONFIG"] = str(config)
    named = [word for source in sources for word in ("--source", source)]
    command, *args = _command()
    return Launch(command, (*args, "serve", *named), env)


def command_line(*words: str) -> str:
    """Return a command of this installation, ready to paste into a shell."""
    return _shell([*_command(), *words])


def _command() -> list[str]:
    """Return the installed command beside the interpreter, or else the interpreter with ``-m``."""
    beside = Path(sys.executable).parent
    for name in ("mcp-jobs-server", "mcp-jobs-server.exe"):
        if (beside / name).exists():
            return [str(beside / name)]
    return [sys.executable, "-m", "mcp_jobs_server"]


def instructions(client: str, launch: Launch) -> Sequence[Instruction]:
    """Return what to paste for one of ``CLIENTS``."""
    return CLIENTS[client](launch)


def _claude_desktop(launch: Launch) -> Sequence[Instruction]:
    place = (
        "claude_desktop_config.json (Settings > Developer > Edit Config;"
        " macOS: ~/Library/Application Support/Claude/, Windows: %APPDATA%\\Claude\\)"
    )
    return (Instruction("Claude Desktop", place, _json({"mcpServers": {NAME: launch.fields()}})),)


def _cursor(launch: Launch) -> Sequence[Instruction]:
    config = base64.b64encode(json.dumps(launch.fields()).encode()).decode()
    link = "cursor://anysphere.cursor-deeplink/mcp/install?" + urlencode(
        {"name": NAME, "config": config}
    )
    place = "~/.cursor/mcp.json, or .cursor/mcp.json in a project"
    return (
        Instruction("Cursor", place, _json({"mcpServers": {NAME: launch.fields()}})),
        Instruction("Cursor", "or open this link", link),
    )


def _vscode(launch: Launch) -> Sequence[Instruction]:
    servers = {"servers": {NAME: {"type": "stdio", **launch.fields()}}}
    added = json.dumps({"name": NAME, **launch.fields()})
    return (
        Instruction("VS Code", ".vscode/mcp.json, or the user's mcp.json", _json(servers)),
        Instruction("VS Code", "or run", _shell(["code", "--add-mcp", added])),
    )


def _claude_code(launch: Launch) -> Sequence[Instruction]:
    env = [word for name, value in launch.env.items() for word in ("--env", f"{name}={value}")]
    command = ["claude", "mcp", "add", NAME, *env, "--", launch.command, *launch.args]
    return (Instruction("Claude Code", "run", _shell(command)),)


CLIENTS: Mapping[str, Callable[[Launch], Sequence[Instruction]]] = {
    "claude-desktop": _claude_desktop,
    "cursor": _cursor,
    "vscode": _vscode,
    "claude-code": _claude_code,
}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _shell(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)

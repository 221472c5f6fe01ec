"""Configuration snippets for MCP clients, so that they start this server."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

NAME = "research"
"""Name of the server in a client. Some clients limit server and tool name to 60 characters."""

CLIENTS = ("claude-desktop", "cursor", "vscode", "claude-code", "other")


@dataclass(frozen=True)
class ServerCommand:
    """How a client starts the server: by the full path, since clients often have no ``PATH``."""

    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        return {"command": self.command, "args": list(self.args), "env": dict(self.env)}


@dataclass(frozen=True)
class Instruction:
    """A text to paste, and the place to paste it into."""

    client: str
    place: str
    text: str


def server_command(
    *, sources: Sequence[str] = (), data_dir: Path | None = None, config: Path | None = None
) -> ServerCommand:
    """Return the command that starts this installation as a server.

    ``sources`` are folders: absolute paths or ``NAME=DIR``. ``data_dir`` and ``config`` are passed
    only if they are not the default.
    """
    env = {"PYTHONUNBUFFERED": "1"}
    if data_dir:
        env["MCP_JOBS_DATA_DIR"] = str(data_dir)
    if config:
        env["MCP_JOBS_CONFIG"] = str(config)
    options = [word for source in sources for word in ("--source", source)]
    command, *args = _command()
    return ServerCommand(command, (*args, "serve", *options), env)


def command_line(*words: str) -> str:
    """Return a command of this installation, ready to paste into a shell."""
    return _quote([*_command(), *words])


def instructions(client: str, server: ServerCommand) -> Sequence[Instruction]:
    """Return the texts to paste for one of ``CLIENTS``."""
    fields = server.fields()
    mcp_servers = _json({"mcpServers": {NAME: fields}})
    match client:
        case "claude-desktop":
            place = (
                "claude_desktop_config.json (Settings > Developer > Edit Config;"
                " macOS: ~/Library/Application Support/Claude/, Windows: %APPDATA%\\Claude\\)"
            )
            return (Instruction("Claude Desktop", place, mcp_servers),)
        case "cursor":
            config = base64.b64encode(json.dumps(fields).encode()).decode()
            query = urlencode({"name": NAME, "config": config})
            link = f"cursor://anysphere.cursor-deeplink/mcp/install?{query}"
            place = "~/.cursor/mcp.json, or .cursor/mcp.json in a project"
            return (
                Instruction("Cursor", place, mcp_servers),
                Instruction("Cursor", "or open this link", link),
            )
        case "vscode":
            servers = _json({"servers": {NAME: {"type": "stdio", **fields}}})
            command = ["code", "--add-mcp", json.dumps({"name": NAME, **fields})]
            return (
                Instruction("VS Code", ".vscode/mcp.json, or the user's mcp.json", servers),
                Instruction("VS Code", "or run", _quote(command)),
            )
        case "claude-code":
            env = [word for item in server.env.items() for word in ("--env", "=".join(item))]
            command = ["claude", "mcp", "add", NAME, *env, "--", server.command, *server.args]
            return (Instruction("Claude Code", "run", _quote(command)),)
        case _:
            started = ["-m", "mcp_jobs_server", *server.args[server.args.index("serve") :]]
            known = {**fields, "command": sys.executable, "args": started}
            place = "for those that refuse commands they do not know and accept python"
            return (Instruction("Other clients", place, _json({"mcpServers": {NAME: known}})),)


def _command() -> list[str]:
    """Return the script next to the interpreter if it exists, or the interpreter with ``-m``."""
    folder = Path(sys.executable).parent
    for name in ("mcp-jobs-server", "mcp-jobs-server.exe"):
        if (folder / name).exists():
            return [str(folder / name)]
    return [sys.executable, "-m", "mcp_jobs_server"]


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _quote(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)

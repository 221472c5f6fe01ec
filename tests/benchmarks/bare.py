"""The floor: an SDK server with one tool that does nothing."""

import socket
import sys
from typing import Annotated

import uvicorn
from mcp.server import MCPServer
from pydantic import Field

server = MCPServer("bare", log_level="WARNING")


@server.tool()
async def echo(text: Annotated[str, Field(description="Anything.")] = "") -> dict[str, str]:
    """Return what was said."""
    return {"text": text}


def main() -> None:
    """Serve over stdio, or over HTTP on the port that was passed."""
    if len(sys.argv) < 2:
        server.run()
        return
    app = server.streamable_http_app(stateless_http=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()

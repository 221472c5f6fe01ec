"""``make smoke``: checks this machine, then runs a small job from the question to its proof.

It needs no more than the installed packages, so it runs wherever they can be installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

QUESTION = "How much water does pump 7 move a minute?"
ANSWER = "Pump 7 moves 21 litres of water a minute."
SERVER = (sys.executable, "-m", "mcp_jobs_server")


def main() -> int:
    """Run it in a folder of its own; 0: everything worked."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        documents = root / "documents"
        documents.mkdir()
        (documents / "pumps.md").write_text(f"# Pump 7\n\n{ANSWER}\n", encoding="utf-8")
        environ = {
            **{name: text for name, text in os.environ.items() if not name.startswith("MCP_JOBS")},
            "MCP_JOBS_DATA_DIR": str(root / "data"),
            "PYTHONUTF8": "1",
        }
        try:
            return _run(documents, environ)
        finally:
            for stopped in (environ, {**environ, "MCP_JOBS_DATA_DIR": str(root / "data" / "demo")}):
                subprocess.run([*SERVER, "stop"], env=stopped, check=False)


def _run(documents: Path, environ: dict[str, str]) -> int:
    demo = (sys.executable, "-m", "mcp_jobs_server.demo", QUESTION, str(documents))
    for command in ((*SERVER, "doctor"), demo):
        print("$", *command[1:], flush=True)
        done = subprocess.run(
            command, env=environ, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False
        )
        sys.stdout.buffer.write(done.stdout.encode())
        if done.returncode != 0:
            print(f"failed with exit code {done.returncode}", file=sys.stderr)
            return 1
    if ANSWER not in done.stdout:
        print("the report does not hold the answer", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Forwarder: servers of the last release start the runner through this file, by its path."""

import runpy
from pathlib import Path

if __name__ == "__main__":
    launcher = Path(__file__).parents[2] / "backends/local/processes/launcher.py"
    runpy.run_path(str(launcher), run_name="__main__")

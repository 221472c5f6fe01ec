"""The small model in a process of its own, for tests and ``make demo-model``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.repository import ROOT

PYTHON = "SMALL_MODEL_PYTHON"
"""The variable that names the interpreter of the environment with the model: make sets it."""


def missing() -> str:
    """Return why the model cannot be served here; "" if it can."""
    python = os.environ.get(PYTHON, "")
    if python and (ROOT / python).exists():
        return ""
    return "the small model is not installed: make test installs it, or make .venv-llm/.made"


@contextmanager
def small_model() -> Iterator[str]:
    """Yield the base URL of the model until the block ends."""
    command = [str(ROOT / os.environ[PYTHON]), str(Path(__file__).with_name("serve.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin and process.stdout
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the small model did not start")
            yield url
        finally:
            process.stdin.close()
            process.wait(30)


def configuration(url: str, *, output_tokens: int) -> str:
    """Return the text of a ``research.toml`` whose jobs use the model at ``url``."""
    return f"""\
[model]
name = "openai:smollm2"
base_url = "{url}"
context_tokens = 4000
output_tokens = {output_tokens}
input_price = 0
output_price = 0
concurrency = 1
timeout_seconds = 180
"""

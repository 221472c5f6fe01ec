"""Swaps a folder for a link, in the middle of everything."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAM = """
    import os, shutil, sys
    folder, target = sys.argv[1:]

    def put(name):
        while True:
            try:
                return os.rename(name, folder)
            except OSError:  # somebody made the folder anew meanwhile
                shutil.rmtree(folder, ignore_errors=True)

    os.symlink(target, folder + "-link")
    print("ready", flush=True)
    while True:
        os.rename(folder, folder + "-moved")
        put(folder + "-link")
        os.rename(folder, folder + "-link")
        put(folder + "-moved")
"""


@contextmanager
def swapping(folder: Path, target: Path) -> Iterator[None]:
    """Swap ``folder`` for a link to ``target`` and back in another process, without a pause."""
    program = [sys.executable, "-c", textwrap.dedent(_PROGRAM), str(folder), str(target)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()

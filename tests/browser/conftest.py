"""The browser that these tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, find_chromium, running
from tests.browser.sample import HOSTILE, sample_folder

REQUIRED = "CHROMIUM_REQUIRED"
"""Set where a browser must be there, as on the build machine: without one the tests then fail."""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        assert REQUIRED not in os.environ, "There is no Chromium on this machine."
        pytest.skip("There is no Chromium on this machine: install the package chromium.")
    with running(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a job over hostile and ordinary documents."""
    return sample_folder(tmp_path_factory.mktemp("sample"), HOSTILE) / "report.html"

"""Makes the pictures of the report in docs/images: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.browser.chromium import Chromium, Page, find_chromium, running
from tests.browser.sample import sample_folder
from tests.repository import ROOT

IMAGES = ROOT / "docs" / "images"


def light(page: Page) -> None:
    page.click(".answer .cite")


def dark(page: Page) -> None:
    page.colours("dark")
    page.evaluate("document.querySelector('#q1').scrollIntoView()")
    page.click("#f2 .cite")


def narrow(page: Page) -> None:
    page.size(width=390, height=780)
    page.click(".answer .cite")


PICTURES: dict[str, Callable[[Page], None]] = {
    "report-light": light,
    "report-dark": dark,
    "report-narrow": narrow,
}


def take(browser: Chromium, report: Path, into: Path) -> None:
    """Write one picture for each state of the page."""
    into.mkdir(parents=True, exist_ok=True)
    for name, prepare in PICTURES.items():
        page = browser.page(width=1240, height=640)
        page.colours("light")
        page.open(report)
        prepare(page)
        (into / f"{name}.png").write_bytes(page.screenshot())
        print(into / f"{name}.png")


def main() -> int:
    program = find_chromium()
    if program is None:
        print("There is no Chromium on this machine: install the package chromium.")
        return 1
    with tempfile.TemporaryDirectory() as place:
        report = sample_folder(Path(place)) / "report.html"
        with running(program, Path(place) / "profile") as browser:
            take(browser, report, IMAGES)
    return 0


if __name__ == "__main__":
    sys.exit(main())

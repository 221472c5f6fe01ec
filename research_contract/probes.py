"""The result of a probe: what jobs need, checked with the identity of a job."""

from __future__ import annotations

from pydantic import AwareDatetime

from research_contract.records import FORMAT_VERSION, Record

LANGUAGE_MODELS = "language models"
"""The name of the check of the table ``[model]``."""


class Checked(Record):
    """One check of a probe and its duration in seconds. ``said`` holds no text of a source."""

    name: str
    ok: bool
    said: str
    seconds: float


class Probed(Record):
    """``probe.json``: checks of what jobs need, made with the identity of the job.

    ``started_seconds`` is the time from the start of the process to the first check.
    """

    format_version: int = FORMAT_VERSION
    run_id: str = ""
    started_seconds: float
    checks: tuple[Checked, ...]
    at: AwareDatetime

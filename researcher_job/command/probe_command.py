"""``--probe``: where it tests, and how the result is shown or kept."""

from __future__ import annotations

import argparse
from pathlib import Path

from research_contract import records
from research_contract.configuration import Configuration
from research_contract.files import encode
from research_contract.records import Probed
from researcher_job.command.policy import load_configuration
from researcher_job.command.probe import probe
from researcher_job.core.errors import ExitCode
from researcher_job.core.settings import JobSettings
from researcher_job.records.storage import storage_of


def run_probe(options: argparse.Namespace) -> Probed:
    """Test, and write the result into the folder where one is named.

    Raises:
        RequestRefused: the configuration cannot be used.
        OSError: the result cannot be written.
    """
    configuration = load_configuration(options.config) if options.config else Configuration()
    JobSettings(cache_dir=Path()).set_by(configuration.researcher)  # what is wrong there is said
    folder: Path | None = options.folder.absolute() if options.folder else None
    place = folder or _volume_of(configuration)
    storage = storage_of(place or Path(), options.storage)
    result = probe(configuration, place, storage, run_id=options.run_id or "")
    if folder:
        storage.write(folder / records.PROBED, encode(result))
    return result


def show(result: Probed, *, as_json: bool) -> int:
    """Print the result; the exit code says whether all is well."""
    if as_json:
        print(result.model_dump_json(indent=2))  # noqa: T201 - the command's own output
    else:
        _print_table(result)
    return ExitCode.DONE if all(check.ok for check in result.checks) else ExitCode.FAILED


def _print_table(result: Probed) -> None:
    width = max((len(check.name) for check in result.checks), default=0)
    print(f"{result.started_seconds:.1f} s from the start of the process")  # noqa: T201 - as above
    for check in result.checks:
        state = "ok    " if check.ok else "FAILED"
        print(f"{state} {check.name:{width}}  {check.said} ({check.seconds:.1f} s)")  # noqa: T201 - as above
    if not result.checks:
        print("Nothing is configured, so nothing was tested.")  # noqa: T201 - as above


def _volume_of(configuration: Configuration) -> Path | None:
    """Return the volume that the file names for the server: the environment may name another."""
    named = configuration.server.get("volume")
    return Path(named) if isinstance(named, str) and named.startswith("/Volumes/") else None

"""``--probe``: where the probe tests, and how its result is stored or printed."""

from __future__ import annotations

import argparse
from pathlib import Path

from research_contract import records
from research_contract.configuration import Configuration
from research_contract.files import encode
from research_contract.probes import Probed
from researcher_job.command.policy import load_configuration
from researcher_job.command.probe import probe
from researcher_job.core.errors import ExitCode
from researcher_job.core.settings import JobSettings
from researcher_job.records.storage import storage_of


def run_probe(options: argparse.Namespace) -> Probed:
    """Run the probe, and write the result into ``--folder`` if that is given.

    Without ``--folder``, the volume that the configuration names for the server is tested.

    Raises:
        RequestRefused: the configuration is invalid.
        OSError: the result cannot be written.
    """
    configuration = load_configuration(options.config) if options.config else Configuration()
    JobSettings(cache_dir=Path()).with_configuration(configuration.researcher)  # validates it
    folder: Path | None = options.folder.absolute() if options.folder else None
    place, volume = folder, configuration.server.get("volume")
    if not folder and isinstance(volume, str) and volume.startswith("/Volumes/"):
        place = Path(volume)  # the environment of the server may name another volume
    storage = storage_of(place or Path(), options.storage)
    result = probe(configuration, place, storage, run_id=options.run_id or "")
    if folder:
        storage.write(folder / records.PROBED, encode(result))
    return result


def show(result: Probed, *, as_json: bool) -> int:
    """Print the result and return the exit code: 0 if all tests passed, else 1."""
    if as_json:
        print(result.model_dump_json(indent=2))  # noqa: T201 - the command's own output
    else:
        width = max((len(check.name) for check in result.checks), default=0)
        startup = f"{result.started_seconds:.1f} s from the start of the process"
        print(startup)  # noqa: T201 - as above
        for check in result.checks:
            state = "ok    " if check.ok else "FAILED"
            print(f"{state} {check.name:{width}}  {check.said} ({check.seconds:.1f} s)")  # noqa: T201 - as above
        if not result.checks:
            print("Nothing is configured, so nothing was tested.")  # noqa: T201 - as above
    return ExitCode.DONE if all(check.ok for check in result.checks) else ExitCode.FAILED

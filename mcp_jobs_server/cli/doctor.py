"""``doctor``: checks what jobs need, shows what is in force, says what to do."""

from __future__ import annotations

import argparse

from mcp_jobs_server import __version__
from mcp_jobs_server.cli.output import print_json, print_line, print_table
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.operations.local_checks import Check, local_checks


def doctor(args: argparse.Namespace) -> int:
    """Print every check; 1 if something is broken."""
    settings = load_settings()
    done = local_checks(settings)
    if settings.backend == "lakeflow":
        done += _of_workspace(settings, args)
    broken = [check for check in done if check.state == "broken"]
    if args.json:
        shown = [check.fields() for check in done]
        print_json({"version": __version__, "ok": not broken, "checks": shown})
        return 1 if broken else 0
    print_table(("check", "state", "what was found"), [_row(check) for check in done])
    for check in done:
        if check.advice:
            print_line(f"{check.name}: {check.advice}")
    print_line(
        "Everything works." if not broken else f"{len(broken)} of {len(done)} checks failed."
    )
    return 1 if broken else 0


def _of_workspace(settings: Settings, args: argparse.Namespace) -> list[Check]:
    import anyio

    from mcp_jobs_server.operations.setup.doctor import DoctorOptions, workspace_checks

    return anyio.run(
        workspace_checks, settings, DoctorOptions(app=args.app, run=not args.without_run)
    )


def _row(check: Check) -> tuple[str, ...]:
    return (check.name, check.state, check.found)

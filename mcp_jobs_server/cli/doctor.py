"""``doctor``: checks what jobs need, prints the settings and how to fix what is broken."""

from __future__ import annotations

import argparse

from mcp_jobs_server import __version__
from mcp_jobs_server.cli.output import print_checks, print_json, print_line
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.operations.local_checks import local_checks


def doctor(args: argparse.Namespace) -> int:
    """Print every check; return 1 if something is broken."""
    settings = load_settings()
    checks = local_checks(settings)
    if settings.backend == "lakeflow":
        import anyio

        from mcp_jobs_server.operations.setup.doctor import DoctorOptions, workspace_checks

        options = DoctorOptions(app=args.app, run=not args.without_run)
        checks += anyio.run(workspace_checks, settings, options)
    broken = [check for check in checks if check.state == "broken"]
    if args.json:
        fields = [check.fields() for check in checks]
        print_json({"version": __version__, "ok": not broken, "checks": fields})
    else:
        print_checks(checks)
        summary = f"{len(broken)} of {len(checks)} checks failed."
        print_line(summary if broken else "Everything works.")
    return 1 if broken else 0

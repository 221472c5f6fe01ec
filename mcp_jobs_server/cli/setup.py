"""``setup``: checks a workspace, prints the changes it needs, and makes them on request."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import anyio

from mcp_jobs_server.cli.output import print_checks, print_json, print_line
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.setup.apply import StepResult, apply
from mcp_jobs_server.operations.setup.inventory import take_inventory
from mcp_jobs_server.operations.setup.plan import SHARED_CONSEQUENCE, Step, plan
from mcp_jobs_server.operations.setup.target import Client, Target
from mcp_jobs_server.operations.setup.validate import validate

_NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")
_MAX_SECRET_LENGTH = 10_000


def setup(args: argparse.Namespace) -> int:
    """Print checks, and the plan or its results; return 1 if something is broken or failed."""
    target = _target(args)
    checks, steps, results = anyio.run(_run, target, args.apply)
    if args.json:
        print_json(
            {
                "checks": [check.fields() for check in checks],
                "plan": [{"step": step.description, "lacks": step.lacks} for step in steps],
                "applied": [
                    {
                        "step": result.step.description,
                        "state": result.state,
                        "reason": result.reason,
                    }
                    for result in results
                ],
            }
        )
    else:
        print_checks(checks)
        if target.shared:
            print_line(f"With --shared-credentials {SHARED_CONSEQUENCE}.")
        _print_steps(steps, results, applied=args.apply)
    broken = any(check.state == "broken" for check in checks)
    return 1 if broken or any(result.state != "done" for result in results) else 0


async def _run(
    target: Target,
    apply_plan: bool,  # noqa: FBT001
) -> tuple[list[Check], list[Step], list[StepResult]]:
    from mcp_jobs_server.databricks.workspace import Workspace

    workspace = Workspace.from_environment()
    inventory = await take_inventory(workspace, target)
    steps = plan(target, inventory)
    results = await apply(workspace, steps) if apply_plan else []
    return validate(target, inventory), steps, results


def _target(args: argparse.Namespace) -> Target:
    settings = load_settings()
    volume = settings.volume.removeprefix("/Volumes/") or "//"
    names: dict[str, str] = {}
    for option, default in zip(("catalog", "schema", "volume"), volume.split("/"), strict=True):
        name = getattr(args, option) or default
        if not name:
            raise InvalidArgument(f"--{option} is missing.", "Or set MCP_JOBS_VOLUME.")
        if not _NAME.fullmatch(name):
            raise InvalidArgument(
                f"--{option} {name[:40]!r} is not a valid name.",
                "A name has no dot, slash or space.",
            )
        names[option] = name.lower()  # as Unity Catalog stores names
    if args.group and not args.app:
        raise InvalidArgument("--group is given without an app.", "Add --app NAME.")
    return Target(
        **names,
        job_id=args.job or settings.job_id,
        app=args.app,
        group=args.group,
        model=args.model,
        client=_client(args.client_id, args.client_secret_file),
        shared=args.shared_credentials,
    )


def _client(client_id: str, file: str) -> Client | None:
    if not client_id and not file:
        return None
    if not client_id or not file:
        raise InvalidArgument(
            "--client-id and --client-secret-file go together.", "Pass both, or neither."
        )
    try:
        with sys.stdin if file == "-" else Path(file).open(encoding="utf-8") as source:
            secret = source.read(_MAX_SECRET_LENGTH).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(
            "The file of the client secret cannot be read.", "Check its path."
        ) from error
    if not secret:
        raise InvalidArgument(
            "The file of the client secret is empty.", "Write the secret into it."
        )
    return Client(client_id, secret)


def _print_steps(steps: list[Step], results: list[StepResult], *, applied: bool) -> None:
    if not steps:
        print_line("There is nothing to do.")
    elif applied:
        for result in results:
            print_line(f"{result.state}: {result.step.description}")
            if result.state != "done":
                print_line(f"   {result.reason} {result.hint}".rstrip())
                print_line(f"   Without this step {result.step.consequence}.")
    else:
        print_line("To do:")
        for number, step in enumerate(steps, 1):
            print_line(f"{number}. {step.description}")
            if step.lacks:
                print_line(f"   You do not appear to hold {step.lacks}.")
                print_line(f"   Without this step {step.consequence}.")
        print_line("Nothing was changed; --apply does it.")

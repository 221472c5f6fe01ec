"""``setup``: checks a workspace, prints what is to be done there, and does it on request."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import anyio

from mcp_jobs_server.cli.output import print_json, print_line, print_table
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.setup.apply import StepResult, apply
from mcp_jobs_server.operations.setup.inventory import take_inventory
from mcp_jobs_server.operations.setup.plan import SHARED_CONSEQUENCE, Step, plan
from mcp_jobs_server.operations.setup.target import Client, Target
from mcp_jobs_server.operations.setup.validate import validate

_NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")
_LONGEST_SECRET = 10_000


def setup(args: argparse.Namespace) -> int:
    """Print checks and plan, or what became of the plan; 1 if something is broken or failed."""
    wanted = _wanted(args)
    checks, steps, done = anyio.run(_run, wanted, args.apply)
    failed = any(check.state == "broken" for check in checks) or any(
        each.state != "done" for each in done
    )
    if args.json:
        print_json(_fields(checks, steps, done))
    else:
        _print(wanted, checks, steps, done, applied=args.apply)
    return 1 if failed else 0


async def _run(wanted: Target, to_apply: bool) -> tuple[list[Check], list[Step], list[StepResult]]:  # noqa: FBT001
    from mcp_jobs_server.databricks.workspace import Workspace

    workspace = Workspace.from_environment()
    found = await take_inventory(workspace, wanted)
    steps = plan(wanted, found)
    done = await apply(workspace, steps) if to_apply else []
    return validate(wanted, found), steps, done


def _wanted(args: argparse.Namespace) -> Target:
    settings = load_settings()
    said = settings.volume.removeprefix("/Volumes/").split("/") if settings.volume else ["", "", ""]
    catalog, schema, volume = (
        _name(option, getattr(args, option) or default)
        for option, default in zip(("catalog", "schema", "volume"), said, strict=True)
    )
    if args.group and not args.app:
        raise InvalidArgument("--group is named without an app.", "Add --app NAME.")
    return Target(
        catalog=catalog,
        schema=schema,
        volume=volume,
        job_id=args.job or settings.job_id,
        app=args.app,
        group=args.group,
        model=args.model,
        client=_client(args.client_id, args.client_secret_file),
        shared=args.shared_credentials,
    )


def _name(option: str, said: str) -> str:
    """Return a name as Unity Catalog stores it, in lower case."""
    if not said:
        raise InvalidArgument(f"--{option} is missing.", "Or set MCP_JOBS_VOLUME.")
    if not _NAME.fullmatch(said):
        raise InvalidArgument(
            f"--{option} {said[:40]!r} is no name.", "It has no point, slash or space."
        )
    return said.lower()


def _client(client_id: str, file: str) -> Client | None:
    if not client_id and not file:
        return None
    if not client_id or not file:
        raise InvalidArgument(
            "--client-id and --client-secret-file go together.", "Pass both, or none."
        )
    try:
        with sys.stdin if file == "-" else Path(file).open(encoding="utf-8") as source:
            secret = source.read(_LONGEST_SECRET).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(
            "The file of the secret cannot be read.", "Check its path."
        ) from error
    if not secret:
        raise InvalidArgument("The file of the secret is empty.", "Put the secret into it.")
    return Client(client_id, secret)


def _fields(checks: list[Check], steps: list[Step], done: list[StepResult]) -> dict[str, object]:
    return {
        "checks": [check.fields() for check in checks],
        "plan": [{"step": step.description, "lacks": step.lacks} for step in steps],
        "applied": [
            {"step": d.step.description, "state": d.state, "reason": d.reason} for d in done
        ],
    }


def _print(
    wanted: Target, checks: list[Check], steps: list[Step], done: list[StepResult], *, applied: bool
) -> None:
    print_table(("check", "state", "what was found"), [(c.name, c.state, c.found) for c in checks])
    for check in checks:
        if check.advice:
            print_line(f"{check.name}: {check.advice}")
    if wanted.shared:
        print_line(f"With --shared-credentials {SHARED_CONSEQUENCE}.")
    if not steps:
        print_line("There is nothing to do.")
    elif applied:
        _print_done(done)
    else:
        _print_plan(steps)


def _print_plan(steps: list[Step]) -> None:
    print_line("To do:")
    for number, step in enumerate(steps, 1):
        print_line(f"{number}. {step.description}")
        if step.lacks:
            print_line(f"   You were not seen to hold {step.lacks}. Without it {step.consequence}.")
    print_line("Nothing was changed; --apply does it.")


def _print_done(done: list[StepResult]) -> None:
    for result in done:
        print_line(f"{result.state}: {result.step.description}")
        if result.state != "done":
            print_line(f"   {result.reason} {result.hint}".rstrip())
            print_line(f"   Without it {result.step.consequence}.")

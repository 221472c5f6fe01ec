"""Holds the pages about the shared deployment to what the commands print and the bundle says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from mcp_jobs_server.operations.install.snippets import instructions, server_command
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract.files import decode, read_whole
from research_contract.records import OUTCOME, REPORT, REQUEST, STATUS, Outcome, Status
from tests.bundle import rules
from tests.bundle.document import bundle, written
from tests.docs.documents import Fence, fences, tables
from tests.mcp_jobs_server.cli.command_line import CommandLine
from tests.mcp_jobs_server.jobs.asking import fetch, running, status
from tests.mcp_jobs_server.operations.retention.volume import ANA, NOW, Volume
from tests.mcp_jobs_server.operations.setup.catalog_server import APP, JOB, Catalog, serve
from tests.mcp_jobs_server.operations.setup.test_doctor import (
    app_that_answers,
    configuration,
    deploy_app,
    doctor,
)
from tests.mcp_jobs_server.stage import ME, Stage
from tests.repository import ROOT

SAFETY_SECONDS = 60
DEPLOY, CONNECT, OWN = (f"docs/{n}.md" for n in ("deploy", "connect-databricks", "own-job"))


def shown(page: str, command: str) -> tuple[list[str], str]:
    """Return the words of the command that a page shows with its output, and the output."""
    [fence] = [
        fence
        for fence in fences(page)
        if fence.language == "console" and fence.text.startswith(f"$ {command}")
    ]
    typed, _, output = fence.text.removeprefix("$ ").partition("\n")
    return shlex.split(typed), output


def granted(catalog: Catalog) -> None:
    """Put the catalog as the bundle leaves it."""
    catalog.things["schema", "main.research"] = catalog.things["catalog", "main"]
    catalog.things["volume", "main.research.jobs"] = catalog.things["catalog", "main"]
    for principal in (APP, JOB):
        catalog.allow(principal, "catalog", "main", "USE_CATALOG")
        catalog.allow(principal, "schema", "main.research", "USE_SCHEMA")
        catalog.allow(principal, "volume", "main.research.jobs", "READ_VOLUME", "WRITE_VOLUME")


def run_setup(catalog: Catalog, words: list[str], place: Path) -> str:
    (place / "FILE").write_text("secret")
    with serve(catalog) as host:
        done = CommandLine(place / "data", place).run(
            *words[1:], DATABRICKS_HOST=host, DATABRICKS_TOKEN="token-of-olga", HOME=str(place)
        )
    return done.out


def test_what_setup_prints_after_a_deployment(tmp_path: Path) -> None:
    catalog = Catalog()
    granted(catalog)
    catalog.grants["catalog", "main"].pop(JOB)
    catalog.allow("analysts", "catalog", "main", "READ_VOLUME")
    words, output = shown(DEPLOY, "mcp-jobs-server setup")
    assert run_setup(catalog, words, tmp_path) == output


def test_what_setup_prints_before_it_registers(tmp_path: Path) -> None:
    catalog = Catalog()
    granted(catalog)
    words, output = shown(CONNECT, "mcp-jobs-server setup")
    assert run_setup(catalog, words, tmp_path) == output


def test_what_doctor_prints_of_a_deployment_that_works(tmp_path: Path) -> None:
    words, output = shown(DEPLOY, "mcp-jobs-server doctor")
    cli = CommandLine(tmp_path / "data", tmp_path)
    with FakeWorkspace(tmp_path / "workspace") as workspace, app_that_answers(200) as (url, _):
        workspace.add_volume("main.research.jobs")
        (workspace.add_volume("main.documents.handbook") / "leave.md").write_text("25 days.")
        job = workspace.add_job(configuration(tmp_path, "volume:main.documents.handbook"))
        deploy_app(workspace, url)
        done = doctor(cli, workspace, job.job_id, *words[2:], how=())
    assert _without_this_machine(done.out) == _without_this_machine(output)


def _without_this_machine(text: str) -> str:
    """Leave out versions, places and seconds."""
    text = re.sub(r"(?m)^((?:Python|dependencies)\tok\t).*", r"\1", text)
    return re.sub(r"\d+ s\b", "N s", text)


def test_what_databricks_prints_has_the_names_of_the_bundle() -> None:
    deployed, started = (one.text for one in fences(DEPLOY) if one.language == "text")
    document = written()
    [artifact] = document["artifacts"]
    name = document["bundle"]["name"]
    assert f"Building {artifact}..." in deployed
    assert f"/.bundle/{name}/prod/files..." in deployed
    app = bundle(document, "prod").app["name"]
    assert started.count(app) == 3


def test_what_retention_prints(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "volume")
    ago = (NOW - datetime.now(UTC)) / timedelta(days=1)
    volume.job(ANA, days=ago + 100)
    volume.job(ANA, days=ago + 110)
    volume.start(ANA, datetime.now(UTC) - timedelta(days=7))
    words, output = shown(DEPLOY, "mcp-jobs-server retention")
    words[words.index("--root") + 1] = str(volume.root)
    done = CommandLine(tmp_path / "data", tmp_path).run(*words[1:])
    assert _without_ids(done.out) == _without_ids(output)


def _without_ids(text: str) -> str:
    return re.sub(r"\d{8}-[a-z2-7]{13}", "ID", text)


def test_the_folder_of_a_person_is_the_one_that_is_shown() -> None:
    words, output = shown(DEPLOY, "python")
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=True,
    )
    assert done.stdout == output
    page = (ROOT / DEPLOY).read_text(encoding="utf-8")
    assert f"--params owner={output.strip()},days=all" in page


def test_the_limits_are_those_of_the_configuration() -> None:
    said = tomllib.loads((ROOT / "research.toml").read_text(encoding="utf-8"))["server"]
    page = (ROOT / DEPLOY).read_text(encoding="utf-8")
    [table] = [table for table in tables(DEPLOY) if "Cost" in table.heading]
    assert table.column(0) == list(said)
    for key, value in said.items():
        assert f"| `{key}` | {value} |" in page


def test_the_numbers_are_those_of_the_bundle() -> None:
    page = " ".join((ROOT / DEPLOY).read_text(encoding="utf-8").split())
    prod, dev = (bundle(written(), target) for target in ("prod", "dev"))
    days = [rules.environment(target)["MCP_JOBS_RETENTION_DAYS"] for target in (prod, dev)]
    assert f"`retention_days` ago ({days[0]}, in `dev` {days[1]})" in page
    runs = [target.job["max_concurrent_runs"] for target in (prod, dev)]
    assert f"`max_concurrent_runs` runs ({runs[0]}, in `dev` {runs[1]}) work" in page
    assert written()["bundle"]["databricks_cli_version"] == ">= 1.13.0"
    assert "command line 1.13 or newer" in page


def test_the_values_without_a_default_are_set() -> None:
    needed = {name for name, said in written()["variables"].items() if "default" not in said}
    page = (ROOT / DEPLOY).read_text(encoding="utf-8")
    assert set(re.findall(r"BUNDLE_VAR_(\w+)=", page)) == needed


def yaml_of(page: str) -> Fence:
    [fence] = [fence for fence in fences(page) if fence.language == "yaml"]
    return fence


def test_packages_can_be_named_by_path() -> None:
    document = written()
    said = yaml.safe_load(yaml_of(DEPLOY).text)["targets"]["prod"]["variables"]
    document["targets"]["prod"]["variables"] = said
    assert list(rules.environments_have_a_version(bundle(document, "prod"))) == []
    names = {line.rpartition("/")[2] for line in said["packages"][1:]}
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for name, version in (wheel.split("-")[:2] for wheel in names):
        assert f"{name}=={version}\n" in pins


def test_a_task_of_ones_own_is_given_what_ours_is() -> None:
    [task] = yaml.safe_load(yaml_of(OWN).text)["resources"]["jobs"]["researcher"]["tasks"]
    [ours] = written()["resources"]["jobs"]["researcher"]["tasks"]
    own = task.pop("spark_python_task")["parameters"]
    assert own == ours.pop("python_wheel_task")["parameters"][:2]
    assert task == ours


@pytest.mark.parametrize("number", [0, 1])
def test_client_configurations_are_those_of_connect_with_the_address(number: int) -> None:
    fence = [fence for fence in fences(CONNECT) if fence.language == "json"][number]
    said = json.loads(fence.text)
    [server] = next(iter(said.values())).values()
    assert server["args"] == ["serve", "--app", "APP_URL"]
    server["args"] = ["serve"]
    client = "vscode" if "servers" in said else "cursor"
    printed = instructions(client, replace(server_command(), command=server["command"]))[0]
    assert said == json.loads(printed.text)


# --- the job of one's own -----------------------------------------------------------------


@pytest.fixture
def own_job(tmp_path: Path) -> Path:
    [fence] = [fence for fence in fences(OWN) if fence.language == "py"]
    file = tmp_path / "own_job.py"
    file.write_text(fence.text, encoding="utf-8")
    return file


def run_job(file: Path, folder: Path, run_id: str = "7") -> int:
    command = [sys.executable, "-I", str(file), f"--folder={folder}", f"--run-id={run_id}"]
    return subprocess.run(command, timeout=SAFETY_SECONDS, check=False).returncode


@pytest.mark.anyio
async def test_a_job_of_ones_own_is_told_by_the_server(tmp_path: Path, own_job: Path) -> None:
    stage = Stage(tmp_path)
    job_id = await running(stage)
    folder = tmp_path / "folder"
    (folder / "control").mkdir(parents=True)
    (folder / REQUEST).write_bytes(await _of_stage(stage, job_id, REQUEST))
    (folder / "run.json").write_text('{"run_id": "7"}')
    assert run_job(own_job, folder) == 0
    for name in (STATUS, REPORT):
        stage.runner.write(job_id, name, (folder / name).read_bytes())
    assert decode(Status, read_whole(folder / STATUS))
    stage.runner.complete(job_id, decode(Outcome, read_whole(folder / OUTCOME)))
    told = await status(stage, job_id=job_id)
    assert (told.state, told.outcome) == ("completed", "answered")
    assert "Somebody asked this." in await fetch(stage, job_id=job_id, part="report")
    assert "Somebody asked." in await fetch(stage, job_id=job_id, part="summary")
    assert run_job(own_job, folder, run_id="8") == 0  # done: nothing is done again


async def _of_stage(stage: Stage, job_id: str, name: str) -> bytes:
    job = await stage.runner.job(ME, job_id)
    assert job
    found = await stage.runner.folders.read(job.folder, name)
    assert found
    return found.data


def test_a_job_of_ones_own_obeys_and_leaves_the_folder_of_others(
    tmp_path: Path, own_job: Path
) -> None:
    folder = tmp_path / "folder"
    (folder / "control").mkdir(parents=True)
    (folder / REQUEST).write_text('{"question": "?", "plan": {"questions": []}}')
    (folder / "run.json").write_text('{"run_id": "7"}')
    assert run_job(own_job, folder, run_id="8") == 4
    (folder / "control" / "stop").touch()
    assert run_job(own_job, folder) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["control", REQUEST, "run.json"]

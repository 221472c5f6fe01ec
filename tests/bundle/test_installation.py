"""What the deployment installs: the wheel's metadata, the pins, the commands and parameters."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

from mcp_jobs_server.cli.parser import parse
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.demo.__main__ import DOCUMENTS
from research_contract.configuration import read_configuration
from tests.bundle.document import FILE as BUNDLE
from tests.bundle.document import TARGETS, Bundle, bundle, written
from tests.bundle.pins import (
    APP_PYTHON,
    ENVIRONMENT_PYTHON,
    LEFT_TO_THE_ENVIRONMENT,
    PROJECT,
    REQUIREMENTS,
    TAKEN_FOR_A_PACKAGE,
    bundle_with_pins,
    needed,
    pins,
    pins_of,
    requirements,
)
from tests.bundle.rules import environment, volume_path
from tests.repository import ROOT
from tests.structure.imports import PACKAGES, read_modules

SAFETY_SECONDS = 240


@pytest.fixture(params=TARGETS)
def deployed(request: pytest.FixtureRequest) -> Bundle:
    return bundle(written(), request.param)


# --- pins ---------------------------------------------------------------------------------


def serverless(deployed: Bundle) -> list[tuple[str, dict[str, str]]]:
    """Return the Python and the pins of each environment of a job."""
    specs = [e["spec"] for job in deployed.resources("jobs").values() for e in job["environments"]]
    return [
        (ENVIRONMENT_PYTHON[spec["environment_version"]], pins(spec["dependencies"][1:]))
        for spec in specs
    ]


def test_requirements_are_what_make_pins_writes() -> None:
    assert REQUIREMENTS.read_text(encoding="utf-8") == requirements()


def test_the_bundle_has_the_pins_that_make_pins_writes() -> None:
    text = BUNDLE.read_text(encoding="utf-8")
    assert text == bundle_with_pins(text)


def test_pins_that_were_changed_by_hand_are_written_again() -> None:
    text = BUNDLE.read_text(encoding="utf-8")
    changed = re.sub(r"- anyio==\S+", "- anyio==1.0", text.replace("- pydantic==", "- other=="))
    assert "- anyio==1.0\n" in changed
    assert "- other==" in changed
    assert bundle_with_pins(changed) == text
    with pytest.raises(ValueError, match="0 lists of packages"):
        bundle_with_pins(text.replace("./dist/*.whl", "./other/*.whl"))


def test_the_job_pins_all_it_needs_there_and_no_more(deployed: Bundle) -> None:
    for python, pinned in serverless(deployed):
        assert set(pinned) == set(needed(python)) - LEFT_TO_THE_ENVIRONMENT


def test_the_app_pins_all_it_needs_there_and_no_more() -> None:
    assert set(pins_of(ROOT / "requirements.txt")) == set(needed(APP_PYTHON))


def test_pins_are_those_that_the_tests_run_with(deployed: Bundle) -> None:
    tested = pins_of(ROOT / "constraints.txt")
    for pinned in (pins_of(ROOT / "requirements.txt"), *(p for _, p in serverless(deployed))):
        assert pinned.items() <= tested.items()


def test_pins_fit_each_other_and_the_python_that_is_there(deployed: Bundle) -> None:
    app = (APP_PYTHON, pins_of(ROOT / "requirements.txt"))
    for python, pinned in (app, *serverless(deployed)):
        asked = needed(python)
        for name, version in pinned.items():
            assert all(version in wanted.specifier for wanted in asked[name]), name
            wanted = distribution(name).metadata["Requires-Python"]
            assert python in SpecifierSet(wanted or ""), f"{name} needs Python {wanted}"


def test_the_command_line_does_not_take_a_pin_for_a_file(deployed: Bundle) -> None:
    wheel, *lines = deployed.job["environments"][0]["spec"]["dependencies"]
    assert wheel.startswith("./")
    assert [line for line in lines if not TAKEN_FOR_A_PACKAGE.fullmatch(line)] == []


# --- the wheel ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel by the command that stands in the bundle, from a copy of the sources."""
    [artifact] = written()["artifacts"].values()
    place = tmp_path_factory.mktemp("copy")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place)
    (place / "dist").mkdir()
    (place / "dist" / "old-1-py3-none-any.whl").touch()
    command = artifact["build"].replace("python3", sys.executable)
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=place,
        env={**os.environ, "PIP_NO_BUILD_ISOLATION": "0"},  # with what is installed: no network
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [built] = (place / "dist").glob("*.whl")
    return built


def test_tasks_name_the_distribution_and_its_commands(wheel: Path, deployed: Bundle) -> None:
    name = parse_wheel_filename(wheel.name)[0]
    commands = ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt")]
        commands.read_string(archive.read(metadata).decode())
    for _, task in deployed.tasks():
        said = task["python_wheel_task"]
        assert canonicalize_name(said["package_name"]) == name
        assert said["entry_point"] in commands["console_scripts"]


def test_the_wheel_holds_the_documents_of_the_demo(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if "/demo/harbour/" in name}
    there = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS.iterdir()}
    assert held == there
    assert len(there) > 3


def test_the_wheel_asks_for_what_was_pinned(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        built = Parser().parsestr(archive.read(name).decode())
    assert sorted(built.get_all("Requires-Dist") or ()) == sorted(
        distribution(PROJECT).requires or ()
    )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel and the libraries that it needs; return the interpreter.

    The libraries are linked from the environment of the tests: those that nothing asks for, such
    as the extras', are not there, and neither is this checkout.
    """
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    libraries = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    for name in needed(platform.python_version()):
        for file in distribution(name).files or ():
            entry = file.parts[0]
            if entry not in ("..", "__pycache__") and not (libraries / entry).exists():
                (libraries / entry).symlink_to(str(distribution(name).locate_file(entry)))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(libraries)
    return python


def test_the_wheel_says_that_it_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{package}/py.typed" for package in PACKAGES} <= set(archive.namelist())


def test_the_wheel_holds_all_modules(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        built = {name for name in archive.namelist() if name.endswith(".py")}
    assert built == set(read_modules(ROOT))


IMPORT_ALL = """
import importlib, sys
failed = []
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{name}: {error!r}")
print("\\n".join(failed))
elsewhere = [m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)]
print("\\n".join(f for f in elsewhere if not f.startswith(tuple(sys.argv[1:]))), file=sys.stderr)
"""


def test_every_module_of_the_wheel_can_be_imported(
    wheel: Path, installed: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = [name.removesuffix(".py") for name in archive.namelist() if name.endswith(".py")]
    modules = [name.removesuffix("/__init__").replace("/", ".") for name in files]
    assert len(modules) > 300
    done = subprocess.run(
        [installed, "-I", "-c", IMPORT_ALL, installed.parents[1], sys.base_prefix],
        input="\n".join(modules),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    assert done.stderr.strip() == ""  # nothing came from another place


def test_an_extra_that_is_not_installed_is_not_there(installed: Path) -> None:
    """Or the test above would not see a module that needs one."""
    code = "import importlib.util as i; print([i.find_spec(n) for n in ('wordllama', 'pytest')])"
    found = subprocess.check_output([installed, "-I", "-c", code], text=True)
    assert found.strip() == "[None, None]"


# --- what is called -----------------------------------------------------------------------


def parameters(deployed: Bundle, job: str) -> list[str]:
    [task] = deployed.resources("jobs")[job]["tasks"]
    said: list[str] = task["python_wheel_task"]["parameters"]
    return said


def filled(words: list[str], values: dict[str, str]) -> list[str]:
    """Put values in as the platform does."""
    return [re.sub(r"\{\{([^}]*)\}\}", lambda found: values[found[1]], word) for word in words]


def test_parameters_of_the_researcher_are_understood(deployed: Bundle, tmp_path: Path) -> None:
    values = {"job.parameters.job_folder": str(tmp_path), "job.run_id": "7"}
    words = filled(parameters(deployed, "researcher"), values)
    assert [word.partition("=")[0] for word in words] == ["--folder", "--run-id", "--config"]
    config = f"--config={ROOT / 'research.toml'}"
    words = [config if word.startswith("--config=") else word for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "researcher_job", *words],
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )
    assert done.returncode == 5, done.stderr  # understood; there is no request in that folder


def test_parameters_of_retention_are_understood(deployed: Bundle) -> None:
    said = deployed.resources("jobs")["retention"]["parameters"]
    values = {f"job.parameters.{each['name']}": each["default"] for each in said}
    args = parse(filled(parameters(deployed, "retention"), values))
    assert callable(args.load())
    assert (str(args.root), args.owner, args.apply) == (volume_path(deployed), "", True)
    assert args.days > 0


def test_the_app_starts_a_command_of_ours(deployed: Bundle) -> None:
    python, dash_m, module, *words = deployed.app["config"]["command"]
    assert (python, dash_m, module) == ("python", "-m", "mcp_jobs_server")
    args = parse(words)
    assert callable(args.load())
    assert (args.transport, args.host, args.port) == ("http", "0.0.0.0", None)  # noqa: S104


def test_the_app_reads_its_settings(deployed: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    place = {"DATABRICKS_APP_NAME": deployed.app["name"], "DATABRICKS_APP_PORT": "8123"}
    settings = load_settings({**environment(deployed), **place})
    assert (settings.backend, settings.volume) == ("lakeflow", volume_path(deployed))
    assert (settings.job_id, settings.app_port) == (42, 8123)
    assert settings.config == ROOT / "research.toml"
    assert settings.quotas.active > 0
    assert settings.retention_days > 0


def test_nobody_may_use_a_source_unless_it_is_said() -> None:
    assert not [s for s in read_configuration(ROOT / "research.toml").sources if s.audience]


def test_the_examples_in_the_configuration_are_right(tmp_path: Path) -> None:
    text = (ROOT / "research.toml").read_text(encoding="utf-8")
    lines = [re.sub(r"^# ?(?=\[|\w+ = )", "", line) for line in text.splitlines()]
    file = tmp_path / "research.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    [source] = read_configuration(file).sources
    assert source.audience


def test_what_is_uploaded_is_small_enough() -> None:
    """A file of an app is 10 MB at most."""
    for place in PACKAGES:
        for path in (ROOT / place).rglob("*"):
            assert path.stat().st_size < 10_000_000, path

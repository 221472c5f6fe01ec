"""Continuous integration calls make and nothing else, with as few rights as it needs."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
import yaml

from tests.project.makefile import targets
from tests.repository import ROOT

Workflow: TypeAlias = dict[Any, Any]
FOLDER = ROOT / ".github" / "workflows"
NAMES = ("ci.yml", "release.yml")
ON = True
"""The key ``on``, as YAML reads it."""

MAKE = re.compile(r"make (?P<target>[a-z-]+)(?: [A-Z]+=[\w.-]+)*")
PINNED = re.compile(r"[\w-]+/[\w./-]+@v\d+(?:\.\d+)*")


def workflow(name: str) -> Workflow:
    found: Workflow = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def faults(found: Workflow) -> Iterator[str]:
    """Yield what is wrong with a workflow."""
    if found.get("permissions") != {"contents": "read"}:
        yield f"rights of all jobs: {found.get('permissions')}"
    if "pull_request_target" in found[ON]:
        yield "code of strangers runs with rights"
    for name, job in found["jobs"].items():
        if "uses" in job and not job["uses"].startswith("./"):
            yield f"not of this repository: {job['uses']}"
        if "steps" in job and "timeout-minutes" not in job:
            yield f"without end: {name}"
        if job.get("permissions", {}) not in ({}, {"id-token": "write"}):
            yield f"rights of {name}: {job['permissions']}"
        for step in job.get("steps", ()):
            yield from faults_of_step(step)


def faults_of_step(step: dict[str, Any]) -> Iterator[str]:
    action = step.get("uses", "")
    if command := step.get("run"):
        call = MAKE.fullmatch(command)
        if call is None or call["target"] not in targets():
            yield f"not a target of make: {command}"
    elif not PINNED.fullmatch(action):
        yield f"not pinned: {action}"
    keeps = step.get("with", {}).get("persist-credentials") is not False
    if action.startswith("actions/checkout@") and keeps:
        yield "a checkout keeps its credentials"


@pytest.mark.parametrize("name", NAMES)
def test_workflows_call_make_with_few_rights(name: str) -> None:
    assert list(faults(workflow(name))) == []
    assert "secrets." not in (FOLDER / name).read_text(encoding="utf-8")


def test_there_are_no_other_workflows() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


def called(name: str) -> dict[str, list[str]]:
    """Return the targets that each job of a workflow makes."""
    return {
        job: [step["run"].split()[1] for step in found.get("steps", ()) if "run" in step]
        for job, found in workflow(name)["jobs"].items()
    }


def test_each_python_of_the_package_is_tested() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: "
    named = [line.removeprefix(prefix) for line in package["classifiers"] if prefix in line]
    job = workflow("ci.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == named
    assert package["requires-python"] == f">={named[0]}"
    assert called("ci.yml")["test"] == ["check", "test"]
    [checkout] = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert checkout["with"]["fetch-depth"] == 0  # the upgrade test needs the history


def test_other_systems_run_the_smoke_test_and_the_documentation_is_built() -> None:
    jobs = workflow("ci.yml")["jobs"]
    assert jobs["smoke"]["strategy"]["matrix"]["system"] == ["macos-latest", "windows-latest"]
    assert called("ci.yml")["smoke"] == ["smoke"]
    assert called("ci.yml")["docs"] == ["docs"]
    assert {"push", "pull_request", "workflow_call"} <= set(workflow("ci.yml")[ON])


def test_a_release_is_built_tested_and_published_without_a_token() -> None:
    found = workflow("release.yml")
    assert found[ON] == {"push": {"tags": ["v*"]}}
    assert called("release.yml") == {"ci": [], "build": ["dist"], "publish": []}
    assert found["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    publish = found["jobs"]["publish"]
    assert sorted(publish["needs"]) == ["build", "ci"]
    assert publish["permissions"] == {"id-token": "write"}
    [*_, upload] = publish["steps"]
    assert upload["uses"].startswith("pypa/gh-action-pypi-publish@v")
    assert "with" not in upload  # no password
    assert [name for name, job in found["jobs"].items() if "permissions" in job] == ["publish"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"run": "pip install x"}, "not a target of make"),
        ({"run": "make test && rm -rf /"}, "not a target of make"),
        ({"run": "make test\nmake check"}, "not a target of make"),
        ({"run": "make nothing"}, "not a target of make"),
        ({"run": "make dist TAG=${{ github.ref_name }}"}, "not a target of make"),
        ({"uses": "actions/checkout@main"}, "not pinned"),
        ({"uses": "actions/checkout"}, "not pinned"),
        ({"uses": "actions/checkout@v7"}, "keeps its credentials"),
    ],
)
def test_a_step_that_is_wrong_is_seen(change: dict[str, str], fault: str) -> None:
    found = workflow("ci.yml")
    found["jobs"]["docs"]["steps"].append(change)
    assert any(fault in said for said in faults(found))


@pytest.mark.parametrize("rights", [{"contents": "write"}, "write-all", None])
def test_more_rights_are_seen(rights: object) -> None:
    found = workflow("ci.yml")
    of_a_job = copy.deepcopy(found)
    assert list(faults({**found, "permissions": rights})) != []
    of_a_job["jobs"]["docs"]["permissions"] = rights or "write-all"
    assert list(faults(of_a_job)) != []

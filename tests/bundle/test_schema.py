"""The bundle is valid by the schema that the Databricks CLI publishes, for each target."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from tests.bundle.document import TARGETS, Node, bundle, written
from tests.bundle.test_rules import Break, put, remove
from tests.repository import ROOT

Validator: TypeAlias = Any
SCHEMA = ROOT.parent / "shared" / "databricks" / "bundle_schema.json"

pytestmark = pytest.mark.skipif(
    not SCHEMA.exists(), reason=f"the schema is not part of the repository; it would be {SCHEMA}"
)


def _no_reference(
    validator: Validator, pattern: str, instance: object, schema: object
) -> Iterator[ValidationError]:
    """All patterns of the schema stand for ``${…}``, of which a resolved document has none."""
    if isinstance(instance, str):
        yield ValidationError(f"{instance!r} does not fit {pattern}")


@cache
def validator() -> Validator:
    kind = extend(Draft202012Validator, {"pattern": _no_reference})
    return kind(json.loads(SCHEMA.read_text(encoding="utf-8")))


def faults(document: Node, target: str) -> list[str]:
    """Return what the schema says of the document as the target deploys it, and unknown parts."""
    resolved = bundle(document, target).resolved
    unknown = set(document) - set(validator().schema["properties"])
    errors = [leaf for error in _errors(resolved) for leaf in _leaves(error)]
    said = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in errors]
    return [*said, *(f"unknown: {name}" for name in sorted(unknown))]


def _errors(document: Node) -> Iterator[ValidationError]:
    yield from validator().iter_errors(document)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield what is behind an error: those of the alternative that fits the value's kind."""
    apart = [e for e in error.context or () if e.path or e.validator not in ("type", "pattern")]
    if not apart:
        yield error
    for below in apart:
        yield from _leaves(below)


@pytest.mark.parametrize("target", TARGETS)
def test_the_bundle_is_valid(target: str) -> None:
    assert faults(written(), target) == []


def test_the_parts_that_are_no_resources_are_valid() -> None:
    document = written()
    parts = {name: document[name] for name in ("variables", "targets")}
    for target in parts["targets"].values():
        target.pop("resources", None)  # part of a resource, which the merged document checks
        target.pop("variables", None)  # plain values, which the merged document checks
        for name in ("permissions", "workspace"):
            target.pop(name, None)
    assert [e.message for e in _errors({"bundle": document["bundle"], **parts})] == []


JOB, APP = "resources/jobs/researcher", "resources/apps/server"


@pytest.mark.parametrize(
    "change",
    [
        put(f"{JOB}/retries", 2),
        put(f"{JOB}/timeout_seconds", "two hours"),
        remove(f"{JOB}/tasks/0/python_wheel_task/package_name"),
        remove(f"{JOB}/parameters/0/default"),
        put(f"{JOB}/permissions/0/level", "CAN_START"),
        put(f"{APP}/permissions/0/level", "CAN_VIEW"),
        put(f"{APP}/resources/1/uc_securable/securable_type", "FOLDER"),
        remove(f"{APP}/name"),
        put("resources/volumes/jobs/volume_type", "LOCAL"),
        put("resource", {}),
        put("targets/prod/resources", {"jobs": {"researcher": {"queue": "yes"}}}),
    ],
)
def test_the_schema_sees_what_is_wrong(change: Break) -> None:
    document = copy.deepcopy(written())
    change(document)
    assert faults(document, "prod")

"""``databricks.yml`` as a target deploys it: overrides merged, every reference resolved."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import yaml

from tests.repository import ROOT

FILE = ROOT / "databricks.yml"
TARGETS = ("dev", "prod")

Json: TypeAlias = Any
Node: TypeAlias = "dict[str, Any]"

APP_PRINCIPAL = "11111111-1111-1111-1111-111111111111"
JOB_PRINCIPAL = "22222222-2222-2222-2222-222222222222"
GIVEN = {"catalog": "main", "job_principal": JOB_PRINCIPAL}
"""What a person types: the values of the variables without a default."""

_REFERENCE = re.compile(r"\$\{([A-Za-z][^}]*)\}")
_PLATFORM = {
    "workspace.current_user.userName": "ana@example.com",
    "workspace.file_path": "/Workspace/Users/ana@example.com/.bundle/files",
}
_MADE_BY_DEPLOY = {"id": "42", "service_principal_client_id": APP_PRINCIPAL}
"""What only the platform knows of a resource."""


class DanglingReference(KeyError):
    """A ``${…}`` names nothing that the file defines."""


@dataclass(frozen=True)
class Bundle:
    """The file and what it comes to for one target."""

    target: str
    written: Node
    resolved: Node

    def resources(self, kind: str) -> dict[str, Node]:
        return cast("dict[str, Node]", self.resolved["resources"][kind])

    @property
    def app(self) -> Node:
        [app] = self.resources("apps").values()
        return app

    @property
    def job(self) -> Node:
        return self.resources("jobs")["researcher"]

    @property
    def volume(self) -> Node:
        [volume] = self.resources("volumes").values()
        return volume

    def tasks(self) -> Iterator[tuple[Node, Node]]:
        """Yield each job with each of its tasks."""
        for job in self.resources("jobs").values():
            for task in job["tasks"]:
                yield job, task


def written() -> Node:
    return cast("Node", yaml.safe_load(FILE.read_text(encoding="utf-8")))


def bundle(document: Node, target: str, given: Mapping[str, str] = GIVEN) -> Bundle:
    """Return what ``document`` deploys to ``target``.

    Raises:
        DanglingReference: something is named that is not there.
    """
    merged = copy.deepcopy({name: part for name, part in document.items() if name != "targets"})
    chosen = document["targets"][target]
    values = {name: said.get("default") for name, said in document["variables"].items()}
    values |= {**(chosen.get("variables") or {}), **given}
    for part in ("resources", "workspace", "permissions", "run_as"):
        if part in chosen:
            merged[part] = _merged(merged.get(part), chosen[part])
    known = _Known(values, merged, target)
    resolved = {name: known.resolve(part) for name, part in merged.items() if name != "variables"}
    return Bundle(target, document, resolved)


def _merged(base: Json, above: Json) -> Json:
    if not isinstance(base, dict) or not isinstance(above, dict):
        return copy.deepcopy(above)
    return {**base, **{name: _merged(base.get(name), part) for name, part in above.items()}}


@dataclass(frozen=True)
class _Known:
    values: Mapping[str, Json]
    document: Node
    target: str

    def resolve(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {name: self.resolve(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.resolve(part) for part in value]
        if not isinstance(value, str):
            return value
        if whole := _REFERENCE.fullmatch(value):
            return self.resolve(self._named(whole[1]))
        return _REFERENCE.sub(lambda found: str(self.resolve(self._named(found[1]))), value)

    def _named(self, name: str) -> Json:
        match name.split("."):
            case ["var", variable] if self.values.get(variable) is not None:
                return self.values[variable]
            case ["resources", kind, key, field]:
                return self._of_resource(name, kind, key, field)
            case ["bundle", "target"]:
                return self.target
            case ["bundle", "name"]:
                return self.document["bundle"]["name"]
        if name in _PLATFORM:
            return _PLATFORM[name]
        raise DanglingReference(name)

    def _of_resource(self, name: str, kind: str, key: str, field: str) -> Json:
        resource = self.document["resources"].get(kind, {}).get(key)
        if resource is None:
            raise DanglingReference(name)
        if field in resource:
            return resource[field]
        if field not in _MADE_BY_DEPLOY:
            raise DanglingReference(name)
        return _MADE_BY_DEPLOY[field]

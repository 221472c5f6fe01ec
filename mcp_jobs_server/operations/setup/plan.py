"""What is to be done, step by step: only what is not there yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup import registration
from mcp_jobs_server.operations.setup.catalog import ROOT, Securable, grant
from mcp_jobs_server.operations.setup.inventory import Found
from mcp_jobs_server.operations.setup.target import Wanted

SHARED_CONSEQUENCE = (
    "everybody who comes through Unity Catalog is one caller to the app: all of them see, stop"
    " and read the same jobs"
)
Work = Callable[[Workspace], Awaitable[None]]


@dataclass(frozen=True)
class Step:
    """One change. ``makes`` names what it makes, ``after`` what must have been made before.

    ``without`` is what does not work as long as it is not done; ``lacks`` names privileges that
    the caller was not seen to hold, which it takes.
    """

    said: str
    work: Work
    without: str
    makes: str = ""
    after: str = ""
    lacks: str = ""


def plan(wanted: Wanted, found: Found) -> list[Step]:
    """Return the steps in order; none where everything is as it should be."""
    if found.catalog is None:
        return []
    return [*_storage(wanted, found), *_registration(wanted, found)]


def _storage(wanted: Wanted, found: Found) -> Iterator[Step]:
    catalog, schema, volume = wanted.catalog, wanted.schema_name, wanted.volume_name
    if found.schema is None:
        yield _make_schema(wanted.catalog, wanted.schema, found, "no job can be started")
    if found.volume is None:
        body = {
            "catalog_name": wanted.catalog,
            "schema_name": wanted.schema,
            "name": wanted.volume,
            "volume_type": "MANAGED",
            "comment": "Requests, evidence and reports of everybody. Grant it to no person.",
        }
        yield Step(
            f"create the volume {volume}",
            _post("create the volume", "volumes", body, f"CREATE VOLUME on {schema}"),
            without="no job can be started",
            makes=volume,
            after=schema,
            lacks=_lacks(found, found.schema, "CREATE_VOLUME", "USE_SCHEMA"),
        )
    without = "it cannot reach the job folders"
    for principal in found.principals:
        who = "app" if principal == found.app_principal else "job"
        yield from _grants(found, who, principal, found.catalog, "catalog", catalog, without)
        yield from _grants(found, who, principal, found.schema, "schema", schema, without)
        yield from _grants(found, who, principal, found.volume, "volume", volume, without)


_NEEDED = {
    "catalog": ("USE_CATALOG",),
    "schema": ("USE_SCHEMA",),
    "volume": ("READ_VOLUME", "WRITE_VOLUME"),
    "mcp_service": ("EXECUTE",),
}


def _grants(
    found: Found,
    who: str,
    principal: str,
    there: Securable | None,
    kind: str,
    name: str,
    without: str,
) -> Iterator[Step]:
    needed = _NEEDED[kind]
    missing = [each for each in needed if there is None or not there.holds(principal, each)]
    if not missing:
        return

    async def work(workspace: Workspace) -> None:
        await grant(workspace, kind, name, principal, missing)

    said = " and ".join(_spoken(each) for each in missing)
    yield Step(
        f"grant {said} on {name} to the {who}",
        work,
        without=without,
        after="" if there else name,
        lacks=_lacks(found, there, "MANAGE"),
    )


def _registration(wanted: Wanted, found: Found) -> Iterator[Step]:
    if not wanted.registers or not found.app_url:
        return
    if found.registry is None:
        yield _make_schema(wanted.catalog, wanted.registry, found, "the app is not listed")
    if found.connection is None:
        yield _connection(wanted, found)
    elif registration.differs(found.connection.told, found.app_url, shared=wanted.shared):
        return  # a service on it would let people in by a door that nobody wanted
    if found.service is None:
        yield Step(
            f"create the MCP service {wanted.service_name}",
            lambda workspace: registration.make_service(workspace, wanted),
            without="agents of the workspace do not find the app",
            makes=wanted.service_name,
            after=wanted.connection_name if found.connection is None else "",
            lacks=_lacks(found, found.registry, "CREATE_SERVICE"),
        )
    yield from _for_people(wanted, found)


def _for_people(wanted: Wanted, found: Found) -> Iterator[Step]:
    group, without = wanted.group, "the group cannot call it through Unity Catalog"
    for there, kind, name in (
        (found.catalog, "catalog", wanted.catalog),
        (found.registry, "schema", wanted.registry_name),
        (found.service, "mcp_service", wanted.service_name),
    ):
        yield from _grants(found, f"group {group}", group, there, kind, name, without)


def _connection(wanted: Wanted, found: Found) -> Step:
    async def work(workspace: Workspace) -> None:
        client = registration.client_of(wanted)
        await registration.make_connection(workspace, wanted, found.app_url, client)

    how = "with one sign-in for each person"
    if wanted.shared:
        how = f"with shared credentials: {SHARED_CONSEQUENCE}"
    return Step(
        f"create the connection {wanted.connection_name} to the app, {how}",
        work,
        without="the app cannot be registered",
        makes=wanted.connection_name,
        after=wanted.registry_name if found.registry is None else "",
        lacks=_lacks(found, found.registry, "CREATE_CONNECTION"),
    )


def _make_schema(catalog: str, name: str, found: Found, without: str) -> Step:
    body = {"catalog_name": catalog, "name": name, "comment": "Research jobs."}
    return Step(
        f"create the schema {catalog}.{name}",
        _post("create the schema", "schemas", body, f"CREATE SCHEMA and USE CATALOG on {catalog}"),
        without=without,
        makes=f"{catalog}.{name}",
        lacks=_lacks(found, found.catalog, "CREATE_SCHEMA", "USE_CATALOG"),
    )


def _post(doing: str, place: str, body: dict[str, str], needs: str) -> Work:
    async def work(workspace: Workspace) -> None:
        await workspace.do(doing, "POST", f"{ROOT}/{place}", body=body, needs=needs)

    return work


def _lacks(found: Found, place: Securable | None, *needed: str) -> str:
    """Return what the caller was not seen to hold there; it owns what it makes itself."""
    if place is None:
        return ""
    missing = [each for each in needed if not any(place.holds(name, each) for name in found.me)]
    return f"{' and '.join(map(_spoken, missing))} on {place.name}" if missing else ""


def _spoken(privilege: str) -> str:
    return privilege.replace("_", " ")

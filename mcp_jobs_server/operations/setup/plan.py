"""Plans the changes that a deployment needs: one step for each part that is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup import registration
from mcp_jobs_server.operations.setup.catalog import ROOT, Securable, grant
from mcp_jobs_server.operations.setup.inventory import Inventory
from mcp_jobs_server.operations.setup.target import Target

SHARED_CONSEQUENCE = (
    "everybody who calls through Unity Catalog is one caller to the app: all of them see, stop"
    " and read the same jobs"
)


@dataclass(frozen=True)
class Step:
    """One change.

    ``creates`` names the object that it creates, ``requires`` an object that an earlier step must
    have created. ``consequence`` is what does not work without the step. ``lacks`` names the
    required privileges that the caller does not appear to hold.
    """

    description: str
    work: Callable[[Workspace], Awaitable[None]]
    consequence: str
    creates: str = ""
    requires: str = ""
    lacks: str = ""


def plan(target: Target, inventory: Inventory) -> list[Step]:
    """Return the steps in order; none if nothing is missing, or if there is no catalog."""
    if inventory.catalog is None:
        return []
    return [*_storage(target, inventory), *_registration(target, inventory)]


def _storage(target: Target, inventory: Inventory) -> Iterator[Step]:
    catalog, schema, volume = target.catalog, target.schema_name, target.volume_name
    if inventory.schema is None:
        yield _create_schema(catalog, target.schema, inventory, "no job can be started")
    if inventory.volume is None:
        body = {
            "catalog_name": catalog,
            "schema_name": target.schema,
            "name": target.volume,
            "volume_type": "MANAGED",
            "comment": "Requests, evidence and reports of everybody. Grant it to no person.",
        }
        yield Step(
            f"create the volume {volume}",
            partial(_create, "volume", body, f"CREATE VOLUME on {schema}"),
            consequence="no job can be started",
            creates=volume,
            requires=schema,
            lacks=_lacks(inventory, inventory.schema, "CREATE_VOLUME", "USE_SCHEMA"),
        )
    for principal in inventory.principals:
        holder = "app" if principal == inventory.app_principal else "job"
        for securable, kind, name in (
            (inventory.catalog, "catalog", catalog),
            (inventory.schema, "schema", schema),
            (inventory.volume, "volume", volume),
        ):
            consequence = "it cannot reach the job folders"
            yield from _grants(inventory, holder, principal, securable, kind, name, consequence)


_NEEDED = {
    "catalog": ("USE_CATALOG",),
    "schema": ("USE_SCHEMA",),
    "volume": ("READ_VOLUME", "WRITE_VOLUME"),
    "mcp_service": ("EXECUTE",),
}


def _grants(
    inventory: Inventory,
    holder: str,
    principal: str,
    securable: Securable | None,
    kind: str,
    name: str,
    consequence: str,
) -> Iterator[Step]:
    missing = [
        privilege
        for privilege in _NEEDED[kind]
        if securable is None or not securable.holds(principal, privilege)
    ]
    if missing:
        yield Step(
            f"grant {_joined(missing)} on {name} to the {holder}",
            partial(grant, kind=kind, name=name, principal=principal, privileges=missing),
            consequence=consequence,
            requires="" if securable else name,
            lacks=_lacks(inventory, securable, "MANAGE"),
        )


def _registration(target: Target, inventory: Inventory) -> Iterator[Step]:
    if not target.registers or not inventory.app_url:
        return
    if inventory.registry is None:
        yield _create_schema(target.catalog, target.registry, inventory, "the app is not listed")
    connection = inventory.connection
    if connection is None:
        kind = "one sign-in for each person"
        if target.shared:
            kind = f"shared credentials: {SHARED_CONSEQUENCE}"
        yield Step(
            f"create the connection {target.connection_name} to the app, with {kind}",
            partial(registration.make_connection, target=target, url=inventory.app_url),
            consequence="the app cannot be registered",
            creates=target.connection_name,
            requires=target.registry_name if inventory.registry is None else "",
            lacks=_lacks(inventory, inventory.registry, "CREATE_CONNECTION"),
        )
    elif registration.mismatch(connection.fields, inventory.app_url, shared=target.shared):
        return  # a service on this connection would give access in an unwanted way
    if inventory.service is None:
        yield Step(
            f"create the MCP service {target.service_name}",
            partial(registration.make_service, target=target),
            consequence="agents of the workspace cannot find the app",
            creates=target.service_name,
            requires=target.connection_name if connection is None else "",
            lacks=_lacks(inventory, inventory.registry, "CREATE_SERVICE"),
        )
    group, consequence = target.group, "the group cannot call it through Unity Catalog"
    for securable, kind, name in (
        (inventory.catalog, "catalog", target.catalog),
        (inventory.registry, "schema", target.registry_name),
        (inventory.service, "mcp_service", target.service_name),
    ):
        holder = f"group {group}"
        yield from _grants(inventory, holder, group, securable, kind, name, consequence)


def _create_schema(catalog: str, name: str, inventory: Inventory, consequence: str) -> Step:
    body = {"catalog_name": catalog, "name": name, "comment": "Research jobs."}
    return Step(
        f"create the schema {catalog}.{name}",
        partial(_create, "schema", body, f"CREATE SCHEMA and USE CATALOG on {catalog}"),
        consequence=consequence,
        creates=f"{catalog}.{name}",
        lacks=_lacks(inventory, inventory.catalog, "CREATE_SCHEMA", "USE_CATALOG"),
    )


async def _create(kind: str, body: dict[str, str], needs: str, workspace: Workspace) -> None:
    await workspace.do(f"create the {kind}", "POST", f"{ROOT}/{kind}s", body=body, needs=needs)


def _lacks(inventory: Inventory, securable: Securable | None, *needed: str) -> str:
    """Return the needed privileges that the caller does not appear to hold on an object.

    An object that setup creates belongs to the caller, so nothing is lacking there.
    """
    if securable is None:
        return ""
    missing = [
        privilege
        for privilege in needed
        if not any(securable.holds(name, privilege) for name in inventory.me)
    ]
    return f"{_joined(missing)} on {securable.name}" if missing else ""


def _joined(privileges: list[str]) -> str:
    return " and ".join(privilege.replace("_", " ") for privilege in privileges)

"""The intended deployment, as given on the command line."""

from __future__ import annotations

from dataclasses import dataclass, field

SERVICE = "research_jobs"
CONNECTION = "research_jobs_app"


@dataclass(frozen=True)
class Client:
    """An OAuth client that signs people in to the app. The secret is never printed or stored."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Target:
    """The volume of the job folders, the job and app that use it, and how the app is registered.

    ``job_id`` is 0 and ``app``, ``group``, ``model`` are "" if they are not given. The app is
    registered only if a group is given, which may then call it. With ``shared``, everybody who
    calls through Unity Catalog is one caller to the app.
    """

    catalog: str
    schema: str
    volume: str
    job_id: int = 0
    app: str = ""
    group: str = ""
    model: str = ""
    client: Client | None = None
    shared: bool = False

    @property
    def schema_name(self) -> str:
        return f"{self.catalog}.{self.schema}"

    @property
    def volume_name(self) -> str:
        return f"{self.schema_name}.{self.volume}"

    @property
    def registers(self) -> bool:
        return bool(self.app and self.group)

    @property
    def registry(self) -> str:
        """The schema of the connection and the MCP service. It is separate, because people need
        USE SCHEMA on it and must not have that on the schema of the job folders."""
        return f"{self.schema}_mcp"

    @property
    def registry_name(self) -> str:
        return f"{self.catalog}.{self.registry}"

    @property
    def connection_name(self) -> str:
        return f"{self.registry_name}.{CONNECTION}"

    @property
    def service_name(self) -> str:
        return f"{self.registry_name}.{SERVICE}"

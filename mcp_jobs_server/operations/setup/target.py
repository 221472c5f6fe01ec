"""What a deployment is to look like, as it was typed."""

from __future__ import annotations

from dataclasses import dataclass, field

SERVICE = "research_jobs"
CONNECTION = "research_jobs_app"


@dataclass(frozen=True)
class Client:
    """An OAuth client that signs people in to the app. The secret is shown and kept nowhere."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """Where job folders lie, what uses them, and how the app is registered.

    ``job_id`` is 0 and ``app``, ``group``, ``model`` are "" where they are not named. The app is
    registered where a group is named that may call it so. With ``shared`` everybody who comes
    through Unity Catalog is one caller to the app.
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
        """The schema of connection and MCP service. People need USE SCHEMA there, which they
        must not have on the schema of the job folders."""
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

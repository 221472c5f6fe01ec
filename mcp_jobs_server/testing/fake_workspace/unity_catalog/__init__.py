"""Unity Catalog: catalogs, schemas, volumes, connections, MCP services and grants."""

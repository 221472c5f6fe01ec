"""What all tests share, and which of them ``make test-fast`` leaves out."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine, nothing of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

PROCESSES = (
    "browser",
    "bundle/test_installation.py",
    "chaos/test_short.py",
    "clients/test_frameworks.py",
    "clients/test_typescript.py",
    "conformance/test_conformance.py::test_no_scenario_of_the_official_suite_fails",
    "docs/test_databricks_docs.py",
    "docs/test_docs.py::test_snippets_run",
    "docs/test_readme.py::test_blocks_can_be_pasted_as_they_stand",
    "docs/test_readme.py::test_the_example_is_what_the_demo_prints_on_a_terminal",
    "evaluation/test_measures.py",
    "hostile",
    "mcp_jobs_server/auth/test_bearer.py",
    "mcp_jobs_server/auth/test_databricks_app.py",
    "mcp_jobs_server/auth/test_oidc.py",
    "mcp_jobs_server/backends/lakeflow/test_app_on_databricks.py",
    "mcp_jobs_server/backends/lakeflow/test_endings.py",
    "mcp_jobs_server/backends/lakeflow/test_faults.py",
    "mcp_jobs_server/backends/lakeflow/test_requests.py",
    "mcp_jobs_server/backends/lakeflow/test_starts.py",
    "mcp_jobs_server/backends/local",
    "mcp_jobs_server/backends/test_runner.py",
    "mcp_jobs_server/backends/test_runner_changes.py",
    "mcp_jobs_server/backends/test_runner_lists.py",
    "mcp_jobs_server/backends/test_runner_stops.py",
    "mcp_jobs_server/cli/test_cli.py",
    "mcp_jobs_server/cli/test_cli_jobs.py",
    "mcp_jobs_server/cli/test_sources_index.py",
    "mcp_jobs_server/cli/test_job_list.py",
    "mcp_jobs_server/cli/test_usage.py",
    "mcp_jobs_server/demo",
    "mcp_jobs_server/operations/retention",
    "mcp_jobs_server/operations/setup/test_doctor.py",
    "mcp_jobs_server/operations/setup/test_over_the_workspace.py",
    "mcp_jobs_server/operations/setup/test_setup_command.py",
    "mcp_jobs_server/operations/setup/test_signing_in.py",
    "mcp_jobs_server/test_client.py",
    "mcp_jobs_server/testing/fake_workspace/jobs",
    "mcp_jobs_server/testing/fake_workspace/mount",
    "mcp_jobs_server/transports",
    "researcher_job/command",
    "researcher_job/limits/test_disk_reserve.py",
    "researcher_job/research/test_refresh.py",
    "researcher_job/sources/documents/test_hostile_documents.py",
    "researcher_job/sources/documents/test_reader_environment.py",
    "researcher_job/sources/documents/test_swaps.py",
    "researcher_job/sources/documents/test_update.py",
    "upgrade",
)
"""Folders, files and functions below ``tests`` that start servers, runners, jobs or a browser."""


def starts_processes(node: str) -> bool:
    """Return whether a test, by its id in pytest, is one of ``PROCESSES``."""
    name = node.removeprefix("tests/").split("[")[0]
    return any(name == entry or name.startswith((f"{entry}/", f"{entry}::")) for entry in PROCESSES)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, before pytest selects by markers."""
    for item in items:
        if starts_processes(item.nodeid):
            item.add_marker("processes")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"

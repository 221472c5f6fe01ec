"""The Files API as the SDK and raw HTTP requests use it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT, signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


def put(app: WorkspaceClient, name: str, data: bytes, *, overwrite: bool = True) -> None:
    app.files.upload(f"{ROOT}/{name}", io.BytesIO(data), overwrite=overwrite)


def get(app: WorkspaceClient, name: str) -> bytes:
    contents = app.files.download(f"{ROOT}/{name}").contents
    assert contents is not None
    return contents.read()


def names(app: WorkspaceClient, path: str = ROOT, *, page: int | None = None) -> Sequence[str]:
    return [e.name or "" for e in app.files.list_directory_contents(path, page_size=page)]


def raw(workspace: FakeWorkspace, method: str, path: str, **headers: str) -> requests.Response:
    headers["Authorization"] = f"Bearer {workspace.app.token}"
    url = f"{workspace.url}/api/2.0/fs/{path}"
    return requests.request(method, url, headers=headers, timeout=10)


@pytest.mark.parametrize(
    "name", ["a.txt", "a b.txt", "ü?#%&+.txt", "deep/er/a.txt", "100%25.txt", "-", "x" * 200]
)
def test_a_file_can_have_any_name(app: WorkspaceClient, name: str) -> None:
    put(app, name, b"\0data\xff")
    assert get(app, name) == b"\0data\xff"
    app.files.delete(f"{ROOT}/{name}")
    assert name not in names(app)


def test_a_file_can_be_empty(app: WorkspaceClient) -> None:
    put(app, "empty", b"", overwrite=False)
    assert get(app, "empty") == b""
    metadata = app.files.get_metadata(f"{ROOT}/empty")
    assert metadata.content_length == 0
    assert (metadata.last_modified or "").endswith("GMT")


def test_only_one_of_many_writers_creates_a_file(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    from databricks.sdk.errors import AlreadyExists

    def create(number: int) -> int:
        try:
            put(app, "once", str(number).encode(), overwrite=False)
        except AlreadyExists:
            return -1
        return number

    with ThreadPoolExecutor(8) as pool:
        created = [number for number in pool.map(create, range(24)) if number >= 0]
    assert [get(app, "once")] == [str(number).encode() for number in created]
    assert names(app) == ["once"], "incomplete files are not visible"


@pytest.mark.parametrize(
    ("byte_range", "status", "data"),
    [
        ("bytes=2-", 206, b"234"),
        ("bytes=1-2", 206, b"12"),
        ("bytes=-2", 206, b"34"),
        ("bytes=3-99", 206, b"34"),
        ("bytes=5-", 416, None),
        ("lines=1-", 200, b"01234"),
    ],
)
def test_ranges(
    workspace: FakeWorkspace, app: WorkspaceClient, byte_range: str, status: int, data: bytes | None
) -> None:
    put(app, "five", b"01234")
    answer = raw(workspace, "GET", f"files{ROOT}/five", Range=byte_range)
    assert answer.status_code == status
    assert data is None or answer.content == data


def test_removed_files_do_not_move_the_pages_of_a_list(app: WorkspaceClient) -> None:
    for number in range(7):
        put(app, f"{number}.txt", b"")
    assert names(app, page=3) == [f"{number}.txt" for number in range(7)]
    listed = []
    for entry in app.files.list_directory_contents(ROOT, page_size=2):
        listed.append(entry.name)
        app.files.delete(f"{ROOT}/{entry.name}")
    assert listed == [f"{number}.txt" for number in range(7)]
    assert names(app) == []


def test_directories(app: WorkspaceClient) -> None:
    from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict

    app.files.create_directory(f"{ROOT}/a/b")
    app.files.create_directory(f"{ROOT}/a/b")
    app.files.get_directory_metadata(f"{ROOT}/a/b")
    with pytest.raises(BadRequest, match="not empty"):
        app.files.delete_directory(f"{ROOT}/a")
    app.files.delete_directory(f"{ROOT}/a/b")
    with pytest.raises(NotFound):
        app.files.delete_directory(f"{ROOT}/a/b")
    put(app, "file", b"")
    for call in (
        lambda: app.files.create_directory(f"{ROOT}/file"),
        lambda: put(app, "file/below", b""),
        lambda: put(app, "a", b""),
    ):
        with pytest.raises(ResourceConflict):
            call()
    with pytest.raises(NotFound):
        app.files.download(f"{ROOT}/a")
    with pytest.raises(NotFound):
        names(app, f"{ROOT}/file")


@pytest.mark.parametrize("name", ["..", "a/../../../../x", "a//b", ".", "%2e%2e/x"])
def test_paths_stay_in_their_volume(workspace: FakeWorkspace, name: str) -> None:
    import http.client

    (workspace.volumes.parent / "x").write_text("outside")
    (workspace.volumes / "main/research/jobs/a").mkdir()
    host = workspace.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)  # does not normalize paths
    headers = {"Authorization": f"Bearer {workspace.app.token}"}
    connection.request("GET", f"/api/2.0/fs/files{ROOT}/{quote(name, safe='/%')}", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"FILES_API_INVALID_PATH" in answer.read()
    connection.close()


def test_a_symbolic_link_stays_in_its_volume(workspace: FakeWorkspace) -> None:
    (workspace.volumes.parent / "x").write_text("outside")
    link = workspace.volumes / "main/research/jobs/link"
    link.symlink_to(workspace.volumes.parent / "x")
    assert raw(workspace, "GET", f"files{ROOT}/link").status_code == 400


def test_the_use_of_catalog_and_schema_is_needed(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    app = signed_in(workspace, workspace.app)
    workspace.rights.revoke("schema main.research", "account users", "USE_SCHEMA")
    with pytest.raises(PermissionDenied, match="USE SCHEMA"):
        names(app)

"""Which requests a job with its own configuration accepts, and which it refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from research_contract import records
from research_contract.configuration import (
    ConfigurationError,
    read_configuration,
    volume_path,
)
from research_contract.records import SourceRef
from research_contract.services import is_secret
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import JobFolder
from tests.researcher_job.command.test_job_command import handbook
from tests.researcher_job.jobs import command, make_folder, outcome_of

__all__ = ["handbook"]

JOB = "20260301-aaaaaaaaaaaaa"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the path of a job folder below the root of all job folders."""
    return tmp_path / "jobs" / "ada-1234" / "2026-03" / JOB


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "research.toml"


def run(folder: JobFolder, config: Path) -> subprocess.CompletedProcess[str]:
    cache = config.parent / "cache"
    return command("--folder", folder.path, "--config", config, "--cache", cache)


def untouched(folder: JobFolder) -> bool:
    there = {path.name for path in folder.path.iterdir()}
    return there <= {records.REQUEST, ".lock"}


def test_a_configured_source_is_read(place: Path, config: Path, handbook: SourceRef) -> None:
    config.write_text('[researcher]\nconcurrency = 1\n[sources.handbook]\nuri = "handbook"\n')
    folder = make_folder(place, sources=(handbook,))
    assert run(folder, config).returncode == ExitCode.DONE
    assert outcome_of(folder).coverage.read == 3


@pytest.mark.parametrize(
    "configured",
    [
        "",
        '[sources.handbook]\nuri = "another"\n',
        '[sources.other]\nuri = "handbook"\n',
        '[sources.handbook]\nuri = "handbook"\nexclude = ["drafts/"]\n',
    ],
)
def test_a_source_that_is_not_configured_is_refused(
    place: Path, config: Path, handbook: SourceRef, configured: str
) -> None:
    config.write_text(configured)
    folder = make_folder(place, sources=(handbook,))
    refused = run(folder, config)
    assert refused.returncode == ExitCode.NO_REQUEST
    assert "'handbook' is not one that this job may read" in refused.stderr
    assert untouched(folder)


@pytest.mark.parametrize("inner", [".", "ada-1234", "eve-5678/2026-03", "../jobs/x", "JOBS/.."])
@pytest.mark.parametrize("slashes", ["", "/"])
def test_a_source_that_overlaps_the_job_folders_is_refused(
    place: Path, config: Path, inner: str, slashes: str
) -> None:
    uri = f"file://{slashes}{str(place.parents[2]).upper()}/{inner}"
    config.write_text(f'[sources.jobs]\nuri = "{uri}"\n')
    folder = make_folder(place, sources=(SourceRef(name="jobs", uri=uri),))
    refused = run(folder, config)
    assert refused.returncode == ExitCode.NO_REQUEST
    assert "'jobs' overlaps the job folders" in refused.stderr
    assert untouched(folder)


def test_a_link_to_job_folders_is_refused(place: Path, config: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").symlink_to(place.parents[2])
    uri = (tmp_path / "plain").as_uri()
    config.write_text(f'[sources.plain]\nuri = "{uri}"\n')
    folder = make_folder(place, sources=(SourceRef(name="plain", uri=uri),))
    assert run(folder, config).returncode == ExitCode.NO_REQUEST


@pytest.mark.parametrize(
    ("earlier", "refused"),
    [
        ("../20260228-aaaaaaaaaaaaa", False),
        ("../../2026-02/20260228-aaaaaaaaaaaaa", False),
        ("../../../eve-5678/2026-02/20260228-aaaaaaaaaaaaa", True),
        ("/tmp", True),
        ("../..", True),
    ],
)
def test_a_base_job_of_another_owner_is_refused(
    place: Path, config: Path, earlier: str, *, refused: bool
) -> None:
    config.write_text("")
    fields = {"follow_up_of": "20260228-aaaaaaaaaaaaa", "earlier": earlier, "sources": ()}
    folder = make_folder(place, **fields)
    done = run(folder, config)
    assert done.returncode == (ExitCode.NO_REQUEST if refused else ExitCode.DONE)
    assert ("belongs to another owner" in done.stderr) == refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read"),
        ("[researcher", "not valid TOML"),
        ("[researchers]", r"Unknown table [researchers]"),
        ("[researcher]\npace = 1", "[researcher] cannot be used: pace"),
        ("[researcher]\nlook_seconds = 60", "[researcher] cannot be used: look_seconds"),
        ('[sources.a]\nuri = "x"\ntoken = "abc123"', "does not name a secret"),
        ('[model]\nname = "openai:x"\npace = 3', "[model] cannot be used: pace"),
        ('[model]\nname = "openai:x"\nkey = "abc123"', "does not name a secret"),
        ('[model]\nname = "openai:x"\nkey = "env:NOT_SET_ANYWHERE"', "is not set"),
        ('[model]\nname = "openai:x"', "needs a key"),
        ('[sources.a]\nuri = "volume:main"', "names no volume"),
    ],
)
def test_an_invalid_configuration_is_explained(
    place: Path, config: Path, text: str | None, why: str
) -> None:
    if text is not None:
        config.write_text(text)
    folder = make_folder(place, sources=())
    refused = run(folder, config)
    assert refused.returncode == ExitCode.NO_REQUEST
    assert why in refused.stderr
    assert "abc123" not in refused.stderr
    assert untouched(folder)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("volume:/main/docs/handbook/leave", "/Volumes/main/docs/handbook/leave"),
        ("volume:/Volumes/main/docs/handbook", "/Volumes/main/docs/handbook"),
        ("volume:Main.Docs.Handbook/Leave/a.b", "/Volumes/main/docs/handbook/Leave/a.b"),
        ("volume:main.docs.handbook", "/Volumes/main/docs/handbook"),
        ("file:///Volumes/main/docs/hand%2Dbook/a%20b", "/Volumes/main/docs/hand-book/a b"),
        ("file:///Volumes/Disk/papers", None),
        ("file:///home/me/Volumes/a/b/c", None),
        ("https://example.org/Volumes/a/b/c", None),
    ],
)
def test_volumes_are_recognized_by_each_of_their_names(uri: str, path: str | None) -> None:
    assert volume_path(uri) == path


@pytest.mark.parametrize(
    "uri",
    ["volume:", "volume:main", "volume:/main/docs", "volume:main.docs.h/../x", "volume:a b.c.d"],
)
def test_an_invalid_volume_is_an_error(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="names no volume"):
        volume_path(uri)


def test_server_and_job_read_the_same_volume_address(config: Path) -> None:
    config.write_text(
        '[sources.a]\nuri = "volume:Main.docs.handbook/x"\n'
        '[sources.b]\nuri = "/Volumes/main/docs/../docs/handbook"\n'
        '[sources.c]\nuri = "papers"\ntoken = "secret:scope/key"\n'
    )
    a, b, c = read_configuration(config).sources
    assert (a.uri, b.uri) == ("volume:/main/docs/handbook/x", "file:///Volumes/main/docs/handbook")
    assert c.token == "secret:scope/key"


@pytest.mark.parametrize("text", ["secret:a/b", "env:NAME", "secret:a.b@c/d-e_f"])
def test_a_secret_reference_is_recognized(text: str) -> None:
    assert is_secret(text)


@pytest.mark.parametrize("text", ["", "secret:", "secret:a", "secret:a/b/c", "env:", "env:A B"])
def test_other_texts_are_not_secret_references(text: str) -> None:
    assert not is_secret(text)

"""Sources: names, paths, grants, and places that are never granted."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_jobs_server.core.errors import (
    Conflict,
    InvalidArgument,
    JobsError,
    NewerVersion,
    NotFound,
    NotGranted,
    NothingToSearch,
)
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.sources.grants import grantable_path
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import SourceRef


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    folder = tmp_path / "Our Handbook"
    (folder / "chapters").mkdir(parents=True)
    (folder / "chapters" / "one.md").write_text("One.")
    return folder


def refused(error: pytest.ExceptionInfo[JobsError]) -> str:
    return f"{error.value.message} {error.value.hint}"


# --- patterns ---------------------------------------------------------------------------------


def test_patterns_are_granted_with_a_source_and_kept_for_its_parts(
    settings: Settings, handbook: Path
) -> None:
    sources = Sources(settings)
    added = sources.add("handbook", handbook, include=["*.md"], exclude=["drafts/"])
    assert Sources(settings).all() == (added,)
    (part,) = sources.resolve([str(handbook / "chapters")], remote=False)
    assert (part.include, part.exclude, part.part) == (("*.md",), ("drafts/",), "chapters")
    assert sources.granted_again(part) == part
    assert sources.add("handbook", handbook, include=["*.md"], exclude=["drafts/"]) == added
    with pytest.raises(Conflict, match="exists already"):
        sources.add("handbook", handbook)


def test_a_list_without_patterns_is_written_for_earlier_versions(
    settings: Settings, handbook: Path
) -> None:
    sources = Sources(settings)
    sources.add("handbook", handbook)
    assert json.loads(settings.grants_file.read_bytes())["format_version"] == 1
    sources.add("rules", handbook, exclude=["drafts/"])
    assert json.loads(settings.grants_file.read_bytes())["format_version"] == 2
    sources.remove("rules")
    assert json.loads(settings.grants_file.read_bytes())["format_version"] == 1


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("", "matches nothing"),
        ("# drafts", "matches nothing"),
        ("*a*b*c*d*e*", "more than 4 wildcards"),
        ("drafts\\", "none that git would understand"),
        ("x" * 1_001, "more than 1,000 characters"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused(
    settings: Settings, handbook: Path, pattern: str, fault: str
) -> None:
    with pytest.raises(InvalidArgument, match=fault):
        Sources(settings).add("handbook", handbook, exclude=[pattern])
    assert Sources(settings).all() == ()


def test_a_source_is_inherited_with_the_patterns_that_it_has_by_now(
    settings: Settings, handbook: Path
) -> None:
    sources = Sources(settings)
    before = sources.add("handbook", handbook)
    sources.remove("handbook")
    now = sources.add("handbook", handbook, exclude=["drafts/"])
    assert sources.granted_again(before) == now
    remote = Sources(replace(settings, backend="lakeflow", sources=(now,)))
    assert remote.granted_again(before) == now


# --- granting ---------------------------------------------------------------------------------


def test_a_grant_is_visible_to_other_processes_and_after_a_restart(
    settings: Settings, handbook: Path
) -> None:
    running = Sources(settings)
    assert running.all() == ()
    added = Sources(settings).add("handbook", handbook)
    assert added == SourceRef(name="handbook", uri=handbook.resolve().as_uri())
    assert running.all() == (added,)
    assert running.resolve((), remote=False) == (added,)
    assert Sources(settings).remove("HANDBOOK")
    assert running.all() == ()


def test_removing_an_unknown_source_returns_false(settings: Settings) -> None:
    assert Sources(settings).remove("nothing") is False


def test_a_configured_source_cannot_be_removed_here(settings: Settings, handbook: Path) -> None:
    configured = SourceRef(name="fixed", uri=handbook.as_uri())
    sources = Sources(replace(settings, sources=(configured,), config=Path("/x/research.toml")))
    with pytest.raises(Conflict, match=r"research\.toml"):
        sources.remove("fixed")
    assert sources.all() == (configured,)


def test_the_same_grant_is_idempotent_and_another_folder_conflicts(
    settings: Settings, handbook: Path, tmp_path: Path
) -> None:
    sources = Sources(settings)
    sources.add("handbook", handbook)
    sources.add("handbook", handbook)
    assert len(sources.all()) == 1
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Conflict, match="already"):
        sources.add("Handbook", other)


def test_concurrent_grants_are_all_kept(settings: Settings, handbook: Path) -> None:
    names = [f"n{number}" for number in range(12)]
    threads = [
        threading.Thread(target=Sources(settings).add, args=(name, handbook)) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(source.name for source in Sources(settings).all()) == sorted(names)


@pytest.mark.parametrize(
    "name", ["", "-x", ".x", "a b", "a/b", "../a", "a\0", "a" * 65, "h\u0430ndbook", "a\n"]
)
def test_an_invalid_name_is_rejected(settings: Settings, handbook: Path, name: str) -> None:
    with pytest.raises(InvalidArgument, match="cannot be the name"):
        Sources(settings).add(name, handbook)
    assert not settings.grants_file.exists()


def test_sources_named_at_start_take_precedence(
    settings: Settings, handbook: Path, tmp_path: Path
) -> None:
    Sources(settings).add("docs", handbook)
    named = SourceRef(name="Docs", uri=tmp_path.as_uri())
    assert Sources(settings, extra=(named,)).all() == (named,)


@pytest.mark.parametrize("text", ["{", "[]", '{"format_version": 1}', "\xff", '{"format_version"'])
def test_an_unparsable_list_is_explained(settings: Settings, text: str) -> None:
    settings.data_dir.mkdir()
    settings.grants_file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument, match=r"sources\.json cannot be parsed"):
        Sources(settings).all()


def test_a_list_of_a_newer_version_is_not_changed(settings: Settings, handbook: Path) -> None:
    settings.data_dir.mkdir()
    newer = json.dumps({"format_version": 3, "sources": []})
    settings.grants_file.write_text(newer)
    with pytest.raises(NewerVersion):
        Sources(settings).add("handbook", handbook)
    assert settings.grants_file.read_text() == newer


# --- what is never granted --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("/", "root of a drive"),
        ("~", "whole home"),
        ("/home", "whole home"),
        ("/etc", "system"),
        ("/etc/passwd", "system"),
        ("/proc/self/environ", "system"),
        ("/sys", "system"),
        ("/dev", "system"),
    ],
)
@pytest.mark.parametrize("allow_any_path", [False, True])
def test_some_places_are_never_granted(
    settings: Settings, place: str, why: str, *, allow_any_path: bool
) -> None:
    lenient = replace(settings, allow_any_path=allow_any_path)
    with pytest.raises(NotGranted, match=why):
        grantable_path(Path(place), lenient)
    with pytest.raises(NotGranted, match=why):
        Sources(lenient).resolve([place], remote=False)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".hidden", "hidden"),
        ("a/.git/b", "hidden"),
        (".ssh", "hidden"),
        ("Keychains", "credentials"),
        ("id_rsa.txt", "credentials"),
        ("server.pem", "credentials"),
    ],
)
def test_hidden_and_credential_paths_are_never_granted(
    settings: Settings, tmp_path: Path, name: str, why: str
) -> None:
    place = tmp_path / name
    place.mkdir(parents=True)
    with pytest.raises(NotGranted, match=why):
        Sources(settings).add("x", place)


def test_a_home_folder_its_parents_and_its_passwords_are_never_granted(tmp_path: Path) -> None:
    home = tmp_path / "people" / "ann"
    for folder in ("Documents", "Library/Keychains", "Library/Notes"):
        (home / folder).mkdir(parents=True)
    script = (
        "import sys; from pathlib import Path; from mcp_jobs_server.core.settings import Settings;"
        "from mcp_jobs_server.sources.grants import grantable_path as check\n"
        "for place in sys.argv[1:]:\n"
        "    try: check(Path(place), Settings(data_dir=Path('/nowhere/data'))); print('granted')\n"
        "    except Exception as error: print(type(error).__name__)\n"
    )
    places = [home, home.parent, home / "Library", home / "Library/Notes", home / "Documents"]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, places)],
        env={**os.environ, "HOME": str(home), "USERPROFILE": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = ["NotGranted", "NotGranted", "NotGranted", "granted", "granted"]
    assert done.stdout.split() == expected


def test_server_data_and_its_visible_parents_are_never_granted(
    settings: Settings, tmp_path: Path
) -> None:
    (settings.data_dir / "jobs").mkdir(parents=True)
    for place in (settings.data_dir, settings.data_dir / "jobs", tmp_path):
        with pytest.raises(NotGranted, match="data of this server"):
            grantable_path(place, settings)
    hidden = replace(settings, data_dir=tmp_path / ".data" / "ours")
    assert grantable_path(tmp_path, hidden) == tmp_path.resolve()


def test_libraries_in_a_hidden_environment_can_be_granted(settings: Settings) -> None:
    import pydantic

    folder = Path(pydantic.__file__).parent
    assert grantable_path(folder, settings) == folder.resolve()


# --- what a caller names ----------------------------------------------------------------------


def test_names_and_paths_within_a_grant_become_sources(settings: Settings, handbook: Path) -> None:
    sources = Sources(settings)
    whole = sources.add("handbook", handbook)
    inner = handbook / "chapters" / "one.md"
    assert sources.resolve(["HANDBOOK", "handbook"], remote=False) == (whole,)
    for text in (str(inner), inner.as_uri(), f"  {inner} "):
        (found,) = sources.resolve([text], remote=False)
        assert found == SourceRef(name="handbook/chapters/one.md", uri=inner.resolve().as_uri())
    assert sources.resolve([str(handbook)], remote=False) == (whole,)


def test_the_error_for_an_ungranted_path_has_the_grant_command(
    settings: Settings, handbook: Path
) -> None:
    sources = Sources(settings)
    with pytest.raises(NotGranted) as error:
        sources.resolve([str(handbook)], remote=False)
    command = shlex.split(error.value.hint.split("run: ")[1])
    assert command[:3] == ["mcp-jobs-server", "sources", "add"]
    sources.add(command[3], Path(command[4]))
    assert sources.resolve([str(handbook)], remote=False)[0].name == "our-handbook"


def test_a_link_out_of_a_source_is_not_granted(
    settings: Settings, handbook: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    (handbook / "link.txt").symlink_to(outside)
    (handbook / "loop").symlink_to(handbook / "loop")
    sources = Sources(settings)
    sources.add("handbook", handbook)
    with pytest.raises(NotGranted, match=r"leads to .*outside\.txt"):
        sources.resolve([str(handbook / "link.txt")], remote=False)
    with pytest.raises(JobsError, match="loop"):
        sources.resolve([str(handbook / "loop")], remote=False)


def test_a_granted_folder_swapped_for_a_link_to_secrets_is_refused(
    settings: Settings, handbook: Path
) -> None:
    sources = Sources(settings)
    sources.add("handbook", handbook)
    handbook.rename(handbook.with_name("moved"))
    handbook.symlink_to("/etc")
    for named in ([], ["handbook"], [str(handbook / "passwd")]):
        with pytest.raises(NotGranted, match="system"):
            sources.resolve(named, remote=False)


def test_any_path_is_accepted_if_that_is_configured(settings: Settings, handbook: Path) -> None:
    sources = Sources(replace(settings, allow_any_path=True))
    (found,) = sources.resolve([str(handbook)], remote=False)
    assert found == SourceRef(name="our-handbook", uri=handbook.resolve().as_uri())
    with pytest.raises(NotGranted, match="cannot see your computer"):
        sources.resolve([str(handbook)], remote=True)


def test_errors_for_remote_callers_reveal_no_paths(settings: Settings, handbook: Path) -> None:
    sources = Sources(settings)
    sources.add("handbook", handbook)
    said = set()
    for text in (str(handbook), "/etc/passwd", "/no/such", handbook.as_uri(), "~/x", "C:\\x"):
        with pytest.raises(NotGranted) as error:
            sources.resolve([text], remote=True)
        said.add(refused(error))
    assert said == {"This server cannot see your computer. The sources here: handbook."}
    assert len(sources.resolve(["handbook"], remote=True)) == 1


def test_the_error_for_an_unknown_name_lists_similar_and_all_names(
    settings: Settings, handbook: Path
) -> None:
    sources = Sources(settings)
    sources.add("handbook", handbook)
    with pytest.raises(NotFound) as error:
        sources.resolve(["handbok"], remote=False)
    assert "Did you mean 'handbook'?" in error.value.hint
    assert "The sources here: handbook." in error.value.hint
    with pytest.raises(NotFound, match="CYRILLIC SMALL LETTER A"):
        sources.resolve(["h\u0430ndbook"], remote=False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://example.org/a", "The web cannot be searched"),
        ("HTTP://example.org", "The web cannot be searched"),
        ("genie:sales", "'genie:' sources cannot be searched"),
        ("file://server/share", "not a folder or file of this machine"),
        ("a\0b", "control characters"),
        ("a" * 10_000, "1 to 2,000 characters"),
        ("/tmp/../etc", r"contains '\.\.'"),
        ("../x", r"contains '\.\.'"),
        ("sub/folder", "not absolute"),
        ("   ", "1 to 2,000 characters"),
    ],
)
def test_invalid_sources_are_explained(
    settings: Settings, handbook: Path, text: str, why: str
) -> None:
    sources = Sources(settings)
    sources.add("handbook", handbook)
    with pytest.raises(InvalidArgument, match=why):
        sources.resolve([text], remote=False)


def test_a_missing_path_is_reported(settings: Settings, tmp_path: Path) -> None:
    for text in (str(tmp_path / "gone"), "~nobody-by-this-name/x", "/" + "x" * 1999):
        with pytest.raises(JobsError, match=r"There is no|cannot be opened"):
            Sources(settings).resolve([text], remote=False)


def test_no_source_configured_and_none_named(settings: Settings) -> None:
    with pytest.raises(NothingToSearch) as error:
        Sources(settings).resolve((), remote=False)
    assert "no source is configured" in error.value.message
    assert "web cannot be searched" in error.value.message
    assert "mcp-jobs-server sources add" in error.value.hint


def test_a_missing_folder_is_skipped_unless_it_is_named(
    settings: Settings, handbook: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    sources = Sources(settings)
    kept = sources.add("handbook", handbook)
    sources.add("gone", gone)
    gone.rmdir()
    assert sources.resolve((), remote=False) == (kept,)
    with pytest.raises(NotFound, match="source 'gone' is gone"):
        sources.resolve(["gone"], remote=False)
    sources.remove("handbook")
    with pytest.raises(NotFound, match="source 'gone' is gone"):
        sources.resolve((), remote=False)


# --- what a person types ----------------------------------------------------------------------


def test_typed_folders_are_granted_and_known_names_are_kept(
    settings: Settings, handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sources = Sources(settings)
    sources.add("known", handbook / "chapters")
    names, folders = sources.resolve_typed(
        ["known", "Our Handbook", f"mine={handbook / 'chapters'}"]
    )
    assert names == ("known",)
    assert folders[0] == SourceRef(name="our-handbook", uri=handbook.resolve().as_uri())
    assert folders[1].name == "mine"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nothing", NotFound),
        ("/no/such/folder", NotFound),
        ("x=/no/such/folder", NotFound),
        ("https://example.org", InvalidArgument),
        ("/etc", NotGranted),
        ("x" * 1500, NotFound),
    ],
)
def test_invalid_typed_sources_are_rejected(
    settings: Settings, text: str, error: type[JobsError]
) -> None:
    with pytest.raises(error):
        Sources(settings).resolve_typed([text])


def test_a_link_in_the_configuration_is_followed_when_it_is_read(
    tmp_path: Path, handbook: Path
) -> None:
    (tmp_path / "current").symlink_to(handbook)
    config = tmp_path / "research.toml"
    config.write_text(f'[sources.current]\nuri = "{(tmp_path / "current").as_uri()}"\n')
    settings = load_settings({"MCP_JOBS_DATA_DIR": str(tmp_path / "data")}, config=config)
    (found,) = Sources(settings).resolve(["current"], remote=False)
    assert found == SourceRef(name="current", uri=handbook.resolve().as_uri())

"""What a repository leaves out is not read, by the rules of git; beside repositories all is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from researcher_job.sources.documents.walk import walk

FILES = {
    ".gitignore": (
        "*.log\n!keep.log\nbuild/\n/top.md\ndocs/*.tmp\n\\#odd.md\nspaced.md \n# comment\n"
    ),
    "a.log": "",
    "keep.log": "",
    "top.md": "",
    "sub/top.md": "",
    "sub/a.log": "",
    "sub/.gitignore": "!a.log\nown.md\n",
    "sub/own.md": "",
    "own.md": "",
    "build/x.md": "",
    "docs/build/x.md": "",
    "docs/a.tmp": "",
    "docs/deep/a.tmp": "",
    "build.md": "",
    "#odd.md": "",
    "spaced.md": "",
    "secret/x.md": "",
    "ä ö.md": "",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    fill(root, FILES)
    (root / ".git" / "info").mkdir(parents=True)
    (root / ".git" / "info" / "exclude").write_text("secret\n")
    return root


def fill(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text or "text")


def names(root: Path) -> set[str]:
    return {found.name for found in walk(root)}


def test_the_rules_of_git_hold(repository: Path) -> None:
    assert names(repository) == {
        *("keep.log", "sub/top.md", "sub/a.log", "own.md", "docs/deep/a.tmp", "build.md", "ä ö.md")
    }


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_itself_says_the_same(repository: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(repository), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    saved = (repository / ".git" / "info" / "exclude").read_text()
    git("init")
    (repository / ".git" / "info" / "exclude").write_text(saved)
    listed = git("ls-files", "--others", "--exclude-standard", "-z").split("\0")
    visible = {name for name in listed if name and not name.rpartition("/")[2].startswith(".")}
    assert names(repository) == visible


def test_a_part_of_a_repository_obeys_the_rules_above_it(repository: Path) -> None:
    assert names(repository / "docs") == {"deep/a.tmp"}
    assert names(repository / "sub") == {"top.md", "a.log"}


def test_a_folder_that_its_repository_leaves_out_is_read_where_it_is_named(
    repository: Path,
) -> None:
    assert names(repository / "build") == {"x.md"}


def test_a_repository_inside_has_rules_of_its_own(repository: Path) -> None:
    fill(repository, {"inner/a.log": "", "inner/own.md": "", "inner/.gitignore": "own.md\n"})
    (repository / "inner" / ".git").mkdir()
    assert {name for name in names(repository) if name.startswith("inner")} == {"inner/a.log"}


def test_outside_repositories_nothing_is_left_out(tmp_path: Path) -> None:
    fill(tmp_path / "plain", {"a.log": "", ".gitignore": "*\n"})
    assert names(tmp_path / "plain") == {"a.log"}


@pytest.mark.parametrize(
    "rules",
    [
        "*a" * 60 + "b",  # would be tried in more ways than there are atoms
        "**/a/" * 60 + "b",
        "[" * 5_000,
        "!" * 5_000,
        "\\",
        "*\x00*",
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_hostile_rules_neither_hang_nor_fail(repository: Path, rules: str) -> None:
    (repository / ".gitignore").write_text(f"{rules}\nown.md\n")
    (repository / ("a" * 200)).write_text("text")
    (repository / "/".join("a" * 60)).mkdir(parents=True)
    found = names(repository)
    assert "own.md" not in found
    assert {"keep.log", "a" * 200} <= found


def test_rules_that_are_no_file_of_sound_size_are_not_opened(repository: Path) -> None:
    (repository / ".gitignore").unlink()
    (repository / ".gitignore").symlink_to(repository / "sub" / ".gitignore")
    assert "own.md" in names(repository)
    (repository / ".gitignore").unlink()
    (repository / ".gitignore").write_text("own.md\n" * 200_000)
    assert "own.md" in names(repository)


def test_lists_of_installers_are_no_documents(tmp_path: Path) -> None:
    package = "site/thing-1.dist-info"
    lists = ("RECORD", "INSTALLER", "WHEEL", "top_level.txt", "REQUESTED", "direct_url.json")
    fill(tmp_path, {f"{package}/{name}": "" for name in (*lists, "METADATA", "licenses/LICENSE")})
    fill(tmp_path, {"site/record": "", "site/top_level.txt": ""})
    (tmp_path / "site" / "py.typed").touch()
    assert names(tmp_path / "site") == {
        "thing-1.dist-info/METADATA",
        "thing-1.dist-info/licenses/LICENSE",
        "record",
        "top_level.txt",
    }

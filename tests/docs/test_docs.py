"""Holds the documents to the code: what they name exists, and what exists is named."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from mcp_jobs_server.auth.auth_table import read_auth
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.polling import POLL_SECONDS
from mcp_jobs_server.backends.local.processes.settle import MAX_ATTEMPTS
from mcp_jobs_server.backends.local.runner import MIN_FREE_BYTES
from mcp_jobs_server.cli.parser import parse
from mcp_jobs_server.core import errors
from mcp_jobs_server.core.settings import KEYS, Settings, load_settings
from mcp_jobs_server.messages.json_schema import schema_of
from mcp_jobs_server.operations.install.snippets import CLIENTS
from mcp_jobs_server.protocol.tools import TOOLS, Tool
from mcp_jobs_server.transports.connections import MAX_CONNECTIONS, BoundedConnection
from research_contract import records
from research_contract.processes import DATA_MARK, JOB_MARK
from research_contract.records import ContextSpan
from researcher_job.sources.document import BlockKind, ContextKind
from tests.docs.documents import (
    DOCUMENTS,
    Fence,
    Table,
    commands,
    fences,
    links,
    spans,
    tables,
)
from tests.repository import ROOT

SAFETY_SECONDS = 120
SERVER, JOB = "mcp-jobs-server", "researcher-job"


def of_program(program: str, lines: Iterable[tuple[str, str]]) -> list[Any]:
    """Return the words behind ``program`` of each line that calls it."""
    found = {}
    for place, text in lines:
        words = [word for word in shlex.split(text, comments=True) if not _assignment(word)]
        if words and words[0] == program:
            found[f"{place} {text}"] = words[1:]
    return [pytest.param(words, id=name) for name, words in found.items()]


def _assignment(word: str) -> bool:
    return re.fullmatch(r"[A-Z_]+=.*", word) is not None


def in_sentences() -> Iterator[tuple[str, str]]:
    """Code spans that call something with at least one word behind it."""
    for name in DOCUMENTS:
        yield from ((name, span) for span in spans(name) if re.match(r"[a-z-]+ [\w-]", span))


# --- commands -----------------------------------------------------------------------------


@pytest.mark.parametrize("words", of_program(SERVER, commands()))
def test_commands_of_the_server_can_be_typed(words: list[str]) -> None:
    assert callable(parse(words).load())


@pytest.mark.parametrize("words", of_program(JOB, commands()))
def test_commands_of_the_job_can_be_typed(words: list[str], tmp_path: Path) -> None:
    done = run_job(words, tmp_path)
    assert done.returncode in (1, 5), done.stderr  # understood; there is no such folder


@pytest.mark.parametrize("words", of_program(SERVER, in_sentences()))
def test_commands_of_the_server_in_sentences_exist(words: list[str]) -> None:
    if all(re.fullmatch("[a-z]+", word) for word in words):  # the command as such
        with pytest.raises(SystemExit, match="0"):
            parse([*words, "--help"])
    else:
        assert callable(parse(words).load())


@pytest.mark.parametrize("words", of_program(JOB, in_sentences()))
def test_commands_of_the_job_in_sentences_exist(words: list[str], tmp_path: Path) -> None:
    assert run_job([*words, "--help"], tmp_path).stdout.startswith(f"usage: {JOB} {words[0]}")


def run_job(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "researcher_job", *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=SAFETY_SECONDS
    )


def test_some_commands_were_found() -> None:
    assert len(of_program(SERVER, commands())) > 10
    assert len(of_program(JOB, commands())) > 2
    assert len(of_program(SERVER, in_sentences())) > 10


def test_make_has_the_targets_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    there = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    wanted = {
        found[1]
        for _, text in (*commands(), *in_sentences())
        if (found := re.match(r"make ([a-z-]+)", text))
    }
    assert {"demo", "test", "check", "bench", "eval"} <= wanted
    assert wanted <= there


def test_the_section_about_tests_names_their_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^## .*`make test`$", readme, re.MULTILINE)


# --- code blocks --------------------------------------------------------------------------


def blocks(language: str) -> list[Any]:
    return [pytest.param(fence, id=fence.place) for fence in fences() if fence.language == language]


@pytest.mark.parametrize("fence", blocks("json"))
def test_json_is_valid(fence: Fence) -> None:
    said = json.loads(fence.text)
    if "servers" in said or "mcpServers" in said:
        return  # held to more below
    kind = getattr(records, fence.info[1])
    assert set(said) == set(kind.model_fields)
    kind.model_validate(said)


def test_the_readme_connects_every_client_that_connect_knows() -> None:
    found = {
        client for _, text in commands("README.md") for client in re.findall("connect (.+)", text)
    }
    assert found | {"other"} == set(CLIENTS)


@pytest.mark.parametrize("fence", blocks("toml"))
def test_configurations_can_be_loaded(fence: Fence, tmp_path: Path) -> None:
    file = tmp_path / "research.toml"
    file.write_text(fence.text, encoding="utf-8")
    secrets = dict.fromkeys(re.findall(r"env:(\w+)", fence.text), "x" * 32)
    found = load_settings(secrets, config=file)
    assert found.sources or read_auth(found.auth_table, secrets)


@pytest.mark.parametrize("fence", blocks("text"))
def test_examples_of_answers_are_the_snapshots(fence: Fence) -> None:
    for word in fence.info[1:]:
        name = word.removeprefix("snapshot=")
        said = (ROOT / "tests" / "snapshots" / f"{name}.txt").read_text(encoding="utf-8")
        assert fence.text.strip() == said.partition("\n\n--- the same as fields ---")[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a handbook, and the environment of a fresh installation."""
    (tmp_path / "handbook").mkdir()
    text = "# Leave\n\nLeave is granted by the head of the department.\n"
    (tmp_path / "handbook" / "leave.md").write_text(text, encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    others = ("MCP_JOBS", "XDG_")
    own = {name: text for name, text in os.environ.items() if not name.startswith(others)}
    # A home of its own: a client gives a server that it starts little more than that.
    environ = {**own, "HOME": str(tmp_path / "home"), "PATH": path}
    yield tmp_path, environ
    stop = [sys.executable, "-m", "mcp_jobs_server", "stop"]
    subprocess.run(stop, env=environ, check=True, capture_output=True, timeout=SAFETY_SECONDS)


@pytest.mark.parametrize("fence", blocks("python"))
def test_snippets_run(fence: Fence, place: tuple[Path, dict[str, str]]) -> None:
    cwd, environ = place
    file = cwd / "snippet.py"
    file.write_text(fence.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=ROOT if fence.place.startswith("README.md") else cwd,  # in a clone, as it says
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=SAFETY_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("Leave is granted by|The ramp next to|'created': True", done.stdout)


# --- names --------------------------------------------------------------------------------


def test_every_variable_that_is_named_is_read() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS)
    named = set(re.findall(r"MCP_JOBS_[A-Z_]+", text)) - {JOB_MARK, DATA_MARK}
    assert named <= set(KEYS)


def test_every_variable_and_its_key_stand_in_the_table() -> None:
    [table] = tables("docs/configuration.md")
    assert table.column(0) == list(KEYS)
    for (name,), key in (row[:2] for row in table.rows[1:]):
        assert key in ([name.removeprefix("MCP_JOBS_").lower()], [])


def test_every_default_is_said() -> None:
    lines = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").splitlines()
    for name, meaning in KEYS.items():
        [row] = [line for line in lines if line.startswith(f"| `{name}`")]
        if default := re.search(r"\(default (\w+)\)", meaning):
            assert f"| {default[1]} |" in row.replace("`", "")


def test_the_numbers_of_the_local_backend_are_those_in_force() -> None:
    page = " ".join((ROOT / "docs/local-backend.md").read_text(encoding="utf-8").split())
    for said in (
        f"exits after {RunnerOptions.idle_seconds:g} s without work",
        f"after {RunnerOptions.hang_seconds:g} s without a heartbeat",
        f"After {Settings.stop_grace_seconds:g} s its processes are killed",
        f"within {Settings.finish_grace_seconds:g} s the job is killed",
        f"which may take {Settings.report_seconds:g} s",
        f"every {POLL_SECONDS * 1000:g} ms",
        f"under {MIN_FREE_BYTES / 1e6:g} MB free",
        f"more than {MAX_ATTEMPTS} times",
    ):
        assert said in page


def test_the_bounds_of_connections_are_those_in_force() -> None:
    page = " ".join((ROOT / "docs/identity.md").read_text(encoding="utf-8").split())
    for said in (
        f"arrive within {BoundedConnection.head_seconds:g} s",
        f"within another {BoundedConnection.body_seconds:g} s",
        f"at most {MAX_CONNECTIONS} connections",
    ):
        assert said in page


def test_the_table_of_the_job_folder_names_its_files() -> None:
    constants = [name for name in vars(records) if re.fullmatch("[A-Z][A-Z_]+", name)]
    known = [value for name in constants if isinstance(value := getattr(records, name), str)]
    [table] = tables("docs/job-folder.md")
    assert sorted(table.column(0)) == sorted(known)


def test_each_kind_of_block_and_context_is_described() -> None:
    page = (ROOT / "docs/job-folder.md").read_text(encoding="utf-8")
    below = page.split("`kind` is that of the block")[1].split("`score` is")[0]
    described = set(re.findall(r"`(\w+)`", below))
    quoted_kinds = set(get_args(BlockKind)) - {"heading", "head"}  # these are context of others
    assert quoted_kinds | set(get_args(ContextKind)) <= described
    assert set(get_args(ContextKind)) <= set(re.findall(r"\w+", ContextSpan.__doc__ or ""))


def tool_tables() -> dict[str, Table]:
    return {table.heading: table for table in tables("docs/tools.md")}


def argument_names(kind: type[BaseModel], within: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from argument_names(inner, f"{name}.")
        else:
            yield within + name


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_argument_of_a_tool_stands_in_its_table(tool: Tool[Any, Any]) -> None:
    table = tool_tables()[tool.name]
    assert table.column(0) == list(argument_names(tool.arguments))
    required = schema_of(tool.arguments).get("required", [])
    page = (ROOT / "docs/tools.md").read_text(encoding="utf-8")
    section = page.split(f"## {tool.name}\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| required", section, re.MULTILINE) == required


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_field_of_an_answer_is_named_in_order(tool: Tool[Any, Any]) -> None:
    page = (ROOT / "docs/tools.md").read_text(encoding="utf-8")
    section = page.split(f"## {tool.name}\n")[1].split("\n## ")[0]
    answer = re.sub(r"\([^)]*\)", "", section.split("Answer: ")[1].split(".")[0])
    assert re.findall(r"`(\w+)`", answer) == list(tool.answer.model_fields)


def test_the_tools_are_all_there_are() -> None:
    described = [heading for heading in tool_tables() if heading != "Errors"]
    assert sorted(described) == sorted(tool.name for tool in TOOLS)


def test_each_kind_of_error_stands_in_its_table() -> None:
    kinds = {kind.kind for kind in errors.JobsError.__subclasses__()} | {errors.JobsError.kind}
    assert set(tool_tables()["Errors"].column(0)) == kinds


@pytest.mark.parametrize("package", ["mcp_jobs_server", "researcher_job", "tests"])
def test_the_map_names_every_module_and_nothing_else(package: str) -> None:
    [table] = [t for t in tables("AGENTS.md") if t.rows[0][0] == [f"{package}/"]]
    named = {name.rstrip("/") for name in table.column(0)}
    assert [name for name in named if not (ROOT / package / name).exists()] == []
    there = {path.name for path in (ROOT / package).iterdir() if not path.name.startswith("_")}
    covered = {name.split("/")[0] for name in named}
    assert there - covered - {"conftest.py", "py.typed"} == set()


# --- links and places ---------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for link in links(name):
        if not urlsplit(link).scheme:
            assert ((ROOT / name).parent / link.partition("#")[0]).is_file(), link


GENERAL = {"Volumes", "Workspace", "path", "home", "mcp", "health", "ready"}
"""How absolute paths in documents may begin; others are those of somebody's machine."""

HOSTS = {
    *("127.0.0.1:8000", "127.0.0.1:1234", "127.0.0.1:8080", "127.0.0.1:11434"),
    *("modelcontextprotocol.io", "openrouter.ai", "wiki.example.org"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_place_of_anybodys_machine_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    begins = re.findall(r"(?<![\w.~)>\]/:*-])/([A-Za-z]\w*)", re.sub(r"https?://\S+", "", text))
    assert set(begins) <= GENERAL
    roots = set(re.findall(r"file:///(\w+)", text))
    assert roots <= GENERAL
    hosts = set(re.findall(r"https?://([^/)\s`\]\"]+)", text))
    assert {host for host in hosts if not host.endswith(".example.com")} <= HOSTS

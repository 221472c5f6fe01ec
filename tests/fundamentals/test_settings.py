"""Settings: the environment above research.toml above the defaults, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_jobs_server.errors import InvalidArgument
from mcp_jobs_server.settings import DEFAULT_CAPS, KEYS, Settings, load
from researcher_job.contract import Source


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "research.toml"


def test_nothing_said_gives_settings_that_work() -> None:
    settings = load({})
    assert settings.backend == "local"
    assert settings.data_dir.is_absolute()
    assert settings.caps == DEFAULT_CAPS
    assert settings.sources == ()
    assert not settings.allow_any_path


def test_a_variable_stands_above_the_file_and_the_file_above_the_default(
    config: Path, tmp_path: Path
) -> None:
    config.write_text("[server]\nmax_minutes = 7\nmax_tokens = 9\n")
    said = {"MCP_JOBS_CONFIG": str(config), "MCP_JOBS_MAX_MINUTES": "3"}
    settings = load({**said, "MCP_JOBS_DATA_DIR": str(tmp_path / "data")})
    assert settings.caps.minutes == 3
    assert settings.caps.tokens == 9
    assert settings.caps.tool_calls == DEFAULT_CAPS.tool_calls
    assert settings.data_dir == tmp_path / "data"
    assert settings.config == config


def test_every_documented_variable_is_understood(config: Path, tmp_path: Path) -> None:
    config.write_text("")
    values = {
        "MCP_JOBS_DATA_DIR": str(tmp_path),
        "MCP_JOBS_CONFIG": str(config),
        "MCP_JOBS_BACKEND": "local",
        "MCP_JOBS_MAX_RUNNING": "5",
        "MCP_JOBS_MAX_MINUTES": "1.5",
        "MCP_JOBS_MAX_TOOL_CALLS": "6",
        "MCP_JOBS_MAX_TOKENS": "7",
        "MCP_JOBS_MAX_COST_USD": "0.5",
        "MCP_JOBS_ALLOW_PATHS": "any",
        "MCP_JOBS_LOG_LEVEL": "debug",
    }
    assert set(values) == set(KEYS)
    settings = load(values)
    caps = settings.caps
    assert (caps.minutes, caps.tool_calls, caps.tokens, caps.cost_usd) == (1.5, 6, 7, 0.5)
    assert (settings.max_running, settings.log_level) == (5, "DEBUG")
    assert settings.allow_any_path


def test_sources_are_uris_or_paths_beside_the_file(config: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    config.write_text('[sources.a]\nuri = "docs"\n[sources.b]\nuri = "file:///srv/b"\n')
    assert load({}, config=config).sources == (
        Source(name="a", uri=(tmp_path / "docs").resolve().as_uri()),
        Source(name="b", uri="file:///srv/b"),
    )


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"MCP_JOBS_MAX_MINUTE": "1"}, "Unknown environment variable MCP_JOBS_MAX_MINUTE"),
        ({"MCP_JOBS_MAX_MINUTES": "soon"}, "must be a number"),
        ({"MCP_JOBS_MAX_MINUTES": "nan"}, "must be a number"),
        ({"MCP_JOBS_MAX_RUNNING": "0"}, "at least 1"),
        ({"MCP_JOBS_MAX_COST_USD": "-1"}, "at least 0"),
        ({"MCP_JOBS_BACKEND": "moon"}, "must be 'local'"),
        ({"MCP_JOBS_CONFIG": "/no/such/research.toml"}, "cannot be read"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        load(environ)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[server", "not valid TOML"),
        ("server = 3", "'server' in .* is a value, not a table"),
        ("sources = []", "'sources' in .* is a value, not a table"),
        ("[servers]", r"Unknown table \[servers\]"),
        ("[server]\nmax_minute = 1", "Unknown key 'max_minute'"),
        ("[sources.a]\npath = 'x'", r"\[sources\.a\] needs exactly one key, uri"),
        ("[sources]\na = 1", r"\[sources\.a\] needs exactly one key, uri"),
    ],
)
def test_a_wrong_file_is_explained(config: Path, text: str, why: str) -> None:
    config.write_text(text)
    with pytest.raises(InvalidArgument, match=why):
        load({}, config=config)


def test_a_profile_tells_configurations_apart(tmp_path: Path) -> None:
    one = Settings(data_dir=tmp_path, config=tmp_path / "a.toml")
    other = Settings(data_dir=tmp_path, config=tmp_path / "b.toml")
    assert one.profile != other.profile
    assert one.profile == Settings(data_dir=tmp_path / "x", config=tmp_path / "a.toml").profile

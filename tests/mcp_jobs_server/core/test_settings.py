"""Settings: precedence of environment, research.toml and defaults, and error messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.settings import DEFAULT_CAPS, KEYS, Quotas, Settings, load_settings
from research_contract.records import SourceRef


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "research.toml"


def test_the_defaults_are_valid_settings() -> None:
    settings = load_settings({})
    assert settings.backend == "local"
    assert settings.data_dir.is_absolute()
    assert settings.caps == DEFAULT_CAPS
    assert settings.sources == ()
    assert not settings.allow_any_path


def test_variables_override_the_file_and_the_file_overrides_defaults(
    config: Path, tmp_path: Path
) -> None:
    config.write_text("[server]\nmax_minutes = 7\nmax_tokens = 9\n")
    said = {"MCP_JOBS_CONFIG": str(config), "MCP_JOBS_MAX_MINUTES": "3"}
    settings = load_settings({**said, "MCP_JOBS_DATA_DIR": str(tmp_path / "data")})
    assert settings.caps.minutes == 3
    assert settings.caps.tokens == 9
    assert settings.caps.tool_calls == DEFAULT_CAPS.tool_calls
    assert settings.data_dir == tmp_path / "data"
    assert settings.config == config


def test_every_documented_variable_is_read(config: Path, tmp_path: Path) -> None:
    config.write_text("")
    values = {
        "MCP_JOBS_DATA_DIR": str(tmp_path),
        "MCP_JOBS_CONFIG": str(config),
        "MCP_JOBS_BACKEND": "lakeflow",
        "MCP_JOBS_VOLUME": "/Volumes/main/research/jobs",
        "MCP_JOBS_JOB_ID": "625234784902960",
        "MCP_JOBS_PRINCIPALS": "a-1, b-2",
        "MCP_JOBS_HOSTS": "research.example.com, [fd00::7]:8443",
        "MCP_JOBS_RETENTION_DAYS": "90",
        "MCP_JOBS_MAX_RUNNING": "5",
        "MCP_JOBS_MAX_MINUTES": "1.5",
        "MCP_JOBS_MAX_TOOL_CALLS": "6",
        "MCP_JOBS_MAX_TOKENS": "7",
        "MCP_JOBS_MAX_COST_USD": "0.5",
        "MCP_JOBS_MAX_ACTIVE": "3",
        "MCP_JOBS_MAX_STARTS_A_DAY": "20",
        "MCP_JOBS_MAX_COST_A_DAY": "2.5",
        "MCP_JOBS_MAX_QUEUED": "50",
        "MCP_JOBS_ALLOW_PATHS": "any",
        "MCP_JOBS_LOG_LEVEL": "debug",
    }
    assert set(values) == set(KEYS)
    settings = load_settings(values)
    caps = settings.caps
    assert (caps.minutes, caps.tool_calls, caps.tokens, caps.cost_usd) == (1.5, 6, 7, 0.5)
    assert (settings.max_running, settings.log_level) == (5, "DEBUG")
    assert settings.allow_any_path
    assert (settings.backend, settings.job_id) == ("lakeflow", 625234784902960)
    assert (settings.volume, settings.retention_days) == ("/Volumes/main/research/jobs", 90)
    assert settings.principals == ("a-1", "b-2")
    assert settings.hosts == ("research.example.com", "[fd00::7]:8443")
    assert settings.quotas == Quotas(active=3, starts_a_day=20, cost_a_day=2.5, queued=50)


@pytest.mark.parametrize("said", ["main.research.jobs", "/Volumes/Main/Research/Jobs/"])
def test_a_volume_is_accepted_in_both_forms(said: str) -> None:
    away = {"MCP_JOBS_BACKEND": "lakeflow", "MCP_JOBS_JOB_ID": "1", "MCP_JOBS_VOLUME": said}
    assert load_settings(away).volume == "/Volumes/main/research/jobs"


def test_sources_have_an_audience(config: Path) -> None:
    config.write_text('[sources.law]\nuri = "volume:/main/docs/law"\naudience = "lawyers"\n')
    settings = load_settings({}, config=config)
    assert settings.sources == (SourceRef(name="law", uri="volume:/main/docs/law"),)
    assert settings.audiences == {"law": "lawyers"}


def test_sources_are_uris_or_paths_relative_to_the_file(config: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    config.write_text('[sources.a]\nuri = "docs"\n[sources.b]\nuri = "file:///srv/b"\n')
    assert load_settings({}, config=config).sources == (
        SourceRef(name="a", uri=(tmp_path / "docs").resolve().as_uri()),
        SourceRef(name="b", uri="file:///srv/b"),
    )


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"MCP_JOBS_MAX_MINUTE": "1"}, "Unknown environment variable MCP_JOBS_MAX_MINUTE"),
        ({"MCP_JOBS_MAX_MINUTES": "soon"}, "must be a number"),
        ({"MCP_JOBS_MAX_MINUTES": "nan"}, "must be a number"),
        ({"MCP_JOBS_MAX_RUNNING": "0"}, "at least 1"),
        ({"MCP_JOBS_MAX_COST_USD": "-1"}, "at least 0"),
        ({"MCP_JOBS_HOSTS": "*"}, "MCP_JOBS_HOSTS contains '*'"),
        ({"MCP_JOBS_HOSTS": "a, https://b"}, "MCP_JOBS_HOSTS contains 'https://b'"),
        ({"MCP_JOBS_HOSTS": "a:99999"}, "MCP_JOBS_HOSTS contains 'a:99999'"),
        ({"MCP_JOBS_BACKEND": "moon"}, "must be 'local' or 'lakeflow'"),
        ({"MCP_JOBS_BACKEND": "lakeflow", "MCP_JOBS_JOB_ID": "1"}, "MCP_JOBS_VOLUME is ''"),
        (
            {"MCP_JOBS_BACKEND": "lakeflow", "MCP_JOBS_VOLUME": "a.b.c"},
            "id of the deployed job",
        ),
        ({"MCP_JOBS_CONFIG": "/no/such/research.toml"}, "cannot be read"),
    ],
)
def test_an_invalid_variable_is_named(environ: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        load_settings(environ)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[server", "not valid TOML"),
        ("server = 3", "'server' in .* is a value, not a table"),
        ("sources = []", "'sources' in .* is a value, not a table"),
        ("[servers]", r"Unknown table \[servers\]"),
        ("[server]\nmax_minute = 1", "Unknown key 'max_minute'"),
        ("[sources.a]\npath = 'x'", r"\[sources\.a\] needs the key uri"),
        ("[sources.a]\nuri = 'x'\nowner = 'y'", "Unknown key 'owner'"),
        ("[sources]\na = 1", r"\[sources\.a\] needs the key uri"),
    ],
)
def test_an_invalid_file_is_explained(config: Path, text: str, why: str) -> None:
    config.write_text(text)
    with pytest.raises(InvalidArgument, match=why):
        load_settings({}, config=config)


def test_a_profile_identifies_a_configuration(tmp_path: Path) -> None:
    one = Settings(data_dir=tmp_path, config=tmp_path / "a.toml")
    other = Settings(data_dir=tmp_path, config=tmp_path / "b.toml")
    assert one.profile != other.profile
    assert one.profile == Settings(data_dir=tmp_path / "x", config=tmp_path / "a.toml").profile

"""The table ``[model]``: jobs of a real server with a wrong one, and with a model that is away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp_jobs_server.cli.command_line import CommandLine, Json

KEY = "sk-correct-horse-battery"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    (tmp_path / "handbook").mkdir()
    text = "# Leave\n\nLeave is granted by the head of the department.\n"
    (tmp_path / "handbook" / "leave.md").write_text(text, encoding="utf-8")
    shell = CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)
    yield shell
    assert shell.run("stop").code == 0


def environ(shell: CommandLine, table: str) -> dict[str, str]:
    toml = f'[sources.handbook]\nuri = "handbook"\n{table}\n'
    (shell.cwd / "research.toml").write_text(toml, encoding="utf-8")
    return {"MCP_JOBS_CONFIG": str(shell.cwd / "research.toml"), "MODEL_KEY": KEY}


def checked(shell: CommandLine, table: str) -> Json:
    done = shell.run("doctor", "--json", **environ(shell, table))
    assert KEY not in done.out + done.err
    checks = {one["name"]: one for one in done.json["checks"]}
    assert checks["source handbook"]["state"] == "ok"
    return checks["language models"]


def test_a_wrong_table_refuses_jobs_and_not_the_server(shell: CommandLine) -> None:
    config = environ(shell, '[model]\nname = "openai:x"\ntemprature = 3')
    done = shell.run("research", "Who grants leave?", **config)
    assert done.code == 1
    assert "its table [model]" in " ".join(done.err.split())
    assert "mcp-jobs-server doctor" in done.err
    [job] = shell.run("jobs", "list", "--json", **config).json
    assert job["state"] == "failed"
    log = (shell.data_dir / "log" / "runner.log").read_text(encoding="utf-8")
    assert "[model] cannot be used: temprature" in log
    done = shell.run("research", "Who grants leave?", **environ(shell, ""))
    assert done.code == 0, done.err


def test_a_job_whose_model_is_away_has_a_report_without_a_model(shell: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nothing listens there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        prices = "input_price = 0\noutput_price = 0"
        config = environ(shell, f'[model]\nname = "openai:x"\nbase_url = "{url}"\n{prices}')
        asked = ("research", "Who grants leave?", "--depth", "quick", "--json")
        done = shell.run(*asked, **config)
    assert done.code == 0, done.err
    report = (Path(done.json["folder"]) / "report.md").read_text(encoding="utf-8")
    assert "> Leave is granted by the head of the department." in report
    assert "Searched without a model" in report
    assert "No language model answered, so none took part" in report
    assert "Models planned" not in report


def test_the_doctor_names_the_models(shell: CommandLine) -> None:
    check = checked(
        shell,
        '[model]\nname = "openai:gpt-4.1-mini"\nkey = "env:MODEL_KEY"\n'
        'fallback = ["openai:gpt-4.1-nano"]\n[model.writer]\nname = "openai:gpt-4.1"\n'
        "fallback = []",
    )
    both = "openai:gpt-4.1-mini, else openai:gpt-4.1-nano"
    found = f"lead, worker, checker: {both}; writer: openai:gpt-4.1"
    assert (check["state"], check["found"]) == ("ok", found)


def test_the_doctor_says_that_no_model_is_named(shell: CommandLine) -> None:
    check = checked(shell, "")
    assert check["state"] == "ok"
    assert "no table [model], so jobs find and do not write" in check["found"]
    assert "pydantic-ai-slim" in check["found"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('name = "openai:x"\ntemprature = 3', "[model] cannot be used: temprature"),
        ('name = "gpt"', "[model] cannot be used: name"),
        ('name = "openai:x"\nkey = "sk-abc"', "does not name a secret"),
        ('name = "openai:x"\nkey = "env:NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE is not set"),
        ('name = "openai:x"', "openai:x needs a key"),
        ('name = "openai:x"\nbase_url = "https://me:pw@models.example.com"', "without user"),
        ('name = "openai:x"\nbase_url = "https://models.example.com"', "The price of openai:x"),
        ('name = "nobody:x"\ninput_price = 1\noutput_price = 1', "nobody:x cannot be used"),
        ('name = "openai:x"\nlead = 3', "[model] cannot be used: lead"),
    ],
)
def test_the_doctor_says_what_is_wrong(shell: CommandLine, table: str, said: str) -> None:
    check = checked(shell, f"[model]\n{table}")
    assert check["state"] == "broken"
    assert said in check["found"]
    assert check["advice"] == "Correct [model] in research.toml."


def test_the_doctor_says_that_the_extra_is_missing(shell: CommandLine) -> None:
    (shell.cwd / "without").mkdir()
    hidden = "import sys\nsys.modules['pydantic_ai'] = None\n"
    (shell.cwd / "without" / "sitecustomize.py").write_text(hidden)
    path = f"{shell.cwd / 'without'}:{shell.environ()['PYTHONPATH']}"
    config = environ(shell, '[model]\nname = "openai:x"\nkey = "env:MODEL_KEY"')
    done = shell.run("doctor", "--json", **{**config, "PYTHONPATH": path})
    [check] = [one for one in done.json["checks"] if one["name"] == "language models"]
    assert check["state"] == "broken"
    assert "pip install 'mcp-jobs-server[model]'" in check["found"]

"""How profiles differ, and which can run the jobs of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_jobs_server.backends.local.store.profiles import Profile
from mcp_jobs_server.core import environment

PROFILE = Profile(
    id="a",
    interpreter="/a/python",
    version="1.2",
    configuration="",
    job_command=("/a/python", "-m", "researcher_job"),
    settings="{}",
    secrets=("A_KEY",),
)


@pytest.mark.parametrize(
    ("other", "can"),
    [
        (PROFILE, True),
        (replace(PROFILE, version="1.1.9"), True),
        (replace(PROFILE, version="1.10"), False),
        (replace(PROFILE, secrets=()), True),
        (replace(PROFILE, secrets=("A_KEY", "B_KEY")), False),
        (replace(PROFILE, configuration="/b.toml"), False),
        (replace(PROFILE, job_command=("/a/python", "-m", "another")), False),
        (
            replace(
                PROFILE,
                interpreter="/b/python",
                job_command=("/b/python", *PROFILE.job_command[1:]),
            ),
            True,
        ),
    ],
)
def test_which_profiles_can_run_jobs_of_others(other: Profile, *, can: bool) -> None:
    assert PROFILE.can_run_jobs_of(other) is can


@pytest.mark.parametrize(
    ("name", "differs"),
    [("TEAM", True), ("HTTPS_PROXY", True), ("MY_KEY", True), ("SHLVL", False), ("PWD", False)],
)
def test_profiles_differ_in_all_that_a_job_can_notice(name: str, *, differs: bool) -> None:
    one, other = {"HOME": "/a", name: "1"}, {"HOME": "/a", name: "2"}
    assert (environment.digest(one) != environment.digest(other)) is differs


def test_secrets_are_stored_by_name_only() -> None:
    environ = {"OPENAI_API_KEY": "1", "DB_PASSWORD": "2", "GIT_TOKEN": "3", "KEYBOARD": "us"}
    assert environment.secret_names(environ) == ("DB_PASSWORD", "GIT_TOKEN", "OPENAI_API_KEY")

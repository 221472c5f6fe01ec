"""What tells surroundings apart, and who may stand in for whom."""

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
def test_who_may_stand_in_for_whom(other: Profile, *, can: bool) -> None:
    assert PROFILE.can_run_jobs_of(other) is can


@pytest.mark.parametrize(
    ("name", "differs"),
    [("TEAM", True), ("HTTPS_PROXY", True), ("MY_KEY", True), ("SHLVL", False), ("PWD", False)],
)
def test_surroundings_differ_in_what_a_job_can_notice(name: str, *, differs: bool) -> None:
    one, other = {"HOME": "/a", name: "1"}, {"HOME": "/a", name: "2"}
    assert (environment.digest(one) != environment.digest(other)) is differs


def test_secrets_are_known_by_their_names_alone() -> None:
    environ = {"OPENAI_API_KEY": "1", "DB_PASSWORD": "2", "GIT_TOKEN": "3", "KEYBOARD": "us"}
    assert environment.secret_names(environ) == ("DB_PASSWORD", "GIT_TOKEN", "OPENAI_API_KEY")

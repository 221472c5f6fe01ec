"""A job with a scripted model in a process of its own, which ends in the middle of a call."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from researcher_job.models.base import Prompt, Reply
from researcher_job.records.job_folder import JobFolder
from researcher_job.testing import ScriptedModel
from tests.repository import ROOT
from tests.researcher_job.jobs import WAIT, make_job
from tests.researcher_job.scripts import GOOD

KILLED = 9


@dataclass
class Killed(ScriptedModel):
    """A model in whose call with this number, from 1, the process ends at once."""

    at_call: int = 1

    async def reply(self, prompt: Prompt) -> Reply:
        print(prompt.name, flush=True)
        if len(self.prompts) + 1 == self.at_call:
            os._exit(KILLED)
        return await super().reply(prompt)


def run_killed(folder: JobFolder, *, at_call: int) -> list[str]:
    """Run the job until the process ends in that call; return the names of the calls begun."""
    command = [sys.executable, "-m", __name__, str(folder.path), str(at_call)]
    ran = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=WAIT, check=False
    )
    assert ran.returncode == KILLED
    return ran.stdout.splitlines()


if __name__ == "__main__":
    model = Killed(GOOD, at_call=int(sys.argv[2]))
    anyio.run(replace(make_job(JobFolder(Path(sys.argv[1]))), models=model.models()).run)

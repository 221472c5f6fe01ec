"""``make demo-model``: a whole job with a real small model on this machine, in minutes.

It tests the loop, never quality: whatever so weak a model says, the report holds quotes that code
located, and sentences that their quotes prove.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from research_contract import records
from research_contract.files import create_once, encode
from research_contract.records import Limits, Request, SourceRef, new_job_id
from tests.repository import ROOT
from tests.small_model.served import configuration, missing, small_model

QUESTION = "What does a visitor's berth for a night cost, and what is in the price?"
MINUTES = 5
TOKENS = 60_000


def main() -> int:
    """Run the job, print its steps as they come, the report and its verification."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 2
    question = " ".join(sys.argv[1:]) or QUESTION
    documents = ROOT / "mcp_jobs_server" / "demo" / "harbour"
    with tempfile.TemporaryDirectory() as root, small_model() as url:
        folder, config = Path(root) / "job", Path(root) / "research.toml"
        config.write_text(configuration(url, output_tokens=300), encoding="utf-8")
        request = Request(
            job_id=new_job_id(datetime.now(UTC)),
            question=question,
            sources=(SourceRef(name="harbour", uri=documents.as_uri()),),
            depth="quick",
            limits=Limits(minutes=MINUTES, tokens=TOKENS),
            created_at=datetime.now(UTC),
        )
        folder.mkdir()
        create_once(folder / records.REQUEST, encode(request))
        print(f"Asking SmolLM2-135M-Instruct at {url}: {question}\n", flush=True)
        command = [sys.executable, "-m", "researcher_job"]
        arguments = ["--folder", str(folder), "--settings", str(config)]
        with subprocess.Popen([*command, *arguments]) as job:
            _follow(folder, job)
        print("\n" + (folder / records.REPORT).read_text(encoding="utf-8"))
        return subprocess.run([*command, "verify", str(folder)], check=False).returncode


def _follow(folder: Path, job: subprocess.Popen[bytes]) -> None:
    """Print steps as they are written, until the job ends."""
    from research_contract.records import Step
    from researcher_job.records.segments import read_segments

    shown = 0
    ended = False
    while not ended:
        try:
            ended = job.wait(0.5) is not None
        except subprocess.TimeoutExpired:
            ended = False
        for step in read_segments(folder, records.STEPS, Step).records[shown:]:
            shown += 1
            if step:
                print(f"{step.at:%H:%M:%S} {step.worker or 'job'}: {step.message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

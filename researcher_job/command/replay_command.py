"""``researcher-job replay``: runs a finished job again, without a model, a source or a network."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import anyio

from research_contract import records
from research_contract.files import decode, read_whole
from research_contract.questions import questions_of
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode, RequestRefused
from researcher_job.core.settings import JobSettings
from researcher_job.models.kept import KeptModels
from researcher_job.records.control import Control
from researcher_job.records.job_folder import JobFolder
from researcher_job.research.job import Job
from researcher_job.research.replay import KeptSource, Replay, Turns
from researcher_job.strategies.agent.prompts import PURPOSES, instructions
from researcher_job.strategies.extractive.strategy import Extractive

COPIED = (records.REQUEST, records.MODELS, records.RESULTS, records.SNAPSHOTS)
"""What a replay starts from; everything else is made again."""

COMPARED = (records.REPORT, records.EVIDENCE)


def run_replay(arguments: list[str]) -> ExitCode:
    """Replay a job as the command line says; print whether the same came out.

    Raises:
        RequestRefused: the job cannot be replayed, or the new folder is in use.
    """
    parser = argparse.ArgumentParser(
        prog="researcher-job replay",
        description="Runs a finished job with a language model again from its folder.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR2", help="a new folder")
    options = parser.parse_args(arguments)
    different = replayed(options.folder, options.into)
    for name in COMPARED:
        print(f"{name}: {'differs' if name in different else 'the same'}")  # noqa: T201
    return ExitCode.FAILED if different else ExitCode.DONE


def replayed(root: Path, into: Path) -> tuple[str, ...]:
    """Run the job of the folder ``root`` again in ``into``; return the files that differ.

    Raises:
        RequestRefused: the job cannot be replayed, or the new folder is in use.
    """
    done = JobFolder(root)
    request, outcome, status = done.request(), done.outcome(), done.status()
    kept = decode(KeptModels, read_whole(done.file(records.MODELS)))
    if not outcome or not kept:
        raise RequestRefused("Only a finished job with a language model can be replayed.")
    if request.earlier:
        raise RequestRefused("A job that builds on another one cannot be replayed.")
    if done.steered().receipts:
        raise RequestRefused("A job that was steered while it ran cannot be replayed.")
    if outcome.prompts != tuple(instructions(kind).name for kind in PURPOSES):
        raise RequestRefused(
            "The job was made with the instructions of another version. Replay it with that one."
        )
    if into.exists() and any(into.iterdir()):
        raise RequestRefused(f"The folder {into.name} is not empty. Name a new one.")
    for name in COPIED:
        source, target = done.file(name), JobFolder(into).file(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copyfile(source, target)
    folder = JobFolder(into)
    questions = questions_of(request.question, request.plan)
    replay = Replay(outcome, status.embeddings if status else (), Turns(done.quotes()))
    job = Job(
        folder=folder,
        request=request,
        attempt=outcome.attempts,
        settings=replace(JobSettings(cache_dir=into), concurrency=max(1, len(questions))),
        open_source=KeptSource(into, outcome.coverage, replay.reason).open,
        strategy=Extractive(),
        models=kept.models(),
        control=Control(into),
        clock=Clock(now=lambda: outcome.ended_at, monotonic=lambda: 0.0),
        replay=replay,
        format_version=outcome.format_version,
    )
    anyio.run(job.run)
    return tuple(
        name for name in COMPARED if read_whole(done.file(name)) != read_whole(folder.file(name))
    )

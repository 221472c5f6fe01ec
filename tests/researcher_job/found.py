"""A finished job over real files, without a model: a list, a table, and what nothing answers."""

from __future__ import annotations

from pathlib import Path

from research_contract.records import Plan, SourceRef
from researcher_job.records.job_folder import JobFolder
from tests.researcher_job.jobs import command, make_folder

DOCUMENTS = {
    "lease.md": "# Lease\n\n## Deposit\n\nThe tenant pays:\n\n- a deposit of two months of rent\n"
    + "".join(f"- fee number {n}, which the landlord sets each year in March\n" for n in range(30))
    + "\nThe landlord returns the deposit within sixty days.\n",
    "prices.csv": "Item,Price in EUR,Valid from\nKestrel 40,1200,2023-01-01\n"
    "Kestrel 60,1900,2024-06-01\nHeron 10,400,2023-02-01\n",
    "garden.md": "# Garden\n\nThe garden is closed from November to March.\n",
}
QUESTIONS = (
    "What deposit does the tenant pay?",
    "What is the price of the Kestrel 40?",
    "Who insures the submarine garden?",
)


def found_folder(root: Path, **fields: object) -> JobFolder:
    """Run the real command below ``root``; ``fields`` are more fields of the request."""
    documents = root / "desk"
    documents.mkdir(exist_ok=True)
    for name, text in DOCUMENTS.items():
        (documents / name).write_text(text, encoding="utf-8")
    folder = make_folder(
        root / str(fields.get("job_id", "job")),
        **{
            "question": "What do the papers say?",
            "plan": Plan(questions=QUESTIONS),
            "sources": (SourceRef(name="desk", uri=documents.as_uri()),),
            **fields,
        },
    )
    done = command("--folder", folder.path, "--cache", root / "cache")
    assert done.returncode == 0, done.stderr
    return folder

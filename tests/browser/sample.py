"""A finished job over a few documents, with all that a report can show; real, from the command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from research_contract import records
from research_contract.files import create_once, encode
from research_contract.records import Plan, Request, SourceRef
from tests.researcher_job.files import pdf
from tests.researcher_job.jobs import NOW, command

LONG = " ".join(
    f"Paragraph {n} of the commentary tells of the history of leave in house number {n}."
    for n in range(1, 60)
)
DOCUMENTS = {
    "leave.md": "# Leave\n\n## Annual leave\n\n"
    f"{LONG}\n\n"
    "Every employee has 28 days of paid annual leave a year. Leave is granted by the head of the"
    " department, who answers within five working days.\n\n"
    f"{LONG}\n\n"
    "## Parental leave\n\nParents take up to 24 months of parental leave, of which two are"
    " reserved for each parent.\n",
    "contract.md": "# Standard contract\n\n## Holidays\n\n"
    "Every employee has 30 days of paid annual leave a year, pro rata in the year of joining.\n",
    "travel.md": "# Travel\n\nThe daily allowance depends on the country.\n\n## Allowance\n\n"
    "| Country | Daily allowance | Hotel limit |\n| --- | --- | --- |\n"
    "| Norway | 80 euro allowance a day in Norway | 190 euro |\n"
    "| Portugal | 50 euro allowance a day in Portugal | 120 euro |\n",
    "visitors.md": "# Visitors\n\nVisitors wear the visitors badge at all times and are met at the"
    " gate.\n",
}
HOSTILE = {
    "visitors.md": "# <script>document.title='run'</script>\n\n"
    "The visitors badge <img src=x onerror=\"document.title='run'\"> is worn [9] at all times"
    " \u202eby visitors\u202c; see ![x](https://example.com/x.png) and"
    " <style>body{display:none}</style> &lt;b&gt;.\n",
}
QUESTIONS = (
    "How many days of paid annual leave does every employee have?",
    "Who grants leave?",
    "What is the daily allowance in Norway and Portugal?",
    "Where do visitors wear the visitors badge?",
    "Which vaccinations are needed for submarine welding?",
)


def sample_folder(root: Path, more: Mapping[str, str] | None = None) -> Path:
    """Run the job below ``root`` and return its folder; ``more`` replaces documents."""
    documents = root / "handbook"
    documents.mkdir(parents=True)
    for name, text in {**DOCUMENTS, **(more or {})}.items():
        (documents / name).write_text(text, encoding="utf-8")
    (documents / "scan-1998.pdf").write_bytes(pdf("", ""))
    request = Request(
        job_id="20260301-aaaaaaaaaaaaa",
        question="What do our rules say about leave, travel and visitors?",
        plan=Plan(title="Leave, travel and visitors", questions=QUESTIONS, audience="the board"),
        sources=(SourceRef(name="handbook", uri=documents.as_uri()),),
        created_at=NOW,
    )
    folder = root / "job"
    create_once(folder / records.REQUEST, encode(request))
    done = command("--folder", folder, "--cache", root / "cache")
    assert done.returncode == 0, done.stderr
    return folder

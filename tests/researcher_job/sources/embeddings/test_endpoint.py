"""Vectors of a service over HTTP: paid by the ledger, kept by content, refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from research_contract.files import decode, read_whole
from research_contract.records import RESULTS, Cost
from researcher_job.core.errors import ExitCode, RequestRefused
from researcher_job.core.settings import EmbeddingsEndpoint, JobSettings
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.ledger import PaidCall
from researcher_job.research.purse import EMBEDDING
from researcher_job.sources.embeddings.base import EmbeddingFailed
from researcher_job.sources.embeddings.endpoint import TOGETHER, Endpoint
from researcher_job.sources.embeddings.store import Kept
from tests.researcher_job.files import source
from tests.researcher_job.jobs import make_folder, outcome_of

KEY = "k-4711-very-secret"
MEANINGS = ({"quit", "notice", "leave"}, {"water", "pump"}, {"fence", "garden"})
QUESTION = "How early must staff say that they quit the contract?"
TEXTS = {
    "a.md": "# A\n\nThe contract of the fence was signed by staff, early on.\n",
    "b.md": "# B\n\nStaff give notice of leave three months before a contract ends.\n",
}


@dataclass
class Service:
    """A service on this machine: answers by ``faults`` first, then with vectors."""

    url: str = ""
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def answer(self, texts: list[str]) -> bytes:
        rows = [[0.1, *(float(any(w in t for w in m)) for m in MEANINGS)] for t in texts]
        data = [{"index": n, "embedding": row} for n, row in enumerate(rows)][::-1]
        return json.dumps({"data": data, "usage": {"total_tokens": 10 * len(texts)}}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.path, dict(self.headers), body))
            fault = found.faults.pop(0) if found.faults else None
            status, said = fault or (200, found.answer([one.lower() for one in body["input"]]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Retry-After", "0")
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def unpaid(
    _arguments: Mapping[str, JsonValue], most: Cost, make: Callable[[], tuple[JsonValue, Cost]]
) -> JsonValue:
    answer, _ = make()
    assert most.tokens > 0
    return answer


def endpoint(service: Service, **said: object) -> Endpoint:
    table = {"model": "small-3", "base_url": service.url, **said}
    return Endpoint(EmbeddingsEndpoint.model_validate(table), unpaid)


# --- the port ---------------------------------------------------------------------------------


def test_vectors_come_in_the_order_of_the_texts(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDINGS_KEY", KEY)
    embedder = endpoint(service, key="env:EMBEDDINGS_KEY")
    asked = embedder.questions(["When may I quit?"])[0]
    cosines = embedder.passages(["A pump for water.", "Notice of leave.", ""]) @ asked
    assert cosines[1] > 0.99
    assert max(cosines[0], cosines[2]) < 0.5
    path, headers, body = service.asked[0]
    assert (path, headers["Authorization"]) == ("/v1/embeddings", f"Bearer {KEY}")
    assert body == {"input": ["When may I quit?"], "model": "small-3", "encoding_format": "float"}


def test_many_texts_are_sent_in_several_calls(service: Service) -> None:
    assert endpoint(service).passages(["water"] * (2 * TOGETHER + 1)).shape == (129, 4)
    assert [len(body["input"]) for *_, body in service.asked] == [64, 64, 1]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again(service: Service, status: int) -> None:
    service.faults = [(status, b"{}")] * 2
    assert len(endpoint(service).passages(["water"])) == 1
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("faults", "calls", "why"),
    [
        ([(500, b"")] * 9, 4, "answered with HTTP status 500"),
        ([(401, b"")], 1, "answered with HTTP status 401"),
        ([(302, b"")], 1, "answered with HTTP status 302"),
        ([(200, b"garbage")], 1, "no vector for each text"),
        ([(200, b'{"data": []}')], 1, "no vector for each text"),
        ([(200, b'{"data": [{"index": 0, "embedding": []}]}')], 1, "no vector for each text"),
        ([(200, b'{"data": [{"index": 1, "embedding": [1]}]}')], 1, "no vector for each text"),
        ([(200, b'{"data": [{"index": 0, "embedding": [NaN]}]}')], 1, "no vector for each text"),
    ],
)
def test_without_vectors_it_fails_in_words(
    service: Service, faults: list[tuple[int, bytes]], calls: int, why: str
) -> None:
    service.faults = faults
    with pytest.raises(
        EmbeddingFailed, match=f"The embeddings endpoint 'small-3' .*{why}"
    ) as error:
        endpoint(service).passages(["water"])
    assert len(service.asked) == calls
    assert service.url not in str(error.value)


def test_a_service_that_is_not_there_fails_in_words(service: Service) -> None:
    with pytest.raises(EmbeddingFailed, match="cannot be reached"):
        endpoint(service, base_url="http://127.0.0.1:9").passages(["water"])


def test_a_serving_endpoint_is_called_with_the_sign_in_of_the_workspace(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", service.url.removesuffix("/v1"))
    monkeypatch.setenv("DATABRICKS_TOKEN", KEY)
    settings = EmbeddingsEndpoint(model="databricks:e5-large", dimensions=8)
    rows = [{"index": 0, "embedding": [1] * 8}]
    service.faults = [(200, json.dumps({"data": rows}).encode())]
    assert Endpoint(settings, unpaid).passages(["water"]).shape == (1, 8)
    path, headers, body = service.asked[-1]
    assert path == "/serving-endpoints/e5-large/invocations"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {"input": ["water"], "dimensions": 8}


def test_vectors_are_kept_by_content_model_version_and_dimension(
    service: Service, tmp_path: Path
) -> None:
    Kept(endpoint(service), tmp_path).passages(["water", "fence"])
    Kept(endpoint(service), tmp_path).passages(["fence", "garden"])
    assert [body["input"] for *_, body in service.asked] == [["water", "fence"], ["garden"]]
    for other in ({"version": "2"}, {"dimensions": 8}, {"model": "large"}):
        assert endpoint(service, **other).name != endpoint(service).name
    service.faults = [(200, b'{"data": [{"index": 0, "embedding": [1, 0]}]}')]
    with pytest.raises(EmbeddingFailed, match="another length than before"):
        Kept(endpoint(service), tmp_path).passages(["fence", "new"])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"model": "x"}, "base_url must begin with https"),
        ({"model": "x", "base_url": "http://example.org/v1"}, "base_url must begin with https"),
        ({"model": "x", "base_url": "https://example.org", "key": KEY}, "must name a secret"),
        ({"model": "databricks:x", "key": "env:K"}, "needs no base_url and no key"),
        ({"model": "x y", "base_url": "https://example.org"}, "model"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(table: dict[str, object], why: str) -> None:
    with pytest.raises(RequestRefused, match=why) as error:
        JobSettings(cache_dir=Path()).with_configuration({"embeddings_endpoint": table})
    assert KEY not in str(error.value)


def test_the_name_alone_is_not_enough() -> None:
    with pytest.raises(RequestRefused, match="needs the table"):
        JobSettings(cache_dir=Path()).with_configuration({"embeddings": ["endpoint"]})


# --- jobs -------------------------------------------------------------------------------------


def configured(root: Path, service: Service, allowed: str = '["docs"]') -> list[object]:
    """Write documents and a configuration; return the options of a command."""
    documents = root / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    for name, text in TEXTS.items():
        (documents / name).write_text(text)
    configuration = root / "research.toml"
    configuration.write_text(
        f"[sources.docs]\nuri = {json.dumps(documents.as_uri())}\n"
        '[researcher]\nembeddings = ["endpoint"]\n[researcher.embeddings_endpoint]\n'
        f'model = "small-3"\nbase_url = "{service.url}"\nkey = "env:EMBEDDINGS_KEY"\n'
        f"sources = {allowed}\nusd_per_million_tokens = 100\n"
    )
    return ["--cache", root / "cache", "--config", configuration]


def command(*options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "researcher_job", *map(str, options)],
        env={**os.environ, "EMBEDDINGS_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )


def researched(
    root: Path,
    service: Service,
    *,
    allowed: str = '["docs"]',
    tokens: int | None = None,
    question: str = QUESTION,
) -> tuple[JobFolder, subprocess.CompletedProcess[str]]:
    options = configured(root, service, allowed)
    folder = make_folder(
        root / f"job{len(list(root.glob('job*')))}",
        plan={"questions": [question]},
        sources=(source(root / "documents"),),
        limits={"tokens": tokens},
    )
    return folder, command("--folder", folder.path, *options)


def paid(folder: JobFolder) -> list[PaidCall]:
    found = [decode(PaidCall, read_whole(one)) for one in (folder.path / RESULTS).glob("*.json")]
    return [one for one in found if one and one.kind == EMBEDDING]


def test_a_job_ranks_quotes_by_the_service_and_pays_for_it(
    tmp_path: Path, service: Service
) -> None:
    folder, done = researched(tmp_path, service)
    assert done.returncode == 0, done.stderr
    first = outcome_of(folder).questions[0].evidence[0]
    assert "notice of leave" in next(one.quote for one in folder.evidence() if one.n == first)
    assert sorted(one.cost.tokens for one in paid(folder)) == [10, 20]
    spent = outcome_of(folder).spent
    assert (spent.tokens, round(spent.cost_usd, 6)) == (30, 0.003)
    report = (folder.path / "report.md").read_text()
    assert "with small-3, by meaning" in report
    whole = "".join(one.read_text() for one in folder.path.rglob("*.json*"))
    assert KEY not in whole + report + done.stderr
    again, _ = researched(tmp_path, service)
    assert [one.cost.tokens for one in paid(again)] == [10]  # the question; passages are kept


def test_a_source_that_is_not_named_is_not_sent(tmp_path: Path, service: Service) -> None:
    folder, done = researched(tmp_path, service, allowed='["other"]')
    assert done.returncode == ExitCode.NO_REQUEST
    assert "The source 'docs' may not be sent to the embeddings endpoint 'small-3'" in done.stderr
    assert "Add it to sources of [researcher.embeddings_endpoint]" in done.stderr
    assert service.asked == []
    assert folder.outcome() is None


def test_a_service_that_fails_leaves_the_order_of_words_and_says_so(
    tmp_path: Path, service: Service
) -> None:
    service.faults = [(403, b"")] * 9
    folder, done = researched(tmp_path, service)
    assert done.returncode == 0, done.stderr
    question = outcome_of(folder).questions[0]
    assert question.state == "evidence"
    assert "Ranked by words alone: The embeddings endpoint 'small-3' answered with" in question.note
    assert [(one.answer, one.cost.tokens) for one in paid(folder)] == [(None, 0)]


def test_a_call_that_costs_more_than_is_left_is_not_made(tmp_path: Path, service: Service) -> None:
    folder, done = researched(tmp_path, service, tokens=5)
    assert done.returncode == 0, done.stderr
    assert "limit of 5 tokens" in outcome_of(folder).reason
    assert service.asked == []


OTHER_WORDS = "When may somebody quit?"


def test_vectors_of_all_blocks_made_ahead_find_what_shares_no_word(
    tmp_path: Path, service: Service
) -> None:
    before, done = researched(tmp_path, service, question=OTHER_WORDS)
    assert done.returncode == 0, done.stderr
    assert not before.evidence()
    assert service.asked == []  # no vectors of blocks are made while somebody waits
    options = configured(tmp_path, service)
    uri = (tmp_path / "documents").as_uri()
    indexed = command("index", f"docs={uri}", *options)
    assert indexed.stdout == "Read 2 of 2 files. 20 tokens were paid for vectors ($0.0020).\n"
    assert "tokens" not in command("index", f"docs={uri}", *options).stdout
    after, done = researched(tmp_path, service, question=OTHER_WORDS)
    assert done.returncode == 0, done.stderr
    nearest = outcome_of(after).questions[0].nearest
    quotes = {one.n: one.quote for one in after.quotes()}
    assert "notice of leave" in quotes[nearest[0]]
    assert [one.cost.tokens for one in paid(after)] == [10]


def test_a_source_that_is_not_named_is_not_sent_ahead(tmp_path: Path, service: Service) -> None:
    options = configured(tmp_path, service, "[]")
    done = command("index", f"docs={(tmp_path / 'documents').as_uri()}", *options)
    assert done.returncode == ExitCode.NO_REQUEST
    assert "may not be sent" in done.stderr
    assert service.asked == []

"""A workspace on this machine for tests: jobs, files, volumes; runs do what the test says.

It speaks the paths that the server uses, after the recorded answers. ``faults`` are met by the
next requests that fit; ``asked`` counts what was asked.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.lakeflow.scripted import QuietServer

JOB_ID = 625234784902960
RUN_ID = 890553971536365
ENDED = ("TERMINATED",)
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass
class Answer:
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests that begin so (``POST /api/2.2/jobs``).

    ``answer`` is sent instead; without one the caller is left waiting: before the request is
    carried out, or ``after`` it.
    """

    begins: str
    answer: Answer | None = None
    times: int = 1
    after: bool = False
    met: threading.Event = field(default_factory=threading.Event)


@dataclass
class FakeRun:
    """One run: ``state`` is a word of ``status.state``, ``code`` one of its end."""

    run_id: int
    parameters: dict[str, str]
    token: str
    state: str = "QUEUED"
    code: str = ""
    legacy: dict[str, str] = field(default_factory=dict)
    message: str = ""
    error: str = ""
    started: int = 0
    ended: int = 0

    def json(self) -> dict[str, Any]:
        status: dict[str, Any] = {"state": self.state}
        if self.code:
            status["termination_details"] = {"code": self.code, "message": self.message}
        task = {"run_id": self.run_id + 1, "task_key": "research", "status": status}
        return {
            "job_id": JOB_ID,
            "run_id": self.run_id,
            "start_time": self.started,
            "end_time": self.ended,
            "status": status,
            "state": self.legacy,
            "tasks": [task | {"start_time": self.started}],
            "job_parameters": [
                {"name": name, "default": "", "value": value}
                for name, value in self.parameters.items()
            ],
        }


class Problem(Exception):
    """Answered as an error of the workspace."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error_code": code, "message": message})


class SmallWorkspace:
    """State of the workspace; all methods may be called from any thread."""

    def __init__(self, root: Path, host: str) -> None:
        self.root = root
        self.host = host
        self.runs: list[FakeRun] = []
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        self.latency = 0.0
        self.page = 1000
        self.closed = threading.Event()
        self._lock = threading.RLock()

    # For tests

    def make_volume(self, path: str = "/Volumes/main/research/jobs") -> None:
        self.place(path).mkdir(parents=True)

    def place(self, path: str) -> Path:
        """Return where a path of the volume is on this machine."""
        return self.root / path.removeprefix("/Volumes/").strip("/")

    def run_of(self, job_id: str) -> FakeRun:
        """Return the newest run of a job."""
        return next(run for run in reversed(self.runs) if run.parameters["job_id"] == job_id)

    def runs_of(self, job_id: str) -> list[FakeRun]:
        return [run for run in self.runs if run.parameters["job_id"] == job_id]

    def begin(self, job_id: str) -> FakeRun:
        run = self.run_of(job_id)
        run.state = "RUNNING"
        return run

    def end(self, job_id: str, code: str, *, ago: float = 0, error: str = "") -> FakeRun:
        run = self.run_of(job_id)
        run.state, run.code, run.error = "TERMINATED", code, error
        run.ended = int((time.time() - ago) * 1000)
        return run

    def count(self, begins: str = "") -> int:
        return sum(asked.startswith(begins) for asked in self.asked)

    def fail(
        self, begins: str, answer: Answer | None = None, *, times: int = 1, after: bool = False
    ) -> Fault:
        fault = Fault(begins, answer, times, after)
        self.faults.append(fault)
        return fault

    # Answering

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        path, query = unquote(parts.path), {k: v[-1] for k, v in parse_qs(parts.query).items()}
        asked = f"{method} {path}"
        with self._lock:
            self.asked.append(asked)
            fault = next((f for f in self.faults if f.times and asked.startswith(f.begins)), None)
            if fault:
                fault.times -= 1
        time.sleep(self.latency)
        if fault and not fault.after:
            return self._meet(fault)
        try:
            with self._lock:
                answer = self._answer(method, path, query, headers, body)
        except Problem as problem:
            answer = problem.answer
        return self._meet(fault) if fault else answer

    def _meet(self, fault: Fault) -> Answer:
        fault.met.set()
        if fault.answer is None:
            self.closed.wait(60)
            return Answer(503)
        return fault.answer

    def _answer(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        for prefix, answer in (
            ("/api/2.0/fs/files", self._file),
            ("/api/2.0/fs/directories", self._folder),
        ):
            if path.startswith(prefix):
                return answer(method, path.removeprefix(prefix), query, headers, body)
        told = json.loads(body) if body else {}
        routes: dict[str, Callable[[], Answer]] = {
            "POST /api/2.2/jobs/run-now": lambda: self._run_now(told),
            "GET /api/2.2/jobs/runs/get": lambda: Answer(body=self._run(query["run_id"]).json()),
            "GET /api/2.2/jobs/runs/list": lambda: self._list(query),
            "POST /api/2.2/jobs/runs/cancel": lambda: self._cancel(told),
            "GET /api/2.2/jobs/runs/get-output": lambda: self._output(query),
        }
        if route := routes.get(f"{method} {path}"):
            return route()
        if path.startswith("/api/2.1/unity-catalog/"):
            return self._catalog(method, path.removeprefix("/api/2.1/unity-catalog/"), told)
        raise Problem(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path}'")

    def _run_now(self, told: dict[str, Any]) -> Answer:
        if told["job_id"] != JOB_ID:
            raise Problem(400, "INVALID_PARAMETER_VALUE", f"Job {told['job_id']} does not exist.")
        token = told.get("idempotency_token", "")
        run = next((run for run in self.runs if token and run.token == token), None)
        if run is None:
            number = RUN_ID + 10 * len(self.runs)
            run = FakeRun(number, told["job_parameters"], token, started=int(time.time() * 1000))
            self.runs.append(run)
        return Answer(body={"run_id": run.run_id, "number_in_job": run.run_id})

    def _run(self, run_id: str) -> FakeRun:
        for run in self.runs:
            if str(run.run_id) == run_id:
                return run
        raise Problem(400, "INVALID_PARAMETER_VALUE", f"Run {run_id} does not exist.")

    def _list(self, query: dict[str, str]) -> Answer:
        active = [run.json() for run in reversed(self.runs) if run.state not in ENDED]
        start, limit = int(query.get("page_token", 0)), int(query.get("limit", 20))
        answer: dict[str, Any] = {}
        if page := active[start : start + limit]:
            answer["runs"] = page
        if active[start + limit :]:
            answer["next_page_token"] = str(start + limit)
        return Answer(body=answer)

    def _cancel(self, told: dict[str, Any]) -> Answer:
        run = self._run(str(told["run_id"]))
        if run.state not in ENDED:
            run.state = "TERMINATING" if run.state == "RUNNING" else "TERMINATED"
            run.code, run.ended = "USER_CANCELED", int(time.time() * 1000)
        return Answer()

    def _output(self, query: dict[str, str]) -> Answer:
        run = self._run(str(int(query["run_id"]) - 1))
        return Answer(body={"error": run.error, "metadata": {}})

    def _catalog(self, method: str, path: str, told: dict[str, Any]) -> Answer:
        kind, _, name = path.partition("/")
        if method == "GET":
            if not self.place(name.replace(".", "/")).is_dir():
                raise Problem(404, f"{kind.upper()}_DOES_NOT_EXIST", f"'{name}' does not exist.")
            return Answer(body={"name": name})
        names = [told[part] for part in ("catalog_name", "schema_name") if part in told]
        place = self.place("/".join((*names, told["name"])))
        if not place.parent.is_dir():
            raise Problem(404, "NOT_FOUND", "What should hold it does not exist.")
        if place.exists():
            raise Problem(400, "BAD_REQUEST", f"'{told['name']}' already exists")
        place.mkdir()
        return Answer(body={"name": told["name"]})

    def _in_volume(self, path: str) -> Path:
        """Return the place; nothing is in a volume that was not made."""
        parts = path.strip("/").split("/")
        if parts[0] != "Volumes" or not self.place("/" + "/".join(parts[:4])).is_dir():
            raise Problem(404, "NOT_FOUND", "The volume does not exist.")
        return self.place(path)

    def _file(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        place = self._in_volume(path)
        if method == "PUT":
            if place.exists() and query.get("overwrite") == "false":
                raise Problem(409, "ALREADY_EXISTS", "The file being created already exists.")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)
            return Answer(204, b"")
        if not place.is_file():
            raise Problem(404, "NOT_FOUND", "The file being accessed is not found.")
        if method == "DELETE":
            place.unlink()
            return Answer(204, b"")
        data = place.read_bytes()
        return _part(data, headers.get("Range", "")) if method == "GET" else Answer(body=data)

    def _folder(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        place = self._in_volume(path)
        if method == "PUT":
            place.mkdir(parents=True, exist_ok=True)
            return Answer(204, b"")
        if not place.is_dir():
            raise Problem(404, "NOT_FOUND", "The directory being accessed is not found.")
        inside = sorted(place.iterdir())
        if method == "DELETE":
            if inside:
                raise Problem(400, "BAD_REQUEST", "The directory is not empty.")
            shutil.rmtree(place)
            return Answer(204, b"")
        start = int(query.get("page_token", 0))
        answer: dict[str, Any] = {}
        if page := inside[start : start + self.page]:
            answer["contents"] = [
                {"path": f"{path}/{found.name}", "name": found.name, "is_directory": found.is_dir()}
                for found in page
            ]
        if inside[start + self.page :]:
            answer["next_page_token"] = str(start + self.page)
        return Answer(body=answer)


def _part(data: bytes, asked: str) -> Answer:
    said = RANGE.fullmatch(asked)
    if said is None:
        return Answer(body=data)
    size = len(data)
    start = int(said[1]) if said[1] else max(0, size - int(said[2]))
    stop = min(size, int(said[2]) + 1) if said[1] and said[2] else size
    if start >= size:
        return Answer(416, b"", {"Content-Range": f"bytes */{size}"})
    return Answer(206, data[start:stop], {"Content-Range": f"bytes {start}-{stop - 1}/{size}"})


@contextmanager
def small_workspace(root: Path) -> Iterator[SmallWorkspace]:
    """Serve a workspace on a free port of the loopback address until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = workspace.handle(self.command, self.path, dict(self.headers), self._body())
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.data)

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the library calls them so

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    workspace = SmallWorkspace(root, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield workspace
    finally:
        workspace.closed.set()
        server.shutdown()
        server.server_close()
        thread.join()

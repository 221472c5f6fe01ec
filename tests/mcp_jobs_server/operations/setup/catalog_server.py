"""A fake Unity Catalog in memory, with privileges, for two people.

It answers over HTTP on loopback, in the format of the recorded bodies.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

Json: TypeAlias = Any
Answer: TypeAlias = "tuple[int, Json]"

OPERATOR, PERSON = "olga@example.com", "paul@example.com"
TOKENS = {"token-of-olga": OPERATOR, "token-of-paul": PERSON}
APP = "11111111-1111-1111-1111-111111111111"
JOB = "22222222-2222-2222-2222-222222222222"
APP_NAME, APP_URL = "mcp-research-jobs-prod", "https://mcp-research-jobs-prod-9.example.com"
JOB_ID = 625234784902960

_BY_RIGHT = {
    "schema": "CREATE_SCHEMA",
    "volume": "CREATE_VOLUME",
    "connection": "CREATE_CONNECTION",
    "mcp_service": "CREATE_SERVICE",
}
_PLURAL = {
    "catalogs": "catalog",
    "schemas": "schema",
    "volumes": "volume",
    "connections": "connection",
    "mcp-services": "mcp_service",
}


class Catalog:
    """The content of the workspace. ``changes`` are the requests that change something."""

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], Json] = {("catalog", "main"): {"owner": OPERATOR}}
        self.grants: dict[tuple[str, str], dict[str, set[str]]] = {}
        self.changes: list[str] = []
        self.seen: list[str] = []
        self.broken: dict[str, Answer] = {}
        self.credential = "OAUTH_U2M_MAPPING"
        self.job = _job()
        self.job_access = [_access("service_principal_name", APP, "CAN_MANAGE_RUN")]
        self.app = {
            "name": APP_NAME,
            "url": APP_URL,
            "service_principal_client_id": APP,
            "effective_user_api_scopes": ["iam.current-user:read", "files.files"],
        }

    def allow(self, principal: str, kind: str, name: str, *privileges: str) -> None:
        self.grants.setdefault((kind, name), {}).setdefault(principal, set()).update(privileges)

    def may(self, who: str, privilege: str, kind: str, name: str) -> bool:
        for place in _above(kind, name):
            if self.things.get(place, {}).get("owner") == who:
                return True
            held = self.grants.get(place, {})
            for name_of in (who, "users"):
                if held.get(name_of, set()) & {privilege, "ALL_PRIVILEGES", "MANAGE"}:
                    return True
        return False

    def answer(self, who: str, method: str, path: str, query: dict[str, str], body: Json) -> Answer:
        self.seen.append(f"{method} {path}")
        if method != "GET":
            self.changes.append(f"{method} {path}")
        for start, said in self.broken.items():
            if f"{method} {path}".startswith(start):
                return said
        for pattern, route in _ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return route(self, who, *map(unquote, found.groups()), query=query, body=body)
        return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"No API found for {path}"}

    def me(self, who: str, *, query: Json, body: Json) -> Answer:
        return 200, {"id": "1", "userName": who, "groups": [{"display": "users"}]}

    def get(self, who: str, plural: str, name: str, *, query: Json, body: Json) -> Answer:
        kind = _PLURAL[plural]
        if (kind, name) in self.things:
            return 200, {"name": name.rpartition(".")[2], **self.things[kind, name]}
        said = f"{kind.title()} '{name}' does not exist."
        return 404, {"error_code": f"{kind.upper()}_DOES_NOT_EXIST", "message": said}

    def make(self, who: str, plural: str, *, query: Json, body: Json) -> Answer:
        kind = _PLURAL[plural]
        parent = _parent(kind, query, body)
        name = f"{parent[1]}.{query.get('mcp_service_id') or body['name']}"
        if not self.may(who, _BY_RIGHT[kind], *parent):
            said = f"User does not have {_BY_RIGHT[kind]} on {parent[0]} '{parent[1]}'."
            return 403, {"error_code": "PERMISSION_DENIED", "message": said}
        if (kind, name) in self.things:
            status = 400 if kind == "schema" else 409
            said = f"{kind.title()} '{body.get('name')}' already exists"
            return status, {"error_code": f"{kind.upper()}_ALREADY_EXISTS", "message": said}
        kept = {**body, "owner": who}
        if kind == "connection":
            kept["options"] = {k: v for k, v in body["options"].items() if "secret" not in k}
            kept["credential_type"] = (
                self.credential if "authorization_endpoint" in body["options"] else "OAUTH_M2M"
            )
        self.things[kind, name] = kept
        return 200, kept

    def effective(self, who: str, kind: str, name: str, *, query: Json, body: Json) -> Answer:
        own = query.get("principal") == who
        if not own and not self.may(who, "MANAGE", kind, name):
            said = f"User is not an owner of {kind} '{name}'."
            return 403, {"error_code": "PERMISSION_DENIED", "message": said}
        rows = [row for place in _above(kind, name) for row in self._rows(place, (kind, name))]
        rows = [row for row in rows if not own or row["principal"] == who]
        at = int(query.get("page_token") or 0)  # one row a page, and an empty page before each
        page = [rows[at // 2]] if at % 2 and rows else []
        more = {"next_page_token": str(at + 1)} if at + 1 < 2 * len(rows) else {}
        return 200, {"privilege_assignments": page, **more}

    def _rows(self, place: tuple[str, str], asked: tuple[str, str]) -> Iterator[Json]:
        above = {"inherited_from_type": place[0].upper(), "inherited_from_name": place[1]}
        for principal, held in self.grants.get(place, {}).items():
            said = [{"privilege": p, **({} if place == asked else above)} for p in sorted(held)]
            yield {"principal": principal, "privileges": said}

    def change(self, who: str, kind: str, name: str, *, query: Json, body: Json) -> Answer:
        if not self.may(who, "MANAGE", kind, name):
            said = f"User does not have MANAGE on {kind} '{name}'."
            return 403, {"error_code": "PERMISSION_DENIED", "message": said}
        for each in body["changes"]:
            self.allow(each["principal"], kind, name, *each["add"])
        return 200, {}

    def get_job(self, who: str, *, query: Json, body: Json) -> Answer:
        if query["job_id"] == str(JOB_ID):
            return 200, self.job
        said = f"Job {query['job_id']} does not exist."
        return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": said}

    def get_access(self, who: str, *, query: Json, body: Json) -> Answer:
        return 200, {"access_control_list": self.job_access}

    def get_app(self, who: str, name: str, *, query: Json, body: Json) -> Answer:
        if name == APP_NAME:
            return 200, self.app
        return 404, {"error_code": "NOT_FOUND", "message": f"App {name} does not exist."}

    def get_model(self, who: str, name: str, *, query: Json, body: Json) -> Answer:
        if name in ("claude", "asleep"):
            return 200, {"state": {"ready": "READY" if name == "claude" else "NOT_READY"}}
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such endpoint"}


Route = Callable[..., Answer]
_UC = "/api/2.1/unity-catalog"
_ROUTES: list[tuple[str, Route]] = [
    (r"GET /api/2.0/preview/scim/v2/Me", Catalog.me),
    (rf"GET {_UC}/effective-permissions/(\w+)/([^/]+)", Catalog.effective),
    (rf"PATCH {_UC}/permissions/(\w+)/([^/]+)", Catalog.change),
    (rf"GET {_UC}/({'|'.join(_PLURAL)})/([^/]+)", Catalog.get),
    (rf"POST {_UC}/({'|'.join(_PLURAL)})", Catalog.make),
    (r"GET /api/2.2/jobs/get", Catalog.get_job),
    (rf"GET /api/2.0/permissions/jobs/{JOB_ID}", Catalog.get_access),
    (r"GET /api/2.0/apps/([^/]+)", Catalog.get_app),
    (r"GET /api/2.0/serving-endpoints/([^/]+)", Catalog.get_model),
]


def _above(kind: str, name: str) -> list[tuple[str, str]]:
    """Return the securable and its parents."""
    parts = name.split(".")
    places = [("catalog", parts[0]), ("schema", ".".join(parts[:2]))][: len(parts) - 1]
    return [(kind, name), *reversed(places)]


def _parent(kind: str, query: Json, body: Json) -> tuple[str, str]:
    if kind == "schema":
        return "catalog", body["catalog_name"]
    if kind == "volume":
        return "schema", f"{body['catalog_name']}.{body['schema_name']}"
    return "schema", str(query.get("parent") or body["parent"]).removeprefix("schemas/")


def _job() -> Json:
    parameters = [{"name": name, "default": ""} for name in ("job_folder", "job_id")]
    settings = {"name": "researcher-prod", "parameters": parameters, "queue": {"enabled": True}}
    return {"job_id": JOB_ID, "run_as_user_name": JOB, "settings": settings}


def _access(kind: str, name: str, level: str) -> Json:
    return {kind: name, "all_permissions": [{"permission_level": level, "inherited": False}]}


@contextmanager
def serve(catalog: Catalog) -> Iterator[str]:
    """Serve ``catalog`` on loopback; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            told = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(told)
            asked = urlsplit(self.path)
            who = TOKENS.get(self.headers.get("Authorization", "").removeprefix("Bearer "), "")
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            if not who and asked.path.startswith("/api/"):
                status, said = 401, {"error_code": 401, "message": "Credential was not sent"}
            else:
                body = json.loads(raw) if raw else {}
                status, said = catalog.answer(who, self.command, asked.path, query, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
